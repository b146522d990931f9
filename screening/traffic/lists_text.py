"""Lists in text form: address ranges, networks, single addresses, operators and agent patterns, read line by line.

Comments (`#`, `;`, `//`) and empty lines are passed over. What a line is shows in its first field, so that one reader
takes CSV with and without a header, blank- or dash-separated ranges, and plain lists.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

import polars as pl
import zstandard

from features.intelligence.addresses import ranges_of_networks
from features.intelligence.parsing import parse_addresses
from screening.errors import InputError
from screening.traffic.lists_mmdb import ROW_SCHEMA


class TextFormat(StrEnum):
    """What the lines of a text list are."""

    RANGES = "ranges"
    """First and last address, then what the list says of them."""
    NETWORKS = "networks"
    """A network in CIDR notation or a single address, then what the list says of it."""
    OPERATORS = "operators"
    """The number of an autonomous system, then its name."""
    AGENTS = "agents"
    """A regular expression for user agents."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that could not be used."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class TextList:
    """The rows of a text list, its format, and the lines refused."""

    rows: pl.DataFrame
    file_format: TextFormat
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    fields: tuple[str, ...]
    text: str


_COMMENT = re.compile(r"^\s*(?:#|;|//)|^\s*$")
_TOR_DOCUMENT = re.compile(r"^(?:ExitNode|Published|LastStatus) ")
_DASHED = re.compile(r"^([0-9a-fA-F.:]+)\s*-\s*([0-9a-fA-F.:]+)$")
_NUMBER = re.compile(r"^(?:AS)?\d{1,10}$", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]*)(?:/\d{1,3})?$")
_SNIFFED_LINES = 200
_UNPACKED_BYTES_MAX = 1 << 30
"""1 GiB: the largest published lists of ranges unpack to half of that."""
_SNIFFED_SHARE = 0.5
"""A format is taken for the file's when at least this share of its first lines has it."""

_HEADERS: Mapping[str, str] = {
    "network": "network", "cidr": "network", "prefix": "network", "ip": "network", "ip_prefix": "network",
    "start_ip": "start", "ip_range_start": "start", "range_start": "start", "start": "start", "first_ip": "start",
    "end_ip": "end", "ip_range_end": "end", "range_end": "end", "end": "end", "last_ip": "end",
    "country_code": "country", "country": "country",
    "asn": "asn", "as": "asn", "autonomous_system_number": "asn", "as_number": "asn",
    "as_name": "as_name", "name": "as_name", "autonomous_system_organization": "as_name", "entity": "as_name",
    "as_organization": "as_name", "organization": "as_name",
}  # fmt: skip
_COUNTRY = re.compile(r"^[A-Za-z]{2}$")


def read_text(path: Path, wanted: TextFormat | None) -> TextList:
    """Read a text list, plain or compressed with gzip or zstd.

    `wanted` None means: find out. Rows of addresses have the columns of `ROW_SCHEMA`, those of operators `asn` and
    `as_name`, those of agents `pattern`. Raises InputError when the file is no text or no known list.
    """
    lines = list(_lines(path))
    if not lines:
        raise InputError("The file holds no entries.", remedy="Give a list.", where=str(path))
    if wanted is TextFormat.AGENTS:
        return _agents(path, lines)
    header = _header(lines[0])
    body = lines[1:] if header else lines
    file_format = wanted or _sniffed(body, header)
    if file_format is None:
        raise InputError(
            f"The file is no list of addresses, networks or operators: {lines[0].text[:80]!r}.",
            remedy="Give CSV ranges, networks, addresses, AS numbers or an .mmdb file; for agents say --format agents.",
            where=str(path),
        )
    if file_format is TextFormat.OPERATORS:
        return _operators(path, body, header)
    return _addresses(path, body, header, file_format)


def _lines(path: Path) -> Iterator[_Line]:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = _bounded(gzip.GzipFile(fileobj=io.BytesIO(content)), path)
        elif content[:4] == b"\x28\xb5\x2f\xfd":
            content = _bounded(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)), path)
        text = content.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError, zstandard.ZstdError) as error:
        raise InputError(
            f"The file cannot be read as text: {error}.", remedy="Give a list.", where=str(path)
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if _COMMENT.match(line) or _TOR_DOCUMENT.match(line):
            continue
        yield _Line(number, _fields(line), line)


def _bounded(stream: IO[bytes] | gzip.GzipFile, path: Path) -> bytes:
    """Unpack a stream. Raises InputError for one that unpacks to more than any list holds."""
    content = stream.read(_UNPACKED_BYTES_MAX + 1)
    if len(content) > _UNPACKED_BYTES_MAX:
        raise InputError("The file unpacks to more than a list holds.", remedy="Give a list.", where=str(path))
    return content


def _fields(line: str) -> tuple[str, ...]:
    plain = line.strip().removeprefix("ExitAddress ")
    dashed = _DASHED.match(plain)
    if dashed:
        return dashed.groups()
    if "," in plain or "\t" in plain:
        delimiter = "," if "," in plain else "\t"
        try:
            return tuple(
                field.strip() for field in next(csv.reader([plain], delimiter=delimiter, skipinitialspace=True))
            )
        except (csv.Error, StopIteration):
            return (plain,)
    words = plain.split("#")[0].split(" ;")[0].split()
    return tuple(words) if words and (_ADDRESS.match(words[0]) or _NUMBER.match(words[0])) else (plain,)


def _header(line: _Line) -> dict[str, int]:
    names = {_HEADERS.get(field.lower()): place for place, field in reversed(tuple(enumerate(line.fields)))}
    names.pop(None, None)
    known = {name: place for name, place in names.items() if name}
    return known if "network" in known or "start" in known or "asn" in known else {}


def _sniffed(lines: Sequence[_Line], header: Mapping[str, int]) -> TextFormat | None:
    if header:
        if "start" in header:
            return TextFormat.RANGES
        return TextFormat.NETWORKS if "network" in header else TextFormat.OPERATORS
    first = lines[:_SNIFFED_LINES]
    shares = {
        TextFormat.RANGES: sum(
            len(line.fields) > 1 and bool(_ADDRESS.match(line.fields[0]) and _ADDRESS.match(line.fields[1]))
            for line in first
        ),
        TextFormat.NETWORKS: sum(bool(_ADDRESS.match(line.fields[0])) for line in first),
        TextFormat.OPERATORS: sum(bool(_NUMBER.match(line.fields[0])) for line in first),
    }
    return next((kind for kind, count in shares.items() if count >= _SNIFFED_SHARE * len(first) > 0), None)


def _addresses(path: Path, lines: Sequence[_Line], header: Mapping[str, int], file_format: TextFormat) -> TextList:
    ranged = file_format is TextFormat.RANGES
    start = header.get("start" if ranged else "network", 0)
    end = header.get("end", 1)
    first = [line.fields[start] if len(line.fields) > start else "" for line in lines]
    if ranged:
        last = [line.fields[end] if len(line.fields) > end else "" for line in lines]
        bounds = _between(first, last)
    else:
        bounds = ranges_of_networks(first).drop("text")
    facts = [_facts_of(line.fields, header, 2 if ranged else 1) for line in lines]
    said = pl.DataFrame(facts, schema={"country": pl.String, "asn": pl.Int64, "as_name": pl.String}, orient="row")
    frame = pl.concat([bounds, said], how="horizontal").with_columns(
        number=pl.Series([line.number for line in lines]), ip_class=pl.lit(None, pl.String)
    )
    usable = pl.col("version").is_not_null() & (
        (pl.col("start_high") < pl.col("end_high"))
        | ((pl.col("start_high") == pl.col("end_high")) & (pl.col("start_low") <= pl.col("end_low")))
    )
    what = "two addresses in ascending order" if ranged else "an address or a network"
    bad = frame.filter(~usable.fill_null(value=False))["number"].to_list()
    refused = tuple(Refused(str(path), number, f"does not begin with {what}") for number in bad)
    return TextList(frame.filter(usable).select(list(ROW_SCHEMA)), file_format, refused)


def _between(first: Sequence[str], last: Sequence[str]) -> pl.DataFrame:
    starts = parse_addresses(pl.Series(first, dtype=pl.String))
    ends = parse_addresses(pl.Series(last, dtype=pl.String))
    same = starts["version"] == ends["version"]
    return pl.DataFrame(
        {
            "version": pl.select(pl.when(same).then(starts["version"])).to_series(),
            "start_high": starts["high"],
            "start_low": starts["low"],
            "end_high": ends["high"],
            "end_low": ends["low"],
        }
    )


def _facts_of(fields: Sequence[str], header: Mapping[str, int], rest: int) -> tuple[str | None, int | None, str | None]:
    """Return country, number and name that a line gives: by its header, otherwise by what the fields look like."""
    if header:
        named = {name: fields[place] for name, place in header.items() if place < len(fields) and fields[place]}
        country = named.get("country", "")
        return (
            country.upper() if _COUNTRY.match(country) else None,
            _as_number(named.get("asn", "")),
            named.get("as_name"),
        )
    remaining = fields[rest:]
    if remaining and _COUNTRY.match(remaining[0]):
        return remaining[0].upper(), None, None
    # a bare number may be a port or a count: without AS before it, a name must follow
    has_name = len(remaining) > 1 and any(letter.isalpha() for letter in remaining[1])
    if remaining and _NUMBER.match(remaining[0]) and (has_name or remaining[0].upper().startswith("AS")):
        return None, _as_number(remaining[0]), remaining[1] if has_name else None
    return None, None, None


def _as_number(text: str) -> int | None:
    digits = text.upper().removeprefix("AS")
    return int(digits) if digits.isdigit() and int(digits) else None


def _operators(path: Path, lines: Sequence[_Line], header: Mapping[str, int]) -> TextList:
    number, name = header.get("asn", 0), header.get("as_name", 1)
    rows: list[tuple[int, str | None]] = []
    refused: list[Refused] = []
    for line in lines:
        asn = _as_number(line.fields[number]) if len(line.fields) > number else None
        if asn is None:
            refused.append(Refused(str(path), line.number, "does not name an AS number"))
        else:
            rows.append((asn, line.fields[name] or None if len(line.fields) > name else None))
    frame = pl.DataFrame(rows, schema={"asn": pl.Int64, "as_name": pl.String}, orient="row")
    return TextList(frame, TextFormat.OPERATORS, tuple(refused))


def _agents(path: Path, lines: Sequence[_Line]) -> TextList:
    rows: list[str] = []
    refused: list[Refused] = []
    for line in lines:
        pattern = line.text.strip()
        try:
            matches_all = pl.Series([""]).str.contains(pattern)[0]
        except pl.exceptions.ComputeError:
            refused.append(Refused(str(path), line.number, "is no regular expression"))
            continue
        if matches_all:
            refused.append(Refused(str(path), line.number, "matches every user agent"))
        else:
            rows.append(pattern)
    return TextList(pl.DataFrame({"pattern": rows}, schema={"pattern": pl.String}), TextFormat.AGENTS, tuple(refused))
