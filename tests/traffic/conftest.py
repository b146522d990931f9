"""What the tests of lake and ingest share: a programme's folder into which files are taken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from features.schema import Kind
from screening.settings.ingest import IngestSettings
from screening.traffic.ingest import IngestRequest, ingest
from screening.traffic.intake.layout import Layout
from screening.traffic.intake.report import IngestReport
from screening.traffic.lake import Lake, Snapshot

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
REPO = Path(__file__).resolve().parents[2]
SHIPPED = IngestSettings.model_validate(yaml.safe_load((REPO / "config.yaml").read_text(encoding="utf-8"))["ingest"])


@dataclass(frozen=True)
class Programme:
    root: Path

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def snapshot(self) -> Snapshot:
        return self.lake.snapshot()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(self, kind: Kind, *files: Path, layout=Layout(), now=NOW, timezone=None, **changes) -> IngestReport:  # noqa: B008
        settings = SHIPPED.model_copy(update=changes)
        request = IngestRequest(kind, tuple(files), layout, f"winnow ingest {kind}", now, timezone)
        return ingest(self.lake, self.root / "quarantine", request, settings, lambda *_: None)

    def rows(self, kind: Kind) -> pl.DataFrame:
        return self.snapshot.frame(kind).collect()

    def set_apart(self, report: IngestReport) -> list[dict]:
        if report.quarantine is None:
            return []
        return [json.loads(line) for line in report.quarantine.read_text(encoding="ascii").splitlines()]


@pytest.fixture
def programme(tmp_path) -> Programme:
    return Programme(tmp_path)


@pytest.fixture
def shipped() -> IngestSettings:
    """The settings that config.yaml ships."""
    return SHIPPED
