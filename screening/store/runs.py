"""Runs: what ran, over which days, on which inputs, with which settings and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select
from sqlalchemy.exc import IntegrityError

from screening.errors import InputError
from screening.store import tables
from screening.store.database import Access

_LATER = ("inputs", "settings")
"""Columns that a list of runs leaves aside."""
LATEST = "latest"
"""In place of a run_id: the newest complete run of a command."""
COMPLETE = "complete"
SCAN = "scan"
SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a command.

    `status` is `complete` or `failed`. `started_at` and `finished_at` have a zone. `period_from` and `period_to` are
    the first and the last day judged, None when the run was not about days. `lake_version` is the version of the lake
    that was read, None when none was. `inputs` maps the path of each part read to its SHA-256; `settings` are all
    settings that held; `versions` those of winnow, its models and lists; `counts` whatever the run counted.
    """

    run_id: str
    command: str
    status: str
    started_at: datetime
    finished_at: datetime
    period_from: date | None
    period_to: date | None
    lake_version: int | None
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    seed: int
    counts: Mapping[str, int]


class Runs:
    """The runs that were recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def all(self, command: str | None = None) -> list[RunRecord]:
        """Return the runs of a command, or of all commands, the newest first.

        Their `inputs` and `settings`, by far the largest of what a run records, are read when they are first looked at,
        which must be while the store is open.
        """
        query = select(*(column for column in tables.runs.columns if column.name not in _LATER))
        query = query.order_by(tables.runs.c.run_key.desc())
        if command is not None:
            query = query.where(tables.runs.c.command == command)
        with self._access.reading() as connection:
            return [_light_record(self._access, row) for row in connection.execute(query)]

    def one(self, run_id: str, command: str) -> RunRecord:
        """Return a run by its id, or for `latest` the newest complete run of the command.

        Raises InputError when there is none.
        """
        runs = tables.runs.c
        query = select(tables.runs).where(runs.run_id == run_id)
        if run_id == LATEST:
            newest = select(tables.runs).where(runs.command == command, runs.status == COMPLETE)
            query = newest.order_by(runs.run_key.desc()).limit(1)
        with self._access.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            missing = f"No complete {command} is" if run_id == LATEST else f"The run {run_id!r} is not"
            raise InputError(
                f"{missing} recorded.", remedy="`winnow export runs` lists the runs there are.", where="run"
            )
        return _record(row)

    def state(self, command: str) -> tuple[int, int]:
        """Return the greatest run_key of the command's complete runs, 0 before the first, and how many there are.

        Both, since two runs recorded at the same moment may appear in another order than that of their keys.
        """
        runs = tables.runs.c
        query = select(func.max(runs.run_key), func.count()).where(runs.command == command, runs.status == COMPLETE)
        with self._access.reading() as connection:
            newest, count = connection.execute(query).one()
        return newest or 0, count


def add_run(connection: Connection, run: RunRecord) -> int:
    """Store a run inside an open transaction and return its run_key.

    Raises InputError when a run of that id is there already.
    """
    values = {column.name: getattr(run, column.name) for column in tables.runs.columns if column.name != "run_key"}
    try:
        result = connection.execute(insert(tables.runs).values(values))
    except IntegrityError as error:
        raise InputError(
            f"The run {run.run_id} cannot be recorded: {error.orig}.",
            remedy="Each run needs an id of its own.",
            where="run_id",
        ) from error
    return int(result.inserted_primary_key[0])  # type: ignore[index]


class _Later(Mapping[str, Any]):
    """A document of a run, read when it is first looked at."""

    def __init__(self, access: Access, run_key: int, column: str) -> None:
        self._access, self._run_key, self._column = access, run_key, column
        self._read: Mapping[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - whatever JSON can say
        return self._document()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document())

    def __len__(self) -> int:
        return len(self._document())

    def __repr__(self) -> str:
        return repr(self._document())

    def _document(self) -> Mapping[str, Any]:
        if self._read is None:
            wanted = select(tables.runs.c[self._column]).where(tables.runs.c.run_key == self._run_key)
            with self._access.reading() as connection:
                self._read = dict(connection.execute(wanted).scalar_one())
        return self._read


def _light_record(access: Access, row: Row[Any]) -> RunRecord:
    values = row._asdict()
    run_key = values.pop("run_key")
    inputs, settings = (_Later(access, run_key, name) for name in _LATER)
    return RunRecord(**values, inputs=inputs, settings=settings)


def _record(row: Row[Any]) -> RunRecord:
    values = row._asdict()
    del values["run_key"]
    return RunRecord(**values)
