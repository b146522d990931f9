"""Long proofs: what befalls a night's disk at any of its stages is said, loses nothing, and is made up for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import night_programme as nights
import pytest

from screening.store import open_store

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
_ROOM = "20000k"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["unshare", "-m", "sh", "-euc", script], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    return nights.begun(tmp_path_factory.mktemp("begun") / "programme", days=3, ended=2)


@pytest.fixture(scope="module")
def expected(begun):
    root, now = begun
    undisturbed = Path(shutil.copytree(root, root.with_name("undisturbed")))
    nights.run_night(undisturbed, now)
    return nights.state(undisturbed)


@pytest.mark.parametrize("free_kib", [8, 60, 150, 300])
def test_a_disk_that_fills_up_is_said_and_the_night_goes_on_once_there_is_room(begun, expected, tmp_path, free_kib):
    """A small file system of its own, with that much room left."""
    root, now = begun
    disk, back = tmp_path / "disk", tmp_path / "back"
    disk.mkdir()
    night = f"{sys.executable} {nights.__file__} {disk}/programme {now.isoformat()} 0"
    done = shell(f"""
        mount -t tmpfs -o size={_ROOM} tmpfs {disk} || exit 77
        cp -a {root} {disk}/programme
        used=$(df --output=used {disk} | tail -1)
        mount -o remount,size=$((used + {free_kib}))k {disk}
        {night} || echo 0 1
        cat {disk}/programme/nights/{now.date()}.json || true
        mount -o remount,size={_ROOM} {disk}
        {night}
        cp -a {disk}/programme {back}
    """)
    if done.returncode == 77:
        pytest.skip("this user may not mount a file system")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert done.stdout.split()[1] == "1", said  # the exit status of the night on the full disk
    assert "No space left on device" in said or "database or disk is full" in said
    assert done.stdout.splitlines()[-1].endswith(" 3")
    assert nights.state(back) == expected
    with open_store(nights.opened(back).store_url) as store:
        assert store.ledger.released([f"f0501-{number}" for number in range(40)]).is_empty()
