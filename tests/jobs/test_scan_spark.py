"""A scan on a real Spark decides what a scan on Polars decides, feature by feature, and says plainly when it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.families import all_features
from features.schema import Kind
from screening.errors import IntegrityError, SettingsError, UnavailableError
from screening.jobs.engine import engine_of
from screening.jobs.ingest import Reading as FileReading
from screening.jobs.ingest import ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.scan import scan
from screening.simulate import simulate, small_spec
from screening.traffic import spark_session
from screening.traffic.champion import load_champion
from screening.traffic.gather import Books, Period, Reading, gather_with
from screening.traffic.lake import Lake
from screening.traffic.lists import load_book
from screening.traffic.scan import judge
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 5, 8), date(2026, 5, 21)
SPARK = {
    "WINNOW__ENGINE": "spark",
    # tasks run side by side in two Python processes; `make soak` has executors in processes of their own
    "WINNOW__SPARK__MASTER": "local[2]",
    # little data: planning and compiling cost more than the work
    "WINNOW__SPARK__OPTIONS": json.dumps(
        {
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
        }
    ),
}
TOLERANCE = 1e-9
CLI = "from screening.cli.entry import main; main()"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@contextmanager
def needing_spark():
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed (extra `spark`)")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on this machine")
    yield


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A workspace with a simulated programme, that no scan has read."""
    root = tmp_path_factory.mktemp("programme")
    workspace = open_workspace(root, {})
    programme = simulate(small_spec(date(2026, 5, 1)), 5)
    for kind in (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES):
        path = root / f"{kind}.parquet"
        programme.table(kind).write_parquet(path)
        ingest_files(workspace, kind, [path], FileReading(), NOW, silent_progress())
    return root


def copied(lake, root):
    shutil.copytree(lake, root)
    return root


@pytest.fixture(scope="module")
def books(lake):
    return Books(*load_book(open_workspace(lake, {}).folder("lists")))


def judged_on(root, environment, books):
    """Gather and judge; the kept roll-ups stay in the workspace."""
    workspace = open_workspace(root, environment)
    champion = load_champion(workspace.folder("models"), None)
    with engine_of(workspace) as engine:
        reading = Reading(engine.clicks, workspace.folder("rollups"), NOW)
        gathered = gather_with(Lake(workspace.lake).snapshot(), Period(FIRST, LAST), books, reading)
        return gathered, judge(gathered, engine.scoring(champion.judge), workspace.settings.decisions)


@pytest.fixture(scope="module")
def both(lake, books, tmp_path_factory):
    roots = [copied(lake, tmp_path_factory.mktemp("engines") / name) for name in ("polars", "spark")]
    with needing_spark():
        return roots, judged_on(roots[0], {}, books), judged_on(roots[1], SPARK, books)


def test_every_feature_of_every_conversion_is_the_same(both):
    _, (ours, _), (theirs, _) = both
    matrix, other = (gathered.prepared.matrix.sort("conversion_id") for gathered in (ours, theirs))
    assert matrix.height == other.height > 500
    assert {feature.name for feature in all_features()} <= set(matrix.columns)
    assert_frame_equal(matrix, other, check_exact=False, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    assert sum(matrix[feature.name].n_unique() > 1 for feature in all_features()) > 0.8 * len(all_features())


def test_roll_ups_of_clicks_are_the_same_to_the_last_count(both):
    roots, *_ = both
    kept, others = ({path.name: path for path in (root / "rollups").iterdir()} for root in roots)
    assert kept.keys() == others.keys()
    assert len(kept) >= 20
    keys = ["affiliate_id", "offer_id", "sub", "day"]
    for name, path in kept.items():
        assert_frame_equal(pl.read_parquet(path).sort(keys), pl.read_parquet(others[name]).sort(keys))


def test_decisions_and_sources_are_the_same(both):
    _, (_, ours), (_, theirs) = both
    exact = ["conversion_id", "decision", "payout", "currency", "reasons", "missing"]
    decided, other = (judged.decisions.sort("conversion_id") for judged in (ours, theirs))
    assert_frame_equal(decided.select(exact), other.select(exact))
    assert_frame_equal(decided.select("score", "p_value"), other.select("score", "p_value"), abs_tol=TOLERANCE)
    assert set(decided["decision"]) >= {"pay", "hold"}
    keys = ["affiliate_id", "offer_id", "sub_id", "from"]
    sources, others = (judged.sources.sort(keys).drop("reason_details") for judged in (ours, theirs))
    assert_frame_equal(sources, others, abs_tol=TOLERANCE)
    assert sources["flagged"].any()


def test_a_night_on_spark_is_one_object_and_replays_what_polars_decided(lake, tmp_path):
    with needing_spark():
        root = copied(lake, tmp_path / "w")
    run = scan(open_workspace(root, {}), (FIRST, LAST), NOW, silent_progress()).run
    shutil.rmtree(root / "rollups")
    command = [sys.executable, "-c", CLI, "replay", run.run_id, "--json", "--workspace", str(root)]
    done = subprocess.run(command, env=os.environ | SPARK, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["identical"] is True
    assert "WARN" not in done.stderr
    assert "log4j" not in done.stderr
    assert list((root / "rollups").iterdir()), "the clicks were not rolled up again"
    assert any("Spark" in path.read_text() for path in (root / "logs").glob("spark-*.log"))


def test_a_damaged_part_of_clicks_is_named(lake, books, tmp_path):
    with needing_spark():
        root = copied(lake, tmp_path / "w")
    lake_now = Lake(open_workspace(root, {}).lake).snapshot()
    part = next(part for part in lake_now.select((Kind.CLICKS,), LAST, LAST))
    with (root / "lake" / part.path).open("r+b") as file:
        file.seek(8)
        file.write(b"\0\0\0\0")
    with pytest.raises(IntegrityError, match=part.path):
        judged_on(root, SPARK, books)


@pytest.fixture(params=["two executors", "connect"])
def other_spark(request, tmp_path):
    """Settings of a Spark whose executors are processes of their own, or of a Spark Connect server."""
    with needing_spark():
        home = Path(find_spec("pyspark").submodule_search_locations[0])
    options = json.loads(SPARK["WINNOW__SPARK__OPTIONS"])
    if request.param == "two executors":
        # Spark keeps what its local cluster writes below its home
        own = tmp_path / "home"
        own.mkdir()
        for part in ("bin", "jars", "sbin"):
            (own / part).symlink_to(home / part)
        request.getfixturevalue("monkeypatch").setenv("SPARK_HOME", str(own))
        cluster = {"spark.executor.memory": "1g", "spark.executor.cores": "1"}
        yield {
            "WINNOW__SPARK__MASTER": "local-cluster[2,1,1024]",
            "WINNOW__SPARK__OPTIONS": json.dumps(options | cluster),
        }
        return
    pytest.importorskip("grpc", reason="grpcio is not installed (extra `spark`)")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    address = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    said = [f"--conf={name}={value}" for name, value in (options | address).items()]
    command = [home / "sbin" / "start-connect-server.sh", "--master", "local[2]", *said]
    environment = os.environ | {"SPARK_NO_DAEMONIZE": "1", "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_open(port, server)
        yield {"WINNOW__SPARK__CONNECT": f"sc://127.0.0.1:{port}", "WINNOW__SPARK__OPTIONS": "{}"}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_until_open(port, server):
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.5)
    raise AssertionError("the server took no connection")


@pytest.mark.soak
def test_executors_elsewhere_decide_the_same(lake, books, other_spark, tmp_path):
    roots = [copied(lake, tmp_path / name) for name in ("polars", "spark")]
    ours, theirs = (judged_on(root, how, books)[1] for root, how in zip(roots, ({}, SPARK | other_spark), strict=True))
    drop = ["score", "p_value", "reason_details"]
    decided, other = (judged.decisions.sort("conversion_id").drop(drop) for judged in (ours, theirs))
    assert_frame_equal(decided, other)


@pytest.mark.parametrize(("lacking", "remedy"), [("pyspark", "winnow[spark]"), ("java", "Java runtime")])
def test_what_is_not_installed_is_said_before_anything_starts(lake, monkeypatch, tmp_path, lacking, remedy):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: None if name == lacking else object())
    if lacking == "java":
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SettingsError) as raised:
        scan(open_workspace(lake, SPARK), (None, None), NOW, silent_progress())
    assert remedy in raised.value.remedy
    assert raised.value.exit_code == 2


def test_a_spark_that_does_not_answer_ends_the_scan_at_once(lake, monkeypatch):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: object())
    monkeypatch.setattr(spark_session.shutil, "which", lambda name: "/usr/bin/java")
    with pytest.raises(UnavailableError, match="No Spark answers"):
        scan(
            open_workspace(lake, SPARK | {"WINNOW__SPARK__MASTER": "spark://127.0.0.1:9"}),
            (None, None),
            NOW,
            silent_progress(),
        )
