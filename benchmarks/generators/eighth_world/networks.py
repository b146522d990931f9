"""Real networks by country and kind of access, so that addresses mean to a reader what they meant to the author.

A programme does not draw from the whole internet: it knows a few providers of each country, some large, and how many
people stand behind one exit is drawn anew for every programme.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from eighth_world.dice import Dice, Indices, Numbers

ZONES: dict[str, float] = {
    "US": -6, "CA": -5, "MX": -6, "BR": -3, "AR": -3, "CL": -4, "CO": -5, "GB": 0, "IE": 0, "DE": 1, "FR": 1, "ES": 1,
    "IT": 1, "NL": 1, "BE": 1, "AT": 1, "CH": 1, "SE": 1, "NO": 1, "DK": 1, "FI": 2, "PL": 1, "CZ": 1, "HU": 1, "RO": 2,
    "BG": 2, "UA": 2, "TR": 3, "RU": 3, "ZA": 2, "SA": 3, "IN": 5.5, "ID": 7, "TH": 7, "VN": 7, "PH": 8, "SG": 8,
    "HK": 8, "TW": 8, "KR": 9, "JP": 9, "AU": 10, "NZ": 12,
}  # fmt: skip
"""Hours ahead of UTC, one for each country: what matters is that people sleep at different times."""
EXIT_COUNTRIES = ("NL", "US", "DE", "GB", "FR", "SG", "CA", "SE")
"""Where VPN and hosting exits stand when they do not stand at home."""
TOR_COUNTRIES = ("DE", "US", "NL", "SE", "FR")
"""Where nearly all Tor exits stand."""
_CANDIDATES = {4: 300_000, 6: 60_000}
_KEPT = 260
"""Networks kept of each country, kind and version."""
_COMMON_PROVIDERS = 14
"""Providers that serve the homes of a country; what is behind smaller ones counts as companies."""
_SINGLE = ("vpn", "tor")
"""What is known of single addresses rather than networks: the whole address is kept."""
_FEW = 6
"""With fewer networks than this, phones come through the networks that serve the homes of the country."""
_CAMPUS = r"(?i)universi|college|school|academ|educat|campus|institut"


@functools.cache
def stock() -> pl.DataFrame:
    """Return networks: country, access, version, operator, prefix (IPv4 without its last number, IPv6 /64 as text)."""
    named = "|".join(f"{name} {version(name)}" for name in ("geoip2fast", "iporigin", "pymispwarninglists"))
    folder = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "winnow-eighth-programme"
    kept = folder / f"networks-{hashlib.sha256(f'{named}|{_KEPT}'.encode()).hexdigest()[:12]}.parquet"
    if kept.is_file():
        return pl.read_parquet(kept)
    made = _drawn_networks(folder)
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}")
    made.write_parquet(draft)
    draft.replace(kept)
    return made


def _drawn_networks(folder: Path) -> pl.DataFrame:
    """Draw addresses over all operators, let the address book say what they are, and keep some of each kind."""
    from screening.traffic.lists import load_book  # noqa: PLC0415 - only when nothing is kept yet

    book = load_book(folder)[0]
    files = sorted((folder / "packages").glob("*.parquet"))
    texts = [_candidates(pl.read_parquet(file)) for file in files if "country" not in pl.read_parquet_schema(file)]
    known = book.classify(pl.concat(texts).unique(maintain_order=True).alias("ip"))
    known = known.filter(pl.col("ip_country").is_in(list(ZONES)), pl.col("ip_class").is_not_null())
    homes = pl.col("ip_class") == "residential"
    provider = homes.sum().over("ip_country", "as_name").rank("dense", descending=True).over("ip_country")
    access = (
        pl.when(homes & pl.col("as_name").str.contains(_CAMPUS))
        .then(pl.lit("campus"))
        .when(homes & (provider > _COMMON_PROVIDERS))
        .then(pl.lit("office"))
        .otherwise(pl.col("ip_class"))
    )
    six = pl.col("ip").str.contains(":", literal=True)
    made = known.with_columns(
        access.alias("access"), pl.when(six).then(6).otherwise(4).alias("version"), _prefix(known["ip"])
    ).with_columns(
        pl.when(pl.col("access").is_in(_SINGLE)).then(pl.col("ip")).otherwise(pl.col("prefix")).alias("prefix")
    )
    groups = ("ip_country", "access", "version")
    return (
        made.unique("prefix", keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).shuffle(seed=8).over(*groups) < _KEPT)
        .select(
            pl.col("ip_country").alias("country"), "access", "version", pl.col("as_name").alias("operator"), "prefix"
        )
        .sort("country", "access", "version", "operator", "prefix")
    )


def _candidates(ranges: pl.DataFrame) -> pl.Series:
    """Return addresses in these ranges as text; large ranges are drawn from more often, but not by their whole size."""
    rng = np.random.default_rng(8)
    texts: list[str] = []
    for kind, count in _CANDIDATES.items():
        rows = ranges.filter(pl.col("version") == kind)
        if not rows.height:
            continue
        part = "low" if kind == 4 else "high"
        first, last = rows[f"start_{part}"].to_numpy(), rows[f"end_{part}"].to_numpy()
        size = (last - first).astype(np.float64) + 1
        weight = np.minimum(size, 2.0**18) ** 0.5
        drawn = rng.choice(rows.height, min(count, 40 * rows.height), p=weight / weight.sum())
        at = first[drawn] + (rng.random(len(drawn)) * size[drawn]).astype(np.uint64)
        if kind == 4:
            texts += [str(ipaddress.IPv4Address(int(value))) for value in at]
        else:
            texts += [str(ipaddress.IPv6Address((int(value) << 64) + 1)) for value in at]
    return pl.Series("ip", texts)


def _prefix(addresses: pl.Series) -> pl.Series:
    """Return what stands before the host part."""
    made = [ipaddress.IPv6Address(text).exploded[:19] if ":" in text else text.rpartition(".")[0] for text in addresses]
    return pl.Series("prefix", made)


class AddressPlan:
    """Which networks a programme's people come from, and how many exits they leave by.

    `exits` holds, for each access, the number of addresses a country has of it; None: every person has an own one.
    Homes and phones with IPv6 always have their own.
    """

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.exits: dict[str, int | None] = {
            "mobile": dice.pick([None, int(dice.scale(1000, 9000)), int(dice.scale(12, 900))]),
            "office": int(dice.scale(40, 2500)),
            "campus": int(dice.scale(3, 150)),
            "vpn": int(dice.scale(5, 250)),
            "hosting": int(dice.scale(20, 900)),
            "tor": int(dice.scale(5, 60)),
            "residential": dice.pick([None, None, int(dice.scale(4000, 40000))]),
        }
        self.six = dice.pick([0.0, 0.0, dice.between(0.02, 0.2), dice.between(0.2, 0.5)])
        self.steepness = dice.between(0.4, 1.6)
        self.providers = dice.whole(3, 14)
        self._known: dict[tuple[str, str, int], tuple[list[str], Numbers]] = {}
        self._common: dict[tuple[str, str], pl.Series] = {}

    def networks(self, country: str, access: str, kind: int) -> tuple[list[str], Numbers]:
        """Return the prefixes of this access the programme meets in the country, and how often each."""
        key = (country, access, kind)
        if key not in self._known:
            rows = stock().filter(country=country, access=access, version=kind)
            if access == "mobile" and rows.height < _FEW:
                return self.networks(country, "residential", kind)
            if not rows.height:
                rows = stock().filter(access=access, version=4)
            operators = rows["operator"].unique(maintain_order=True).to_list()
            chosen = self.dice.some(operators, self.providers)
            share = dict(zip(chosen, self.dice.ranked(len(chosen), self.steepness), strict=True))
            rows = rows.filter(pl.col("operator").is_in(chosen, nulls_equal=True))
            each = rows["operator"].value_counts()
            count = dict(zip(each["operator"], each["count"], strict=True))
            weight = np.array([share[name] / count[name] for name in rows["operator"]])
            self._known[key] = (rows["prefix"].to_list(), weight)
        return self._known[key]

    def addresses(self, country: str, access: str, count: int, own: int | None = None) -> pl.Series:
        """Return one address for each of `count` people; `own` exits that nobody else uses, or those of everybody."""
        six = self.six if access in {"residential", "mobile"} and own is None else 0.0
        many = int(self.dice.rng.binomial(count, six)) if six else 0
        exits = self._exits(country, access, own)
        if exits is None:
            four = self._four(country, access, count - many)
        else:
            four = exits.gather(self.dice.choose(self.dice.ranked(len(exits), 0.5), count - many))
        if not many:
            return four
        mixed = pl.concat([four, self._six(country, access, many)])
        return mixed.gather(self.dice.rng.permutation(count))

    def _exits(self, country: str, access: str, own: int | None) -> pl.Series | None:
        number = own or self.exits[access]
        if number is None:
            return None
        if own is not None:
            return self._four(country, access, own)
        if (country, access) not in self._common:
            self._common[country, access] = self._four(country, access, number)
        return self._common[country, access]

    def _four(self, country: str, access: str, count: int) -> pl.Series:
        prefixes, weight = self.networks(country, access, 4)
        at = self.dice.choose(weight, count)
        if access in _SINGLE:
            return pl.Series(prefixes, dtype=pl.String).gather(at)
        host = self.dice.rng.integers(1, 255, count)
        return _joined(prefixes, at, ".", pl.Series(host).cast(pl.String))

    def _six(self, country: str, access: str, count: int) -> pl.Series:
        prefixes, weight = self.networks(country, access, 6)
        at = self.dice.choose(weight, count)
        if ":" not in prefixes[0]:
            return self._four(country, access, count)
        host = self.dice.codes(count, 16)
        parts = [host.str.slice(4 * place, 4) for place in range(4)]
        tail = pl.select(pl.concat_str(parts, separator=":")).to_series()
        return _joined(prefixes, at, ":", tail)


def _joined(prefixes: list[str], at: Indices, mark: str, host: pl.Series) -> pl.Series:
    return pl.Series(prefixes, dtype=pl.String).gather(at) + mark + host
