"""People and cap recommendations: list them, approve them with an edited limit if need be, reject them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from features.schema import MONEY_PRECISION, MONEY_SCALE
from screening.caps.codes import sentences
from screening.caps.limits import MONEY, Cap
from screening.caps.recommend import KEEP
from screening.errors import InputError
from screening.review.act import Act, demand
from screening.review.permissions import Action
from screening.store import AuditEvent, CapVerdict, Records, Store, open_store
from screening.workspace import Workspace

APPROVED, REJECTED, PROPOSED = "approved", "rejected", "proposed"
_LARGEST = Decimal(10) ** (MONEY_PRECISION - MONEY_SCALE)
_SMALLEST = Decimal(1).scaleb(-MONEY_SCALE)
_LISTING = "`winnow caps list` shows those that can be decided."


@dataclass(frozen=True, slots=True)
class CapFilter:
    """Which recommendations to list; None: whatever it is. everything: also kept limits, expired and older ones."""

    offer_id: str | None = None
    affiliate_id: str | None = None
    action: str | None = None
    status: str | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class ListedCap:
    """A recommendation as it was stored (`row`, the store's CAPS and judged_at), its reasons in sentences.

    replaced: a later scan recommended about the same limit.
    """

    row: Mapping[str, Any]
    reasons: tuple[str, ...]
    expired: bool
    replaced: bool

    @property
    def used(self) -> Decimal:
        """What was used of the limit, at the time of the scan, in the period that ran then."""
        for reason in json.loads(self.row["reason_details"] or "[]"):
            if reason["code"] == "used_so_far":
                return Decimal(reason["numbers"]["exact"])
        return Decimal(0)


@dataclass(frozen=True, slots=True)
class CapList:
    """What was asked for, and how many the filter of what waits for a person left out."""

    caps: tuple[ListedCap, ...]
    kept: int
    expired: int


@dataclass(frozen=True, slots=True)
class DecidedCaps:
    """What a person decided: the recommendations as they are now."""

    status: str
    by: str
    caps: tuple[ListedCap, ...]


def list_caps(workspace: Workspace, wanted: CapFilter, now: datetime) -> CapList:
    """List the newest recommendation about each limit, those that save most first.

    Without `everything` those that change nothing, and proposals that have expired, are counted only.
    """
    with open_store(workspace.store_url) as store:
        newest = store.recommendations.newest()
        ids = newest["cap_id"]
        frame = store.recommendations.all() if wanted.everything else newest
    for column in ("offer_id", "affiliate_id", "action", "status"):
        value = getattr(wanted, column)
        if value is not None:
            frame = frame.filter(pl.col(column) == value)
    order = ("expected_saving", "cap_id")
    listed = [listed_cap(row, set(ids), now) for row in _sorted(frame, order).iter_rows(named=True)]
    if wanted.everything:
        return CapList(tuple(listed), 0, 0)
    kept = [] if wanted.action == KEEP else [item for item in listed if item.row["action"] == KEEP]
    shown = [item for item in listed if item not in kept]
    gone = [item for item in shown if item.expired]
    return CapList(tuple(item for item in shown if not item.expired), len(kept), len(gone))


def _sorted(frame: pl.DataFrame, order: tuple[str, str]) -> pl.DataFrame:
    return frame.sort(*order, descending=[True, False], nulls_last=True)


def approve_caps(workspace: Workspace, cap_ids: Sequence[int], limit: Decimal | None, act: Act) -> DecidedCaps:
    """Approve recommendations; with `limit` one recommendation with another limit than the recommended one.

    Raises InputError for one that is not there, changes nothing, has expired or was replaced by a later scan;
    ConflictError when somebody decided meanwhile; DeniedError when the person may not. All are approved or none.
    """
    if limit is not None and len(cap_ids) != 1:
        raise InputError("An edited limit is for one recommendation.", remedy="Name one cap_id.", where="--limit")
    with open_store(workspace.store_url) as store:
        demand(act.person, Action.DECIDE_CAPS)
        chosen = _decidable(store, cap_ids, act.at)
        for row in chosen:
            _refuse_unchanging(row, limit)
        limits = {row["cap_id"]: row["recommended"] if limit is None else _fitting(limit, row) for row in chosen}
        verdict = CapVerdict(APPROVED, act.person.name, act.at, limits)
        return _decide(store, chosen, verdict, act)


def reject_caps(workspace: Workspace, cap_ids: Sequence[int], act: Act) -> DecidedCaps:
    """Reject recommendations; the same advice is not given again for `caps.reversal_days`. Raises as approve_caps."""
    with open_store(workspace.store_url) as store:
        demand(act.person, Action.DECIDE_CAPS)
        chosen = _decidable(store, cap_ids, act.at)
        return _decide(store, chosen, CapVerdict(REJECTED, act.person.name, act.at, {}), act)


def listed_cap(row: Mapping[str, Any], newest: set[int], now: datetime) -> ListedCap:
    """Return a stored recommendation as people read it. newest: ids of those that no later scan replaced."""
    details = json.loads(row["reason_details"] or "[]")
    expired = row["status"] == PROPOSED and row["expires_at"] <= now
    return ListedCap(row, sentences(details), expired, row["cap_id"] not in newest)


def _decide(store: Store, chosen: Sequence[Mapping[str, Any]], verdict: CapVerdict, act: Act) -> DecidedCaps:
    ids = [row["cap_id"] for row in chosen]
    with store.together() as records:
        records.recommendations.decide(ids, verdict)
        for row in chosen:
            records.audit.append(_event(row, verdict, act))
    return DecidedCaps(verdict.status, verdict.by, _now(store, ids, act.at))


def _now(records: Records, ids: Sequence[int], now: datetime) -> tuple[ListedCap, ...]:
    rows = records.recommendations.of_ids(ids).iter_rows(named=True)
    return tuple(listed_cap(row, set(ids), now) for row in rows)


def _event(row: Mapping[str, Any], verdict: CapVerdict, act: Act) -> AuditEvent:
    limit = verdict.limits.get(row["cap_id"])
    details = {
        "offer_id": row["offer_id"],
        "affiliate_id": row["affiliate_id"],
        "cap_type": row["cap_type"],
        "action": row["action"],
        "current": _text(row["current"]),
        "recommended": _text(row["recommended"]),
        "limit": _text(limit),
        "edited": limit is not None and limit != row["recommended"],
        "note": act.note,
        "run_id": row["run_id"],
    }
    return AuditEvent(act.at, act.person.name, f"cap {verdict.status}", f"cap {row['cap_id']}", details)


def _decidable(store: Store, cap_ids: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """Return the recommendations if each may be decided now; else say of the first why not."""
    if not cap_ids:
        raise InputError("No recommendation is named.", remedy=_LISTING, where="CAP_ID")
    known = {row["cap_id"]: row for row in store.recommendations.of_ids(cap_ids).iter_rows(named=True)}
    newest = set(store.recommendations.newest()["cap_id"])
    for cap_id in cap_ids:
        row = known.get(cap_id)
        if row is None:
            raise InputError("There is no such recommendation.", remedy=_LISTING, where=f"cap {cap_id}")
        if row["status"] != PROPOSED:
            by = f" by {row['decided_by']}" if row["decided_by"] else ""
            raise InputError(f"It is {row['status']} already{by}.", remedy=_LISTING, where=f"cap {cap_id}")
        if cap_id not in newest:
            raise InputError("A later scan has recommended anew.", remedy=_LISTING, where=f"cap {cap_id}")
        if row["expires_at"] <= now:
            raise InputError(
                f"It expired on {row['expires_at']:%Y-%m-%d %H:%M} UTC.",
                remedy="Run `winnow scan` and decide on what it recommends.",
                where=f"cap {cap_id}",
            )
    return [known[cap_id] for cap_id in dict.fromkeys(cap_ids)]


def _refuse_unchanging(row: Mapping[str, Any], limit: Decimal | None) -> None:
    if row["action"] == KEEP and limit is None:
        raise InputError(
            "It keeps the limit as it is, so there is nothing to approve.",
            remedy="Give another limit with --limit, or leave it.",
            where=f"cap {row['cap_id']}",
        )


def _fitting(limit: Decimal, row: Mapping[str, Any]) -> Decimal:
    """Return an edited limit if it can be one: not negative, exact, whole where things are counted."""
    counted = Cap(row["offer_id"], row["affiliate_id"], row["cap_type"]).measure not in MONEY
    exact = limit.is_finite() and 0 <= limit < _LARGEST and limit == limit.quantize(_SMALLEST)
    if not exact or (counted and limit != limit.to_integral_value()):
        kind = "a whole number" if counted else f"an amount with at most {MONEY_SCALE} decimal places"
        raise InputError(f"{limit} cannot be a limit of {row['cap_type']}.", remedy=f"Give {kind}.", where="--limit")
    return limit.quantize(_SMALLEST)


def amount(text: str) -> Decimal:
    """Read a limit as a person types it. Raises InputError for what is not a plain number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InputError(
            f"{text!r} is not a number.", remedy="Write it as 1250 or 1250.50, without separators.", where="--limit"
        ) from None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
