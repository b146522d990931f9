"""The canonical records of winnow: which columns each kind of event has, their types, and which are required.

Times are UTC with zone and microseconds. Money is decimal with four places, the unit named by `currency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import polars as pl


class Kind(StrEnum):
    """A kind of record that `winnow ingest` takes in."""

    CLICKS = "clicks"
    CONVERSIONS = "conversions"
    OUTCOMES = "outcomes"
    AFFILIATES = "affiliates"
    CAPS = "caps"


class Type(StrEnum):
    """The type of a canonical column."""

    TEXT = "text"
    TIME = "time"
    """An instant, UTC, microseconds."""
    MONEY = "money"
    """Decimal(18, 4), not negative."""
    NUMBER = "number"
    WORDS = "words"
    """A list of text; in CSV separated by `;`."""
    URLS = "urls"
    """A list of text; in CSV separated by spaces."""


MONEY_PRECISION = 18
MONEY_SCALE = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column.

    `choices` lists the allowed values in lower case; empty means any.
    """

    name: str
    type: Type
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one kind, the columns that identify a record and the column that dates it (None: undated).

    `revisable` columns change in the life of a record: a later export may say something else of them.
    """

    kind: Kind
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    dated_by: str | None
    revisable: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """Return the column of that name. Raises KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which a record cannot be used."""
        return tuple(column.name for column in self.columns if column.required)


CONVERSION_STATUSES = ("pending", "approved", "rejected", "hold", "paid", "void")
OUTCOMES = ("chargeback", "refund", "void", "confirmed_fraud", "confirmed_clean", "retained")
BAD_OUTCOMES = frozenset({"chargeback", "confirmed_fraud"})
"""Outcomes that say the conversion should not have been paid for fraud; a refund or void alone does not."""
AFFILIATE_STATUSES = ("active", "paused", "banned")
CAP_TYPES = tuple(
    f"{period}_{measure}"
    for period in ("daily", "weekly", "monthly", "total")
    for measure in ("clicks", "conversions", "payout", "revenue")
)

_CLICK_FACTS = ("sub_id", "ip", "user_agent", "device_id", "country", "referrer")


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Type.TEXT) for name in names)


def _required(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Type.TEXT, required=True) for name in names)


TABLES: Mapping[Kind, Table] = MappingProxyType(
    {
        Kind.CLICKS: Table(
            Kind.CLICKS,
            (
                *_required("click_id"),
                Column("ts", Type.TIME, required=True),
                *_required("affiliate_id", "offer_id"),
                *_texts(*_CLICK_FACTS),
            ),
            key=("click_id",),
            dated_by="ts",
        ),
        Kind.CONVERSIONS: Table(
            Kind.CONVERSIONS,
            (
                *_required("conversion_id"),
                Column("ts", Type.TIME, required=True),
                *_required("affiliate_id", "offer_id"),
                Column("payout", Type.MONEY, required=True),
                *_texts("click_id"),
                Column("click_ts", Type.TIME),
                *_texts(*_CLICK_FACTS, "customer_id", "order_id", "event"),
                Column("revenue", Type.MONEY),
                *_texts("currency"),
                Column("status", Type.TEXT, choices=CONVERSION_STATUSES),
                Column("locks_at", Type.TIME),
            ),
            key=("conversion_id",),
            dated_by="ts",
            revisable=("status", "locks_at"),
        ),
        Kind.OUTCOMES: Table(
            Kind.OUTCOMES,
            (
                *_required("conversion_id"),
                Column("outcome", Type.TEXT, required=True, choices=OUTCOMES),
                Column("ts", Type.TIME, required=True),
            ),
            key=("conversion_id", "outcome"),
            dated_by="ts",
        ),
        Kind.AFFILIATES: Table(
            Kind.AFFILIATES,
            (
                *_required("affiliate_id"),
                *_texts("name", "email", "phone", "payout_account"),
                Column("approved_sites", Type.URLS),
                Column("promo_methods", Type.WORDS),
                *_texts("country"),
                Column("joined_at", Type.TIME),
                Column("status", Type.TEXT, choices=AFFILIATE_STATUSES),
            ),
            key=("affiliate_id",),
            dated_by=None,
        ),
        Kind.CAPS: Table(
            Kind.CAPS,
            (
                *_required("offer_id"),
                Column("cap_type", Type.TEXT, required=True, choices=CAP_TYPES),
                Column("limit", Type.MONEY, required=True),
                *_texts("affiliate_id"),
            ),
            key=("offer_id", "affiliate_id", "cap_type"),
            dated_by=None,
        ),
    }
)


_POLARS: Mapping[Type, pl.DataType] = MappingProxyType(
    {
        Type.TEXT: pl.String(),
        Type.TIME: pl.Datetime("us", "UTC"),
        Type.MONEY: pl.Decimal(MONEY_PRECISION, MONEY_SCALE),
        Type.NUMBER: pl.Float64(),
        Type.WORDS: pl.List(pl.String()),
        Type.URLS: pl.List(pl.String()),
    }
)


def polars_schema(kind: Kind) -> dict[str, pl.DataType]:
    """Return the canonical columns of the kind in order, each with its Polars type."""
    return {column.name: _POLARS[column.type] for column in TABLES[kind].columns}
