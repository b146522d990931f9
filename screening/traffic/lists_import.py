"""Take files into the lists of a workspace: find out what they are, check them, keep them as the list's new version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import polars as pl

from features.intelligence import AddressClass, AgentClass
from features.intelligence.ranges import disjoint
from screening.errors import InputError
from screening.traffic.lists import ListFolder, ListKind, ListVersion
from screening.traffic.lists_mmdb import read_mmdb
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.traffic.lists_text import Refused, TextFormat, read_text

CLASSES_BY_NAME: Mapping[str, AddressClass | AgentClass] = MappingProxyType(
    {
        "tor": AddressClass.TOR,
        "vpn": AddressClass.VPN,
        "proxy": AddressClass.VPN,
        "hosting": AddressClass.HOSTING,
        "datacenter": AddressClass.HOSTING,
        "datacentre": AddressClass.HOSTING,
        "cloud": AddressClass.HOSTING,
        "mobile": AddressClass.MOBILE,
        "relay": AddressClass.RELAY,
        "residential": AddressClass.RESIDENTIAL,
        "bots": AgentClass.DECLARED_BOT,
        "automation": AgentClass.AUTOMATION,
        "libraries": AgentClass.LIBRARY,
    }
)
"""Class of what a list names whose lines do not say it, by the name of the list or the --class given."""
FORMATS = ("auto", "mmdb", *TextFormat)
_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"
_MMDB_TAIL = 128 * 1024
"""The metadata mark stands in the last 128 KiB of a database (MaxMind DB file format 2.0)."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to import: the list's name, its files, the format (of `FORMATS`) and the class, None to go by the name."""

    name: str
    files: tuple[Path, ...]
    file_format: str
    named_class: str | None
    known_as: tuple[str, ...] = ()
    """What the files are called where they came from; empty: these are the files themselves, not copies."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The new version of a list, the lines that were refused, and whether anything changed."""

    version: ListVersion
    refused: tuple[Refused, ...]
    changed: bool


@dataclass(frozen=True, slots=True)
class _Read:
    rows: pl.DataFrame
    kind: ListKind
    file_format: str
    dated: date | None
    refused: tuple[Refused, ...]


def import_list(folder: ListFolder, order: Order, refused_share_max: float, now: datetime) -> Imported:
    """Read the files of an order and keep their rows as the current version of the list.

    Raises InputError when a file cannot be used, when the files are of different kinds, when nothing says what the
    addresses are, or when more than `refused_share_max` of the lines are bad; the list then stays as it was.
    """
    _check_name(order.name)
    parts = [_read(path, order, now) for path in order.files]
    kinds = {part.kind for part in parts}
    if len(kinds) > 1:
        raise InputError(
            f"The files are of different kinds: {', '.join(sorted(kinds))}.",
            remedy="Import each kind under a name of its own.",
        )
    rows = pl.concat([part.rows for part in parts])
    refused = tuple(line for part in parts for line in part.refused)
    if len(refused) > refused_share_max * (len(rows) + len(refused)):
        first = refused[0]
        raise InputError(
            f"{len(refused)} of {len(rows) + len(refused)} lines cannot be used; this one {first.reason}.",
            remedy="Check that the file is what --format says, or raise lists.refused_share_max.",
            where=f"{first.file}:{first.line}",
        )
    rows = _classed(rows, parts[0].kind, order)
    draft = ListVersion(
        name=order.name,
        kind=parts[0].kind,
        digest="",
        sources=order.known_as or tuple(str(path) for path in order.files),
        file_format=parts[0].file_format,
        list_date=_oldest([part.dated for part in parts]),
        imported_at=now,
        rows=len(rows),
        refused=len(refused),
    )
    before = next((version for version in folder.versions() if version.name == order.name), None)
    version = folder.keep(draft, rows)
    return Imported(version, refused, changed=before is None or before.digest != version.digest)


def _check_name(name: str) -> None:
    taken = {"packages", "carried-facts", *(package.name for package in (*PACKAGED, AGENTS_VERSIONED))}
    if not (name.replace("-", "").isalnum() and name.isascii() and name == name.lower()) or name in taken:
        raise InputError(
            f"A list cannot be called {name!r}.",
            remedy=f"Use lower-case letters, digits and hyphens, but none of {', '.join(sorted(taken))}.",
        )


def _read(path: Path, order: Order, now: datetime) -> _Read:
    if not path.is_file():
        raise InputError("There is no such file.", remedy="Give the path of a list.", where=str(path))
    if order.file_format == "mmdb" or (order.file_format == "auto" and _is_mmdb(path)):
        rows, database_type, built = read_mmdb(path)
        return _Read(rows, ListKind.ADDRESSES, f"mmdb {database_type}", min(built, now.date()), ())
    wanted = None if order.file_format == "auto" else TextFormat(order.file_format)
    if wanted is None and isinstance(_named_class(order), AgentClass):
        wanted = TextFormat.AGENTS
    text = read_text(path, wanted)
    kinds = {TextFormat.OPERATORS: ListKind.OPERATORS, TextFormat.AGENTS: ListKind.AGENTS}
    kind = kinds.get(text.file_format, ListKind.ADDRESSES)
    return _Read(text.rows, kind, text.file_format.value, _written(path, order, now), text.refused)


def _written(path: Path, order: Order, now: datetime) -> date | None:
    """Return when a file that does not state its date was written; None for a copy, which is as old as the copying."""
    if order.known_as:
        return None
    return min(datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date(), now.date())


def _oldest(dates: Sequence[date | None]) -> date | None:
    """Return the oldest of dates, None when one of them is not known."""
    known = [day for day in dates if day is not None]
    return min(known) if len(known) == len(dates) else None


def _is_mmdb(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MMDB_TAIL))
        return _MMDB_MARK in file.read()


def _named_class(order: Order) -> AddressClass | AgentClass | None:
    return CLASSES_BY_NAME.get(order.named_class or order.name)


def _classed(rows: pl.DataFrame, kind: ListKind, order: Order) -> pl.DataFrame:
    """Give rows that say nothing of themselves the class of the list; cut overlapping ranges."""
    named = _named_class(order)
    fits = {ListKind.AGENTS: AgentClass}.get(kind, AddressClass)
    silent = kind is not ListKind.ADDRESSES or _says_nothing(rows)
    if named is None and silent:
        choices = ", ".join(key for key, value in CLASSES_BY_NAME.items() if type(value) is fits)
        raise InputError(
            f"Nothing says what the entries of `{order.name}` are.",
            remedy=f"Say --class, one of: {choices}.",
        )
    if named is not None and type(named) is not fits:
        raise InputError(
            f"The file lists {kind.value}, which cannot be of class `{named.value}`.",
            remedy="Choose another list name or --class.",
        )
    if kind is ListKind.AGENTS:
        return rows.unique(maintain_order=True).with_columns(agent_class=pl.lit(named.value if named else None))
    if kind is ListKind.OPERATORS:
        return rows.unique("asn", maintain_order=True).with_columns(ip_class=pl.lit(named.value if named else None))
    if named is not None and (order.named_class or silent):
        rows = rows.with_columns(ip_class=pl.lit(named.value))
    return disjoint(rows)


def _says_nothing(rows: pl.DataFrame) -> bool:
    facts: Sequence[str] = ("country", "asn", "as_name", "ip_class")
    return bool(rows.select(pl.all_horizontal(pl.col(facts).is_null()).all()).item())
