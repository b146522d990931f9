"""One known link to a site, as an export tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Tool(StrEnum):
    """Whose export a link comes from."""

    AHREFS = "ahrefs"
    MAJESTIC = "majestic"
    SEMRUSH = "semrush"
    MOZ = "moz"
    SEARCH_CONSOLE = "search-console"


@dataclass(frozen=True, slots=True)
class Backlink:
    """A link to a site from a page of another one, or from a whole site when the export lists sites.

    `source_site` and `target_site` are registered domains; `target_site` is None when neither the file nor the caller
    says whose links these are. `source_url`, `target_url` and `anchor` are None when the export has no such column or
    left it empty. `followed` is None when the export does not say. Days are None when not given; `lost` is True when
    the tool says the link is gone, None when it does not say. `pages` counts the linking pages, at least 1.
    """

    source_site: str
    target_site: str | None
    source_url: str | None = None
    target_url: str | None = None
    anchor: str | None = None
    followed: bool | None = None
    first_seen: date | None = None
    last_seen: date | None = None
    lost: bool | None = None
    pages: int = 1


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its line, the field, the value (shortened), what is wrong and what would be right."""

    line: int
    field: str
    value: str
    problem: str
    remedy: str
