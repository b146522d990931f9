"""Read from the lake what a scan needs: conversions of the window, the clicks they claim, and daily roll-ups of clicks.

A roll-up depends only on the day's clicks, the lists and the approved sites, so it is kept under a name made of their
digests: a later night reads it back, and a changed input makes a new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl

from features.clicks import ROLLUP_VERSION
from features.intelligence.addresses import AddressBook
from features.intelligence.agents import AgentBook
from features.lookups import Lookups, Tables, site_hosts, tables_for
from features.prepare import Prepared, Traffic, assemble, rolled
from features.schema import Kind
from features.windows import day_number
from features.working import CLICK_COLUMNS, claimed_clicks, working_clicks, working_conversions
from screening.traffic.lake import Part, Snapshot

WINDOW_DAYS = 28
"""Days before a conversion's own that its source is judged on."""
PAST_DAYS = 84
"""Days up to the last judged one whose daily counts tell a source's own past."""
HASTY_SECONDS = 15
"""Click-to-conversion time, seconds, up to which a conversion counts as hasty in the daily counts."""
CLICK_DAYS = 30
"""Days before the window in which claimed clicks are looked for; the longest attribution window in common use."""
_OUTCOME_CLASSES = {
    "chargeback": "bad",
    "confirmed_fraud": "bad",
    "refund": "returned",
    "void": "returned",
    "retained": "good",
    "confirmed_clean": "good",
}


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a scan judges, both inclusive."""

    first: date
    last: date

    @property
    def window_first(self) -> date:
        """The first day whose events take part: whole 28-day windows, counted back from the last day."""
        days = (self.last - self.first).days + 1
        windows = -(-days // WINDOW_DAYS)
        return self.last - timedelta(days=windows * WINDOW_DAYS - 1)


@dataclass(frozen=True, slots=True)
class Books:
    """What is known of addresses and agents, and the versions of the lists it comes from."""

    addresses: AddressBook
    agents: AgentBook
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a scan judges from.

    `conversions` are canonical, those of the window; `prepared` are their facts, sources and matrix; `outcomes` are
    canonical and known by the decision; `daily` are counts of each source's conversions a day (affiliate_id, offer_id,
    sub, day, conversions, timed, hasty); `parts` are the parts of the lake that were read.
    """

    period: Period
    conversions: pl.DataFrame
    claimed: pl.DataFrame
    outcomes: pl.DataFrame
    affiliates: pl.DataFrame
    prepared: Prepared
    daily: pl.DataFrame
    parts: tuple[Part, ...]
    has_clicks: bool


def gather(
    snapshot: Snapshot, period: Period, books: Books, rollups: Path, decided_at: datetime, *, verify: bool = True
) -> Gathered:
    """Read and prepare. `rollups` is the folder that keeps daily roll-ups; `decided_at` bounds what outcomes are known.

    Raises IntegrityError when a part of the lake is not what was written: parts are compared with their digests when
    they are read for the first time, those of conversions and partners every time. With `verify` False they are not,
    for a replay, which says itself what has changed.
    """
    first = period.window_first
    parts = (
        *snapshot.select((Kind.CONVERSIONS,), min(first, _past_first(period)), period.last),
        *snapshot.select((Kind.CLICKS,), first - timedelta(days=CLICK_DAYS), period.last),
        *snapshot.select((Kind.OUTCOMES, Kind.AFFILIATES)),
    )
    if verify:
        snapshot.verify(part for part in parts if part.kind != Kind.CLICKS)
    try:
        return _gathered(snapshot, period, books, (rollups, decided_at), parts)
    except (pl.exceptions.PolarsError, OSError):
        snapshot.verify(parts)
        raise


def _gathered(
    snapshot: Snapshot, period: Period, books: Books, how: tuple[Path, datetime], parts: tuple[Part, ...]
) -> Gathered:
    rollups, decided_at = how
    first = period.window_first
    conversions = snapshot.frame(Kind.CONVERSIONS, first, period.last).collect()
    affiliates = snapshot.frame(Kind.AFFILIATES).collect()
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") <= decided_at).collect()
    sites = site_hosts(affiliates)
    working = nw.to_native(working_conversions(nw.from_native(conversions.lazy()))).collect()
    days = [day for day in snapshot.days(Kind.CLICKS) if first - timedelta(days=CLICK_DAYS) <= day <= period.last]
    claimed = _claimed(snapshot, days, working)
    on = lookups(books, sites, period.last)
    rolled_days = [_rolled_day(snapshot, day, books, sites, rollups) for day in days if day >= first]
    empty = rolled(pl.DataFrame(schema=_click_schema()), tables_for([pl.LazyFrame(schema=_click_schema())], on))
    traffic = Traffic(pl.DataFrame(schema=_click_schema()), working, known_outcomes(outcomes))
    tables = _tables(working, claimed, on)
    span = (tuple(day_number(day) for day in days), day_number(period.last))
    prepared = assemble(traffic, claimed, pl.concat([empty, *rolled_days]), tables, span)
    daily = _daily(snapshot, period)
    return Gathered(period, conversions, claimed, outcomes, affiliates, prepared, daily, parts, bool(days))


def _past_first(period: Period) -> date:
    return period.last - timedelta(days=PAST_DAYS - 1)


def _daily(snapshot: Snapshot, period: Period) -> pl.DataFrame:
    seconds = (pl.col("ts") - pl.col("click_ts")).dt.total_microseconds() / 1e6
    return (
        snapshot.frame(Kind.CONVERSIONS, _past_first(period), period.last)
        .group_by("affiliate_id", "offer_id", sub=pl.col("sub_id").fill_null(""), day=pl.col("ts").dt.date())
        .agg(
            conversions=pl.len(),
            timed=seconds.is_not_null().sum(),
            hasty=(seconds <= HASTY_SECONDS).fill_null(value=False).sum(),
        )
        .sort("affiliate_id", "offer_id", "sub", "day")
        .collect()
    )


def lookups(books: Books, sites: pl.DataFrame, day: date) -> Lookups:
    """Bind the books to the day on which agents are seen."""
    return Lookups(books.addresses.classify, lambda agents: books.agents.classify(agents, on=day), sites)


def working_traffic(snapshot: Snapshot, first: date, last: date, decided_at: datetime) -> Traffic:
    """Read all events of some days into memory, as teaching needs them."""
    clicks = nw.to_native(working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS, first, last)))).collect()
    conversions = snapshot.frame(Kind.CONVERSIONS, first, last)
    working = nw.to_native(working_conversions(nw.from_native(conversions))).collect()
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") <= decided_at).collect()
    return Traffic(clicks, working, known_outcomes(outcomes))


def _claimed(snapshot: Snapshot, days: Sequence[date], working: pl.DataFrame) -> pl.DataFrame:
    lazy = nw.from_native(working.lazy())
    clicks = nw.from_native(pl.LazyFrame(schema=_click_schema()))
    if days:
        clicks = working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS, days[0], days[-1])))
    found: pl.LazyFrame = nw.to_native(claimed_clicks(clicks, lazy))
    return found.collect(engine="streaming")


def _rolled_day(snapshot: Snapshot, day: date, books: Books, sites: pl.DataFrame, folder: Path) -> pl.DataFrame:
    parts = snapshot.select((Kind.CLICKS,), day, day)
    key = hashlib.sha256()
    for text in (str(ROLLUP_VERSION), *sorted(part.digest for part in parts), repr(sorted(books.versions.items()))):
        key.update(text.encode() + b"\0")
    key.update(sites.sort(sites.columns).write_csv().encode())
    path = folder / f"{day.isoformat()}-{key.hexdigest()[:24]}.parquet"
    if path.is_file():
        return pl.read_parquet(path)
    snapshot.verify(parts)
    clicks = nw.to_native(working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS, day, day)))).collect()
    result = rolled(clicks, tables_for([clicks.lazy()], lookups(books, sites, day)))
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    result.write_parquet(draft)
    draft.replace(path)
    return result


def _tables(working: pl.DataFrame, claimed: pl.DataFrame, on: Lookups) -> Tables:
    # a conversion that lacks a fact takes it from its click
    clicked = working.select("click_id", "affiliate_id").join(claimed, on="click_id", how="inner")
    as_clicks = clicked.select("affiliate_id", ip="click_ip", user_agent="click_user_agent", referrer="click_referrer")
    return tables_for([working.lazy(), as_clicks.lazy()], on)


def known_outcomes(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Class each conversion's outcomes: `bad` before `returned` before `good`."""
    classed = outcomes.select(
        "conversion_id", outcome=pl.col("outcome").replace_strict(_OUTCOME_CLASSES, return_dtype=pl.String)
    )
    order = pl.col("outcome").replace_strict({"bad": 0, "returned": 1, "good": 2}, return_dtype=pl.Int64)
    return classed.sort(order, "conversion_id").unique("conversion_id", keep="first", maintain_order=True)


def _click_schema() -> dict[str, pl.DataType]:
    return {column: pl.Int64() if column == "ts_us" else pl.String() for column in CLICK_COLUMNS}
