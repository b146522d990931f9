"""`winnow demo`: everything winnow does, on a simulated programme."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from screening.applicants.dossier import PAGE_NAME
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.cli.serve import serve_until_stopped
from screening.errors import ExitCode
from screening.jobs.demo import Demonstrated, run_demo
from screening.jobs.demo_story import spared_partner, worst_source
from screening.jobs.progress import Progress
from screening.jobs.users import People
from screening.jobs.vault import vault_of
from screening.store import open_store
from screening.workspace import Workspace

_PERSON = "demo"
"""Whom the demo adds to sign in as."""
_REASONS = 3
"""Reasons shown of the worst source."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("demo")(demo)


def demo(
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve the console, with a person to sign in as.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a programme of the last 35 days, with fraud in it, and take it through all that winnow does.

    Takes less than two minutes. The workspace must hold no events of your own; running the demo again shows what is
    there. All its partners, applicants, customers and fraud are simulated.

    Example: winnow demo --workspace demo-workspace
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        shown = run_demo(opened, datetime.now(UTC), progress)
        code = ExitCode.INCOMPLETE if shown.incomplete else ExitCode.DONE
        lines = list(_lines(opened, shown))
        if serve:
            for line in (*lines, "", *_signed_in(opened)):
                typer.echo(line, err=True)
            serve_until_stopped(opened, None, None)
            lines = ["Stopped."]
        return Answer(_data(opened, shown), lines, code)

    run(work, workspace=workspace, as_json=as_json)


def _signed_in(opened: Workspace) -> Iterator[str]:
    """Add a person to sign in as, with a password that is shown once."""
    with open_store(opened.store_url) as store:
        if store.users.all():
            yield f"Sign in as before; `winnow users password {_PERSON}` sets another password."
            return
        password = secrets.token_urlsafe(12)
        login, now = opened.settings.console.login, datetime.now(UTC)
        People(store, login, "winnow demo", now, vault_of(opened)).add(_PERSON, "admin", password)
    yield f"Sign in as {_PERSON} with the password {password} (made for this workspace, and shown only now)."


def _data(opened: Workspace, shown: Demonstrated) -> dict[str, Any]:
    practice, judgement = shown.practice, shown.judgement
    return {
        "simulated": True,
        "workspace": str(opened.root),
        "seed": practice.seed,
        "from": practice.start.isoformat(),
        "to": practice.last.isoformat(),
        "made": practice.made,
        "files": {str(kind): str(path) for kind, path in practice.events.items()},
        "truth": str(practice.truth),
        "lake_version": shown.lake_version,
        "lake_rows": {str(kind): count for kind, count in shown.lake_rows.items()},
        "screening": {"run_id": shown.applicants.run_id, **shown.applicants.counts},
        "scan": {"run_id": judgement.run.run_id, "scanned": judgement.scanned, "counts": dict(judgement.run.counts)},
        "payout": {
            "run_id": shown.gated.run_id,
            "out": str(shown.gated.out),
            "repeated": shown.gated.repeated,
            "totals": [asdict(total) for total in shown.gated.totals],
        },
        "people": {
            "caps": [cap.row["cap_id"] for cap in shown.day.caps],
            "appeal": shown.day.appeal.appeal_id if shown.day.appeal else None,
            "letters": dict(shown.day.letters),
            "ledger": [asdict(line) for line in shown.day.balance],
        },
        "simulated_fraud_stopped": [
            {**asdict(money), "found": money.found, "mistaken": money.mistaken} for money in shown.lesson.money
        ],
        "kinds_stopped": shown.lesson.kinds,
    }


def _lines(opened: Workspace, shown: Demonstrated) -> Iterator[str]:
    practice = shown.practice
    made = "Simulated" if practice.made else "Found"
    yield f"{made} a programme of {practice.affiliates} affiliates, {practice.start} to {practice.last}."
    rows = ", ".join(f"{count:,} {kind}" for kind, count in shown.lake_rows.items())
    yield f"The lake holds {rows}. Nobody in it exists; the fraud in it is simulated."
    yield ""
    yield from _screened(shown)
    yield from _judged(shown)
    yield from _gated(shown)
    yield from _acted(opened, shown)
    yield ""
    yield from _learned(shown)
    yield ""
    yield from _next(opened, shown)


def _screened(shown: Demonstrated) -> Iterator[str]:
    counts = ", ".join(f"{count} {decision}" for decision, count in shown.applicants.counts.items())
    yield f"Screening: {shown.applicants.screenings.height} simulated applicants: {counts}."


def _judged(shown: Demonstrated) -> Iterator[str]:
    counts = shown.judgement.run.counts
    decided = ", ".join(f"{counts.get(decision, 0):,} {decision}" for decision in ("pay", "hold", "reject"))
    yield f"Scan: {decided}; {counts['flagged']} of {counts['sources']:,} sources are flagged."
    worst = worst_source(shown.judgement.sources)
    if worst is not None:
        place = " / ".join(part for part in (worst.affiliate_id, worst.offer_id, worst.sub_id) if part)
        yield f"  The flagged source with the most bad payout is {place} ({worst.conversions} conversions):"
        yield from (f"    - {reason}" for reason in worst.reasons[:_REASONS])
    spared = spared_partner(shown.judgement.decisions)
    if spared is not None:
        yield (
            f"  Of affiliate {spared.affiliate_id} only sub_id {spared.sub_id} is held ({_money(spared.held)} "
            f"{spared.currency}); {_money(spared.paid)} {spared.currency} of its other traffic is paid."
        )


def _gated(shown: Demonstrated) -> Iterator[str]:
    gated = shown.gated
    again = ", and were gated before" if gated.repeated else ""
    yield f"Payout gate: {gated.lines:,} lines of a payout file are due{again}."
    for decision in ("pay", "hold", "reject"):
        totals = sorted((t for t in gated.totals if t.decision == decision), key=lambda t: t.amount, reverse=True)
        if totals:
            money = ", ".join(f"{_money(total.amount)} {total.currency or 'of unknown currency'}" for total in totals)
            yield f"  {decision:6} {sum(total.lines for total in totals):>6,} lines: {money}"


def _acted(opened: Workspace, shown: Demonstrated) -> Iterator[str]:
    day = shown.day
    yield "What people did with it (played by the demo):"
    for cap in day.caps:
        row = cap.row
        limit = row["recommended"] if row["approved_limit"] is None else row["approved_limit"]
        yield (
            f"  Limit {row['action']}: {row['cap_type']} of {row['affiliate_id']} in {row['offer_id']}, "
            f"{_amount(row['current'])} -> {_amount(limit)}, approved and written for the network."
        )
    if day.appeal is not None and day.appeal.answer is not None:
        answer = day.appeal.answer
        released = f"{_money(answer.amount_released)} {answer.currency}" if answer.amount_released else "nothing"
        yield f"  Appeal of {day.appeal.affiliate_id} about {day.appeal.subject}: {answer.status}, {released} released."
    letters = ", ".join(f"{count} about {occasion}" for occasion, count in day.letters.items() if count)
    yield f"  Letters to partners: {letters or 'none new'}; all in {day.letters_folder or opened.root / 'reports'}."
    for line in day.balance:
        same = "balances" if line.gated == line.ledger else f"DIFFERS: the ledger has {_money(line.ledger)}"
        yield f"  Ledger, {line.currency or 'unknown currency'}: {_money(line.gated)} released; {same}."


def _amount(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:,.2f}".removesuffix(".00")


def _learned(shown: Demonstrated) -> Iterator[str]:
    yield "How the scan did, which only a simulation can tell (no judge reads the truth):"
    for money in shown.lesson.money:
        if money.found is not None:
            yield (
                f"  {money.currency}: held or rejected {money.found:.1%} of the simulated fraudulent payout "
                f"({_money(money.fraud_stopped)} of {_money(money.fraud)})"
            )
        if money.mistaken is not None:
            yield (
                f"  {money.currency}: held by mistake {money.mistaken:.1%} of the clean payout "
                f"({_money(money.clean_stopped)} of {_money(money.clean)})"
            )
    if shown.lesson.kinds:
        hardest = min(shown.lesson.kinds, key=lambda kind: shown.lesson.kinds[kind])
        yield f"  Hardest was {hardest.replace('_', ' ')}: {shown.lesson.kinds[hardest]:.0%} of it was stopped."


def _next(opened: Workspace, shown: Demonstrated) -> Iterator[str]:
    at = f"--workspace {opened.root}"
    example = shown.applicants.example
    yield "Look next:"
    yield f"  winnow demo --serve {at}"
    yield "      the console: queues, sources with charts, applicants, caps, payouts, appeals"
    yield f"  winnow export sources --out sources.csv {at}"
    yield "      every source with its score, bad share and reasons"
    yield f"  winnow replay {shown.judgement.run.run_id} {at}"
    yield "      judges the same events again and says `identical`"
    yield f"  {shown.gated.out}"
    yield "      the payout file with a decision and reasons for each line"
    yield f"  {opened.root / example['evidence'] / PAGE_NAME}"
    yield f"      the evidence on simulated applicant {example['application_id']}: {example['decision']}"
    yield f"  {shown.practice.truth}"
    yield "      which conversions are simulated fraud"
    yield "This workspace is for practice; give your own events another one: winnow ingest --help"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
