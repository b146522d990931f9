"""The job `scorecards`: what each partner brought in a period, net of fraud, and how the programme does.

Days are read one at a time, so that memory grows with partners and customers, not with events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.schema import Kind
from screening.errors import InputError
from screening.gate.verdicts import with_verdicts
from screening.jobs.kpis import Kpi, Period, key_figures, of_any_period
from screening.jobs.progress import Progress
from screening.jobs.scorecard_figures import PARTNER, again, cards, classified, summed
from screening.jobs.span import Span, last_whole_month, month_of
from screening.store import Store, open_store
from screening.traffic.lake import Lake, Snapshot
from screening.workspace import Workspace

COLUMNS = (
    *("affiliate_id", "name", "currency", "from", "to", "clicks", "conversions", "approved_conversions", "rate"),
    *("payout", "approved", "held", "rejected", "returned", "unjudged", "earnings_per_click", "refunds", "chargebacks"),
    *("quality", "quality_low", "quality_high", "quality_seen", "adjusted_payout", "rank", "ranked"),
)
"""The columns of a scorecard, in the order in which they are exported; `COMPARED` of the period before follow."""
COMPARED = ("clicks", "conversions", "rate", "approved", "earnings_per_click", "quality", "rank")
BEFORE = "_before"
_AMOUNTS = ("payout", "approved", "held", "rejected", "returned", "unjudged")


@dataclass(frozen=True, slots=True)
class Scorecards:
    """The scorecards of a period and the programme's key figures.

    `before` is None, and with it every comparison, where the lake does not reach back over the whole period before.
    `rows` has `COLUMNS`, by currency and rank, then each of `COMPARED` with the ending `BEFORE`, null where the partner
    had nothing then. `unjudged` counts conversions that no scan has judged: they are in no partner's approved payout.
    """

    span: Span
    before: Span | None
    rows: pl.DataFrame
    kpis: tuple[Kpi, ...]
    unjudged: int


@dataclass(frozen=True, slots=True)
class _Counted:
    period: Period
    cards: pl.DataFrame
    unjudged: int


def chosen_span(workspace: Workspace, month: str | None, days: tuple[date | None, date | None]) -> Span:
    """Return the period that was asked for: a month, days, or nothing: the last whole month that the lake has.

    Raises InputError without events, for both at once, and for text that is no month.
    """
    snapshot = Lake(workspace.lake).snapshot()
    known = sorted({*snapshot.days(Kind.CLICKS), *snapshot.days(Kind.CONVERSIONS)})
    if not known:
        raise InputError("The lake has no events.", remedy="Take some in first: winnow ingest conversions FILE.")
    first, last = days
    if month is not None:
        if first or last:
            raise InputError("A month and days were given.", remedy="Give --month, or --from and --to.")
        return month_of(month, known[-1])
    if first or last:
        return Span(first or known[0], last or known[-1])
    whole = last_whole_month(known[-1])
    # a programme in its first month has no whole one yet
    return whole if whole.last >= known[0] else Span(known[-1].replace(day=1), known[-1])


def scorecards(workspace: Workspace, span: Span, progress: Progress) -> Scorecards:
    """Return the scorecards of a period from the lake, the newest decisions, people's verdicts and outcomes."""
    snapshot = Lake(workspace.lake).snapshot()
    settings = workspace.settings.kpis
    before = _covered(snapshot, span.before())
    currencies = _offer_currencies(snapshot, before.first if before else span.first, span.last)
    affiliates = snapshot.frame(Kind.AFFILIATES).select("affiliate_id", "name", "joined_at").collect()
    with open_store(workspace.store_url) as store:
        reader = _Reader(snapshot, store, currencies, affiliates, settings.interval, progress)
        counted = reader.count(span)
        earlier = reader.count(before) if before else None
    then = (earlier.cards if earlier else counted.cards.clear()).select(
        *PARTNER, *(pl.col(name).alias(f"{name}{BEFORE}") for name in COMPARED)
    )
    rows = counted.cards.join(then, on=PARTNER, how="left", nulls_equal=True, maintain_order="left")
    rows = rows.join(affiliates.select("affiliate_id", "name"), on="affiliate_id", how="left", maintain_order="left")
    rows = rows.with_columns(pl.lit(span.first).alias("from"), pl.lit(span.last).alias("to"))
    rows = rows.with_columns(pl.col(name).cast(pl.Decimal(18, 4)) for name in _AMOUNTS)
    rows = rows.select(*COLUMNS, *(f"{name}{BEFORE}" for name in COMPARED))
    targets = settings.targets if span.whole_month else of_any_period(settings.targets)
    figures = key_figures(counted.period, earlier.period if earlier else None, targets)
    return Scorecards(span, before, rows, figures, counted.unjudged)


@dataclass(frozen=True, slots=True)
class _Reader:
    snapshot: Snapshot
    store: Store
    currencies: pl.DataFrame
    """offer_id, currency and `unsplit`: its conversions were paid in several."""
    affiliates: pl.DataFrame
    interval: float
    progress: Progress

    def count(self, span: Span) -> _Counted:
        """Add up a period, day by day."""
        outcomes = self._outcomes(span)
        empty = summed(classified(self._judged(pl.DataFrame(schema=_CONVERSIONS), outcomes)))
        parts, customers, unjudged, has_outcomes = [empty], [_NO_CUSTOMERS], 0, False
        days = [day for day in self.snapshot.days(Kind.CONVERSIONS) if span.first <= day <= span.last]
        for number, day in enumerate(days):
            self.progress.step(f"scorecards from {span.first}", number, len(days))
            conversions = classified(self._judged(self._conversions(day), outcomes))
            parts.append(summed(conversions))
            approved = conversions.filter(bucket="approved").drop_nulls("customer_id")
            customers.append(approved.select("currency", pl.col("customer_id").hash()).unique())
            unjudged += conversions.filter(bucket="unjudged").height
            has_outcomes = has_outcomes or bool(conversions["outcomes"].list.len().sum())
        self.progress.step(f"scorecards from {span.first}", len(days), len(days))
        sums, clicks = again(parts), self._clicks(span)
        distinct = pl.concat(customers).unique().group_by("currency").len()
        period = Period(sums, int(clicks["clicks"].sum()), dict(distinct.iter_rows()), self._joined(span), has_outcomes)
        return _Counted(period, cards(sums, clicks, self.interval), unjudged)

    def _conversions(self, day: date) -> pl.DataFrame:
        frame = self.snapshot.frame(Kind.CONVERSIONS, day, day).select(*_CONVERSIONS)
        return frame.unique("conversion_id", keep="last", maintain_order=True).collect()

    def _judged(self, conversions: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
        ids = conversions["conversion_id"]
        judged = ("judged_at", "score")
        decisions = self.store.decisions_of(ids).select(
            "conversion_id", *judged, judged_decision="decision", judged_reasons="reasons"
        )
        verdicts = self.store.verdicts.of(ids).select(
            "conversion_id", "verdict", "overruled", verdict_at="at", person="verdict"
        )
        released = self.store.ledger.released(ids).select("conversion_id", released=pl.col("decision") == "pay")
        rows = conversions
        for known in (decisions, verdicts, released, outcomes):
            rows = rows.join(known, on="conversion_id", how="left", maintain_order="left")
        rows = rows.join(self.currencies.select("offer_id", "unsplit"), on="offer_id", how="left")
        return (
            with_verdicts(rows)
            .rename({"judged_decision": "decision"})
            .with_columns(
                released=pl.col("released").fill_null(value=False),
                unsplit=pl.col("unsplit").fill_null(value=False),
                outcomes=pl.col("outcomes").fill_null(pl.lit([], pl.List(pl.String))),
            )
        )

    def _outcomes(self, span: Span) -> pl.DataFrame:
        # outcomes come after their conversion; the day before allows for clocks that differ
        frame = self.snapshot.frame(Kind.OUTCOMES, span.first - timedelta(days=1))
        return frame.group_by("conversion_id").agg(outcomes=pl.col("outcome").unique()).collect(engine="streaming")

    def _clicks(self, span: Span) -> pl.DataFrame:
        frame = self.snapshot.frame(Kind.CLICKS, span.first, span.last)
        counted = frame.group_by("affiliate_id", "offer_id").agg(pl.len().cast(pl.Int64).alias("clicks"))
        by_offer = counted.collect(engine="streaming").join(self.currencies, on="offer_id", how="left")
        if self.currencies["currency"].n_unique() == 1 and not self.currencies["unsplit"].any():
            # all is paid in one currency: so are the offers that have not converted yet
            by_offer = by_offer.with_columns(currency=pl.lit(self.currencies["currency"][0], pl.String))
        return by_offer.group_by(PARTNER).agg(pl.col("clicks").sum())

    def _joined(self, span: Span) -> int | None:
        days = self.affiliates["joined_at"].drop_nulls().dt.date()
        return int(days.is_between(span.first, span.last).sum()) if len(days) else None


_TEXT, _CENTS = pl.String(), pl.Decimal(18, 4)
_CONVERSIONS: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("conversion_id", "affiliate_id", "offer_id", "currency", "status", "customer_id"), _TEXT),
    **dict.fromkeys(("payout", "revenue"), _CENTS),
}
_NO_CUSTOMERS = pl.DataFrame(schema={"currency": pl.String, "customer_id": pl.UInt64})


def _covered(snapshot: Snapshot, span: Span) -> Span | None:
    days = {*snapshot.days(Kind.CLICKS), *snapshot.days(Kind.CONVERSIONS)}
    return span if days and min(days) <= span.first else None


def _offer_currencies(snapshot: Snapshot, first: date, last: date) -> pl.DataFrame:
    """Return the currency of each offer's conversions: offer_id, currency (null: none, or several), unsplit."""
    frame = snapshot.frame(Kind.CONVERSIONS, first, last).select("offer_id", "currency")
    found = frame.group_by("offer_id").agg(all=pl.col("currency").unique()).collect(engine="streaming")
    several = pl.col("all").list.len() > 1
    return found.select("offer_id", currency=pl.when(~several).then(pl.col("all").list.first()), unsplit=several)


def totals(rows: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    """Yield the sums of all partners for each currency."""
    summed_up = rows.group_by("currency").agg(
        pl.col("clicks", "conversions", "approved_conversions").sum(), *(pl.col(name).sum() for name in _AMOUNTS)
    )
    yield from summed_up.sort("currency", nulls_last=True).iter_rows(named=True)
