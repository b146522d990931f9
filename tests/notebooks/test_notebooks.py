"""The notebooks run from top to bottom on a simulated programme, and are kept without outputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.scan import scan
from screening.simulate import simulate, small_spec
from screening.workspace import open_workspace

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
KINDS = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)


@pytest.fixture(scope="module")
def programme(tmp_path_factory):
    root = tmp_path_factory.mktemp("notebooks")
    workspace = open_workspace(root, {})
    made = simulate(replace(small_spec(date(2026, 5, 1)), clicks=12_000, conversions=1_400, affiliates=30), 5)
    for kind in KINDS:
        path = root / f"{kind}.parquet"
        made.table(kind).write_parquet(path)
        ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress())
    truth = root / "demo" / "truth"
    truth.mkdir(parents=True)
    made.truth.write_parquet(truth / "truth.parquet")
    scan(workspace, (None, None), NOW, silent_progress())
    return root


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["anatomy_of_a_source", "one_night", "threshold_and_money"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*zmq.*:RuntimeWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, programme, monkeypatch):
    monkeypatch.setenv("WINNOW_WORKSPACE", str(programme))
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(programme)}}).execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code if not cell.source.startswith("from models.reasons"))
