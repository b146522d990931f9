"""Turn the numbers of a simulated programme into the text that files carry: identifiers and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

from screening.simulate.columns import NONE, Words


def looked_up(codes: pl.Series, texts: Sequence[str]) -> pl.Series:
    """Return the text of each code, null for NONE."""
    known = pl.select(pl.when(codes != NONE).then(codes)).to_series()
    return pl.Series(texts, dtype=pl.String).gather(known)


def hexadecimal(numbers: Words) -> pl.Series:
    """Write numbers as 16 hexadecimal digits; 0 is null."""
    groups = [_padded().gather(group) for group in _groups(numbers)]
    text = pl.select(pl.concat_str([pl.lit(group) for group in groups])).to_series()
    return pl.select(pl.when(pl.lit(pl.Series(numbers != 0))).then(text)).to_series()


def addresses(v4: pl.Series, high: pl.Series, low: pl.Series) -> pl.Series:
    """Write IPv4 addresses, or IPv6 addresses where `high` is not 0."""
    octets = [(v4 // 2**shift % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    text = pl.select(pl.concat_str([pl.lit(octet) for octet in octets], separator=".")).to_series()
    rows = np.flatnonzero(high.to_numpy() != 0)
    if not len(rows):
        return text
    groups = [*_groups(high.to_numpy()[rows]), *_groups(low.to_numpy()[rows])]
    parts = [pl.lit(_plain().gather(group)) for group in groups]
    return text.scatter(rows, pl.select(pl.concat_str(parts, separator=":")).to_series())


def _groups(numbers: Words) -> list[np.ndarray]:
    return [(numbers >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.uint32) for shift in (48, 32, 16, 0)]


@cache
def _padded() -> pl.Series:
    return pl.Series([f"{number:04x}" for number in range(1 << 16)])


@cache
def _plain() -> pl.Series:
    return pl.Series([f"{number:x}" for number in range(1 << 16)])
