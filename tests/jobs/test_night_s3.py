"""A whole night on a lake on object storage: killed in its middle and run again, it ends as one on a local lake."""

from __future__ import annotations

from datetime import timedelta

import night_programme as nights
import pytest
from night_killer import killer

from screening.errors import ExitCode

DAYS = [nights.FIRST + timedelta(days=number) for number in range(2)]
NIGHT = nights.night_of(DAYS[-1])
_OF_THE_FILES = {"files", "parts"}
"""Parts on object storage carry the writer's mark in their names, and are not below the workspace."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:moto", "ignore::DeprecationWarning:botocore"),
]


def test_a_night_on_object_storage_that_is_killed_ends_as_one_on_a_local_lake(tmp_path, storage):
    client, bucket = storage
    plain, root = nights.dropped(tmp_path / "plain", DAYS), nights.dropped(tmp_path / "programme", DAYS)
    (root / "config.yaml").write_text(f"lake:\n  url: s3://{bucket}/lake\n")
    with killer() as program:
        whole = program.night(plain, NIGHT)
        for share in (0.2, 0.6):
            assert program.night(root, NIGHT, operation=int(whole.operations * share)).killed
        done = program.night(root, NIGHT)
    assert (whole.status, done.status) == (ExitCode.INCOMPLETE, ExitCode.INCOMPLETE)
    expected, found = nights.state(plain), nights.state(root)
    assert found["cases"]
    assert {name: found[name] for name in found if name not in _OF_THE_FILES} == {
        name: expected[name] for name in expected if name not in _OF_THE_FILES
    }
    assert [rows for _, rows, _ in found["parts"]] == [rows for _, rows, _ in expected["parts"]]
    assert not list((root / "lake").iterdir())
    stored = {entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {f"lake/{path}" for path, _, _ in found["parts"]} <= stored
