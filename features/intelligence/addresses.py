"""What kind of network an address belongs to, where it is and who runs it.

Sources disagree and overlap, so the classes have an order; an address gets the strongest that any list or network
name gives it: private > tor > relay > vpn > hosting > mobile > residential.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.intelligence.networks import NetworkNames
from features.intelligence.parsing import IPV4, IPV6, networks_of, parse_addresses
from features.intelligence.ranges import BOUNDS, NOT_FOUND, RangeIndex, keys_of


class AddressClass(StrEnum):
    """What kind of network an address belongs to."""

    UNKNOWN = "unknown"
    """Not an address, or in no list."""
    RESIDENTIAL = "residential"
    """A known network that is none of the other kinds: homes, offices, and relays that honest people browse through."""
    MOBILE = "mobile"
    """A mobile carrier; its gateways are shared by thousands of honest people."""
    HOSTING = "hosting"
    """Servers for rent, clouds and content networks."""
    VPN = "vpn"
    """An exit of a VPN or proxy service."""
    RELAY = "relay"
    """In lists only: a privacy relay or corporate gateway. Reported as residential, shared, of unknown country."""
    TOR = "tor"
    """A Tor exit."""
    PRIVATE = "private"
    """Not routed on the internet: private, shared, loopback, documentation, multicast."""


CLASSES = tuple(AddressClass)
"""Weakest first: the place in this order decides between lists."""
_RANK = {address_class: rank for rank, address_class in enumerate(CLASSES)}

FACTS: Mapping[str, str] = {
    "country_list": "ip_country",
    "network_list": "as_name",
    "hosting_list": AddressClass.HOSTING,
    "vpn_list": AddressClass.VPN,
    "tor_list": AddressClass.TOR,
}
"""Facts that a book may lack, and what is unknown without them."""

_SPECIAL_RANGES = (
    # IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), and multicast (RFC 5771, 4291)
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "::/127 100::/64 2001:2::/48 2001:db8::/32 3fff::/20 fc00::/7 fe80::/10 ff00::/8"
)


@dataclass(frozen=True, slots=True)
class AddressList:
    """One list of ranges.

    `frame` has the columns of `ranges.BOUNDS` and any of `country` (ISO 3166 alpha-2), `asn`, `as_name`, `ip_class`
    (an `AddressClass`); null where the list does not say.
    """

    name: str
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Address lists ready to be searched. Build it with `AddressBook.of`; looking up never changes it."""

    countries: tuple[RangeIndex, ...]
    networks: tuple[RangeIndex, ...]
    classes: tuple[RangeIndex, ...]
    lacks: frozenset[str] = field(default_factory=frozenset)
    """The `FACTS` that no list gives; what depends on them is unknown, never clean."""

    @classmethod
    def of(cls, lists: Sequence[AddressList], names: NetworkNames) -> AddressBook:
        """Build a book. Of lists that give a country or a network for the same address, the earlier list wins."""
        networks = tuple(_network_index(frame, names) for frame in _having(lists, "as_name", "asn"))
        classed = [frame.select(*BOUNDS, "ip_class") for frame in _having(lists, "ip_class")]
        classes = tuple(
            RangeIndex.covering(own, own.select("ip_class").head(1))
            for own in pl.concat([special_ranges(), *classed]).sort("ip_class").partition_by("ip_class")
        )
        countries = tuple(RangeIndex.of(frame, ["country"]) for frame in _having(lists, "country"))
        return cls(countries, networks, classes, _lacking(countries, networks, classes))

    def classify(self, addresses: pl.Series) -> pl.DataFrame:
        """Classify the distinct addresses of a column.

        Returns one row per distinct address that is not null, to be joined back on `ip`: `ip` as given; `ip_class`
        (an `AddressClass` but never `relay`); `ip_country` (ISO 3166 alpha-2), `asn`, `as_name`, `network` (/24 or /48
        as text), each null where unknown; `ip_shared`, true where many honest people share an address, false where
        they do not, null where the class is unknown.
        """
        parsed = parse_addresses(addresses.drop_nulls().unique(maintain_order=True))
        searched = _Searched.of(parsed)
        country = _first_known(self.countries, searched, ["country"])
        network = _first_known(self.networks, searched, ["asn", "as_name", "rank"])
        rank = pl.Series("rank", self._ranks(searched, network))
        is_relay = rank == _RANK[AddressClass.RELAY]
        located = ~is_relay & (rank != _RANK[AddressClass.PRIVATE])
        return pl.select(
            parsed["ip"],
            ip_class=pl.select(pl.when(is_relay).then(_RANK[AddressClass.RESIDENTIAL]).otherwise(rank))
            .to_series()
            .replace_strict(dict(enumerate(map(str, CLASSES))), return_dtype=pl.String),
            ip_country=pl.when(located).then(country["country"]),
            asn=network["asn"].cast(pl.Int64),
            as_name=network["as_name"],
            network=networks_of(parsed),
            ip_shared=pl.when(rank != _RANK[AddressClass.UNKNOWN]).then(
                is_relay | (rank == _RANK[AddressClass.MOBILE])
            ),
        )

    def _ranks(self, searched: _Searched, network: pl.DataFrame) -> NDArray[np.int64]:
        # a country alone is a registry entry: where nobody is known to run the network, nobody's home is known either
        known = network["as_name"].is_not_null() | network["asn"].is_not_null()
        rank = np.where(known.to_numpy(), _RANK[AddressClass.RESIDENTIAL], _RANK[AddressClass.UNKNOWN])
        rank = np.maximum(rank, network["rank"].fill_null(0).to_numpy())
        for index in self.classes:
            found = searched.codes(index) != NOT_FOUND
            rank = np.where(found, np.maximum(rank, _RANK[AddressClass(index.values["ip_class"][0])]), rank)
        return np.asarray(rank, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Searched:
    """Addresses as search keys: per IP version the sorted keys, and the row that each comes from.

    Sorted keys walk the tables in order, which keeps the searched part in the processor's cache.
    """

    rows: int
    keys: tuple[tuple[int, NDArray[np.int64], NDArray[Any]], ...]

    @classmethod
    def of(cls, parsed: pl.DataFrame) -> _Searched:
        versions = []
        for version in (IPV4, IPV6):
            places = np.flatnonzero((parsed["version"] == version).fill_null(value=False).to_numpy())
            keys = keys_of(parsed.select("high", "low")[places], version)
            order = np.argsort(keys)
            versions.append((version, places[order], keys[order]))
        return cls(parsed.height, tuple(versions))

    def codes(self, index: RangeIndex) -> NDArray[np.int64]:
        """Return for each row the code of the range that holds its address, `NOT_FOUND` where none does."""
        codes = np.full(self.rows, NOT_FOUND, dtype=np.int64)
        for version, places, keys in self.keys:
            codes[places] = index.find(version, keys)
        return codes


def special_ranges() -> pl.DataFrame:
    """Return the ranges that are not routed on the internet, as a list of class `private`."""
    return ranges_of_networks(_SPECIAL_RANGES.split()).select(*BOUNDS, ip_class=pl.lit(AddressClass.PRIVATE.value))


def ranges_of_networks(networks: Iterable[str]) -> pl.DataFrame:
    """Read networks in CIDR notation or single addresses.

    Returns `BOUNDS` and `text`, one row per network, `version` null where the text is neither. Bits right of the
    prefix are ignored, as routers do.
    """
    text = pl.Series("text", list(networks), dtype=pl.String)
    halves = pl.DataFrame({"text": text.str.strip_chars()}).select("text", parts=pl.col("text").str.splitn("/", 2))
    halves = halves.select(
        "text", address=pl.col("parts").struct.field("field_0"), size=pl.col("parts").struct.field("field_1")
    )
    parsed = parse_addresses(halves["address"])
    longest = pl.when(pl.col("version") == IPV4).then(32).when(pl.col("version") == IPV6).then(128)
    frame = pl.concat([halves, parsed.select("version", "high", "low")], how="horizontal").with_columns(
        bits=pl.coalesce(pl.col("size").cast(pl.Int64, strict=False), pl.when(pl.col("size").is_null()).then(longest)),
        longest=longest,
    )
    usable = (pl.col("bits") >= 0) & (pl.col("bits") <= pl.col("longest"))
    frame = frame.with_columns(version=pl.when(usable).then("version"))
    # `low` of IPv4 is a 32-bit number at the right end of 128 bits
    host = (128 - pl.col("bits") - pl.when(pl.col("version") == IPV4).then(96).otherwise(0)).fill_null(0)
    low_mask = _mask(host.clip(0, 64))
    high_mask = _mask((host - 64).clip(0, 64))
    return frame.select(
        "text",
        "version",
        start_high=pl.col("high") & ~high_mask,
        start_low=pl.col("low") & ~low_mask,
        end_high=pl.col("high") | high_mask,
        end_low=pl.col("low") | low_mask,
    )


def _mask(bits: pl.Expr) -> pl.Expr:
    return bits.replace_strict({count: 2**count - 1 for count in range(65)}, return_dtype=pl.UInt64)


def _having(lists: Iterable[AddressList], *columns: str) -> list[pl.DataFrame]:
    frames = []
    for entry in lists:
        present = [column for column in columns if column in entry.frame.columns]
        if present:
            frames.append(entry.frame.filter(pl.any_horizontal(pl.col(present).is_not_null())))
    return [frame for frame in frames if len(frame)]


def _network_index(frame: pl.DataFrame, names: NetworkNames) -> RangeIndex:
    wanted = {"asn": pl.Int64, "as_name": pl.String}
    frame = frame.select(
        *BOUNDS,
        *(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in wanted.items()
        ),
    )
    index = RangeIndex.of(frame, list(wanted))
    ranks = {str(name): rank for name, rank in _RANK.items()}
    rank = names.classify(index.values).replace_strict(ranks, default=None, return_dtype=pl.Int64).alias("rank")
    return RangeIndex(index.tables, index.values.with_columns(rank))


def _first_known(indexes: Sequence[RangeIndex], searched: _Searched, columns: Sequence[str]) -> pl.DataFrame:
    """Look the addresses up in each index in turn; the first that knows one answers for it."""
    kinds = {"country": pl.String, "asn": pl.Int64, "as_name": pl.String, "rank": pl.Int64}
    answer = pl.DataFrame({column: pl.Series([None] * searched.rows, dtype=kinds[column]) for column in columns})
    for index in reversed(indexes):
        codes = searched.codes(index)
        places = pl.Series(np.where(codes == NOT_FOUND, 0, codes))
        found = pl.Series(codes != NOT_FOUND)
        values = index.values.select(columns)[places]
        answer = answer.select(
            pl.when(found).then(values[column]).otherwise(pl.col(column)).alias(column) for column in columns
        )
    return answer


def _lacking(
    countries: Sequence[RangeIndex], networks: Sequence[RangeIndex], classes: Sequence[RangeIndex]
) -> frozenset[str]:
    listed = {index.values["ip_class"][0] for index in classes}
    named = {CLASSES[rank] for index in networks for rank in index.values["rank"].drop_nulls().unique()}
    present = listed | named | ({"ip_country"} if countries else set()) | ({"as_name"} if networks else set())
    return frozenset(fact for fact, needs in FACTS.items() if needs not in present)
