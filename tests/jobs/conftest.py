"""A workspace whose newest scan judged ten conversions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import store_writer as writer

from screening.jobs.payout import Gated, gate_payout
from screening.jobs.progress import silent_progress
from screening.store import Store, open_store
from screening.workspace import Workspace, open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Programme:
    """Conversions c0 ... c9 of affiliate a1 pay 0, 1, ... 9 USD; c8 was held and c9 rejected."""

    workspace: Workspace

    @property
    def root(self) -> Path:
        return self.workspace.root

    def store(self) -> Store:
        return open_store(self.workspace.store_url)

    def judge(
        self,
        run_id: str,
        *decisions: str,
        currency: tuple[str, ...] = ("USD",),
        reason: str = "ctct_short",
        at: datetime | None = None,
    ) -> None:
        """Record a scan with these decisions about c0, c1, ..."""
        reasons = [[] if decision == "pay" else [reason] for decision in decisions]
        frame = writer.decisions(len(decisions)).with_columns(
            decision=pl.Series(decisions, dtype=pl.String),
            reasons=pl.Series(reasons, dtype=pl.List(pl.String)),
            currency=pl.Series(currency * (len(decisions) // len(currency))),
        )
        with self.store() as store:
            run = writer.run_record(run_id, finished_at=at or NOW - timedelta(hours=10))
            store.record_scan(run, frame, writer.sources(1), writer.caps(1))

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def gate(self, path: Path, out: str = "out.csv", now: datetime = NOW, **mapping: str) -> Gated:
        return gate_payout(self.workspace, path, self.root / out, mapping, now, silent_progress())

    def released(self) -> dict[str, Decimal]:
        with self.store() as store:
            found = store.ledger.released([f"c{number}" for number in range(20)])
        return dict(found.select("conversion_id", "amount").iter_rows())


@pytest.fixture
def programme(tmp_path) -> Programme:
    made = Programme(open_workspace(tmp_path / "programme", {}))
    made.judge("scan-1", *["pay"] * 8, "hold", "reject")
    return made
