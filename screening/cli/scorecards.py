"""`winnow scorecards`: what each partner brought, net of fraud, and how the programme does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.jobs.kpis import Figure, Kpi
    from screening.jobs.scorecards import Scorecards

_RATES = ("conversion_rate", "return_rate")


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("scorecards")(show)


def show(
    *,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="A month; default: the last whole one.")
    ] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Partners shown of each currency.")] = 10,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the leaderboard and the programme's key figures of a month, beside the month before and the targets.

    Everything is net of what was held, rejected or returned; currencies are never added up. Rank is by quality-adjusted
    payout: the payout times the share of it that stays good, drawn towards the programme's where little was judged.

    Example: winnow scorecards

    Example: winnow scorecards --month 2026-11 --top 20
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.scorecards import chosen_span, scorecards

        span = chosen_span(opened, month, (first.date() if first else None, last.date() if last else None))
        made = scorecards(opened, span, progress)
        return Answer(_data(made), list(_lines(made, top)))

    run(work, workspace=workspace, as_json=as_json)


def _data(made: Scorecards) -> dict[str, Any]:
    return {
        "from": made.span.first,
        "to": made.span.last,
        "compared_with": None if made.before is None else {"from": made.before.first, "to": made.before.last},
        "kpis": [
            {
                "key": str(kpi.key),
                "currency": kpi.currency,
                "value": _plain(kpi.value),
                "before": _plain(kpi.before),
                "target": _plain(kpi.target),
                "met": kpi.met,
            }
            for kpi in made.kpis
        ],
        "partners": [{name: _plain(value) for name, value in row.items()} for row in made.rows.iter_rows(named=True)],
        "unjudged": made.unjudged,
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, (Decimal, date)) else value


def _lines(made: Scorecards, top: int) -> Iterator[str]:
    compared = f"compared with {made.before.first} to {made.before.last}" if made.before else "nothing to compare with"
    yield f"{made.span.first} to {made.span.last}, {compared}"
    for kpi in made.kpis:
        yield f"  {_label(kpi):24} {_figure(kpi, kpi.value):>16}{_beside(kpi)}"
    for currency in made.rows["currency"].unique(maintain_order=True):
        rows = made.rows.filter(made.rows["currency"].eq_missing(currency), made.rows["rank"].is_not_null())
        if rows.is_empty():
            continue
        yield f"{currency or '(no currency)'}, {rows.height} ranked partners"
        yield f"  rank was  {'partner':30} {'approved':>12} {'held':>10} {'rejected':>10} {'returned':>10}  quality"
        for row in rows.head(top).iter_rows(named=True):
            yield _partner(row)
    if made.unjudged:
        yield f"{made.unjudged:,} conversions have not been judged and count as nothing: winnow scan"


def _partner(row: Mapping[str, Any]) -> str:
    name = f"{row['affiliate_id']} {row['name'] or ''}"[:30]
    money = f"{row['approved']:>12,.2f} {row['held']:>10,.2f} {row['rejected']:>10,.2f} {row['returned']:>10,.2f}"
    quality = f"{row['quality']:>5.0%} ({row['quality_low']:.0%} to {row['quality_high']:.0%})"
    return f"  {row['rank']:>4} {row['rank_before'] or '':>3}  {name:30} {money}  {quality}"


def _label(kpi: Kpi) -> str:
    words = str(kpi.key).replace("_", " ")
    return words if kpi.currency is None else f"{words} {kpi.currency or '(no currency)'}"


def _figure(kpi: Kpi, value: Figure | None) -> str:
    if value is None:
        return "unknown"
    if kpi.key in _RATES:
        return f"{value:.2%}"
    return f"{value:,.2f}" if kpi.currency is not None else f"{value:,}"


def _beside(kpi: Kpi) -> str:
    before = f"  before {_figure(kpi, kpi.before)}" if kpi.before is not None else ""
    if kpi.target is None:
        return before
    verdict = {True: "met", False: "missed", None: "unknown"}[kpi.met]
    return f"{before}  target {_figure(kpi, kpi.target)}: {verdict}"
