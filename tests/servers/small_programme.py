"""A programme small enough to count by hand, built into a workspace's lake and store by the tests that need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import store_writer as writer

from features.schema import TABLES, Kind, polars_schema
from screening.store import DECISIONS, RELEASES, VERDICT_COLUMNS, Store, open_store
from screening.traffic.lake import Lake
from screening.traffic.lakewrite import writing
from screening.workspace import Workspace, open_workspace

DRAW = {"decisions": {"seed": 1, "audit_share": 0.02}}
"""The settings of a run that measuring its error rate reads."""
OCTOBER = datetime(2026, 10, 10, 12, tzinfo=UTC)


@dataclass
class SmallProgramme:
    """Rows wait in `rows` until `build` writes them."""

    workspace: Workspace
    rows: dict[Kind, list[dict[str, Any]]] = field(default_factory=dict)
    judged: list[dict[str, Any]] = field(default_factory=list)

    def clicks(self, affiliate: str, count: int, offer: str = "o1", at: datetime = OCTOBER) -> None:
        for _ in range(count):
            number = len(self.rows.get(Kind.CLICKS, ()))
            row = {"click_id": f"k{number}", "ts": at, "affiliate_id": affiliate, "offer_id": offer}
            self.rows.setdefault(Kind.CLICKS, []).append(row)

    def conversion(self, affiliate: str, payout: str, decision: str | None = "pay", **more: Any) -> str:
        """Add a conversion; `score`, `reasons` and `outcome` go where they belong. Returns its id."""
        rows = self.rows.setdefault(Kind.CONVERSIONS, [])
        outcome, score, reasons = more.pop("outcome", None), more.pop("score", 0.1), more.pop("reasons", None)
        row = {"conversion_id": f"c{len(rows)}", "ts": OCTOBER, "affiliate_id": affiliate, "offer_id": "o1"}
        row |= {"payout": Decimal(payout), "currency": "USD"} | more
        rows.append(row)
        if outcome:
            told = {"conversion_id": row["conversion_id"], "outcome": outcome, "ts": row["ts"]}
            self.rows.setdefault(Kind.OUTCOMES, []).append(told)
        if decision:
            said = {name: row.get(name) for name in ("conversion_id", "affiliate_id", "offer_id", "sub_id", "ts")}
            said |= {"payout": row["payout"], "currency": row["currency"], "decision": decision, "score": score}
            said |= {"reasons": reasons or ([] if decision == "pay" else ["ctct_short"]), "missing": []}
            self.judged.append(said)
        return str(row["conversion_id"])

    def affiliate(self, affiliate: str, **more: Any) -> None:
        self.rows.setdefault(Kind.AFFILIATES, []).append({"affiliate_id": affiliate} | more)

    def build(self, run_id: str = "scan-1", finished_at: datetime = OCTOBER) -> None:
        """Write what waits into the lake, and one scan of what was judged into the store."""
        lake = Lake(self.workspace.lake)
        with writing(lake, command="test", now=finished_at, wait_seconds=0, waiting=print) as lake_writer:
            parts = []
            for kind, rows in self.rows.items():
                frame = pl.DataFrame(rows, schema=polars_schema(kind))
                dated = TABLES[kind].dated_by
                days = [(None, frame)] if dated is None else _by_day(frame, dated)
                for day, some in days:
                    parts.append(lake_writer.stage_frame(kind, day, len(parts), some))
            lake_writer.commit(parts)
        self.judge(run_id, self.judged, finished_at)

    def judge(self, run_id: str, rows: Sequence[Mapping[str, Any]], finished_at: datetime = OCTOBER) -> None:
        """Record a scan with these decisions, their sources and no caps."""
        schema = {name: dtype for name, dtype in DECISIONS.items() if name != "run_id"}
        frame = pl.DataFrame(rows, schema=schema)
        with self.store() as store:
            run = writer.run_record(run_id, started_at=finished_at, finished_at=finished_at, settings=DRAW)
            store.record_scan(run, frame, writer.sources(0), writer.caps(0))

    def verdict(self, conversion_id: str, verdict: str, overruled: Sequence[str] = ("ctct_short",)) -> None:
        row = {"conversion_id": conversion_id, "verdict": verdict, "overruled": list(overruled), "amount": Decimal(0)}
        row |= {"author": "ann", "role": "analyst", "at": OCTOBER}
        schema = {name: dtype for name, dtype in VERDICT_COLUMNS.items() if name != "verdict_id"}
        with self.store() as store:
            store.verdicts.add(pl.DataFrame([row], schema=schema))

    def release(self, conversion_id: str, amount: str) -> None:
        row = {"conversion_id": conversion_id, "amount": Decimal(amount), "currency": "USD", "decision": "pay"}
        row |= {"released_at": OCTOBER, "run_id": "payout-1", "batch_id": "b1"}
        with self.store() as store:
            store.ledger.release([pl.DataFrame([row], schema=RELEASES)])

    def store(self) -> Store:
        return open_store(self.workspace.store_url)


def small_programme(root: Path, config: str = "") -> SmallProgramme:
    """Return an empty programme in a new workspace with that config.yaml."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(config, encoding="utf-8")
    return SmallProgramme(open_workspace(root, {}))


def _by_day(frame: pl.DataFrame, dated: str) -> list[tuple[Any, pl.DataFrame]]:
    days = frame.with_columns(day=pl.col(dated).dt.date()).partition_by("day", as_dict=True, include_key=False)
    return [(day, some) for (day,), some in days.items()]
