"""Which files were taken in: so that the same file, given again, changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from screening.traffic.lake import Snapshot, file_digest
from screening.traffic.parquet_file import put_parquet

SIDECAR = "ledger"
_RUNS_MAX = 16
"""Files of the ledger beyond which they become one."""
_SCHEMA: dict[str, pl.DataType] = {
    "version": pl.Int64(),
    "file": pl.UInt32(),
    "name": pl.String(),
    "kind": pl.String(),
    "reading": pl.String(),
    "size": pl.Int64(),
    "digest": pl.String(),
    "rows": pl.Int64(),
    "quarantined": pl.Int64(),
    "settled": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was taken in.

    `version` is the lake version that its ingest made, `file` its number in that ingest, `reading` the digest of layout
    and rules with which it was read, `size` in bytes, `digest` the SHA-256 of the file. `settled` is false when the
    outcome depended on the clock, so that reading the file again later may take more.
    """

    version: int
    file: int
    name: str
    kind: str
    reading: str
    size: int
    digest: str
    rows: int
    quarantined: int
    settled: bool


@dataclass(slots=True)
class Ledger:
    """The files taken into a lake up to a snapshot."""

    root: Path
    runs: list[str]
    _entries: pl.DataFrame | None = field(default=None)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Ledger:
        """Open the ledger of the snapshot."""
        runs = list(snapshot.sidecars.get(SIDECAR, ()))
        for run in runs:
            snapshot.file(run)
        return cls(snapshot.root, runs)

    @property
    def entries(self) -> pl.DataFrame:
        """All entries, a row each, in order of intake."""
        if self._entries is None:
            frames = [pl.read_parquet(self.root / run) for run in self.runs]
            self._entries = pl.concat([pl.DataFrame(schema=_SCHEMA), *frames])
        return self._entries

    def find(self, path: Path, kind: str, reading: str) -> Entry | None:
        """Return the entry of the same file, read the same way, whatever its name; None when there is none.

        The file is hashed only when one of the same size was taken.
        """
        alike = self.entries.filter(kind=kind, reading=reading, size=path.stat().st_size, settled=True)
        if alike.is_empty():
            return None
        same = alike.filter(digest=file_digest(path))
        return Entry(**same.row(0, named=True)) if same.height else None

    def name_of(self, version: int, file: int) -> str | None:
        """Return the name of a file by the version and number that its rows carry."""
        found = self.entries.filter(version=version, file=file)
        return str(found["name"][0]) if found.height else None

    def with_entries(self, entries: Sequence[Entry], stem: str) -> list[str]:
        """Write the entries as a run of that name, and return the runs that make up the new ledger."""
        added = pl.DataFrame([{name: getattr(entry, name) for name in _SCHEMA} for entry in entries], schema=_SCHEMA)
        run = f"{SIDECAR}/{stem}.parquet"
        path = self.root / run
        path.parent.mkdir(parents=True, exist_ok=True)
        if len(self.runs) + 1 > _RUNS_MAX:
            put_parquet(pl.concat([self.entries, added]), path)
            return [run]
        put_parquet(added, path)
        return [*self.runs, run]
