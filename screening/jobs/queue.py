"""Put sources before people: those that a scan flags, and a random draw of all, so that error rates can be measured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from screening.settings.decisions import DecisionSettings
from screening.store import Case, CaseEvent, Records, RunRecord
from screening.traffic.scan import Judged

_AUDIT = "audit_sample"


def queue_sources(records: Records, judged: Judged, run: RunRecord, settings: DecisionSettings) -> int:
    """Open a case for every flagged source of the newest window and for those drawn for audit; return how many.

    A source that already waits is not opened twice. The draw depends on the seed, the period and the source alone.
    """
    newest = judged.sources.filter(judged.sources["to"] == judged.sources["to"].max())
    opened = 0
    for row in newest.iter_rows(named=True):
        subject = "/".join(part or "" for part in (row["affiliate_id"], row["offer_id"], row["sub_id"]))
        drawn = _drawn(f"{settings.seed}|{run.period_to}|{subject}", settings.audit_share)
        if row["flagged"] or drawn:
            reasons = (*row["reasons"], *((_AUDIT,) if drawn else ()))
            case = _case(row, subject, reasons, run)
            records.cases.open(case, CaseEvent(run.finished_at, "scan", "opened", details={"run_id": run.run_id}))
            opened += 1
    return opened


def _case(row: Mapping[str, Any], subject: str, reasons: tuple[str, ...], run: RunRecord) -> Case:
    return Case(
        kind="source",
        subject=subject,
        opened_at=run.finished_at,
        reasons=reasons,
        affiliate_id=row["affiliate_id"],
        offer_id=row["offer_id"],
        amount=row["payout"],
        run_id=run.run_id,
    )


def _drawn(key: str, share: float) -> bool:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return number < share * 2**64
