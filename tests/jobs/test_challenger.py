"""What was taught is registered in one way, whatever was taught."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import yaml

from screening.errors import BusyError
from screening.jobs.challenger import Source, Taught, register, training
from screening.jobs.progress import silent_progress
from screening.store.observations import REFERENCE
from screening.store.registry import CHALLENGER, RETIRED
from screening.traffic.champion import model_path
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = Source(date(2026, 10, 1), date(2026, 11, 1), {"rows": 7}, versions={"lists": "3"})
JUDGE = Taught("one judge", b"trees", ("a", "b"), {"rows": 7}, reference={"a": [1, 2]})
OTHER = Taught("other judge", b"lines", ("c",), {"rows": 5})


@pytest.fixture
def workspace(tmp_path):
    settings = {
        "lookups": {"archive": {"url": "https://keeper:secret@archive.example/cdx"}},
        "ingest": {"lock_wait_seconds": 0},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return open_workspace(tmp_path)


def registered(workspace, *taught):
    with training(workspace, NOW, silent_progress()) as store:
        return register(workspace, store, taught, SOURCE, NOW), store.runs("train")


def test_models_of_one_training_share_a_run_that_keeps_all_settings_and_no_password(workspace):
    trained, (run,) = registered(workspace, JUDGE, OTHER)
    assert [one.record.metrics["run_id"] for one in trained] == [run.run_id, run.run_id]
    assert {one.record.role for one in trained} == {CHALLENGER}
    assert run.versions.items() >= {("one judge", JUDGE.digest), ("other judge", OTHER.digest), ("lists", "3")}
    assert set(run.settings) == set(workspace.settings.model_dump(mode="json"))
    assert run.settings["lookups"]["archive"]["url"] == "https://keeper:***@archive.example/cdx"
    for one in (JUDGE, OTHER):
        assert model_path(workspace.folder("models"), one.digest).read_bytes() == one.content


def test_the_same_model_is_registered_once_and_a_new_one_takes_the_place_of_the_last(workspace):
    registered(workspace, JUDGE)
    (again,), runs = registered(workspace, JUDGE)
    assert again.known_before
    assert len(runs) == 1
    newer = Taught(JUDGE.name, b"other trees", JUDGE.features, {"rows": 8})
    (trained,), runs = registered(workspace, newer)
    assert trained.replaced == (again.record.version,)
    assert len(runs) == 2
    with training(workspace, NOW, silent_progress()) as store:
        assert {model.digest: model.role for model in store.models.all(JUDGE.name)} == {
            JUDGE.digest: RETIRED,
            newer.digest: CHALLENGER,
        }
        assert len(store.observations.newest(REFERENCE, JUDGE.digest, 5)) == 1


def test_one_training_at_a_time(workspace):
    with training(workspace, NOW, silent_progress()), pytest.raises(BusyError):
        registered(workspace, JUDGE)
