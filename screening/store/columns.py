"""Column types that mean the same on SQLite and PostgreSQL: exact money, UTC instants, lists of words, documents.

SQLite has neither decimals nor instants: there money is an integer of ten-thousandths and an instant an integer of
microseconds since 1970-01-01 UTC, so that both compare and add up exactly. PostgreSQL keeps `numeric(18, 4)` and
`timestamptz`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, Dialect, Integer, Numeric, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from features.schema import MONEY_PRECISION, MONEY_SCALE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = Decimal(10) ** (MONEY_PRECISION - MONEY_SCALE)

Key = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database gives to each new row; SQLite only counts up a column declared INTEGER."""


def is_amount(value: Decimal) -> bool:
    """Say whether a column of money can hold it exactly."""
    if not value.is_finite() or abs(value) >= _LARGEST:
        return False
    scaled = value.scaleb(MONEY_SCALE)
    return scaled == scaled.to_integral_value()


_TOTAL_DIGITS = 38
"""Digits of a sum on PostgreSQL; SQLite has 64-bit integers for both."""


class Money(TypeDecorator[Decimal]):
    """An exact amount with four decimal places and at most 18 digits."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database really has."""
        kind: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else Numeric(MONEY_PRECISION, MONEY_SCALE)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Return what is stored. Raises TypeError for a float and ValueError for an amount that does not fit."""
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"money must be a Decimal, not {type(value).__name__}")
        if not is_amount(value):
            raise ValueError(f"{value} is not an amount with at most 18 digits, 4 of them decimal places")
        return int(value.scaleb(MONEY_SCALE)) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """Return the stored amount, always with four places."""
        del dialect
        if value is None:
            return None
        return Decimal(value).scaleb(-MONEY_SCALE) if isinstance(value, int) else value


class Total(Money):
    """A sum of amounts, which may be larger than any one of them."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database really has."""
        kind: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else Numeric(_TOTAL_DIGITS, MONEY_SCALE)
        return dialect.type_descriptor(kind)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond."""

    impl = TIMESTAMP
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database really has."""
        kind: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else TIMESTAMP(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        """Return what is stored. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return (value - _EPOCH) // _MICROSECOND if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | int | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment in UTC."""
        del dialect
        if value is None:
            return None
        return _EPOCH + value * _MICROSECOND if isinstance(value, int) else value.astimezone(UTC)


class Words(TypeDecorator[list[str]]):
    """A list of words, kept as the text of a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str | None:
        """Return the text that is stored."""
        del dialect
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str] | None:
        """Return the stored list."""
        del dialect
        return None if value is None else json.loads(value)


class Document(TypeDecorator[dict[str, Any]]):
    """A JSON object, kept as its text with sorted keys. Not a number (NaN) and infinities are refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Return the text that is stored. Raises TypeError or ValueError for what JSON cannot say exactly."""
        del dialect
        return None if value is None else json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        """Return the stored object."""
        del dialect
        return None if value is None else json.loads(value)
