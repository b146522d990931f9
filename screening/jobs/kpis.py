"""The programme's key figures, each beside its target and the period before; docs/metrics.md defines them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import polars as pl

from screening.settings.kpis import KpiTargets

Figure = int | float | Decimal


class Key(StrEnum):
    """The key figures."""

    SALES = "sales"
    REVENUE = "revenue"
    NEW_AFFILIATES = "new_affiliates"
    CONVERSION_RATE = "conversion_rate"
    RETURN_RATE = "return_rate"
    CUSTOMER_VALUE = "customer_value"


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure of a period, of the period before, and what the settings want of it.

    Money is in `currency` ("" where the feed names none), which is None for other figures. A figure is None where it is
    not known, a target where none is set, `met` where either is missing.
    """

    key: Key
    currency: str | None
    value: Figure | None
    before: Figure | None
    target: Figure | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Period:
    """What the key figures of one period are made from.

    `sums` are those of `scorecard_figures.summed`, `customers` counts the distinct customers of approved conversions by
    currency, `new_affiliates` is None where nobody's joining date is known, `has_outcomes` says that the period's
    conversions have any outcome at all.
    """

    sums: pl.DataFrame
    clicks: int
    customers: Mapping[str | None, int]
    new_affiliates: int | None
    has_outcomes: bool


NOTHING = Period(
    sums=pl.DataFrame(
        schema={
            "currency": pl.String,
            **dict.fromkeys(("approved_conversions", "returned_conversions", "with_revenue", "retained"), pl.Int64),
        }
    ),
    clicks=0,
    customers={},
    new_affiliates=None,
    has_outcomes=False,
)
"""A period of which nothing is known."""


def key_figures(now: Period, before: Period | None, targets: KpiTargets) -> tuple[Kpi, ...]:
    """Return every key figure; those of money once for each currency that either period has."""
    return tuple(_figures(now, before or NOTHING, targets))


def of_any_period(targets: KpiTargets) -> KpiTargets:
    """Return the targets without those of sums, which are meant for a month."""
    return targets.model_copy(update={"sales_min": None, "revenue_min": {}, "new_affiliates_min": None})


def _figures(now: Period, before: Period, targets: KpiTargets) -> Iterator[Kpi]:
    yield _least(Key.SALES, None, (_sales(now), _sales(before)), targets.sales_min)
    currencies = sorted({*now.sums["currency"], *before.sums["currency"]}, key=lambda name: name or "")
    for currency in currencies:
        pair = (_revenue(now, currency), _revenue(before, currency))
        yield _least(Key.REVENUE, currency or "", pair, targets.revenue_min.get(currency or ""))
    joined = (now.new_affiliates, before.new_affiliates)
    yield _least(Key.NEW_AFFILIATES, None, joined, targets.new_affiliates_min)
    yield _least(Key.CONVERSION_RATE, None, (_rate(now), _rate(before)), targets.conversion_rate_min)
    returned, target = (_return_rate(now), _return_rate(before)), targets.return_rate_max
    met = None if returned[0] is None or target is None else returned[0] <= target
    yield Kpi(Key.RETURN_RATE, None, *returned, target, met)
    for currency in currencies:
        worth = (_customer_value(now, currency), _customer_value(before, currency))
        yield _least(Key.CUSTOMER_VALUE, currency or "", worth, targets.customer_value_min.get(currency or ""))


def _least(key: Key, currency: str | None, values: tuple[Figure | None, Figure | None], target: Figure | None) -> Kpi:
    met = None if values[0] is None or target is None else values[0] >= target
    return Kpi(key, currency, *values, target, met)


def _sales(period: Period) -> int | None:
    return None if period is NOTHING else int(period.sums["approved_conversions"].sum())


def _rate(period: Period) -> float | None:
    sales = _sales(period) or 0
    # more sales than clicks: the click log is not whole, and nothing can be said
    return sales / period.clicks if period.clicks and period.clicks >= sales else None


def _return_rate(period: Period) -> float | None:
    returned = int(period.sums["returned_conversions"].sum())
    of = returned + (_sales(period) or 0)
    return returned / of if of and period.has_outcomes else None


def _revenue(period: Period, currency: str | None) -> Decimal | None:
    rows = _in(period, currency)
    return _total(rows, "revenue") if rows["with_revenue"].sum() else None


def _customer_value(period: Period, currency: str | None) -> Decimal | None:
    rows = _in(period, currency)
    customers = period.customers.get(currency, 0)
    if not (customers and rows["retained"].sum() and rows["with_revenue"].sum()):
        return None
    return (_total(rows, "retained_revenue") / customers).quantize(Decimal("0.0001"))


def _in(period: Period, currency: str | None) -> pl.DataFrame:
    return period.sums.filter(pl.col("currency").eq_missing(pl.lit(currency, pl.String)))


def _total(rows: pl.DataFrame, column: str) -> Decimal:
    return sum(rows[column].to_list(), Decimal(0))
