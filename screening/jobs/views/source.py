"""The page of a traffic source: what was judged, why, on what numbers, what is held, and what else could be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from screening.errors import WinnowError
from screening.jobs.views.panel import Panel, panel
from screening.jobs.views.reasons import ShownReason, of_traffic
from screening.store import Case, CaseEvent, Store
from screening.store.browse_judged import DecisionRow, SourceName, SourceRow
from screening.workspace import Workspace

HELD_SHOWN = 25
"""Conversions listed on the page; a source with more is worked by its sums, and the export has all."""
_PAST_SHOWN = 12
_STEPS = 20
"""Steps of the line from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ShownConversion:
    """A conversion that is not paid, with its reasons."""

    row: DecisionRow
    reasons: tuple[ShownReason, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be held of a source if everything at or above a score were.

    `clean_share` is the expected share of clean money in it, 0-1: scores are probabilities of fraud. None: nothing
    would be held. `curve` has score, money and clean share of each step.
    """

    line: float
    conversions: int
    money: Decimal
    clean_share: float | None
    curve: tuple[tuple[float, Decimal, float | None], ...]
    unscored: int


@dataclass(frozen=True, slots=True)
class SourcePage:
    """Everything about a source on one page. `source` None: no scan has judged it. `case` None: nobody waits for it.

    `panel` None: the events that the run saw cannot be read any more.
    """

    name: SourceName
    source: SourceRow | None
    reasons: tuple[ShownReason, ...]
    panel: Panel | None
    held: tuple[ShownConversion, ...]
    held_money: tuple[tuple[str | None, Decimal], ...]
    held_count: int
    what_if: WhatIf | None
    past: tuple[SourceRow, ...]
    case: Case | None
    events: tuple[CaseEvent, ...]
    earlier_cases: tuple[Case, ...]
    siblings: tuple[SourceRow, ...]


def source_page(workspace: Workspace, store: Store, name: SourceName, line: float) -> SourcePage:
    """Gather the page; `line` is the score, 0-1, of the what-if."""
    browse = store.browse.judged
    past = browse.source_history(name, _PAST_SHOWN)
    source = past[0] if past else None
    subject = "/".join((name.affiliate_id, name.offer_id, name.sub_id or ""))
    cases = store.cases.about("source", subject)
    case = cases[0] if cases else None
    events = tuple(reversed(store.cases.history(case.case_id))) if case and case.case_id else ()
    if source is None:
        return SourcePage(name, None, (), None, (), (), 0, None, past, case, events, tuple(cases[1:]), ())
    days = (source.first, source.last)
    judged = browse.conversions(name, source.run_id, days)
    run = store.run(source.run_id)
    stopped = [row for row in judged if row.decision != "pay"]
    return SourcePage(
        name=name,
        source=source,
        reasons=of_traffic(source.reasons, source.details),
        panel=_panel(workspace, source, run.lake_version),
        held=tuple(ShownConversion(row, of_traffic(row.reasons, row.details)) for row in stopped[:HELD_SHOWN]),
        held_money=_sums(stopped),
        held_count=len(stopped),
        what_if=what_if(judged, line),
        past=past,
        case=case,
        events=events,
        earlier_cases=tuple(cases[1:]),
        siblings=tuple(
            row for row in browse.sources_of(name.affiliate_id, source.run_id, 2 * _PAST_SHOWN) if row.name != name
        )[:_PAST_SHOWN],
    )


def _panel(workspace: Workspace, source: SourceRow, lake_version: int | None) -> Panel | None:
    try:
        return panel(workspace, source.name, (source.first, source.last), source.run_id, lake_version)
    except WinnowError:
        # the events may be gone or elsewhere; what was judged is shown all the same
        return None


def what_if(judged: tuple[DecisionRow, ...], line: float) -> WhatIf | None:
    """Return what a line at a score would hold, None when nothing was scored or the currencies are mixed."""
    scored = [row for row in judged if row.score is not None]
    if not scored or len({row.currency for row in judged}) > 1:
        return None
    steps = [step / _STEPS for step in range(_STEPS + 1)]
    curve = tuple((step, *_above(scored, step)[1:]) for step in steps)
    count, money, clean = _above(scored, line)
    return WhatIf(line, count, money, clean, curve, len(judged) - len(scored))


def _above(scored: list[DecisionRow], line: float) -> tuple[int, Decimal, float | None]:
    held = [row for row in scored if row.score is not None and row.score >= line]
    money = sum((row.payout for row in held), Decimal(0))
    if not money:
        return len(held), money, None
    clean = sum(float(row.payout) * (1 - (row.score or 0.0)) for row in held)
    return len(held), money, clean / float(money)


def _sums(rows: list[DecisionRow]) -> tuple[tuple[str | None, Decimal], ...]:
    sums: dict[str | None, Decimal] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.payout
    return tuple(sorted(sums.items(), key=lambda pair: pair[0] or ""))


def name_of_case(case: Case) -> SourceName:
    """Return the source that a case is about."""
    affiliate, offer = case.affiliate_id or "", case.offer_id or ""
    return SourceName(affiliate, offer, case.subject[len(f"{affiliate}/{offer}/") :] or None)
