"""`winnow cases`: what waits for a person, and what a person does about it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.jobs.review import Waiting, whats_waiting, write_released
from screening.review import cases as review
from screening.review.act import Act, local_person
from screening.review.cases import Done, Outcome, Seen
from screening.store import Case, Store, open_store
from screening.workspace import Workspace

CaseArgument = Annotated[int, typer.Argument(help="Number of the case.")]
PersonOption = Annotated[
    str | None, typer.Option("--by", help="Your name, for the audit trail.", show_default="who is logged in here")
]
NoteOption = Annotated[str, typer.Option("--note", help="Why; kept with the case.")]
_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Cases: what waits for a person's decision.")
    verb.command("list")(list_command)
    verb.command("show")(show_command)
    verb.command("decide")(decide_command)
    verb.command("assign")(assign_command)
    verb.command("snooze")(snooze_command)
    verb.command("note")(note_command)
    verb.command("undo")(undo_command)
    verb.command("released")(released_command)
    app.add_typer(verb, name="cases")


def list_command(
    *,
    kind: Annotated[str | None, typer.Option("--kind", help="Only source, application, conversion, affiliate.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a person, what locks first at the top; overdue appeals and expired holds loudly.

    The exit status is 3 when an appeal is overdue or a hold has expired.

    Example: winnow cases list --kind source
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        waiting = whats_waiting(opened, datetime.now(UTC), kind)
        data = {
            "cases": [case_data(case) for case in waiting.cases],
            "open_appeals": len(waiting.appeals),
            "overdue_appeals": [appeal.appeal_id for appeal in waiting.overdue],
            "expired_holds": [
                {**asdict(hold), "source": hold.source.subject, "amount": str(hold.amount)} for hold in waiting.expired
            ],
        }
        exit_code = ExitCode.INCOMPLETE if waiting.late else ExitCode.DONE
        return Answer(data, [*late_lines(waiting), *_list_lines(waiting)], exit_code)

    run(work, workspace=workspace, as_json=as_json)


def show_command(number: CaseArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show a case and everything that was done about it.

    Example: winnow cases show 12
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            case, history = store.cases.one(number), store.cases.history(number)
        lines = [headline(case)]
        lines += [f"  {event.at:%Y-%m-%d %H:%M} UTC  {event.author}: {event.action}  {event.note}" for event in history]
        return Answer({**case_data(case), "history": [asdict(event) for event in history]}, lines)

    run(work, workspace=workspace, as_json=as_json)


def decide_command(
    numbers: Annotated[list[int], typer.Argument(help="Numbers of cases, as `winnow cases list` shows them.")],
    *,
    decision: Annotated[
        str, typer.Option("--as", help="Traffic: clean, fraud, hold. Applications: approve, reject, ask.")
    ],
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide cases. `clean` releases what a source has held: the next payout pays it; `fraud` makes it rejected.

    Several cases are decided one by one; the exit status is 1 when one of them could not be.

    Example: winnow cases decide 12 --as clean --note "partner sent the call recordings"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            seen = [_seen(store, number) for number in numbers]
            act = act_of(store, person, note)
            outcomes = review.decide_many(store, seen, decision, act, opened.settings.review)
        failed = any(outcome.error for outcome in outcomes)
        data = {"outcomes": [_outcome_data(outcome) for outcome in outcomes]}
        lines = [_outcome_line(outcome) for outcome in outcomes]
        return Answer(data, lines, ExitCode.FAILED if failed else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)


def assign_command(
    number: CaseArgument,
    *,
    to: Annotated[str | None, typer.Option("--to", help="Who takes the case.", show_default="nobody")] = None,
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a case to somebody, or back to everybody.

    Example: winnow cases assign 12 --to ann
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            return _done(review.assign(store, _seen(store, number), to, act_of(store, person, note)))

    run(work, workspace=workspace, as_json=as_json)


def snooze_command(
    number: CaseArgument,
    *,
    until: Annotated[datetime, typer.Option("--until", help="When it waits again, in UTC.", formats=["%Y-%m-%d"])],
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a case aside until a day; then it waits again by itself.

    Example: winnow cases snooze 12 --until 2026-12-24 --note "the partner answers by then"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            act = act_of(store, person, note)
            return _done(review.snooze(store, _seen(store, number), until.replace(tzinfo=UTC), act))

    run(work, workspace=workspace, as_json=as_json)


def note_command(
    number: CaseArgument,
    text: Annotated[str, typer.Argument(help="The note.")],
    *,
    person: PersonOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a case.

    Example: winnow cases note 12 "asked the advertiser about the order numbers"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            return _done(review.add_note(store, number, act_of(store, person, text)))

    run(work, workspace=workspace, as_json=as_json)


def undo_command(
    number: CaseArgument,
    *,
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back the last decision about a case, unless money was paid because of it.

    Example: winnow cases undo 12 --note "wrong partner"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            return _done(review.undo(store, _seen(store, number), act_of(store, person, note)))

    run(work, workspace=workspace, as_json=as_json)


def released_command(
    *,
    out: Annotated[Path, typer.Option("--out", help="Payout file to write, CSV.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a payout file of what people released and nobody paid yet, for `winnow payout gate`.

    A payout file that was gated before keeps its answers; what was held in it is paid through this one.

    Example: winnow cases released --out released.csv && winnow payout gate released.csv --out released-gated.csv
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        lines = write_released(opened, out)
        return Answer({"lines": lines, "out": str(out)}, [f"{lines:,} released conversions written: {out}"])

    run(work, workspace=workspace, as_json=as_json)


def act_of(store: Store, person: str | None, note: str) -> Act:
    """Return the act of whoever sits here, or of `person`, now."""
    return Act(local_person(store, getpass.getuser() if person is None else person), datetime.now(UTC), note)


def case_data(case: Case) -> dict[str, Any]:
    """Return what --json says about a case."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(case).items()}


def headline(case: Case) -> str:
    """Say a case in a line."""
    money = "" if case.amount is None else f"  {case.amount:,.2f} {case.currency or ''}".rstrip()
    due = "" if case.due_at is None else f"  due {case.due_at:%Y-%m-%d %H:%M} UTC"
    whose = f"  [{case.assignee}]" if case.assignee else ""
    decided = f", {case.decision}" if case.decision else ""
    return (
        f"{case.case_id:>5}  {case.kind} {case.subject} ({case.status}{decided}){money}{due}{whose}"
        f"  {', '.join(case.reasons)}"
    )


def late_lines(waiting: Waiting) -> Iterator[str]:
    """Say loudly what waits for longer than the settings allow."""
    for appeal in waiting.overdue:
        yield (
            f"OVERDUE: appeal {appeal.appeal_id} of {appeal.affiliate_id} about {appeal.kind} {appeal.subject} "
            f"was to be answered by {appeal.deadline_at:%Y-%m-%d}."
        )
    for hold in waiting.expired:
        money = f"{hold.amount:,.2f} {hold.currency or ''}".rstrip()
        yield (
            f"EXPIRED HOLD: {money} of {hold.source.subject} ({hold.conversions} conversions) held since "
            f"{hold.since:%Y-%m-%d}. Nobody pays it until a person decides."
        )


def _seen(store: Store, number: int) -> Seen:
    return Seen(number, store.cases.one(number).version)


def _list_lines(waiting: Waiting) -> Iterator[str]:
    yield from (headline(case) for case in waiting.cases[:_SHOWN])
    if len(waiting.cases) > _SHOWN:
        yield f"and {len(waiting.cases) - _SHOWN:,} more; --json lists them all"
    if not waiting.cases:
        yield "No case waits."
    if waiting.appeals:
        yield f"{len(waiting.appeals)} appeals are open: winnow appeals list"


def _done(done: Done) -> Answer:
    return Answer(case_data(done.case), [headline(done.case)])


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"case_id": outcome.case_id, **outcome.error.as_data()}
    assert outcome.done is not None  # noqa: S101 - an outcome has one of the two
    settled = outcome.done.settled
    return {**case_data(outcome.done.case), "settled": None if settled is None else settled.as_data()}


def _outcome_line(outcome: Outcome) -> str:
    if outcome.done is None:
        return f"{outcome.case_id:>5}  NOT DONE: {outcome.error}"
    settled = outcome.done.settled
    if settled is None:
        return headline(outcome.done.case)
    money = (
        ", ".join(f"{amount:,.2f} {currency}".rstrip() for currency, amount in settled.amounts.items()) or "no money"
    )
    return f"{headline(outcome.done.case)}\n         {settled.conversions} conversions, {money}"
