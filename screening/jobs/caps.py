"""The job behind cap recommendations: every scan makes them, people decide about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl

from screening.caps.advise import advise
from screening.caps.effect import Estimate
from screening.caps.recommend import KEEP, PAUSE, Recommendation
from screening.jobs.caps_facts import facts_of, moment, policy_of
from screening.settings.caps import AutomaticSettings, CapSettings
from screening.store import CAPS, AuditEvent, CapVerdict, Records, RunRecord
from screening.traffic.lake import Snapshot

AUTOMATIC = "automatic approval"
"""Stands in the audit trail where no person approved."""
_FOR_A_PERSON = frozenset({"below_use", "data_old", "effect_unknown"})
"""Reasons with which nothing is approved without a person, a pause neither."""
_PLACES = Decimal("0.0001")
_GIVEN = [name for name in CAPS if name not in ("cap_id", "run_id")]


def caps_of_scan(
    snapshot: Snapshot, records: Records, sources: pl.DataFrame, period: tuple[date, datetime], settings: CapSettings
) -> pl.DataFrame:
    """Recommend for the judged sources; return the store's CAPS without cap_id and run_id, all `proposed`.

    period: the last day judged, and now. Advice holds for the end of that day, or for now when it is not over.
    """
    last, now = period
    as_of = min(now, datetime.combine(last + timedelta(days=1), time(), UTC))
    facts = facts_of(snapshot, sources, moment(snapshot, records, as_of, now), settings)
    return caps_frame(advise(facts, policy_of(settings)), now + timedelta(days=settings.expiry_days))


def caps_again(
    snapshot: Snapshot, records: Records, sources: pl.DataFrame, run: RunRecord, now: CapSettings
) -> pl.DataFrame:
    """Recommend once more what a recorded scan recommended, from what was decided and set then.

    A setting that is younger than the run counts as it is `now`.
    """
    if run.period_to is None:
        raise ValueError("a run without a period recommended nothing")
    settings = CapSettings.model_validate(now.model_dump() | run.settings.get("caps", {}))
    return caps_of_scan(snapshot, records, sources, (run.period_to, run.started_at), settings)


def caps_frame(recommended: Sequence[Recommendation], expires_at: datetime) -> pl.DataFrame:
    """Return recommendations in the store's columns."""
    return pl.DataFrame([_row(item, expires_at) for item in recommended], schema={name: CAPS[name] for name in _GIVEN})


def approve_automatically(records: Records, run_id: str, now: datetime, settings: AutomaticSettings) -> list[int]:
    """Approve what a run proposed and the settings allow without a person; return the cap_ids."""
    if not settings.enabled:
        return []
    chosen = [row for row in records.caps(run_id).iter_rows(named=True) if _within(row, settings)]
    for row in chosen:
        verdict = CapVerdict("approved", AUTOMATIC, now, {row["cap_id"]: row["recommended"]})
        records.recommendations.decide([row["cap_id"]], verdict)
        details = {"action": row["action"], "limit": str(row["recommended"]), "before": str(row["current"])}
        records.audit.append(AuditEvent(now, AUTOMATIC, "cap approved", f"cap {row['cap_id']}", details))
    return [row["cap_id"] for row in chosen]


def _within(row: dict[str, object], settings: AutomaticSettings) -> bool:
    """Whether a recommendation is small and sure enough.

    A person looks where it stops traffic at once, where the data are old, and where nobody knows what it does.
    """
    current, recommended, reasons = row["current"], row["recommended"], row["reasons"]
    if row["status"] != "proposed" or row["action"] == KEEP or not isinstance(reasons, list):
        return False
    if _FOR_A_PERSON & set(reasons):
        return False
    if row["action"] == PAUSE:
        return settings.pause
    if not isinstance(current, Decimal) or not isinstance(recommended, Decimal):
        return False
    return abs(recommended - current) <= current * Decimal(str(settings.step_max))


def _row(item: Recommendation, expires_at: datetime) -> dict[str, object]:
    row: dict[str, object] = {
        "affiliate_id": item.cap.affiliate_id,
        "offer_id": item.cap.offer_id,
        "cap_type": item.cap.cap_type,
        "current": _exact(item.current),
        "recommended": _exact(item.recommended),
        "action": item.action,
        "expires_at": expires_at,
        "reasons": [reason.code for reason in item.reasons],
        "status": "proposed",
        "reason_details": json.dumps([asdict(reason) for reason in item.reasons]),
    }
    if item.effect is None:
        return row
    saving, cost = item.effect.saving, item.effect.cost
    return (
        row
        | {"currency": item.effect.currency}
        | _ends("expected_saving", "saving", saving)
        | _ends("expected_cost", "cost", cost)
    )


def _ends(expected: str, name: str, estimate: Estimate) -> dict[str, object]:
    return {
        expected: _exact(estimate.expected),
        f"{name}_low": _exact(estimate.low),
        f"{name}_high": _exact(estimate.high),
    }


def _exact(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_PLACES)
