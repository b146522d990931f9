"""Writing the lake: parts are staged, moved into place, and become visible with one new manifest."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind, polars_schema
from screening.errors import UnavailableError
from screening.traffic.lake import CHECKPOINT_EVERY, Lake, Part, Snapshot, file_digest, part_path
from screening.traffic.lakelock import holding_lock

STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Writer:
    """The right to write the next version of a lake, held between `writing(...)` and its end.

    `before` is the lake as it stands, `version` the number that a commit will make, `staging` an empty folder on the
    same file system for whatever the writer needs until then.
    """

    before: Snapshot
    version: int
    command: str
    started_at: datetime

    @property
    def root(self) -> Path:
        """Folder of the lake."""
        return self.before.root

    @property
    def staging(self) -> Path:
        """Folder for unfinished work; emptied when a writer begins and when it ends."""
        return self.root / STAGING

    def staged(self, kind: Kind, day: date | None, number: int) -> Path:
        """Return where to write part `number` of this version so that `part` and `commit` find it."""
        path = self.staging / part_path(kind, day, self.version, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def part(self, kind: Kind, day: date | None, number: int, rows: int) -> Part:
        """Describe the part staged under that number, which must be complete. It is flushed to the disk and hashed."""
        path = self.staged(kind, day, number)
        flush(path)
        return Part(kind, day, part_path(kind, day, self.version, number), rows, file_digest(path))

    def stage_frame(self, kind: Kind, day: date | None, number: int, rows: pl.DataFrame) -> Part:
        """Write the rows, which must all be of that day and have the kind's canonical columns, as a staged part."""
        rows.select(list(polars_schema(kind))).write_parquet(self.staged(kind, day, number))
        return self.part(kind, day, number, rows.height)

    def commit(
        self, added: Sequence[Part], *, removed: Sequence[Part] = (), sidecars: Mapping[str, Any] | None = None
    ) -> Snapshot:
        """Make the staged parts visible, and `removed` ones invisible, as the next version, in one step.

        `sidecars` replaces what the manifest says about ledger and index; None keeps it. Raises UnavailableError when
        another process committed in spite of the lock.
        """
        for part in added:
            target = self.root / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.staging / part.path).replace(target)
        for folder in {(self.root / part.path).parent for part in added}:
            flush(folder)
            flush(folder.parent)
        gone = {part.path for part in removed}
        parts = (*(part for part in self.before.parts if part.path not in gone), *added)
        after = replace(
            self.before,
            version=self.version,
            parts=parts,
            sidecars=self.before.sidecars if sidecars is None else sidecars,
        )
        self._publish(after, added, sorted(gone))
        return after

    def _publish(self, after: Snapshot, added: Sequence[Part], removed: Sequence[str]) -> None:
        manifest: dict[str, Any] = {
            "version": self.version,
            "command": self.command,
            "started_at": self.started_at.isoformat(),
            "added": [part.as_json() for part in added],
            "removed": list(removed),
            "sidecars": dict(after.sidecars),
        }
        if self.version % CHECKPOINT_EVERY == 0:
            manifest["parts"] = [part.as_json() for part in after.parts]
        target = Lake(self.root).manifest_path(self.version)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = self.staging / target.name
        draft.write_text(json.dumps(manifest), encoding="utf-8")
        flush(draft)
        try:
            os.link(draft, target)
        except FileExistsError as error:
            raise UnavailableError(
                "Another process wrote the lake at the same time.",
                remedy="Run the command again; if it happens again, the lake's file system does not keep locks.",
                where=str(target),
            ) from error
        flush(target.parent)


@contextmanager
def writing(
    lake: Lake, *, command: str, now: datetime, wait_seconds: float, waiting: Callable[[str], None]
) -> Iterator[Writer]:
    """Hold the lake for writing while the block runs, and clear away what a dead writer left.

    `command` and `now` are shown to whoever has to wait. Raises BusyError after `wait_seconds` of waiting; `waiting`
    hears who holds the lake.
    """
    with holding_lock(lake.root, command=command, now=now, wait_seconds=wait_seconds, waiting=waiting):
        before = lake.snapshot()
        writer = Writer(before, before.version + 1, command, now)
        _clear(writer)
        writer.staging.mkdir()
        try:
            yield writer
        finally:
            shutil.rmtree(writer.staging, ignore_errors=True)


def flush(path: Path) -> None:
    """Have the kernel write the file or folder to the disk before returning."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(writer: Writer) -> None:
    """Remove the staging folder, and moved parts that no manifest names: they bear a version that never came to be."""
    shutil.rmtree(writer.staging, ignore_errors=True)
    name = Path(part_path(Kind.CAPS, None, writer.version, 0)).name.rpartition("-")[0]
    for kind in Kind:
        for pattern in (f"{kind}/{name}-*.parquet", f"{kind}/date=*/{name}-*.parquet"):
            for orphan in writer.root.glob(pattern):
                orphan.unlink()
