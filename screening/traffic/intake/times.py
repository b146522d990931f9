"""Times in the many ways exports write them, as UTC instants. What a text means never depends on its neighbours."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from screening.traffic.intake.faults import Fault
from screening.traffic.intake.rules import Rules
from screening.traffic.intake.words import Reading, first_fault, present

UTC_TIME = pl.Datetime("us", "UTC")
_NO_TIME = ("0", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z")
"""What trackers write where something has not happened."""
_ISO = (
    r"^(?<year>\d{4})[-/](?<month>\d{2})[-/](?<day>\d{2})"
    r"(?:[T ](?<hour>\d{2})(?::(?<minute>\d{2})(?::(?<second>\d{2})(?:\.(?<fraction>\d+))?)?)?"
    r"\s?(?<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_FULL = "%Y-%m-%dT%H:%M:%S%.f%#z"
_EPOCH = r"^\d{9,19}(?:\.\d{1,9})?$"
_SLASHED = r"^\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}\b"
_MILLISECONDS_FROM, _MICROSECONDS_FROM, _NANOSECONDS_FROM = 10**11, 10**14, 10**17
"""Epoch numbers from these on are milli-, micro- and nanoseconds: as seconds they would lie after the year 5138, as the
next finer unit before 1973."""


def read_time(cells: pl.Series, rules: Rules, *, required: bool, event: bool) -> Reading:
    """Read times. `event`: they are of things that happened, so none may lie ahead of the clock."""
    kind = cells.dtype
    times = _typed(cells, kind, rules.zone) if isinstance(kind, pl.Datetime) else _iso_at_once(cells, rules.zone)
    if times is not None and times.null_count() == 0 and _within(times, rules, event=event):
        return Reading(times)
    read = (
        _one_by_one(cells, rules)
        if times is None
        else pl.DataFrame({"time": times}).with_columns(fault=pl.lit(None, pl.String))
    )
    bounds = [(pl.col("time") < rules.earliest, Fault.TOO_EARLY)]
    bounds += [(pl.col("time") > rules.latest, Fault.FUTURE_TIME)] if event else []
    bounds += [(pl.col("time").is_null(), Fault.MISSING_VALUE)] if required else []
    read = read.with_columns(fault=pl.coalesce("fault", first_fault(*bounds)))
    kept = read.select(pl.when(pl.col("fault").is_null()).then("time")).to_series()
    return Reading(kept, read["fault"] if read["fault"].null_count() < read.height else None)


def _within(times: pl.Series, rules: Rules, *, event: bool) -> bool:
    first, last = pl.DataFrame({"t": times}).select(first=pl.min("t"), last=pl.max("t")).row(0)
    return first is None or (first >= rules.earliest and (not event or last <= rules.latest))


def _typed(cells: pl.Series, kind: pl.Datetime, zone: str) -> pl.Series:
    instants = cells.dt.cast_time_unit("us")
    return _localised(instants, zone) if kind.time_zone is None else instants.dt.convert_time_zone("UTC")


def _localised(naive: pl.Series, zone: str) -> pl.Series:
    """Return the instants of local times: the earlier one in the hour that occurs twice, null where there is none."""
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _iso_at_once(cells: pl.Series, zone: str) -> pl.Series | None:
    """Read the whole column as ISO 8601, by Arrow's parser, three times as fast as one by one; None if it is not."""
    text = cells.to_arrow()
    for kind in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):
        try:
            times = pl.Series(cells.name, pc.cast(text, kind))
        except pa.ArrowInvalid:
            continue
        if kind.tz is not None:
            return times
        instants = _localised(times, zone)
        return instants if instants.null_count() == cells.null_count() else None
    return None


def _one_by_one(cells: pl.Series, rules: Rules) -> pl.DataFrame:
    """Return `time` (UTC, null: absent or unreadable) and `fault` for each cell."""
    text = pl.DataFrame({"cells": cells}).select(text=present(pl.col("cells")))
    text = text.with_columns(pl.when(~pl.col("text").is_in(_NO_TIME)).then("text").alias("text"))
    parts = text.select(pl.col("text").str.extract_groups(_ISO)).unnest("text")
    iso = _from_parts(parts, rules.zone)
    formatted = _by_formats(text["text"], rules)
    epoch = text.select(_epoch(pl.col("text"))).to_series()
    frame = text.with_columns(
        time=pl.DataFrame({"a": iso, "b": formatted, "c": epoch}).select(pl.coalesce("a", "b", "c")).to_series(),
        shaped=parts["year"].is_not_null(),
    )
    unread = pl.col("time").is_null() & pl.col("text").is_not_null()
    return frame.select(
        "time",
        fault=first_fault(
            (unread & pl.col("shaped"), Fault.IMPOSSIBLE_TIME),
            (unread & pl.col("text").str.contains(_SLASHED) & (len(rules.time_formats) == 0), Fault.AMBIGUOUS_DATE),
            (unread, Fault.BAD_TIME),
        ),
    )


def _from_parts(parts: pl.DataFrame, zone: str) -> pl.Series:
    offset = pl.col("zone").replace(["Z", "z", "UTC", "GMT"], ["+00:00"] * 4).fill_null("+00:00")
    clock = [pl.col(name).fill_null("00") for name in ("hour", "minute", "second")]
    written = pl.format(
        "{}-{}-{}T{}:{}:{}.{}{}", "year", "month", "day", *clock, pl.col("fraction").fill_null("0"), offset
    )
    frame = parts.select(
        zoned=pl.col("zone").is_not_null() & (pl.col("zone") != ""),
        instant=written.str.to_datetime(_FULL, time_unit="us", strict=False),
    )
    local = _localised(frame["instant"].dt.replace_time_zone(None), zone)
    return frame.select(pl.when("zoned").then("instant").otherwise(pl.lit(local))).to_series()


def _by_formats(text: pl.Series, rules: Rules) -> pl.Series:
    found = pl.Series([], dtype=UTC_TIME).extend_constant(None, len(text))
    for form in rules.time_formats:
        read = text.str.to_datetime(form, time_unit="us", strict=False)
        instants = _typed(read, pl.Datetime("us", "UTC" if "%z" in form or "%#z" in form else None), rules.zone)
        found = pl.DataFrame({"a": found, "b": instants}).select(pl.coalesce("a", "b")).to_series()
    return found


def _epoch(text: pl.Expr) -> pl.Expr:
    digits = pl.when(text.str.contains(_EPOCH)).then(text)
    whole = digits.str.extract(r"^(\d+)").cast(pl.Int64, strict=False)
    microseconds = (
        pl.when(whole < _MILLISECONDS_FROM)
        .then(whole * 1_000_000 + _fraction(digits, 6))
        .when(whole < _MICROSECONDS_FROM)
        .then(whole * 1_000 + _fraction(digits, 3))
        .when(whole < _NANOSECONDS_FROM)
        .then(whole)
        .otherwise(whole // 1_000)
    )
    return microseconds.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _fraction(digits: pl.Expr, places: int) -> pl.Expr:
    """Return the digits after the point as an integer with so many places; more are cut off."""
    return digits.str.extract(r"\.(\d+)$").fill_null("").str.pad_end(places, "0").str.head(places).cast(pl.Int64)
