"""Lists a page at a time: `limit` and `after`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from screening.console.context import Console
from screening.errors import InputError
from screening.store.keyset import Place, place_of

Limit = Annotated[int | None, Query(ge=1, description="rows of a page; the server has a default and a most")]
After = Annotated[str | None, Query(max_length=400, description="`next` of the page before; absent: the first page")]


def size_of(limit: int | None, console: Console) -> int:
    """Return how many rows a page has. Raises InputError for more than the settings allow."""
    settings = console.settings.api
    if limit is not None and limit > settings.page_rows_max:
        raise InputError(
            f"A page has at most {settings.page_rows_max} rows.", remedy="Ask for fewer.", where="query.limit"
        )
    return limit or min(settings.page_rows, settings.page_rows_max)


def place_after(after: str | None) -> Place | None:
    """Return the place after which a page begins, None: at the beginning. Raises InputError for a made-up one."""
    return place_of(after) if after else None


def next_of(place: Place | None) -> str | None:
    """Return what to ask the next page after, None on the last."""
    return None if place is None else place.written()
