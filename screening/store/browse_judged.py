"""What runs judged, as pages of a list: sources, held conversions, screenings, caps; each query follows an index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, and_, case, exists, func, select

from screening.store import tables
from screening.store.database import Access
from screening.store.keyset import Ordering, Page, Place, read_page
from screening.store.tables_pages import run_totals

_SOURCE, _DECISION, _SCREENING, _CAP, _RUN = (
    tables.sources.c,
    tables.decisions.c,
    tables.screenings.c,
    tables.caps.c,
    tables.runs.c,
)


_CONVERSIONS = 5_000
"""Conversions of one source read for a page."""
_HELD = 20_000
"""Held conversions of one affiliate read for its own page."""


_BY_AFFILIATE = _DECISION.run_key + 0
"""The run of a decision, said so that SQLite does not look for it by the run: a run has a million rows, of which few
are an affiliate's, and it knows no better without statistics."""


@dataclass(frozen=True, slots=True)
class SourceName:
    """Which source; `sub_id` None: the affiliate's traffic to the offer without a sub id."""

    affiliate_id: str
    offer_id: str
    sub_id: str | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as one run judged it, over the days `first` to `last`. Unknown figures are None."""

    name: SourceName
    first: date
    last: date
    clicks: int | None
    conversions: int
    payout: Decimal
    score: float | None
    p_value: float | None
    flagged: bool
    bad_share: float | None
    bad_share_low: float | None
    bad_share_high: float | None
    reasons: tuple[str, ...]
    details: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    run_id: str
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A conversion as one run judged it."""

    conversion_id: str
    sub_id: str | None
    ts: datetime
    payout: Decimal
    currency: str | None
    decision: str
    score: float | None
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    details: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    """An application as one run judged it. `evidence` is the folder of its evidence, relative to the workspace."""

    application_id: str
    decision: str
    score: float | None
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    evidence: str | None
    details: tuple[dict[str, Any], ...]
    run_id: str
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class RunTotal:
    """What a run decided in sum. `currency` None: the events named none."""

    decision: str
    currency: str | None
    conversions: int
    amount: Decimal


class BrowseJudged:
    """The judgements of a store, as lists to leaf through."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def totals(self, run_id: str) -> tuple[RunTotal, ...]:
        """Return what a run decided in sum, by decision and currency; empty for a run that judged no conversion."""
        total = run_totals.c
        query = select(total.decision, total.currency, total.conversions, total.amount).join(
            tables.runs, _RUN.run_key == total.run_key
        )
        with self._access.reading() as connection:
            found = connection.execute(query.where(_RUN.run_id == run_id).order_by(total.decision, total.currency))
            return tuple(RunTotal(*row) for row in found)

    def source(self, name: SourceName, run_id: str | None = None) -> SourceRow | None:
        """Return a source's newest window of a run (None: of the newest run that judged it), or None."""
        rows = self.source_history(name, 1, run_id)
        return rows[0] if rows else None

    def source_history(self, name: SourceName, most: int, run_id: str | None = None) -> tuple[SourceRow, ...]:
        """Return what runs said of a source, the newest run and window first."""
        query = (
            select(tables.sources, _RUN.run_id, _RUN.finished_at)
            .join(tables.runs, _RUN.run_key == _SOURCE.run_key)
            .where(_SOURCE.affiliate_id == name.affiliate_id, _SOURCE.offer_id == name.offer_id)
            .where(_SOURCE.sub_id.is_(None) if name.sub_id is None else _SOURCE.sub_id == name.sub_id)
            .order_by(_SOURCE.run_key.desc(), _SOURCE["to"].desc())
            .limit(most)
        )
        if run_id is not None:
            query = query.where(_RUN.run_id == run_id)
        with self._access.reading() as connection:
            return tuple(source_row(row) for row in connection.execute(query))

    def sources_of(self, affiliate_id: str, run_id: str, most: int) -> tuple[SourceRow, ...]:
        """Return an affiliate's sources of a run, the most payout first."""
        query = (
            select(tables.sources, _RUN.run_id, _RUN.finished_at)
            .join(tables.runs, _RUN.run_key == _SOURCE.run_key)
            .where(_SOURCE.affiliate_id == affiliate_id, _RUN.run_id == run_id)
            .order_by(_SOURCE.flagged.desc(), _SOURCE.payout.desc())
            .limit(most)
        )
        with self._access.reading() as connection:
            return tuple(source_row(row) for row in connection.execute(query))

    def conversions(self, name: SourceName, run_id: str, days: tuple[date, date]) -> tuple[DecisionRow, ...]:
        """Return a source's conversions as a run judged them, of some days (UTC, both inclusive), the newest first.

        At most 5,000.
        """
        first = datetime.combine(days[0], time(), UTC)
        end = datetime.combine(days[1] + timedelta(days=1), time(), UTC)
        query = (
            select(tables.decisions)
            .join(tables.runs, _RUN.run_key == _DECISION.run_key)
            .where(_DECISION.affiliate_id == name.affiliate_id, _DECISION.offer_id == name.offer_id)
            .where(_DECISION.sub_id.is_(None) if name.sub_id is None else _DECISION.sub_id == name.sub_id)
            .where(_RUN.run_id == run_id, _DECISION.ts >= first, _DECISION.ts < end)
            .order_by(_DECISION.ts.desc())
            .limit(_CONVERSIONS)
        )
        with self._access.reading() as connection:
            return tuple(_decision(row) for row in connection.execute(query))

    def decided_money(
        self, affiliate_id: str, offer_id: str, first: datetime, end: datetime
    ) -> tuple[tuple[str, str | None, Decimal], ...]:
        """Return what an affiliate's conversions of an offer are worth by decision and currency.

        From `first` to before `end`; of each conversion counts what the newest run said.
        """
        mine = (
            _DECISION.affiliate_id == affiliate_id,
            _DECISION.offer_id == offer_id,
            _DECISION.ts >= first,
            _DECISION.ts < end,
        )
        newest = select(_DECISION.conversion_id, func.max(_DECISION.run_key).label("run_key")).where(*mine)
        last = newest.group_by(_DECISION.conversion_id).subquery()
        same = and_(_DECISION.conversion_id == last.c.conversion_id, _DECISION.run_key == last.c.run_key)
        amount = func.sum(_DECISION.payout, type_=_DECISION.payout.type)
        query = select(_DECISION.decision, _DECISION.currency, amount).join(last, same)
        query = query.group_by(_DECISION.decision, _DECISION.currency)
        with self._access.reading() as connection:
            return tuple((row[0], row[1], row[2]) for row in connection.execute(query))

    def held_of(self, affiliate_id: str, run_id: str) -> tuple[tuple[SourceName, DecisionRow], ...]:
        """Return an affiliate's conversions that a run held, by offer and sub id, the newest first; at most 20,000."""
        query = (
            select(tables.decisions)
            .join(tables.runs, _RUN.run_key == _BY_AFFILIATE)
            .where(_DECISION.affiliate_id == affiliate_id, _RUN.run_id == run_id, _DECISION.decision == "hold")
            .order_by(_DECISION.offer_id, _DECISION.sub_id, _DECISION.ts.desc())
            .limit(_HELD)
        )
        with self._access.reading() as connection:
            rows = connection.execute(query).all()
        return tuple((SourceName(row.affiliate_id, row.offer_id, row.sub_id), _decision(row)) for row in rows)

    def money_in_spans(
        self, affiliate_id: str, run_id: str, ends: Sequence[datetime]
    ) -> tuple[tuple[int, str, str | None, Decimal], ...]:
        """Return what an affiliate's conversions of a run are worth by span of time, decision and currency.

        `ends`, rising, are where spans end; a conversion is in the first span that ends after it, and in none when it
        came after the last. Each row: the place of the span in `ends`, decision, currency, amount.
        """
        span = case(*((_DECISION.ts < end, place) for place, end in enumerate(ends))).label("span")
        amount = func.sum(_DECISION.payout, type_=_DECISION.payout.type)
        query = (
            select(span, _DECISION.decision, _DECISION.currency, amount)
            .join(tables.runs, _RUN.run_key == _BY_AFFILIATE)
            .where(_DECISION.affiliate_id == affiliate_id, _RUN.run_id == run_id, _DECISION.ts < ends[-1])
            .group_by(span, _DECISION.decision, _DECISION.currency)
        )
        with self._access.reading() as connection:
            return tuple((row[0], row[1], row[2], row[3]) for row in connection.execute(query))

    def screening(self, application_id: str) -> ScreeningRow | None:
        """Return the newest screening of an application, None when it was never screened."""
        rows = self.screenings((application_id,))
        return rows.get(application_id)

    def screenings(self, application_ids: tuple[str, ...]) -> dict[str, ScreeningRow]:
        """Return the newest screening of each application that has one."""
        query = (
            select(tables.screenings, _RUN.run_id, _RUN.finished_at)
            .join(tables.runs, _RUN.run_key == _SCREENING.run_key)
            .where(_SCREENING.application_id.in_(application_ids))
            .order_by(_SCREENING.application_id, _SCREENING.run_key)
        )
        with self._access.reading() as connection:
            return {row.application_id: screening_row(row) for row in connection.execute(query)}

    def caps(
        self, status: str, start: tuple[Place | None, Place | None] = (None, None), size: int = 50
    ) -> Page[Row[Any]]:
        """Return recommendations of a status with the run that made them, the next to expire first."""
        query = (
            select(tables.caps, _RUN.run_id, _RUN.finished_at)
            .join(tables.runs, _RUN.run_key == _CAP.run_key)
            .where(_CAP.status == status)
        )
        ordering = Ordering(_CAP.expires_at, _CAP.cap_id, largest_first=False)
        with self._access.reading() as connection:
            return read_page(connection, query, ordering, start, size, lambda row: row)

    def cap(self, cap_id: int) -> Row[Any] | None:
        """Return one recommendation with the run that made it, or None."""
        query = select(tables.caps, _RUN.run_id, _RUN.finished_at).join(tables.runs, _RUN.run_key == _CAP.run_key)
        with self._access.reading() as connection:
            return connection.execute(query.where(_CAP.cap_id == cap_id)).one_or_none()

    def caps_waiting(self, now: datetime) -> int:
        """Count the recommendations that wait for a person: they change a limit, hold still, and no later scan
        recommended about the same limit."""
        later = tables.caps.alias()
        same = (
            later.c.offer_id == _CAP.offer_id,
            later.c.affiliate_id.is_not_distinct_from(_CAP.affiliate_id),
            later.c.cap_type == _CAP.cap_type,
            later.c.cap_id > _CAP.cap_id,
        )
        waiting = (_CAP.status == "proposed", _CAP.expires_at > now, _CAP.action != "keep")
        query = select(func.count()).select_from(tables.caps).where(*waiting, ~exists().where(*same))
        with self._access.reading() as connection:
            return int(connection.scalar(query) or 0)

    def cap_counts(self) -> dict[str, int]:
        """Count the recommendations of each status."""
        with self._access.reading() as connection:
            found = connection.execute(select(_CAP.status, func.count().label("cases")).group_by(_CAP.status))
            return {row.status: row.cases for row in found}


def source_row(row: Row[Any]) -> SourceRow:
    """Return a source from a row of the sources joined with its run."""
    return SourceRow(
        name=SourceName(row.affiliate_id, row.offer_id, row.sub_id),
        first=row._mapping[_SOURCE["from"]],  # noqa: SLF001 - SQLAlchemy's public name for a row by column
        last=row._mapping[_SOURCE["to"]],  # noqa: SLF001
        clicks=row.clicks,
        conversions=row.conversions,
        payout=row.payout,
        score=row.score,
        p_value=row.p_value,
        flagged=row.flagged,
        bad_share=row.bad_share,
        bad_share_low=row.bad_share_low,
        bad_share_high=row.bad_share_high,
        reasons=tuple(row.reasons),
        details=_details(row.reason_details),
        missing=tuple(row.missing or ()),
        run_id=row.run_id,
        judged_at=row.finished_at,
    )


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(
        conversion_id=row.conversion_id,
        sub_id=row.sub_id,
        ts=row.ts,
        payout=row.payout,
        currency=row.currency,
        decision=row.decision,
        score=row.score,
        reasons=tuple(row.reasons),
        missing=tuple(row.missing),
        details=_details(row.reason_details),
    )


def screening_row(row: Row[Any]) -> ScreeningRow:
    """Return a screening from a row of the screenings joined with its run."""
    return ScreeningRow(
        application_id=row.application_id,
        decision=row.decision,
        score=row.score,
        reasons=tuple(row.reasons),
        missing=tuple(row.missing),
        evidence=row.evidence,
        details=_details(row.reason_details),
        run_id=row.run_id,
        judged_at=row.finished_at,
    )


def _details(text: str | None) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(text)) if text else ()
