"""A watch that judges all day long holds no more memory at its end than after its first rounds."""

from __future__ import annotations

import resource
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event

import polars as pl
import pytest

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.watch import Watching, watch
from screening.simulate import simulate, small_spec
from screening.workspace import open_workspace

START = date(2026, 5, 1)
SPEC = replace(small_spec(START), clicks=12_000, conversions=1_500)
WARM, ROUNDS = 8, 24
GROWTH_MAX = 64 * 2**20
"""Bytes: what allocators keep back varies by this much; a frame of every round would be more."""


def resident():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_memory_stays_bounded_over_many_rounds(tmp_path):
    programme = simulate(SPEC, 5)
    workspace = open_workspace(tmp_path / "programme", {})
    last = START + timedelta(days=SPEC.days - 1)
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC)
    batches = [midnight + timedelta(hours=24 * number / ROUNDS) for number in range(ROUNDS + 1)]

    def bring(kind, table, number):
        path = workspace.root / f"{kind}-{number}.parquet"
        table.write_parquet(path)
        ingest_files(workspace, kind, [path], Reading(), batches[-1], silent_progress())

    for kind in (Kind.AFFILIATES, Kind.CAPS, Kind.CLICKS, Kind.CONVERSIONS):
        table = programme.table(kind)
        bring(kind, table.filter(pl.col("ts") < midnight) if "ts" in table.columns else table, "first")
    held, scans = [], 0
    for number, (begin, end) in enumerate(pairwise(batches)):
        new = programme.clicks.filter(pl.col("ts").is_between(begin, end, closed="left"))
        bring(Kind.CLICKS, new, number)
        told = []
        scans += watch(workspace, Watching(Event(), 1, 0.1, lambda end=end: end, told.append)).scans
        held.append(resident())
    assert scans == ROUNDS
    assert max(held[-3:]) - max(held[:WARM]) < GROWTH_MAX
