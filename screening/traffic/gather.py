"""Read from the lake what a scan needs: conversions of the window, the clicks they claim, and daily roll-ups of clicks.

A roll-up depends only on the day's clicks, the lists and the approved sites, so it is kept under a name made of their
digests: a later night reads it back, and a changed input makes a new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import narwhals as nw
import polars as pl

from features.click_codes import rolled_up
from features.clicks import ROLLUP_VERSION
from features.declared import rewarders
from features.intelligence.addresses import AddressBook
from features.intelligence.agents import AgentBook
from features.lookups import Lookups, site_hosts
from features.prepare import Prepared, Traffic, assemble, looked_up
from features.schema import Kind
from features.windows import day_number
from features.working import CLICK_COLUMNS, claimed_clicks, working_clicks, working_conversions
from models.opinions import Past
from models.series import PAST_DAYS as SERIES_DAYS
from screening.traffic.lake import Part, Snapshot
from screening.traffic.parquet_file import put_parquet

WINDOW_DAYS = 28
"""Days before a conversion's own that its source is judged on."""
PAST_DAYS = 84
"""Days up to the last judged one whose daily counts tell a source's own past."""
HASTY_SECONDS = 15
"""Click-to-conversion time, seconds, up to which a conversion counts as hasty in the daily counts."""
CLICK_DAYS = 30
"""Days before the window in which claimed clicks are looked for; the longest attribution window in common use."""
ROLLED_AT_ONCE = 2_000_000
"""Clicks of a day that are rolled up together: some 0.7 GB."""
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
    canonical and known by the decision; `past` is what each source did over several weeks; `parts` are the parts of
    the lake that were read.
    """

    period: Period
    conversions: pl.DataFrame
    outcomes: pl.DataFrame
    affiliates: pl.DataFrame
    prepared: Prepared
    past: Past
    parts: tuple[Part, ...]
    has_clicks: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What events are looked up in: the books, and the affiliates (canonical)."""

    books: Books
    affiliates: pl.DataFrame

    def on(self, day: date) -> Lookups:
        """Bind it to the day on which agents are seen."""
        return lookups(self.books, self.affiliates, day)


class ClickEngine(Protocol):
    """What reads clicks, of which there are far more than of anything else; the rest is the same on every engine."""

    def claimed(self, snapshot: Snapshot, days: Sequence[date], working: pl.DataFrame) -> pl.DataFrame:
        """Find the clicks that working conversions claim, as `features.working.claimed_clicks`, among those of days."""
        ...

    def rolled(self, snapshot: Snapshot, days: Sequence[date], known: Known) -> Iterator[tuple[date, pl.DataFrame]]:
        """Roll up whole days of clicks, each as `features.click_codes.rolled_up` does.

        Raises IntegrityError when a part is not what was written.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolarsClicks:
    """Reads clicks in this process, a day at a time."""

    def claimed(self, snapshot: Snapshot, days: Sequence[date], working: pl.DataFrame) -> pl.DataFrame:
        """Find the claimed clicks; see `ClickEngine`."""
        clicks = pl.LazyFrame(schema=_click_schema())
        if days:
            # a filter on numbers alone lets the reader decode the other columns of the few claimed clicks only
            claimed = working["click_id"].drop_nulls().hash().unique()
            near = pl.col("click_id").hash().is_in(claimed.implode())
            canonical = snapshot.frame(Kind.CLICKS, days[0], days[-1]).filter(near)
            clicks = nw.to_native(working_clicks(nw.from_native(canonical)))
        found: pl.LazyFrame = nw.to_native(claimed_clicks(nw.from_native(clicks), nw.from_native(working.lazy())))
        return found.collect(engine="streaming")

    def rolled(self, snapshot: Snapshot, days: Sequence[date], known: Known) -> Iterator[tuple[date, pl.DataFrame]]:
        """Roll up days; see `ClickEngine`."""
        for day in days:
            parts = snapshot.select((Kind.CLICKS,), day, day)
            snapshot.verify(parts)
            pieces = max(1, -(-sum(part.rows for part in parts) // ROLLED_AT_ONCE))
            clicks = nw.to_native(working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS, day, day))))
            # whole affiliates at a time, as what is distinct cannot be added up
            piece_of = pl.col("affiliate_id").hash() % pieces
            rolled = [
                rolled_up(clicks.filter(piece_of == piece).drop("click_id").collect(), known.on(day))
                for piece in range(pieces)
            ]
            yield day, pl.concat(rolled)


def no_clicks() -> pl.DataFrame:
    """Return working clicks without a row."""
    return pl.DataFrame(schema=_click_schema())


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read: with what clicks are read, and the folder that keeps their daily roll-ups.

    `decided_at` bounds what outcomes are known. With `verify` False parts that are no clicks are not compared with
    their digests, for a replay, which says itself what has changed.
    """

    clicks: ClickEngine
    rollups: Path
    decided_at: datetime
    verify: bool = True


def gather(snapshot: Snapshot, period: Period, books: Books, rollups: Path, decided_at: datetime) -> Gathered:
    """Read and prepare in this process; see `gather_with`."""
    return gather_with(snapshot, period, books, Reading(PolarsClicks(), rollups, decided_at))


def gather_with(snapshot: Snapshot, period: Period, books: Books, reading: Reading) -> Gathered:
    """Read and prepare.

    Raises IntegrityError when a part of the lake is not what was written: parts are compared with their digests when
    they are read for the first time, those of conversions and partners every time.
    """
    first = period.window_first
    parts = (
        *snapshot.select((Kind.CONVERSIONS,), min(first, _past_first(period)), period.last),
        *snapshot.select((Kind.CLICKS,), first - timedelta(days=CLICK_DAYS), period.last),
        *snapshot.select((Kind.OUTCOMES, Kind.AFFILIATES)),
    )
    if reading.verify:
        snapshot.verify(part for part in parts if part.kind != Kind.CLICKS)
    try:
        return _gathered(snapshot, period, books, reading, parts)
    except (pl.exceptions.PolarsError, OSError):
        snapshot.verify(parts)
        raise


def _gathered(snapshot: Snapshot, period: Period, books: Books, reading: Reading, parts: tuple[Part, ...]) -> Gathered:
    first = period.window_first
    affiliates = snapshot.frame(Kind.AFFILIATES).collect()
    known = Known(books, affiliates)
    days = [day for day in snapshot.days(Kind.CLICKS) if first - timedelta(days=CLICK_DAYS) <= day <= period.last]
    # before anything else is in memory: a day of clicks takes the most of it
    rollups = _rollups(snapshot, [day for day in days if day >= first], known, reading)
    conversions = snapshot.frame(Kind.CONVERSIONS, first, period.last).collect()
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") <= reading.decided_at).collect()
    working = nw.to_native(working_conversions(nw.from_native(conversions.lazy()))).collect()
    claimed = reading.clicks.claimed(snapshot, days, working)
    on = known.on(period.last)
    traffic = Traffic(no_clicks(), working, known_outcomes(outcomes))
    tables = looked_up(working, claimed, on)
    span = (tuple(day_number(day) for day in days), day_number(period.last))
    summed = pl.concat([rolled_up(no_clicks(), on), *(pl.read_parquet(path) for path in rollups)])
    prepared = assemble(traffic, claimed, summed, tables, span)
    past = Past(_daily(snapshot, period), _hourly(snapshot, period))
    return Gathered(period, conversions, outcomes, affiliates, prepared, past, parts, bool(days))


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


def _hourly(snapshot: Snapshot, period: Period) -> pl.DataFrame:
    first = period.last - timedelta(days=SERIES_DAYS)
    return (
        snapshot.frame(Kind.CONVERSIONS, first, period.last)
        .group_by("affiliate_id", "offer_id", sub=pl.col("sub_id").fill_null(""), ts=pl.col("ts").dt.truncate("1h"))
        .agg(conversions=pl.len())
        .sort("affiliate_id", "offer_id", "sub", "ts")
        .collect()
    )


def lookups(books: Books, affiliates: pl.DataFrame, day: date) -> Lookups:
    """Bind the books to the day on which agents are seen, with what affiliates (canonical) declare."""
    sites, declared = site_hosts(affiliates), rewarders(affiliates)
    return Lookups(books.addresses.classify, lambda agents: books.agents.classify(agents, on=day), sites, declared)


def working_traffic(snapshot: Snapshot, first: date, last: date, decided_at: datetime) -> Traffic:
    """Read all events of some days into memory, as teaching needs them."""
    clicks = nw.to_native(working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS, first, last)))).collect()
    conversions = snapshot.frame(Kind.CONVERSIONS, first, last)
    working = nw.to_native(working_conversions(nw.from_native(conversions))).collect()
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") <= decided_at).collect()
    return Traffic(clicks, working, known_outcomes(outcomes))


def _rollups(snapshot: Snapshot, days: Sequence[date], known: Known, reading: Reading) -> list[Path]:
    """Make the roll-ups that are not there yet, and return the files of all."""
    paths = {day: _rollup_path(snapshot, day, known, reading.rollups) for day in days}
    reading.rollups.mkdir(parents=True, exist_ok=True)
    missing = [day for day, path in paths.items() if not path.is_file()]
    for day, rollup in reading.clicks.rolled(snapshot, missing, known):
        draft = paths[day].with_suffix(f".{os.getpid()}.draft")
        put_parquet(rollup, draft)
        draft.replace(paths[day])
    return list(paths.values())


def _rollup_path(snapshot: Snapshot, day: date, known: Known, folder: Path) -> Path:
    parts, sites = snapshot.select((Kind.CLICKS,), day, day), site_hosts(known.affiliates)
    key = hashlib.sha256()
    versions = repr(sorted(known.books.versions.items()))
    for text in (str(ROLLUP_VERSION), *sorted(part.digest for part in parts), versions):
        key.update(text.encode() + b"\0")
    key.update(sites.sort(sites.columns).write_csv().encode())
    return folder / f"{day.isoformat()}-{key.hexdigest()[:24]}.parquet"


def known_outcomes(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Class each conversion's outcomes: `bad` before `returned` before `good`."""
    classed = outcomes.select(
        "conversion_id", outcome=pl.col("outcome").replace_strict(_OUTCOME_CLASSES, return_dtype=pl.String)
    )
    order = pl.col("outcome").replace_strict({"bad": 0, "returned": 1, "good": 2}, return_dtype=pl.Int64)
    return classed.sort(order, "conversion_id").unique("conversion_id", keep="first", maintain_order=True)


def _click_schema() -> dict[str, pl.DataType]:
    return {column: pl.Int64() if column == "ts_us" else pl.String() for column in CLICK_COLUMNS}
