"""Pages of a long list, found by the last row seen and not by counting: the thousandth page costs what the first does.

Rows are ordered by one column that may be null, then by the table's number. Rows without a value come last. Each half
is a range of one index, so neither database scans or sorts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Double, Row, Select, and_, or_
from sqlalchemy.types import TypeEngine

from screening.errors import InputError
from screening.store.columns import Instant, Money, is_amount

_LARGEST_NUMBER = 2**63 - 1
"""Of a number that the database gives."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in an ordered list: its value in the ordering column (None: it has none) and its number."""

    value: Decimal | float | datetime | None
    number: int

    def written(self) -> str:
        """Return the place as text that fits into an address."""
        said = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        said = None if said is None else str(said)
        kind = "t" if isinstance(self.value, datetime) else "m"
        body = json.dumps([kind, said, self.number], separators=(",", ":"))
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def place_of(text: str) -> Place:
    """Read a place from an address. Raises InputError for what no page wrote."""
    try:
        kind, said, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if said is None:
            return Place(None, int(number))
        value = datetime.fromisoformat(said).astimezone(UTC) if kind == "t" else Decimal(said)
        return Place(value, int(number))
    except (ValueError, TypeError, OverflowError, RecursionError, InvalidOperation) as error:
        raise _damaged() from error


@dataclass(frozen=True, slots=True)
class Ordering:
    """How a list is ordered: by `by`, the largest or the smallest first, then by `number` in the same direction."""

    by: Column[Any]
    number: Column[int]
    largest_first: bool

    def turned(self) -> Ordering:
        """Return the opposite order of the rows that have a value."""
        return Ordering(self.by, self.number, not self.largest_first)

    def sorts(self) -> tuple[ColumnElement[Any], ...]:
        """Return what to order by."""
        columns = (self.by, self.number)
        return tuple(column.desc() if self.largest_first else column.asc() for column in columns)

    def beyond(self, place: Place) -> ColumnElement[bool]:
        """Say which rows with a value come after the place."""
        value, number = place.value, place.number
        if self.largest_first:
            return and_(self.by <= value, or_(self.by < value, self.number < number))
        return and_(self.by >= value, or_(self.by > value, self.number > number))

    def numbered_beyond(self, number: int) -> ColumnElement[bool]:
        """Say which rows without a value come after the number."""
        return self.number < number if self.largest_first else self.number > number


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list; `before` and `after` are the places to go on from, None at either end."""

    rows: tuple[Item, ...]
    before: Place | None
    after: Place | None


def read_page(
    connection: Connection,
    query: Select[Any],
    ordering: Ordering,
    start: tuple[Place | None, Place | None],
    size: int,
    make: Callable[[Row[Any]], Item],
) -> Page[Item]:
    """Return the `size` rows after `start[0]`, or before `start[1]`, or the first ones when both are None.

    The query must select the ordering's two columns.
    """
    after, before = (None if place is None else _fitting(place, ordering) for place in start)
    if before is not None:
        found = _backwards(connection, query, ordering, before, size + 1)
        rows = found[:size][::-1]
        more = len(found) > size
        return Page(tuple(map(make, rows)), _at(rows, ordering, 0) if more else None, _at(rows, ordering, -1))
    found = _forwards(connection, query, ordering, after, size + 1)
    rows = found[:size]
    earlier = _at(rows, ordering, 0) if after is not None else None
    return Page(tuple(map(make, rows)), earlier, _at(rows, ordering, -1) if len(found) > size else None)


def _fitting(place: Place, ordering: Ordering) -> Place:
    """Return the place as the columns take it. Raises InputError for one that somebody made up."""
    value, kind = place.value, ordering.by.type
    if isinstance(kind, Double) and isinstance(value, Decimal):
        value = float(value)
    if abs(place.number) > _LARGEST_NUMBER or not (value is None or _fits(value, kind)):
        raise _damaged()
    return Place(value, place.number)


def _fits(value: Decimal | float | datetime, kind: TypeEngine[Any]) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, datetime):
        return isinstance(kind, Instant)
    return isinstance(kind, Money) and is_amount(value)


def _damaged() -> InputError:
    return InputError("This address of a page is damaged.", remedy="Open the list again.", where="page")


def _at(rows: Sequence[Row[Any]], ordering: Ordering, which: int) -> Place | None:
    if not rows:
        return None
    row = rows[which]._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by column
    return Place(row[ordering.by], row[ordering.number])


def _forwards(
    connection: Connection, query: Select[Any], ordering: Ordering, after: Place | None, most: int
) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    if after is None or after.value is not None:
        valued = query.where(ordering.by.is_not(None))
        if after is not None:
            valued = valued.where(ordering.beyond(after))
        found += connection.execute(valued.order_by(*ordering.sorts()).limit(most)).all()
    if len(found) < most:
        found += _without(connection, query, ordering, after if after and after.value is None else None, most)
    return found[:most]


def _backwards(
    connection: Connection, query: Select[Any], ordering: Ordering, before: Place, most: int
) -> list[Row[Any]]:
    turned = ordering.turned()
    found: list[Row[Any]] = []
    if before.value is None:
        found += _without(connection, query, turned, before, most)
    if len(found) < most:
        valued = query.where(ordering.by.is_not(None))
        if before.value is not None:
            valued = valued.where(turned.beyond(before))
        found += connection.execute(valued.order_by(*turned.sorts()).limit(most - len(found))).all()
    return found


def _without(
    connection: Connection, query: Select[Any], ordering: Ordering, after: Place | None, most: int
) -> list[Row[Any]]:
    unvalued = query.where(ordering.by.is_(None))
    if after is not None:
        unvalued = unvalued.where(ordering.numbered_beyond(after.number))
    number = ordering.number.desc() if ordering.largest_first else ordering.number.asc()
    return list(connection.execute(unvalued.order_by(number).limit(most)))
