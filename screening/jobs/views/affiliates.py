"""The leaderboard, one affiliate's scorecard, and rings of applicants.

Scorecards count the lake's events of a month, so what was counted is kept in the workspace until another scan is
recorded or other events come in; people's verdicts since then show with the next count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import polars as pl

from screening.errors import InputError, NotFoundError
from screening.jobs.kpis import Key, Kpi
from screening.jobs.progress import plain_progress
from screening.jobs.scorecards import BEFORE, COLUMNS, COMPARED, chosen_span, scorecards
from screening.jobs.views.dossiers import dossier_of
from screening.jobs.views.pace import Pace, pace_of
from screening.store import Appeal, Case, Store
from screening.store.browse_cases import CaseFilter, CaseOrder
from screening.store.browse_judged import SourceRow
from screening.traffic.lake import Lake
from screening.traffic.parquet_file import put_parquet
from screening.workspace import Workspace

LISTED = 100
_SOURCES = 50
_RING_CASES = 200
_EMPTY = dict.fromkeys((*COLUMNS, *(f"{name}{BEFORE}" for name in COMPARED)), pl.Null)
ORDERS = ("rank", "adjusted_payout", "approved", "held", "quality", "rate")


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A month: key figures beside their targets, and partners' scorecards (columns of `jobs.scorecards`).

    `kpis` have key, currency, value, before, target and met. `partners` counts all of them.
    """

    month: str
    compared: bool
    kpis: tuple[Mapping[str, Any], ...]
    rows: tuple[Mapping[str, Any], ...]
    partners: int
    unjudged: int


@dataclass(frozen=True, slots=True)
class AffiliatePage:
    """An affiliate: its scorecards of the month by currency, its sources in the last scan, its appeals, its weeks."""

    affiliate_id: str
    name: str | None
    month: str
    cards: tuple[Mapping[str, Any], ...]
    sources: tuple[SourceRow, ...]
    appeals: tuple[Appeal, ...]
    cases: tuple[Case, ...]
    pace: Pace | None


@dataclass(frozen=True, slots=True)
class Ring:
    """Members joined by what they share, with the case of each that has one."""

    members: tuple[str, ...]
    cases: tuple[Case, ...]
    shared: tuple[str, ...]


def leaderboard(workspace: Workspace, store: Store, month: str | None, order: str, start: int) -> Leaderboard:
    """Return the leaderboard of a month (None: the last whole one) from row `start`. Raises InputError."""
    frame, body = _counted(workspace, store, month)
    # as counted they are ordered by currency and rank
    known = order in ORDERS and order != "rank"
    ranked = frame.sort(order, descending=True, nulls_last=True, maintain_order=True) if known else frame
    rows = ranked.slice(start, LISTED).to_dicts()
    return Leaderboard(
        body["month"], body["compared"], tuple(body["kpis"]), tuple(rows), frame.height, body["unjudged"]
    )


def affiliate_page(workspace: Workspace, store: Store, affiliate_id: str, now: datetime) -> AffiliatePage:
    """Return an affiliate's page. Raises NotFoundError when nothing is known of it."""
    frame, body = _counted(workspace, store, None)
    cards = frame.filter(pl.col("affiliate_id") == affiliate_id).to_dicts()
    scan = store.browse.trail.newest_complete("scan")
    sources = store.browse.judged.sources_of(affiliate_id, scan.run_id, _SOURCES) if scan else ()
    appeals = tuple(store.appeals.all(affiliate_id=affiliate_id))
    if not cards and not sources and not appeals:
        raise NotFoundError(f"Nothing is known of the affiliate {affiliate_id!r}.", remedy="Check its id.", where="id")
    chosen = CaseFilter("source", now, affiliate_id=affiliate_id)
    cases = store.browse.cases.page(chosen, CaseOrder.MONEY, size=_SOURCES).rows
    name = cards[0]["name"] if cards else None
    pace = pace_of(store, affiliate_id, scan) if scan else None
    return AffiliatePage(affiliate_id, name, body["month"], tuple(cards), sources, appeals, cases, pace)


def rings(workspace: Workspace, store: Store, now: datetime) -> tuple[Ring, ...]:
    """Return the rings of applicants that wait for a decision, the largest first."""
    cases = store.browse.cases.page(CaseFilter("application", now, reason="ring"), CaseOrder.AGE, size=_RING_CASES).rows
    screened = store.browse.judged.screenings(tuple(case.subject for case in cases))
    found: dict[tuple[str, ...], tuple[list[Case], dict[str, None]]] = {}
    for case in cases:
        screening = screened.get(case.subject)
        dossier = dossier_of(workspace, screening.evidence) if screening else None
        if dossier is None:
            continue
        members, shared = found.setdefault(tuple(dossier["ring"]), ([], {}))
        members.append(case)
        shared.update(dict.fromkeys(_shared(dossier)))
    listed = (Ring(key, tuple(members), _named(shared)) for key, (members, shared) in found.items())
    return tuple(sorted(listed, key=lambda ring: (-len(ring.members), ring.members)))


def _named(shared: Iterable[str]) -> tuple[str, ...]:
    """Leave out a kind, such as "payout account", where something of that kind is named beside it."""
    words = [text.replace("_", " ") for text in shared]
    return tuple(text for text in words if not any(other.startswith(f"{text} ") for other in words))


def _shared(dossier: Mapping[str, Any]) -> list[str]:
    found = []
    for reason in dossier["reasons"]:
        for finding in reason["findings"]:
            if "kinds" in finding["numbers"]:
                found.append(str(finding["numbers"]["kinds"]))
            elif reason["code"] == "ring":
                found += [exhibit["snippet"].split(" is shared", 1)[0] for exhibit in finding["exhibits"]]
    return found


def _counted(workspace: Workspace, store: Store, month: str | None) -> tuple[pl.DataFrame, dict[str, Any]]:
    newest = store.browse.trail.newest_complete("scan")
    key = json.dumps([Lake(workspace.lake).newest_version(), newest.run_id if newest else "", month])
    kept = workspace.folder("reports") / "panels" / f"scorecards-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    rows, body = kept.with_suffix(".parquet"), kept.with_suffix(".json")
    if rows.is_file() and body.is_file():
        return pl.read_parquet(rows), json.loads(body.read_text("utf-8"))
    try:
        span = chosen_span(workspace, month, (None, None))
    except InputError:
        if month is not None:
            raise
        # no events yet: decisions may still come from elsewhere, and who is held must be able to see that
        return pl.DataFrame(schema=_EMPTY), {"month": "no events yet", "compared": False, "kpis": [], "unjudged": 0}
    counted = scorecards(workspace, span, plain_progress(lambda _: None))
    said = {
        "month": f"{span.first:%Y-%m-%d} to {span.last:%Y-%m-%d}",
        "compared": counted.before is not None,
        "kpis": [_kpi(kpi) for kpi in counted.kpis],
        "unjudged": counted.unjudged,
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    put_parquet(counted.rows, rows)
    body.write_text(json.dumps(said, default=str), encoding="utf-8")
    return counted.rows, json.loads(json.dumps(said, default=str))


def _kpi(kpi: Kpi) -> dict[str, Any]:
    said = asdict(kpi)
    is_share = kpi.key in (Key.CONVERSION_RATE, Key.RETURN_RATE)
    return {**said, **{name: _figure(said[name], is_share=is_share) for name in ("value", "before", "target")}}


def _figure(value: Any, *, is_share: bool) -> str | None:  # noqa: ANN401 - a number of any kind
    if value is None:
        return None
    if is_share:
        return f"{value:.2%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
