"""The event lake: immutable Parquet parts, and a log of manifests that says which of them belong to each version.

    lake/
      manifests/00000012.json               version 12: what it added and removed; each tenth also lists every part
      clicks/date=2026-01-31/part-00000012-00001.parquet
      affiliates/part-00000012-00002.parquet        kinds without a date
      ledger/  index/                       which files were taken in, which ids exist (written by ingest)
      staging/                              what an unfinished ingest wrote; no reader looks there
      lock                                  held while a process writes (screening.traffic.lakewrite)
      origin.json                           only in a mirror: the object storage that holds the lake (lake_remote)

A part exists for readers once a manifest names it, and a manifest appears in one step. So a writer that dies leaves the
lake as before or as after. Parts are never changed: a snapshot of an old version reads what it always read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import TABLES, Kind, polars_schema
from screening.errors import InputError, IntegrityError
from screening.traffic.lake_remote import Named, remote_of

MANIFESTS = "manifests"
CHECKPOINT_EVERY = 10
"""A manifest whose version this divides lists all parts, so that opening a snapshot reads at most this many files."""
_VERSION_DIGITS = 8
_DIGEST_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable Parquet file of the lake.

    `day` is the UTC day of all its events (None: the kind is undated), `path` is relative to the lake, `digest` is the
    SHA-256 of the file in hexadecimal.
    """

    kind: Kind
    day: date | None
    path: str
    rows: int
    digest: str

    @property
    def version(self) -> int:
        """The lake version that added the part."""
        return int(Path(self.path).name.split("-")[1])

    def as_json(self) -> dict[str, Any]:
        """Return the part as it stands in a manifest."""
        day = self.day.isoformat() if self.day else None
        return {"kind": str(self.kind), "day": day, "path": self.path, "rows": self.rows, "digest": self.digest}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Part:
        """Read a part from a manifest's entry."""
        day = date.fromisoformat(entry["day"]) if entry["day"] else None
        return cls(Kind(entry["kind"]), day, entry["path"], int(entry["rows"]), entry["digest"])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts of one version of the lake. It stays readable and equal while later versions are written."""

    root: Path
    version: int
    """0 is the empty lake before its first commit."""
    parts: tuple[Part, ...]
    """In the order in which they were committed."""
    sidecars: Mapping[str, Any] = field(default_factory=dict)
    """What ingest keeps beside the parts: the runs of the ledger and of the id index, relative to the lake."""

    def days(self, kind: Kind) -> list[date]:
        """Return the UTC days that have events of the kind, ascending. Empty for undated kinds."""
        return sorted({part.day for part in self.parts if part.kind == kind and part.day is not None})

    def select(self, kinds: Iterable[Kind], first: date | None = None, last: date | None = None) -> tuple[Part, ...]:
        """Return the parts of these kinds from day `first` to day `last`, both inclusive, None: unbounded.

        Parts of undated kinds are always selected. The order is that of commit.
        """
        wanted = frozenset(kinds)
        return tuple(part for part in self.parts if part.kind in wanted and _within(part.day, first, last))

    def frame(self, kind: Kind, first: date | None = None, last: date | None = None) -> pl.LazyFrame:
        """Return the events of the kind from day `first` to day `last`, both inclusive, None: unbounded.

        All canonical columns of the kind are there in schema order with their canonical types, null where a fact is
        not known. Undated kinds give the newest record of each key. Row order is the same on every call.
        """
        schema = polars_schema(kind)
        parts = self.select((kind,), first, last)
        if not parts:
            return pl.LazyFrame(schema=schema)
        frame = scan_parts(self.files(parts), schema)
        if TABLES[kind].dated_by is None:
            return frame.unique(subset=list(TABLES[kind].key), keep="last", maintain_order=True)
        return frame

    def verify(self, parts: Iterable[Part] | None = None) -> None:
        """Compare the parts (default: all) with their digests. Raises IntegrityError naming the first that differs."""
        for part in self.parts if parts is None else parts:
            digest = self._digest(part)
            where = str(self.root / part.path)
            if digest is None:
                raise IntegrityError("A part of the lake is missing.", remedy="Restore it from a backup.", where=where)
            if digest != part.digest:
                raise IntegrityError(
                    "A part of the lake is not what was written.", remedy="Restore it from a backup.", where=where
                )

    def files(self, parts: Iterable[Named]) -> list[Path]:
        """Return where the parts can be read; a mirror first fetches those that it lacks."""
        paths = [part.path for part in parts]
        if (remote := remote_of(self.root)) is not None:
            remote.fetch_all(paths, self.root)
        return [self.root / path for path in paths]

    def file(self, path: str) -> Path:
        """Return where a file of the lake can be read, which a mirror first fetches; nothing is there if it is gone."""
        target = self.root / path
        if not target.is_file() and (remote := remote_of(self.root)) is not None:
            remote.fetch(path, self.root)
        return target

    def _digest(self, part: Part) -> str | None:
        path = self.root / part.path
        if path.is_file():
            return file_digest(path)
        remote = remote_of(self.root)
        return None if remote is None else remote.digest(part.path)


@dataclass(frozen=True, slots=True)
class Lake:
    """The lake in the folder `root`, for reading. The folder may not exist yet: then the lake is empty."""

    root: Path

    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return the lake as of `version` (None: the newest).

        Raises InputError when there is no such version, IntegrityError when a manifest cannot be read.
        """
        newest = self.newest_version()
        version = newest if version is None else version
        if not 0 <= version <= newest:
            raise InputError(
                f"The lake has no version {version}.", remedy=f"Its versions are 0 to {newest}.", where=str(self.root)
            )
        parts: dict[str, Part] = {}
        sidecars: Mapping[str, Any] = {}
        for manifest in self._manifests_up_to(version):
            if "parts" in manifest:
                parts = {entry["path"]: Part.from_json(entry) for entry in manifest["parts"]}
            else:
                parts |= {entry["path"]: Part.from_json(entry) for entry in manifest["added"]}
                for path in manifest["removed"]:
                    parts.pop(path, None)
            sidecars = manifest["sidecars"]
        return Snapshot(self.root, version, tuple(parts.values()), sidecars)

    def newest_version(self) -> int:
        """Return the number of the newest manifest, 0 when there is none."""
        folder = self.root / MANIFESTS
        here = max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), default=0)
        remote = remote_of(self.root)
        return here if remote is None else remote.newest_manifest(MANIFESTS, here, _manifest_name)

    def manifest_path(self, version: int) -> Path:
        """Return where the manifest of the version stands."""
        return self.root / MANIFESTS / _manifest_name(version)

    def _manifests_up_to(self, version: int) -> Sequence[Mapping[str, Any]]:
        start = max(1, version - version % CHECKPOINT_EVERY)
        return [self.manifest(number) for number in range(start, version + 1)]

    def manifest(self, version: int) -> Mapping[str, Any]:
        """Return what a version's manifest says. Raises IntegrityError when it cannot be read."""
        path = self.manifest_path(version)
        if not path.is_file() and (remote := remote_of(self.root)) is not None:
            remote.fetch(f"{MANIFESTS}/{_manifest_name(version)}", self.root)
        try:
            manifest: Mapping[str, Any] = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"The lake's manifest cannot be read: {error}.", remedy="Restore it from a backup.", where=str(path)
            ) from error
        return manifest


def scan_parts(paths: Sequence[Path], schema: Mapping[str, Any]) -> pl.LazyFrame:
    """Return the rows of the files in order, with exactly the columns of `schema`; null where a file lacks one."""
    frame = pl.scan_parquet(
        list(paths),
        schema=dict(schema),
        hive_partitioning=False,
        glob=False,
        missing_columns="insert",
        extra_columns="ignore",
    )
    return frame.select(list(schema))


def part_path(kind: Kind, day: date | None, version: int, number: int, tag: str = "") -> str:
    """Return where in the lake the part belongs, relative to the lake. `tag` tells apart writers who cannot lock."""
    folder = str(kind) if day is None else f"{kind}/date={day.isoformat()}"
    return f"{folder}/part-{version_name(version)}-{number:05d}{tag}.parquet"


def version_name(version: int) -> str:
    """Return a version as the names of its files carry it."""
    return f"{version:0{_VERSION_DIGITS}d}"


def _manifest_name(version: int) -> str:
    return f"{version_name(version)}.json"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file's bytes in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_DIGEST_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _within(day: date | None, first: date | None, last: date | None) -> bool:
    if day is None:
        return True
    return (first is None or day >= first) and (last is None or day <= last)
