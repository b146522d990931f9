"""Reference lists that installed packages ship, read into frames: no network, no account.

| package | gives | its data |
|---|---|---|
| geoip2fast | country and operator of networks | GeoLite2 Country and ASN by MaxMind; the date stands in the file |
| pymispwarninglists | ranges of VPNs, data centres, clouds, corporate gateways | MISP warning lists (CC0) |
| iporigin | Tor exits, VPN exits, privacy relays, hosting ranges | operators' own feeds and CC0 collections |
| crawler-user-agents | patterns of declared bots, tools and libraries | monperrus/crawler-user-agents (MIT) |

docs/lists.md says more on each: licence, date, and what was left out and why.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import metadata, resources
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import polars as pl
from iporigin._data import dataset  # the package publishes look-ups of single addresses only

from features.intelligence import AddressClass
from features.intelligence.addresses import ranges_of_networks
from features.intelligence.agents import AgentClass, AgentPattern
from features.intelligence.ranges import BOUNDS
from screening.errors import IntegrityError

_READER = "1"
"""Raise when the code below reads a package differently: cached copies of older readings are then left alone."""
_DAT_VERSIONS = (120, 121)
_IPV4_SPACE = 2**32
_GEO_FILE = "geoip2fast-asn-ipv6.dat.gz"
_GEO_HEADER_BYTES = 512
_NOT_AN_OPERATOR = ("<unknown>", "IANA.ORG")

_WARNING_LISTS: Mapping[str, AddressClass] = MappingProxyType(
    {
        # the list names "VPN providers and datacenters" in one; most of its ranges belong to data centres
        "vpn-ipv4": AddressClass.HOSTING,
        "vpn-ipv6": AddressClass.HOSTING,
        "amazon-aws": AddressClass.HOSTING,
        "google-gcp": AddressClass.HOSTING,
        "microsoft-azure": AddressClass.HOSTING,
        "microsoft-azure-china": AddressClass.HOSTING,
        "microsoft-azure-germany": AddressClass.HOSTING,
        "microsoft-azure-us-gov": AddressClass.HOSTING,
        "ovh-cluster": AddressClass.HOSTING,
        "cloudflare": AddressClass.HOSTING,
        "akamai": AddressClass.HOSTING,
        "fastly": AddressClass.HOSTING,
        "stackpath": AddressClass.HOSTING,
        "zscaler": AddressClass.RELAY,
    }
)
_RELAY_PROVIDERS = ("Apple Private Relay",)
_ORIGIN_KINDS: Mapping[str, AddressClass] = MappingProxyType(
    {"tor": AddressClass.TOR, "vpn": AddressClass.VPN, "hosting": AddressClass.HOSTING, "cdn": AddressClass.HOSTING}
)
_TRANSIT = ("Cogent",)
"""A carrier whose ranges are mostly those of its customers' offices: not hosting."""

_AGENT_KINDS: Mapping[str, AgentClass] = MappingProxyType(
    {"http-library": AgentClass.LIBRARY, "browser-automation": AgentClass.AUTOMATION}
)
_APP_TAGS = frozenset({"social-preview", "feed-reader"})


@dataclass(frozen=True, slots=True)
class PackagedList:
    """A list from an installed package: how to read it, and from which files of what date (None: they do not say)."""

    name: str
    package: str
    read: Callable[[], pl.DataFrame]
    files: Callable[[], tuple[Path, ...]]
    dated: Callable[[], date | None]

    @property
    def version(self) -> str:
        """Release of the package and digest of the files read: equal versions give equal lists."""
        digest = hashlib.sha256(_READER.encode())
        for path in self.files():
            digest.update(path.read_bytes())
        return f"{self.package} {metadata.version(self.package)} sha256:{digest.hexdigest()}"


def _folder(module: str) -> Path:
    return Path(str(resources.files(module)))


def _geo_files() -> tuple[Path, ...]:
    return (_folder("geoip2fast") / _GEO_FILE,)


class _PlainData(pickle.Unpickler):
    """Reads lists, numbers and text only: a file that names any class or function is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} in a file that should hold plain data")


def _geo_tables() -> list[Any]:
    path = _geo_files()[0]
    try:
        version, _, _, tables = _PlainData(io.BytesIO(gzip.decompress(path.read_bytes()))).load()
    except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise IntegrityError(
            f"The address data cannot be read: {error}.", remedy="Install geoip2fast again.", where=str(path)
        ) from error
    if version not in _DAT_VERSIONS:
        raise IntegrityError(
            f"The address data have the unknown format {version}.", remedy="Install geoip2fast 1.2.", where=str(path)
        )
    return list(tables)


def _geo_date() -> date | None:
    """Read the date from the description near the start of the file, without unpacking the rest."""
    with gzip.open(_geo_files()[0]) as file:
        stamp = re.search(rb"GeoLite2[\w-]*-(\d{8})", file.read(_GEO_HEADER_BYTES))
    return datetime.strptime(stamp[1].decode(), "%Y%m%d").replace(tzinfo=UTC).date() if stamp else None


def _geo_ranges(
    starts: list[list[int]], lengths: list[list[int]], codes: list[list[int]], names: list[str]
) -> pl.DataFrame:
    first = list(chain.from_iterable(starts))
    version = pl.Series("version", [6 if start >= _IPV4_SPACE else 4 for start in first], dtype=pl.UInt8)
    bits = pl.Series(chain.from_iterable(lengths), dtype=pl.Int64)
    frame = pl.DataFrame(
        {
            "version": version,
            "start_high": pl.Series([start >> 64 for start in first], dtype=pl.UInt64),
            "start_low": pl.Series([start & 0xFFFF_FFFF_FFFF_FFFF for start in first], dtype=pl.UInt64),
            "host": pl.select(pl.when(version == 4).then(32).otherwise(128) - bits).to_series(),
            "name": pl.Series(names, dtype=pl.String)[list(chain.from_iterable(codes))],
        }
    )
    masks = {size: 2**size - 1 for size in range(65)}
    return frame.with_columns(
        end_high=pl.col("start_high") | (pl.col("host") - 64).clip(0).replace_strict(masks, return_dtype=pl.UInt64),
        end_low=pl.col("start_low") | pl.col("host").clip(0, 64).replace_strict(masks, return_dtype=pl.UInt64),
    ).select(*BOUNDS, "name")


def _read_countries() -> pl.DataFrame:
    tables = _geo_tables()
    frame = _geo_ranges(tables[4], tables[8], tables[6], tables[2])
    country = pl.col("name").str.extract(r"^([A-Z]{2}):")
    return frame.select(*BOUNDS, country=country).filter(pl.col("country").is_not_null())


def _read_operators() -> pl.DataFrame:
    tables = _geo_tables()
    frame = _geo_ranges(tables[5], tables[9], tables[7], tables[3])
    return frame.filter(~pl.col("name").is_in(_NOT_AN_OPERATOR)).rename({"name": "as_name"})


def _warning_list_files() -> tuple[Path, ...]:
    folder = _folder("pymispwarninglists") / "data" / "misp-warninglists" / "lists"
    return tuple(folder / name / "list.json" for name in _WARNING_LISTS)


def _read_warning_lists() -> pl.DataFrame:
    frames = []
    for path, address_class in zip(_warning_list_files(), _WARNING_LISTS.values(), strict=True):
        ranges = ranges_of_networks(json.loads(path.read_bytes())["list"]).filter(pl.col("version").is_not_null())
        frames.append(ranges.select(*BOUNDS, ip_class=pl.lit(address_class.value)))
    return pl.concat(frames)


def _warning_list_date() -> date | None:
    """Return the date of the oldest list taken: versions that are dates are written YYYYMMDD."""
    versions = [str(json.loads(path.read_bytes())["version"]) for path in _warning_list_files()]
    dated = [version for version in versions if re.fullmatch(r"20\d{6}", version)]
    return datetime.strptime(min(dated), "%Y%m%d").replace(tzinfo=UTC).date() if dated else None


def _origin_date() -> date:
    return datetime.fromtimestamp(dataset().built_at, tz=UTC).date()  # type: ignore[no-untyped-call]


def _origin_files() -> tuple[Path, ...]:
    return (_folder("iporigin") / "data" / "ranges.bin",)


def _read_origins() -> pl.DataFrame:
    data = dataset()  # type: ignore[no-untyped-call]
    spans = [
        *zip([4] * len(data.v4_starts), data.v4_starts, data.v4_ends, data.v4_labels, strict=True),
        *zip([6] * len(data.v6_starts), data.v6_starts, data.v6_ends, data.v6_labels, strict=True),
    ]
    rows = [
        (
            version,
            start >> 64,
            start & 0xFFFF_FFFF_FFFF_FFFF,
            end >> 64,
            end & 0xFFFF_FFFF_FFFF_FFFF,
            *data.labels[label],
        )
        for version, start, end, label in spans
    ]
    halves = dict.fromkeys(BOUNDS[1:], pl.UInt64)
    frame = pl.DataFrame(
        rows, schema={"version": pl.UInt8, **halves, "provider": pl.String, "kind": pl.String}, orient="row"
    )
    ip_class = (
        pl.when(pl.col("provider").is_in(_RELAY_PROVIDERS))
        .then(pl.lit(AddressClass.RELAY.value))
        .when(~pl.col("provider").is_in(_TRANSIT))
        .then(pl.col("kind").replace_strict(dict(_ORIGIN_KINDS), default=None, return_dtype=pl.String))
    )
    return frame.select(*BOUNDS, ip_class=ip_class).filter(pl.col("ip_class").is_not_null())


def _agent_files() -> tuple[Path, ...]:
    return (_folder("crawleruseragents") / "crawler-user-agents.json",)


def _agent_date() -> date | None:
    """Return the day of the newest addition."""
    days = [entry.get("addition_date", "").replace("/", "-") for entry in json.loads(_agent_files()[0].read_bytes())]
    return date.fromisoformat(max(days)) if any(days) else None


def packaged_agents() -> tuple[AgentPattern, ...]:
    """Return the agent patterns of the crawler-user-agents package."""
    entries = json.loads(_agent_files()[0].read_bytes())
    return tuple(
        AgentPattern(
            entry["pattern"],
            next((_AGENT_KINDS[tag] for tag in entry["tags"] if tag in _AGENT_KINDS), AgentClass.DECLARED_BOT),
            preview=bool(_APP_TAGS & set(entry["tags"])),
        )
        for entry in entries
    )


PACKAGED = (
    PackagedList("geoip2fast-country", "geoip2fast", _read_countries, _geo_files, _geo_date),
    PackagedList("geoip2fast-operators", "geoip2fast", _read_operators, _geo_files, _geo_date),
    PackagedList("warning-lists", "pymispwarninglists", _read_warning_lists, _warning_list_files, _warning_list_date),
    PackagedList("iporigin", "iporigin", _read_origins, _origin_files, _origin_date),
)
AGENTS_VERSIONED = PackagedList("crawler-user-agents", "crawler-user-agents", pl.DataFrame, _agent_files, _agent_date)
