"""The engine that the settings name: with what a scan reads clicks, and where its judge scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from models.taught import TaughtJudge
from screening.logs import LOG_FOLDER
from screening.traffic.gather import ClickEngine, PolarsClicks
from screening.traffic.spark_clicks import SparkClicks
from screening.traffic.spark_judge import on_spark
from screening.traffic.spark_session import runs_here, spark_session
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Engine:
    """What differs between engines in a scan: what reads clicks, and who scores for a judge."""

    clicks: ClickEngine
    scoring: Callable[[TaughtJudge], TaughtJudge]


@contextmanager
def engine_of(workspace: Workspace) -> Iterator[Engine]:
    """Start the engine of the settings, and stop it at the end.

    Raises SettingsError when it is not installed, UnavailableError when it does not answer or fails.
    """
    if workspace.settings.engine == "polars":
        yield Engine(PolarsClicks(), lambda judge: judge)
        return
    log = workspace.folder(LOG_FOLDER) / f"spark-{datetime.now(UTC):%Y-%m-%d}.log"
    settings = workspace.settings.spark
    with spark_session(settings, log) as session:
        clicks = SparkClicks(session, reads_storage=not runs_here(settings))
        yield Engine(clicks, lambda judge: on_spark(judge, session))
