"""Addresses of each class to draw from, so that injected bots come from networks where bots live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.lookups import Classifier

DRAWN = 200_000
"""Random public-looking addresses classified to fill the pools; enough for thousands of hosting addresses."""
_FIRST, _LAST = 1 << 24, 224 << 24


@dataclass(frozen=True, slots=True)
class AddressPools:
    """Addresses by class (`hosting`, `vpn`, ...) and ordinary addresses by country; a class may be empty."""

    by_class: Mapping[str, np.ndarray]
    by_country: Mapping[str, np.ndarray]

    def draw(self, ip_class: str, size: int, rng: np.random.Generator) -> np.ndarray | None:
        """Draw `size` addresses of a class, with repeats; None when no address of the class is known."""
        pool = self.by_class.get(ip_class)
        return None if pool is None or len(pool) == 0 else rng.choice(pool, size)


def build_pools(addresses: Classifier, rng: np.random.Generator) -> AddressPools:
    """Classify random IPv4 addresses and sort them into pools."""
    numbers = rng.integers(_FIRST, _LAST, DRAWN, dtype=np.uint32)
    octets = numbers.view(np.uint8).reshape(-1, 4)
    if np.little_endian:
        octets = octets[:, ::-1]
    text = pl.DataFrame(octets.astype(np.int64), schema=["a", "b", "c", "d"]).select(
        pl.format("{}.{}.{}.{}", "a", "b", "c", "d").alias("ip")
    )["ip"]
    known = addresses(text.unique(maintain_order=True))
    by_class = {
        key: frame["ip"].to_numpy() for (key,), frame in known.sort("ip").group_by("ip_class", maintain_order=True)
    }
    ordinary = known.filter(pl.col("ip_class").is_in(["residential", "mobile"]) & pl.col("ip_country").is_not_null())
    by_country = {
        key: frame["ip"].to_numpy() for (key,), frame in ordinary.sort("ip").group_by("ip_country", maintain_order=True)
    }
    return AddressPools(by_class, by_country)
