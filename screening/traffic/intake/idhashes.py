"""Finding ids that occur twice, among billions, in bounded memory: sorted runs of 64-bit hashes on the disk.

An equal hash is a suspicion, never a verdict: `settle` compares the rows themselves. The hashes are Polars', which may
change with its version; `PROBE` tells, and then the runs are made anew from the parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.schema import TABLES, Kind

Hashes = npt.NDArray[np.uint64]
HASH = np.dtype("<u8")
_RUN_HASHES = 4_000_000
"""Hashes gathered, sorted and written at a time (32 MB)."""
_SLICE_HASHES = 4_000_000
"""Hashes compared at a time when runs are merged."""
_RATIO = 2
"""A run at least this many times as long as the next newer one is not merged with it; so there are few runs, and each
hash is rewritten a logarithmic number of times."""
_KEY_END = "\x1f"
_NULL_KEY = "\x00"


def probe() -> int:
    """Return the hash of a fixed text: equal while Polars hashes as it did."""
    return int(pl.Series(["winnow"]).hash()[0])


def key_hash(kind: Kind) -> pl.Expr:
    """Return the hash of a record's key, unsigned 64 bits. Equal keys have equal hashes."""
    key = TABLES[kind].key
    if len(key) == 1:
        return pl.col(key[0]).hash()
    return pl.concat_str([pl.col(name).fill_null(_NULL_KEY) for name in key], separator=_KEY_END).hash()


@dataclass(slots=True)
class HashRuns:
    """Gathers hashes in any number and order; `finish` returns files in which each is sorted."""

    folder: Path
    paths: list[Path] = field(default_factory=list)
    _chunks: list[Hashes] = field(default_factory=list)
    _gathered: int = 0

    def add(self, hashes: Hashes) -> None:
        """Take in hashes; a full run is written at once."""
        self._chunks.append(hashes)
        self._gathered += len(hashes)
        if self._gathered >= _RUN_HASHES:
            self._write()

    def finish(self) -> list[Path]:
        """Write what is left and return all runs."""
        if self._gathered:
            self._write()
        return self.paths

    def _write(self) -> None:
        run = np.concatenate(self._chunks).astype(HASH)
        run.sort()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self.paths):06d}.u64"
        run.tofile(path)
        self.paths.append(path)
        self._chunks.clear()
        self._gathered = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """Outcome of comparing new hashes with each other and with known ones; all are sorted and without repeats."""

    fresh: Path
    """New hashes that were not known."""
    suspects: Hashes
    """New hashes that occur twice or are known. On the disk, mapped."""
    known: Hashes
    """New hashes that are known. On the disk, mapped."""


def compare(new: Sequence[Path], known: Sequence[Path], folder: Path) -> Compared:
    """Find the new hashes that occur twice or are among the known runs. Results are written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("fresh.u64", "suspects.u64", "known.u64")]
    with paths[0].open("wb") as fresh, paths[1].open("wb") as suspects, paths[2].open("wb") as found:
        for parts in _slices([read_run(path) for path in new], [read_run(path) for path in known]):
            merged = np.concatenate([np.empty(0, HASH), *parts[: len(new)]])
            if len(new) > 1:
                merged.sort()
            again = merged[1:] == merged[:-1]
            unique = merged[np.concatenate(([True], ~again))] if len(merged) else merged
            is_known = np.zeros(len(unique), dtype=bool)
            for run in parts[len(new) :]:
                is_known |= _contained(unique, run)
            unique[~is_known].tofile(fresh)
            unique[is_known].tofile(found)
            np.union1d(unique[is_known], merged[1:][again]).tofile(suspects)
    return Compared(paths[0], read_run(paths[1]), read_run(paths[2]))


def merge(runs: Sequence[Path], target: Path) -> None:
    """Write the hashes of all runs, sorted and without repeats, to one file, in bounded memory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        for parts in _slices([read_run(path) for path in runs], []):
            np.unique(np.concatenate(parts)).tofile(stream)


def to_be_merged(lengths: Sequence[int]) -> int:
    """Return how many of the newest runs should become one, given their lengths from the oldest to the newest."""
    count, total = 1, lengths[-1] if lengths else 0
    while count < len(lengths) and lengths[-count - 1] < _RATIO * total:
        total += lengths[-count - 1]
        count += 1
    return count


def read_run(path: Path) -> Hashes:
    """Map a run into memory, sorted as it is."""
    if not path.stat().st_size:
        return np.empty(0, HASH)
    return np.memmap(path, dtype=HASH, mode="r")


def among(hashes: pl.Series, sorted_hashes: Hashes) -> pl.Series:
    """Return for each hash whether it is among the sorted ones."""
    return pl.Series(_contained(hashes.to_numpy(), sorted_hashes))


def _contained(wanted: Hashes, run: Hashes) -> npt.NDArray[np.bool_]:
    if not len(run):
        return np.zeros(len(wanted), dtype=bool)
    at = np.searchsorted(run, wanted)
    return np.asarray(run[np.minimum(at, len(run) - 1)] == wanted)


def _slices(new: Sequence[Hashes], known: Sequence[Hashes]) -> Iterator[list[Hashes]]:
    """Yield the parts of all runs that lie in the same range of values, small ranges from the lowest to the highest."""
    count = max(1, -(-sum(len(run) for run in new) // _SLICE_HASHES))
    edges = [index * (2**64 // count) for index in range(1, count)]
    cuts = [[0, *(int(np.searchsorted(run, np.uint64(edge))) for edge in edges), len(run)] for run in (*new, *known)]
    for index in range(count):
        yield [run[cut[index] : cut[index + 1]] for run, cut in zip((*new, *known), cuts, strict=True)]
