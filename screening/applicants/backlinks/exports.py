"""Exports of backlink tools, read row by row: what can be used, and what cannot with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TextIO, TypeVar

import yaml

from screening.applicants.backlinks import fields
from screening.applicants.backlinks.links import Backlink, BadRow, Tool
from screening.applicants.backlinks.table import Row, folded_name, opened_export, read_table
from screening.errors import InputError

SHOWN_LENGTH = 80
"""Characters of a bad value that are repeated in its report."""
_ANCHOR_LENGTH = 300
"""Characters of an anchor that are kept; longer ones are whole paragraphs made a link."""
_CONSOLE_FILE = re.compile(
    r"(?:https?_{2,3})?(?P<host>[\w.-]+?)_?-(?:latest|more|top|sample|external|internal)[ _-]", re.IGNORECASE
)
"""Search Console names its files after the property: `https___www.acme.com_-Latest links-2026-11-22.csv`."""

_Read = TypeVar("_Read")


class _UnusableError(ValueError):
    def __init__(self, field: str, value: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.field, self.value, self.problem, self.remedy = field, value, problem, remedy


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each field stands (position by field), and the tool's own name of it for messages."""

    at: Mapping[str, int]
    names: Mapping[str, str]


def read_export(path: Path, tool: Tool, target: str | None) -> Iterator[Backlink | BadRow]:
    """Yield every row of an export as a link or as a bad row.

    `target` is the registered domain that the links lead to, for exports that do not say (None: taken from the name of
    a Search Console file, else unknown). Memory does not grow with the file. Raises InputError that names the file
    when it has no header of that tool.
    """
    if target is None and tool is Tool.SEARCH_CONSOLE:
        target = _property_in(path.name)
    with opened_export(path) as text:
        yield from _read(text, path, tool, target)


def _read(text: TextIO, path: Path, tool: Tool, target: str | None) -> Iterator[Backlink | BadRow]:
    header, rows = read_table(text, partial(_is_header, tool=tool))
    columns = _columns(header, tool)
    if columns is None or any(_recognised(header, other) > len(columns.at) for other in Tool):
        raise _no_header(text, path, tool)
    for row in rows:
        try:
            yield _link(row, columns, target)
        except _UnusableError as error:
            yield BadRow(row.line, error.field, _shown(error.value), error.problem, error.remedy)


def _is_header(cells: Sequence[str], tool: Tool) -> bool:
    return _columns(cells, tool) is not None


def _columns(header: Sequence[str], tool: Tool) -> _Columns | None:
    """Find the tool's columns in a header; None when it has no column that says where links come from."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        places.setdefault(folded_name(name), place)
    at = {field: places[name] for field, names in _named(tool).items() for name in names if name in places}
    enough = "source_url" in at and (tool is Tool.SEARCH_CONSOLE or "target_url" in at)
    by_site = "source_site" in at and len(at) > 1
    if not enough and not by_site:
        return None
    return _Columns(at, {field: header[place] for field, place in at.items()})


def _recognised(header: Sequence[str], tool: Tool) -> int:
    """Return how many columns of a header a tool has, 0 when it is none of its headers: names differ little."""
    columns = _columns(header, tool)
    return len(columns.at) if columns is not None else 0


def _link(row: Row, columns: _Columns, target: str | None) -> Backlink:
    if row.broken is not None:
        raise _UnusableError("row", "", f"cannot be read: {row.broken}", "Check the quotes in that line.")
    cells = _Cells(row.cells, columns)
    source_url = cells.get("source_url", fields.page, "Give the address of the linking page.")
    source = fields.site_of_page(source_url) if source_url is not None else None
    if source is None:
        source = cells.get("source_site", fields.site, "Give the linking domain.")
    if source is None:
        field = cells.name("source_url" if "source_url" in columns.at else "source_site")
        raise _UnusableError(field, "", "is missing", "Every row needs the page or domain that links.")
    target_url = cells.get("target_url", fields.page, "Give the address that is linked to.")
    anchor = cells.text("anchor")
    return Backlink(
        source_site=source,
        target_site=(fields.site_of_page(target_url) if target_url is not None else None) or target,
        source_url=source_url,
        target_url=target_url,
        anchor=" ".join(anchor.split())[:_ANCHOR_LENGTH] if anchor is not None else None,
        followed=_followed(cells),
        first_seen=cells.get("first_seen", fields.day, "Give a day such as 2026-11-22."),
        last_seen=cells.get("last_seen", fields.day, "Give a day such as 2026-11-22."),
        lost=_lost(cells),
        pages=max(1, cells.get("pages", fields.count, "Give a whole number.") or 1),
    )


def _followed(cells: _Cells) -> bool | None:
    """Say whether search engines follow the link; None when no column says so."""
    not_followed = [cells.said(field) for field in ("nofollow", "ugc", "sponsored")]
    if any(not_followed):
        return False
    followed = cells.said("followed")
    if followed is not None:
        return followed
    rel = (cells.text("rel") or "").casefold()
    if re.search(r"nofollow|no-follow|ugc|sponsored", rel):
        return False
    if re.search(r"\b(?:do-?)?follow", rel):
        return True
    return True if not_followed[0] is False else None


def _lost(cells: _Cells) -> bool | None:
    text = cells.written("lost")
    if text is None:
        return None
    try:
        return fields.is_lost(text)
    except ValueError as error:
        raise _UnusableError(cells.name("lost"), text, str(error), "Give a day, or true or false.") from error


class _Cells:
    """The cells of one row by field."""

    def __init__(self, cells: Sequence[str], columns: _Columns) -> None:
        self._cells = cells
        self._columns = columns

    def name(self, field: str) -> str:
        return self._columns.names.get(field, field)

    def written(self, field: str) -> str | None:
        """Return the cell as written, None when the file has no such column or the row ends before it."""
        place = self._columns.at.get(field)
        return self._cells[place] if place is not None and place < len(self._cells) else None

    def text(self, field: str) -> str | None:
        return (self.written(field) or "").strip() or None

    def said(self, field: str) -> bool | None:
        text = self.written(field)
        if text is None or not text.strip():
            return False if text is not None else None
        return self.get(field, fields.switch, "Give true or false.")

    def get(self, field: str, read: Callable[[str], _Read], remedy: str) -> _Read | None:
        text = self.written(field)
        if text is None:
            return None
        try:
            return fields.optional(text, read)
        except ValueError as error:
            raise _UnusableError(self.name(field), text, str(error).rstrip("."), remedy) from error


def _no_header(text: TextIO, path: Path, tool: Tool) -> InputError:
    text.seek(0)
    first = next((line.strip() for line in text if line.strip()), "")
    wanted = _named_as_written(tool)
    resembles = []
    for other in Tool:
        if other is not tool:
            text.seek(0)
            found, _ = read_table(text, partial(_is_header, tool=other))
            if _recognised(found, other):
                resembles.append(other.value)
    hint = f" It looks like an export of {' or '.join(resembles)}." if resembles else ""
    columns = wanted["source_url"][0] + (f" and {wanted['target_url'][0]}" if "target_url" in wanted else "")
    return InputError(
        f"No line at the top is the header of an export of {tool.value}: `{_shown(ascii(first)[1:-1])}`.",
        remedy=f"It needs the columns {columns}.{hint}",
        where=str(path),
    )


def _property_in(file_name: str) -> str | None:
    found = _CONSOLE_FILE.match(file_name)
    if found is None or "." not in found["host"]:
        return None
    try:
        return fields.site(found["host"])
    except ValueError:
        return None


@cache
def _named(tool: Tool) -> dict[str, tuple[str, ...]]:
    # the first name that a file has wins, so they are looked up from the last to the first
    return {field: tuple(map(folded_name, reversed(names))) for field, names in _named_as_written(tool).items()}


@cache
def _named_as_written(tool: Tool) -> dict[str, list[str]]:
    raw = (resources.files("screening.applicants") / "data" / "backlink_columns.yaml").read_text("utf-8")
    named: dict[str, list[str]] = yaml.safe_load(raw)[tool.value]
    return named


def _shown(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"
