"""Sort more pairs than fit in memory: spread them over files by ranges of their key, then treat each file by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

BUCKETS = 128
"""Files at a time; each holds a range of keys of equal width. More would only make writes smaller."""
PAIRS_AT_A_TIME = 1_000_000
"""Pairs of a file that are in memory at once, 12 MB: a file of a very popular key may hold most of all pairs."""

_PAIR = np.dtype([("key", "<u8"), ("value", "<u4")])

Keys = npt.NDArray[np.uint64]
Values = npt.NDArray[np.uint32]


class Spill:
    """Pairs (key, value) below a folder, keys less than `bound`, spread over files by key."""

    def __init__(self, folder: Path, bound: int) -> None:
        folder.mkdir(parents=True)
        self.width = max(1, -(-bound // BUCKETS))
        self._bound = bound
        self._paths = [folder / f"{number:03}.pairs" for number in range(BUCKETS)]
        self._files: list[BinaryIO] = [path.open("wb") for path in self._paths]

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def add(self, keys: Keys, values: Values) -> None:
        """Add pairs; within a key, later ones come later."""
        bucket = (keys // np.uint64(self.width)).astype(np.uint8)
        order = np.argsort(bucket, kind="stable")
        pairs = np.empty(len(keys), _PAIR)
        pairs["key"], pairs["value"] = keys[order], values[order]
        ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS))
        begin = 0
        for file, end in zip(self._files, ends.tolist(), strict=True):
            if end > begin:
                file.write(pairs[begin:end].tobytes())
            begin = end

    def finish(self) -> None:
        """End writing."""
        for file in self._files:
            file.close()

    def buckets(self) -> Iterator[tuple[int, int, Path]]:
        """Yield (first key, number of keys, file) in the order of keys, after `finish`."""
        for number, path in enumerate(self._paths):
            first = number * self.width
            if first < self._bound:
                yield first, min(self.width, self._bound - first), path


def chunks(path: Path) -> Iterator[tuple[Keys, Values]]:
    """Yield the pairs of a file in the order they were added, so many at a time."""
    with path.open("rb") as file:
        while len(pairs := np.fromfile(file, _PAIR, PAIRS_AT_A_TIME)):
            yield np.ascontiguousarray(pairs["key"]), np.ascontiguousarray(pairs["value"])
