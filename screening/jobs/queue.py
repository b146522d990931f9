"""Put before people what they must decide: sources that a scan flags, a random draw of all, and applicants in doubt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from screening.settings.decisions import DecisionSettings
from screening.store import Case, CaseEvent, Records, RunRecord
from screening.traffic.scan import Judged

_AUDIT = "audit_sample"
_SOURCE = ("affiliate_id", "offer_id", "sub_id")
_AFFILIATE_PREFIX = "affiliate:"


def queue_sources(
    records: Records, judged: Judged, locks: pl.DataFrame, run: RunRecord, settings: DecisionSettings
) -> int:
    """Open a case for every flagged source of the newest window and for those drawn for audit; return how many.

    `locks` are conversion_id and locks_at: a case's clock is when the first of its held money locks, and its amount is
    what is held, or all of the source's payout when nothing is. A source that already waits is not opened twice. The
    draw depends on the seed, the period and the source alone.
    """
    newest = judged.sources.filter(judged.sources["to"] == judged.sources["to"].max())
    stakes = _stakes(judged.decisions, locks, run.finished_at)
    opened = 0
    for row in newest.iter_rows(named=True):
        subject = source_subject(row)
        drawn = drawn_for_audit(subject, run.period_to, settings.seed, settings.audit_share)
        if row["flagged"] or drawn:
            reasons = (*row["reasons"], *((_AUDIT,) if drawn else ()))
            stake = stakes.get(tuple(row[part] for part in _SOURCE), _Stake(None, None, None))
            case = _case(row, subject, reasons, stake, run)
            records.cases.open(case, CaseEvent(run.finished_at, "scan", "opened", details={"run_id": run.run_id}))
            opened += 1
    return opened


def source_subject(row: Mapping[str, Any]) -> str:
    """Return the subject under which a source's case is kept."""
    return "/".join(row[part] or "" for part in _SOURCE)


def drawn_for_audit(subject: str, period_to: date | None, seed: int, share: float) -> bool:
    """Say whether a scan up to that day draws a source for audit, whatever it decides about it."""
    key = f"{seed}|{period_to}|{subject}"
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return number < share * 2**64


def queue_applications(records: Records, screenings: pl.DataFrame, run: RunRecord) -> int:
    """Open a case for every application, or affiliate screened again, that a person must decide; return how many."""
    waiting = screenings.filter(pl.col("decision") == "review")
    for member, reasons in waiting.select("application_id", "reasons").iter_rows():
        is_affiliate = member.startswith(_AFFILIATE_PREFIX)
        case = Case(
            kind="affiliate" if is_affiliate else "application",
            subject=member,
            opened_at=run.finished_at,
            reasons=tuple(reasons),
            affiliate_id=member.removeprefix(_AFFILIATE_PREFIX) if is_affiliate else None,
            run_id=run.run_id,
        )
        records.cases.open(case, CaseEvent(run.finished_at, "screen", "opened", details={"run_id": run.run_id}))
    return waiting.height


@dataclass(frozen=True, slots=True)
class _Stake:
    """What is held of a source (None: nothing), in which currency (None: several, or not named), and when it locks."""

    held: Decimal | None
    currency: str | None
    locks_at: datetime | None


def _stakes(decisions: pl.DataFrame, locks: pl.DataFrame, now: datetime) -> dict[tuple[Any, ...], _Stake]:
    held, locks_at = pl.col("decision") == "hold", pl.col("locks_at")
    summed = (
        decisions.join(locks, on="conversion_id", how="left")
        .group_by(_SOURCE)
        .agg(
            pl.when(held.any()).then(pl.col("payout").filter(held).sum()),
            pl.when(pl.col("currency").n_unique() == 1).then(pl.col("currency").first()),
            locks_at.filter(locks_at > now, held | ~held.any()).min(),
        )
    )
    return {tuple(row[:3]): _Stake(*row[3:]) for row in summed.iter_rows()}


def _case(row: Mapping[str, Any], subject: str, reasons: tuple[str, ...], stake: _Stake, run: RunRecord) -> Case:
    return Case(
        kind="source",
        subject=subject,
        opened_at=run.finished_at,
        reasons=reasons,
        affiliate_id=row["affiliate_id"],
        offer_id=row["offer_id"],
        amount=row["payout"] if stake.held is None else stake.held,
        currency=stake.currency,
        due_at=stake.locks_at,
        run_id=run.run_id,
    )
