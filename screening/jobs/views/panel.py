"""A traffic source beside its offer's norm, as the charts of its page show it.

The norm is what the same offer's other affiliates brought in the same days. Counting it reads the offer's events, so
what was counted is kept in the workspace under the run and the source; a run never changes, and neither does it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind
from screening.store.browse_judged import SourceName
from screening.traffic.lake import Lake, Snapshot
from screening.workspace import Workspace

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
SPANS = (
    *((5, "5 s"), (15, "15 s"), (60, "1 min"), (5 * _MINUTE, "5 min"), (15 * _MINUTE, "15 min"), (_HOUR, "1 h")),
    *((3 * _HOUR, "3 h"), (12 * _HOUR, "12 h"), (_DAY, "1 d"), (3 * _DAY, "3 d"), (7 * _DAY, "7 d")),
)
"""Upper ends of the classes of click-to-conversion time, in seconds, and their names; a last class holds the rest.

5 s, 15 s, 60 s, 1 h and 24 h are the limits that the trade's fraud tools use.
"""
SPAN_NAMES = (*(f"under {name}" for _, name in SPANS), "longer")
_TOP = 8
"""Addresses and agents listed."""
_PEERS = 60
"""Affiliates of the offer beside whom the rate is shown, the largest first."""
_PEER_CLICKS = 50
"""Clicks without which a rate says nothing."""
_SURGE_LEAST = 10
"""Conversions of the others below which a day is no surge, whatever the median."""
_SURGE = 2.0
"""A day on which the offer's others bring this many times their median is a surge of the offer's, not of the source."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Counts of a source and shares of its norm. Lists of shares sum to 1, or are empty when nothing is known.

    `spans`, `norm_spans`: click-to-conversion time by `SPAN_NAMES`, conversions and share of the norm. `unknown_spans`:
    conversions without a click time. `days`: day, clicks, conversions, and the others' conversions. `surges`: days on
    which the whole offer surged. `hours`, `norm_hours`: conversions by hour of day (UTC), and the norm's share.
    `addresses`, `agents`: value, conversions, share, the most first. `rate`: conversions a click, None without clicks;
    `peers`: the same of the offer's other affiliates.
    """

    spans: tuple[int, ...]
    norm_spans: tuple[float, ...]
    unknown_spans: int
    days: tuple[tuple[str, int, int, int], ...]
    surges: tuple[str, ...]
    hours: tuple[int, ...]
    norm_hours: tuple[float, ...]
    addresses: tuple[tuple[str, int, float], ...]
    agents: tuple[tuple[str, int, float], ...]
    rate: float | None
    peers: tuple[float, ...]
    clicks: int
    conversions: int


def panel(
    workspace: Workspace, name: SourceName, days: tuple[date, date], run_id: str, lake_version: int | None
) -> Panel:
    """Return the panel of a source over some days, both inclusive, from the events that the run saw."""
    kept = _kept_at(workspace, name, days, run_id)
    if kept.is_file():
        return _read(json.loads(kept.read_text("utf-8")))
    counted = _count(Lake(workspace.lake).snapshot(lake_version), name, days)
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps(asdict(counted)), encoding="utf-8")
    draft.replace(kept)
    return counted


def _kept_at(workspace: Workspace, name: SourceName, days: tuple[date, date], run_id: str) -> Path:
    body = json.dumps([name.affiliate_id, name.offer_id, name.sub_id, *map(str, days)])
    digest = hashlib.sha256(body.encode()).hexdigest()[:24]
    folder = hashlib.sha256(run_id.encode()).hexdigest()[:24]
    return workspace.folder("reports") / "panels" / folder / f"{digest}.json"


def _read(body: dict[str, Any]) -> Panel:
    as_tuples = {key: _tuples(value) for key, value in body.items()}
    return Panel(**as_tuples)


def _tuples(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _count(snapshot: Snapshot, name: SourceName, days: tuple[date, date]) -> Panel:
    mine = (pl.col("affiliate_id") == name.affiliate_id) & pl.col("sub_id").eq_missing(pl.lit(name.sub_id, pl.String))
    others = pl.col("affiliate_id") != name.affiliate_id
    of_offer = pl.col("offer_id") == name.offer_id
    columns = ("ts", "click_ts", "affiliate_id", "sub_id", "ip", "user_agent")
    conversions = snapshot.frame(Kind.CONVERSIONS, *days).filter(of_offer).select(columns).collect()
    clicks = (
        snapshot.frame(Kind.CLICKS, *days)
        .filter(of_offer)
        .group_by("affiliate_id", mine=mine, day=pl.col("ts").dt.date())
        .agg(clicks=pl.len())
        .collect(engine="streaming")
    )
    own, rest = conversions.filter(mine), conversions.filter(others)
    seen = clicks.filter("mine").select("day", "clicks")
    clicked = int(seen["clicks"].sum())
    by_day = _days(own, rest, seen, days)
    return Panel(
        spans=_spans(own),
        norm_spans=_shares(_spans(rest)),
        unknown_spans=int(own["click_ts"].null_count()),
        days=by_day,
        surges=_surges(by_day),
        hours=_hours(own),
        norm_hours=_shares(_hours(rest)),
        addresses=_most(own, "ip"),
        agents=_most(own, "user_agent"),
        rate=own.height / clicked if clicked else None,
        peers=_peers(rest, clicks.filter(others)),
        clicks=clicked,
        conversions=own.height,
    )


def _spans(rows: pl.DataFrame) -> tuple[int, ...]:
    seconds = (rows["ts"] - rows["click_ts"]).dt.total_seconds().drop_nulls()
    counts = [0] * len(SPAN_NAMES)
    for second in seconds.clip(lower_bound=0).to_list():
        counts[next((place for place, (end, _) in enumerate(SPANS) if second < end), len(SPANS))] += 1
    return tuple(counts)


def _hours(rows: pl.DataFrame) -> tuple[int, ...]:
    counted = dict(rows.group_by(hour=pl.col("ts").dt.hour().cast(pl.Int64)).len().iter_rows())
    return tuple(int(counted.get(hour, 0)) for hour in range(24))


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    whole = sum(counts)
    return tuple(count / whole for count in counts) if whole else ()


def _days(
    own: pl.DataFrame, rest: pl.DataFrame, clicks: pl.DataFrame, days: tuple[date, date]
) -> tuple[tuple[str, int, int, int], ...]:
    def counted(rows: pl.DataFrame) -> dict[date, int]:
        return dict(rows.group_by(day=pl.col("ts").dt.date()).len().iter_rows())

    mine, others, clicked = counted(own), counted(rest), dict(clicks.iter_rows())
    span = [days[0] + timedelta(days=step) for step in range((days[1] - days[0]).days + 1)]
    return tuple((str(day), int(clicked.get(day, 0)), mine.get(day, 0), others.get(day, 0)) for day in span)


def _surges(days: Sequence[tuple[str, int, int, int]]) -> tuple[str, ...]:
    others = sorted(day[3] for day in days)
    usual = others[len(others) // 2] if others else 0
    return tuple(day[0] for day in days if usual and day[3] >= max(_SURGE_LEAST, _SURGE * usual))


def _most(rows: pl.DataFrame, column: str) -> tuple[tuple[str, int, float], ...]:
    known = rows[column].drop_nulls()
    counted = known.value_counts(sort=True).sort("count", column, descending=[True, False]).head(_TOP)
    return tuple((str(value), int(count), count / len(known)) for value, count in counted.iter_rows())


def _peers(rest: pl.DataFrame, clicks: pl.DataFrame) -> tuple[float, ...]:
    clicked = clicks.group_by("affiliate_id").agg(pl.col("clicks").sum()).filter(pl.col("clicks") >= _PEER_CLICKS)
    rates = clicked.join(rest.group_by("affiliate_id").len("conversions"), on="affiliate_id", how="left")
    largest = rates.sort("clicks", descending=True).head(_PEERS)
    return tuple((largest["conversions"].fill_null(0) / largest["clicks"]).to_list())
