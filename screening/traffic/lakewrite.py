"""Writing the lake: parts are staged, moved into place, and become visible with one new manifest."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind, polars_schema
from screening.errors import UnavailableError
from screening.traffic.lake import (
    CHECKPOINT_EVERY,
    MANIFESTS,
    Lake,
    Part,
    Snapshot,
    file_digest,
    part_path,
    version_name,
)
from screening.traffic.lake_remote import Remote, remote_of
from screening.traffic.lakelock import holding_lock
from screening.traffic.parquet_file import put_parquet

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
    remote: Remote | None = None
    """The storage behind a mirror, None for a local lake."""
    tag: str = field(default="")
    """Part of every new file's name, of this writer alone, where a lock does not keep others out."""

    @property
    def stem(self) -> str:
        """The name, without suffix, of files that belong to this version and writer."""
        return f"{version_name(self.version)}{self.tag}"

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
        path = self.staging / part_path(kind, day, self.version, number, self.tag)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def part(self, kind: Kind, day: date | None, number: int, rows: int) -> Part:
        """Describe the part staged under that number, which must be complete. It is flushed to the disk and hashed."""
        path = self.staged(kind, day, number)
        flush(path)
        return Part(kind, day, part_path(kind, day, self.version, number, self.tag), rows, file_digest(path))

    def stage_frame(self, kind: Kind, day: date | None, number: int, rows: pl.DataFrame) -> Part:
        """Write the rows, which must all be of that day and have the kind's canonical columns, as a staged part."""
        put_parquet(rows.select(list(polars_schema(kind))), self.staged(kind, day, number))
        return self.part(kind, day, number, rows.height)

    def commit(
        self,
        added: Sequence[Part],
        *,
        removed: Sequence[Part] = (),
        sidecars: Mapping[str, Any] | None = None,
        beside: Sequence[str] = (),
    ) -> Snapshot:
        """Make the staged parts visible, and `removed` ones invisible, as the next version, in one step.

        `sidecars` replaces what the manifest says about ledger and index; None keeps it. `beside` are the files that
        they name anew, relative to the lake. Raises UnavailableError when another process committed in spite of the
        lock, or when the storage does not answer: then nothing is visible.
        """
        if self.remote is None:
            self._move(added)
        gone = {part.path for part in removed}
        parts = (*(part for part in self.before.parts if part.path not in gone), *added)
        after = replace(
            self.before,
            version=self.version,
            parts=parts,
            sidecars=self.before.sidecars if sidecars is None else sidecars,
        )
        manifest = self._manifest(after, added, sorted(gone))
        if self.remote is not None:
            staged = {part.path: self.staging / part.path for part in added}
            self.remote.upload({**staged, **{path: self.root / path for path in beside}})
            if not self.remote.publish(f"{MANIFESTS}/{version_name(self.version)}.json", manifest):
                raise _lost_race(self.remote.url)
            self._move(added)
        self._publish(manifest)
        return after

    def _move(self, added: Sequence[Part]) -> None:
        for part in added:
            target = self.root / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.staging / part.path).replace(target)
        for folder in {(self.root / part.path).parent for part in added}:
            flush(folder)
            flush(folder.parent)

    def _manifest(self, after: Snapshot, added: Sequence[Part], removed: Sequence[str]) -> bytes:
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
        return json.dumps(manifest).encode()

    def _publish(self, manifest: bytes) -> None:
        target = Lake(self.root).manifest_path(self.version)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = self.staging / target.name
        draft.write_bytes(manifest)
        flush(draft)
        try:
            os.link(draft, target)
        except FileExistsError as error:
            raise _lost_race(str(target)) from error
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
        remote = remote_of(lake.root)
        tag = f"-{secrets.token_hex(4)}" if remote else ""
        writer = Writer(before, before.version + 1, command, now, remote, tag)
        _clear(writer)
        writer.staging.mkdir()
        try:
            yield writer
        finally:
            shutil.rmtree(writer.staging, ignore_errors=True)


def _lost_race(where: str) -> UnavailableError:
    return UnavailableError(
        "Another process wrote the lake at the same time.",
        remedy="Run the command again; nothing of this attempt is in the lake.",
        where=where,
    )


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
