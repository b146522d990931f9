"""Payout decisions by call: the rule, the ledger and the audit trail of the job `payout`, for a few lines at a time.

Calls that wait at the same moment are decided together: one look into the database, one transaction. Each call is a
batch of its own in the ledger. Its answer is kept under its idempotency key in that same transaction, so that the same
call again, after a crash or a lost answer, gets the same answer and pays nothing twice.

The calls of one server belong to one run, recorded with the settings and versions that hold for all of them. A
conversion that no scan judged is held as `not_judged`, also when nobody reported it: telling these apart takes a look
through the lake, which the job `payout` takes once per file. What the lake closes is remembered, and read again when
the lake changes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from importlib.metadata import version
from itertools import accumulate
from typing import Any

import polars as pl

from screening.errors import BusyError, ConflictError
from screening.gate.payout import LINES, decide_lines, hold_not_due, times_that_count
from screening.jobs.payout_due import Closings
from screening.jobs.payout_evidence import (
    BESIDE,
    EvidenceChangedError,
    EvidenceState,
    evidence_state,
    judged_lines,
    refuse_changed,
)
from screening.settings import without_passwords
from screening.store import RELEASES, AuditEvent, KeptAnswer, ReleasedBeforeError, RunRecord, Store
from screening.traffic.lake import Lake
from screening.workspace import Workspace

COMMAND = "payout-calls"
ACTOR = "winnow payout calls"
EVENT = "payout.decided"
_ATTEMPTS = 5
"""How often a group is decided anew because releases, verdicts or scans came in between."""


@dataclass(frozen=True, slots=True)
class CalledLine:
    """A conversion that somebody wants to pay. None: the caller did not say."""

    conversion_id: str
    amount: Decimal
    currency: str | None
    affiliate_id: str | None


@dataclass(frozen=True, slots=True)
class PayoutCall:
    """A call: who sent it, under which idempotency key, and its lines, at least one."""

    caller: str
    key: str
    lines: tuple[CalledLine, ...]

    @property
    def name(self) -> tuple[str, str]:
        """Under which its answer is kept."""
        return self.caller, self.key

    @property
    def batch_id(self) -> str:
        """Its batch in the ledger: the SHA-256 of who called under which key."""
        return hashlib.sha256(json.dumps(self.name).encode()).hexdigest()

    @property
    def request_hash(self) -> str:
        """SHA-256 of what was asked, so that a key used for something else shows."""
        said = [[line.conversion_id, str(line.amount), line.currency, line.affiliate_id] for line in self.lines]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call, as JSON. `repeated`: it was given before, and is given again."""

    body: str
    repeated: bool


Reply = Answered | ConflictError
"""What a call gets; ConflictError when its key was used for another request."""


class PayoutDesk:
    """Decides calls against an open store. One thread at a time may use it; other servers may run beside it."""

    def __init__(self, workspace: Workspace, store: Store, clock: Callable[[], datetime]) -> None:
        self._workspace = workspace
        self._store = store
        self._clock = clock
        self._run_id = f"{COMMAND}-{uuid.uuid4().hex[:24]}"
        self._recorded = False
        self._closings = Closings(Lake(workspace.lake))

    def decide(self, calls: Sequence[PayoutCall]) -> list[Reply]:
        """Answer the calls, in their order. Raises BusyError when others keep changing the same conversions."""
        replies: dict[int, Reply] = {}
        failures = 0
        while len(replies) < len(calls):
            self._recall(calls, replies)
            now = _apart(calls, replies)
            if not now:
                continue
            group = self._judge([calls[number] for number in now])
            if self._record(group):
                replies.update(
                    {number: Answered(body, repeated=False) for number, body in zip(now, group.bodies(), strict=True)}
                )
            elif (failures := failures + 1) >= _ATTEMPTS:
                raise BusyError("Others keep changing the same conversions.", remedy="Try again with the same key.")
        return [replies[number] for number in range(len(calls))]

    def _recall(self, calls: Sequence[PayoutCall], replies: dict[int, Reply]) -> None:
        """Answer the calls that were answered before."""
        waiting = [number for number in range(len(calls)) if number not in replies]
        kept = self._store.answers.of(list({calls[number].name for number in waiting}))
        for number in waiting:
            call = calls[number]
            if call.name in kept and kept[call.name].request_hash == call.request_hash:
                replies[number] = Answered(kept[call.name].body, repeated=True)
            elif call.name in kept:
                replies[number] = ConflictError(
                    "This idempotency key was used for another request.",
                    remedy="Send the request that it was used for, or a new key.",
                    where="Idempotency-Key",
                )

    def _judge(self, calls: Sequence[PayoutCall]) -> _Group:
        before, now = evidence_state(self._store), self._clock()
        lines = _frame(calls)
        settings = self._workspace.settings.payout
        times = times_that_count(now, settings.scan_age_days_max, settings.clock_difference_minutes_max)
        judged = judged_lines(self._store, lines["conversion_id"])
        answers = decide_lines(lines.hstack(judged.drop(BESIDE)), times)
        answers = hold_not_due(answers, self._closings.of(lines.select("conversion_id", judged["cleared_at"])))
        ends = list(accumulate(len(call.lines) for call in calls))
        rows = list(zip(*(answers[name].to_list() for name in ("decision", "currency", "reasons")), strict=True))
        told = [self._told(call, rows[end - len(call.lines) : end], now) for call, end in zip(calls, ends, strict=True)]
        batches = pl.Series("batch_id", [call.batch_id for call in calls for _ in call.lines], dtype=pl.String)
        decided = lines.drop("currency").hstack(answers).with_columns(batches)
        return _Group(calls, decided, told, before, now)

    def _told(
        self, call: PayoutCall, rows: Sequence[tuple[str, str | None, list[str]]], now: datetime
    ) -> dict[str, Any]:
        decisions = [
            {
                "conversion_id": line.conversion_id,
                "decision": decision,
                "reasons": reasons,
                "amount": str(line.amount),
                "currency": currency,
            }
            for line, (decision, currency, reasons) in zip(call.lines, rows, strict=True)
        ]
        said = {"run_id": self._run_id, "batch_id": call.batch_id, "decided_at": now.isoformat()}
        return {**said, "decisions": decisions, "totals": _totals(decisions)}

    def _record(self, group: _Group) -> bool:
        """Record releases, answers and the audit event, all or nothing.

        Returns False, and records nothing, when another batch released one of the conversions first, a verdict or
        a scan came in meanwhile, or another server answered one of the calls.
        """
        try:
            with self._store.together() as records:
                records.audit.lock()
                refuse_changed(records, group.before)
                if not self._recorded:
                    records.record_run(self._run(group.now))
                records.ledger.release([self._releases(group)])
                records.answers.keep(group.kept())
                records.webhooks.announce(EVENT, group.now, *group.told)
                records.audit.append(self._event(group))
        except (ReleasedBeforeError, EvidenceChangedError, ConflictError):
            return False
        self._recorded = True
        return True

    def _releases(self, group: _Group) -> pl.DataFrame:
        paid = group.decided.filter(pl.col("decision") == "pay")
        releases = paid.with_columns(released_at=pl.lit(group.now), run_id=pl.lit(self._run_id))
        return releases.select(RELEASES.names()).cast(RELEASES)

    def _event(self, group: _Group) -> AuditEvent:
        batches = [{"batch_id": call.batch_id, "caller": call.caller, "lines": len(call.lines)} for call in group.calls]
        details = {"batches": batches, "totals": _totals(line for told in group.told for line in told["decisions"])}
        return AuditEvent(group.now, ACTOR, "release", f"run {self._run_id}", details)

    def _run(self, now: datetime) -> RunRecord:
        return RunRecord(
            run_id=self._run_id,
            command=COMMAND,
            status="complete",
            started_at=now,
            finished_at=now,
            period_from=None,
            period_to=None,
            lake_version=None,
            inputs={},
            settings=without_passwords(self._workspace.settings.model_dump(mode="json")),
            versions={"winnow": version("winnow")},
            seed=0,
            counts={},
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Calls that were judged together.

    `decided`: their lines with decision, reasons, currency and batch_id; `told`: what each call is answered.
    """

    calls: Sequence[PayoutCall]
    decided: pl.DataFrame
    told: list[dict[str, Any]]
    before: EvidenceState
    now: datetime

    def bodies(self) -> list[str]:
        """Return the answers as JSON."""
        return [json.dumps(told, ensure_ascii=False) for told in self.told]

    def kept(self) -> list[KeptAnswer]:
        """Return the answers as they are kept."""
        return [
            KeptAnswer(call.caller, call.key, call.request_hash, int(HTTPStatus.OK), body, self.now)
            for call, body in zip(self.calls, self.bodies(), strict=True)
        ]


def _apart(calls: Sequence[PayoutCall], replies: Mapping[int, Reply]) -> list[int]:
    """Return calls without a reply, the first ones that share neither a name nor a conversion with each other."""
    names: set[tuple[str, str]] = set()
    conversions: set[str] = set()
    chosen = []
    for number, call in enumerate(calls):
        mine = {line.conversion_id for line in call.lines}
        if number not in replies and call.name not in names and not mine & conversions:
            chosen.append(number)
            names.add(call.name)
            conversions |= mine
    return chosen


def _frame(calls: Sequence[PayoutCall]) -> pl.DataFrame:
    """Return the lines of all calls as the gate takes them (`LINES`)."""
    rows = [
        (line.conversion_id, line.amount, line.currency, line.affiliate_id, None, False, repeated)
        for call in calls
        for line, repeated in _with_repetitions(call.lines)
    ]
    return pl.DataFrame(rows, schema=dict(LINES), orient="row")


def _with_repetitions(lines: Sequence[CalledLine]) -> Iterator[tuple[CalledLine, bool]]:
    seen: set[str] = set()
    for line in lines:
        yield line, line.conversion_id in seen
        seen.add(line.conversion_id)


def _totals(decisions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up decisions exactly, by decision and currency."""
    sums: dict[tuple[str, str | None], tuple[int, Decimal]] = {}
    for line in decisions:
        kind = line["decision"], line["currency"]
        count, amount = sums.get(kind, (0, Decimal(0)))
        sums[kind] = count + 1, amount + Decimal(line["amount"])
    return [
        {"decision": decision, "currency": currency, "lines": count, "amount": str(amount)}
        for (decision, currency), (count, amount) in sorted(sums.items(), key=str)
    ]
