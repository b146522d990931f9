"""`winnow payout`: what may be paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from models.reasons import CODES
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.cli.pushing import DryRunOption, push_answer, pusher
from screening.errors import ExitCode, InputError
from screening.guard import check_owners
from screening.jobs.payout import Gated, gate_payout
from screening.jobs.progress import Progress
from screening.jobs.push_statuses import push_statuses
from screening.review.permissions import Action
from screening.workspace import Workspace

_SHOWN = 20
"""Unreadable lines listed one by one."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Payouts: decide what may be paid before money moves.")
    verb.callback()(payout)
    verb.command("gate")(gate)
    verb.command("push")(push)
    app.add_typer(verb, name="payout")


def payout() -> None:
    """Decide what may be paid before money moves."""


def gate(
    file: Annotated[Path, typer.Argument(help="Payout file: CSV, TSV or Parquet.", metavar="IN")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the same lines go, with decision, reasons and run_id.")],
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="CANONICAL=SOURCE", help="Column that holds conversion_id, payout, currency ..."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide pay, hold or reject for each line of a payout file, and write down in the ledger what is released.

    A line is paid only if the newest scan judged its conversion `pay`, not too long ago, with the same amount, currency
    and affiliate, and it was not released before. The same file again gives the same answer and releases nothing twice.
    The exit status is 3 when lines were held for lack of evidence.

    Example: winnow payout gate may.csv --out may-gated.csv

    Example: winnow payout gate may.csv --out may-gated.csv --map conversion_id="Order No" --map payout=Commission
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        check_owners()
        gated = gate_payout(opened, file, out, _mapping(columns or []), datetime.now(UTC), progress)
        exit_code = ExitCode.INCOMPLETE if gated.incomplete else ExitCode.DONE
        return Answer(_data(gated), list(_lines(gated)), exit_code)

    run(work, workspace=workspace, as_json=as_json)


def push(
    *,
    dry_run: DryRunOption = False,
    person: Annotated[
        str | None, typer.Option("--by", help="Your name, for the audit trail.", show_default="who is logged in here")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the network which conversions are approved, rejected or held (networks.push.to), and look whether it shows.

    Approved is what the payout gate released. What has locked there is refused and named. The exit status is 3 when
    something was refused or did not reach the network.

    Example: winnow payout push --dry-run
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        by = pusher(opened, person, Action.GATE_PAYOUTS)
        return push_answer(push_statuses(opened, dry_run=dry_run, now=datetime.now(UTC), progress=progress, by=by))

    run(work, workspace=workspace, as_json=as_json)


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        canonical, equals, source = pair.partition("=")
        if not (equals and canonical.strip() and source.strip()):
            raise InputError(f"--map {pair} is not CANONICAL=SOURCE.", remedy="Write for example --map payout=amount.")
        mapping[canonical.strip()] = source.strip()
    return mapping


def _data(gated: Gated) -> dict[str, Any]:
    return {
        "run_id": gated.run_id,
        "batch_id": gated.batch_id,
        "repeated": gated.repeated,
        "lines": gated.lines,
        "totals": [{**asdict(total), "amount": str(total.amount)} for total in gated.totals],
        "reasons": dict(gated.reasons),
        "unreadable": [asdict(line) for line in gated.unreadable],
        "out": str(gated.out),
    }


def _lines(gated: Gated) -> Iterator[str]:
    if gated.repeated:
        yield "This batch was gated before; here is the answer it got then. Nothing was released again."
    yield f"{_count(gated.lines, 'line')} of batch {gated.batch_id[:12]}:"
    currencies = [total.currency or "(no currency)" for total in gated.totals]
    wide = max(len(name) for name in currencies)
    for total, currency in zip(gated.totals, currencies, strict=True):
        unread = f", {_count(total.unreadable, 'amount')} unreadable and not in the sum" if total.unreadable else ""
        yield f"  {total.decision:6} {total.amount:>18,} {currency:{wide}}  {_count(total.lines, 'line'):>15}{unread}"
    for code, count in gated.reasons.items():
        title = CODES[code].title if code in CODES else code
        yield f"    {count:>9,}  {title} ({code})"
    for item in gated.unreadable[:_SHOWN]:
        yield f"  line {item.line}, {item.field}: {item.explanation} {item.remedy}"
    more = gated.reasons.get("line_unreadable", 0) - _SHOWN
    if more > 0:
        yield f"  and {more:,} more lines that cannot be read; the out-file marks them line_unreadable"
    yield f"Written: {gated.out}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
