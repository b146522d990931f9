"""JSON lines: one object per line, nested objects flattened to dotted names, numbers kept digit by digit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from screening.errors import InputError
from screening.traffic.intake.batch import LINE, Batch, Limits, RawLines
from screening.traffic.intake.faults import Fault, Refusal, Skip
from screening.traffic.intake.lineblocks import LineBlocks
from screening.traffic.intake.opened import Opened

_DEPTH_MAX = 8
"""Levels of nested objects that are flattened; exports nest two or three."""


@dataclass(slots=True)
class JsonLines:
    """A file of JSON lines. `names` are the members seen in its first block, and grow while batches are read.

    `columns` are the members to hand on; a list in one that `lists` names becomes text, its items joined by what stands
    there. Both are set once the layout is known.
    """

    names: list[str]
    blocks: LineBlocks
    limits: Limits
    columns: tuple[str, ...] = ()
    lists: Mapping[str, str] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """Yield all records of the file. Every line is in a batch, refused, or counted as skipped."""
        while (data := self.blocks.next()) is not None or self.blocks.refused:
            found = _Found(self.columns, self.lists, self.limits, list(self.blocks.refused))
            self.blocks.refused.clear()
            first = self.blocks.line
            for text in (data or b"").split(b"\n")[: None if data and not data.endswith(b"\n") else -1]:
                found.take(text, self.blocks.line)
                self.blocks.line += 1
            self.names += [name for name in found.names if name not in self.names]
            skipped = {Skip.BLANK_LINE: found.blank} if found.blank else {}
            raw = RawLines(data or b"", first, {})
            yield Batch(found.cells(), raw, refused=tuple(found.refused), skipped=skipped)


@dataclass(slots=True)
class _Found:
    columns: tuple[str, ...]
    lists: Mapping[str, str]
    limits: Limits
    refused: list[Refusal]
    blank: int = 0
    lines: list[int] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)

    def take(self, text: bytes, line: int) -> None:
        text = text.strip()
        if not text:
            self.blank += 1
            return
        if len(text) > self.limits.record_bytes_max:
            self._refuse(Fault.OVERSIZED_RECORD, text, line)
            return
        try:
            members = json.loads(text.decode(), parse_float=str, parse_int=str, parse_constant=str)
        except UnicodeDecodeError:
            self._refuse(Fault.BAD_ENCODING, text, line)
            return
        except (ValueError, RecursionError):
            self._refuse(Fault.BAD_JSON, text, line)
            return
        if not isinstance(members, dict):
            self._refuse(Fault.BAD_JSON, text, line)
            return
        self._members(flattened(members), text, line)

    def _members(self, members: Mapping[str, Any], text: bytes, line: int) -> None:
        self.names |= dict.fromkeys(members)
        row: list[Any] = []
        for name in self.columns:
            value = as_text(members.get(name), self.lists.get(name))
            if value is not None and not isinstance(value, str):
                self._refuse(Fault.NOT_TEXT, text, line, name)
                return
            row.append(value)
        self.lines.append(line)
        self.rows.append(row)

    def _refuse(self, fault: Fault, text: bytes, line: int, name: str | None = None) -> None:
        self.refused.append(Refusal(line, fault, text[: self.limits.quarantine_raw_bytes], len(text), name))

    def cells(self) -> pl.DataFrame:
        schema = dict.fromkeys(self.columns, pl.String())
        cells = pl.DataFrame(self.rows, schema=schema, orient="row") if self.rows else pl.DataFrame(schema=schema)
        return cells.with_columns(pl.Series(LINE, self.lines, dtype=pl.Int64))


def read_json_lines(source: Opened, limits: Limits) -> JsonLines:
    """Look at the first block to learn the names of the members. Raises InputError when no line is an object."""
    blocks = LineBlocks(source.chunks, limits.block_bytes, limits.record_bytes_max, limits.quarantine_raw_bytes)
    data = blocks.next() or b""
    names: dict[str, None] = {}
    for text in data.split(b"\n"):
        try:
            members = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(members, dict):
            names |= dict.fromkeys(flattened(members))
    if not names:
        raise InputError(
            "No line of the file is a JSON object.", remedy="Write one object per line.", where=str(source.path)
        )
    blocks.give_back(data)
    return JsonLines(list(names), blocks, limits)


def flattened(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members with those of nested objects under dotted names, as in `offer.id`."""
    flat: dict[str, Any] = {}
    stack = [("", members, 0)]
    while stack:
        prefix, level, depth = stack.pop()
        for name, value in level.items():
            if isinstance(value, dict) and depth < _DEPTH_MAX:
                stack.append((f"{prefix}{name}.", value, depth + 1))
            else:
                flat[f"{prefix}{name}"] = value
    return flat


def as_text(value: object, joined_by: str | None) -> object:
    """Return a JSON value as text: true and false as words, a list of text joined. Others come back as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    if joined_by is not None and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return joined_by.join(value)
    return value
