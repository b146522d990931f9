"""From what is known about the lines of a payout file to pay, hold or reject for each, whole columns at once.

It follows the rule of `screening.gate.decision.worst`: an objection never makes a decision milder, and every one is
kept. Money moves only for a line to which nobody and nothing objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from types import MappingProxyType

import polars as pl

from features.schema import MONEY_PRECISION, MONEY_SCALE
from screening.gate.decision import WORDS

_MONEY = pl.Decimal(MONEY_PRECISION, MONEY_SCALE)
_SUM_DIGITS = 38
"""Wide enough that no sum of amounts overflows: Polars' widest decimal."""
_SUM = pl.Decimal(_SUM_DIGITS, MONEY_SCALE)

LINES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "conversion_id": pl.String(),
        "amount": _MONEY,
        "currency": pl.String(),
        "affiliate_id": pl.String(),
        "fault": pl.String(),
        "formula": pl.Boolean(),
        "repeated": pl.Boolean(),
    }
)
"""Columns of the lines of a payout file. `fault`: why the line cannot be read; then the value at fault is null.

`currency` and `affiliate_id` are null where the file has no such column. `formula`: a cell is a spreadsheet formula.
`repeated`: an earlier line names the same conversion.
"""

JUDGED: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "judged_decision": pl.String(),
        "judged_payout": _MONEY,
        "judged_currency": pl.String(),
        "judged_affiliate": pl.String(),
        "judged_at": pl.Datetime("us", "UTC"),
        "judged_reasons": pl.List(pl.String),
        "paid": pl.Boolean(),
    }
)
"""Beside each line: the newest judgement of its conversion (nulls: none), and whether the ledger has released it."""

LACKING = frozenset(
    {
        "line_unreadable",
        "unknown_conversion",
        "not_judged",
        "scan_stale",
        "judged_in_future",
        "not_enough_history",
        "facts_missing",
    }
)
"""Reasons that hold a line because evidence is lacking, not because evidence speaks against it."""


@dataclass(frozen=True, slots=True)
class Total:
    """The lines of one decision in one currency (None: not known). `unreadable` of them are in no `amount`."""

    decision: str
    currency: str | None
    lines: int
    amount: Decimal
    unreadable: int


@dataclass(frozen=True, slots=True)
class Times:
    """From when to when a judgement counts, both included: an older one is stale, a later one a clock's mistake."""

    first: datetime
    last: datetime


def decide_lines(lines: pl.DataFrame, times: Times) -> pl.DataFrame:
    """Decide the lines of a payout file.

    `lines` has the columns of `LINES` and `JUDGED`. `times` are those of judgements that count.
    Returns, in the same order, `decision` (pay, hold or reject), `reasons` (codes; empty for pay) and `currency`: that
    of the line or, where the file has no such column, of the judgement; null where it cannot be read. A judgement in a
    word that is not known holds.
    """
    objections = _objections(times)
    judged = pl.col("judged_decision")
    free = judged.eq_missing("pay") & ~pl.any_horizontal(*objections.values())
    decision = pl.when(judged.eq_missing("reject")).then(pl.lit("reject")).when(free).then(pl.lit("pay"))
    answers = lines.select(
        decision=decision.otherwise(pl.lit("hold")),
        currency=pl.coalesce("currency", pl.when(pl.col("fault").is_null()).then("judged_currency")),
        free=free,
    )
    return answers.select("decision", _reasons(lines, answers["free"], objections), "currency")


def _reasons(lines: pl.DataFrame, free: pl.Series, objections: Mapping[str, pl.Expr]) -> pl.Series:
    """Return the reasons of each line. Lists are made for lines that have some only: most have none."""
    found = pl.concat_list(pl.when(holds).then(pl.lit(code)) for code, holds in objections.items()).list.drop_nulls()
    speaking = pl.col("judged_reasons").fill_null(pl.lit([], pl.List(pl.String)))
    joined = pl.concat_list(found, speaking).list.unique(maintain_order=True)
    some = lines.filter(~free).select(reasons=joined).to_series()
    none = pl.Series("reasons", [[]], dtype=pl.List(pl.String))
    places = pl.select(pl.when(free).then(len(some)).otherwise((~free).cum_sum() - 1)).to_series()
    return pl.concat([some, none]).gather(places)


def name_unknown(answers: pl.DataFrame, unknown: pl.Series) -> pl.DataFrame:
    """Return the answers of `decide_lines` with `unknown_conversion` in place of `not_judged` where `unknown` is true.

    `unknown`: nobody ever reported such a conversion, so no scan can judge it.
    """
    renamed = pl.col("reasons").list.eval(pl.element().replace({"not_judged": "unknown_conversion"}))
    return answers.with_columns(reasons=pl.when(unknown).then(renamed).otherwise("reasons"))


def hold_not_due(answers: pl.DataFrame, closed: pl.Series) -> pl.DataFrame:
    """Return the answers of `decide_lines` with those held as `not_due` that would be paid though they are `closed`.

    `closed`: by what the network says, nothing is to be paid for the conversion any more.
    """
    held = pl.lit(closed) & pl.col("decision").eq("pay")
    return answers.with_columns(
        decision=pl.when(held).then(pl.lit("hold")).otherwise("decision"),
        reasons=pl.when(held).then(pl.lit(["not_due"])).otherwise("reasons"),
    )


def times_that_count(now: datetime, age_days_max: int, clock_difference_minutes_max: int) -> Times:
    """Return from when to when a judgement counts now; the clock that told its time may differ by so many minutes."""
    return Times(now - timedelta(days=age_days_max), now + timedelta(minutes=clock_difference_minutes_max))


def add_up(amounts: pl.Series, answers: pl.DataFrame) -> tuple[Total, ...]:
    """Add up the lines exactly, by decision and currency; together they are all lines and all readable amounts."""
    sums = (
        answers.with_columns(amount=amounts.cast(_SUM))
        .group_by("decision", "currency")
        .agg(lines=pl.len(), total=pl.col("amount").sum(), unreadable=pl.col("amount").null_count())
    )
    return _in_order(Total(*row) for row in sums.iter_rows())


def merged(some: Iterable[Total], others: Iterable[Total]) -> tuple[Total, ...]:
    """Return the totals of the lines of both, exact whatever their number."""
    sums: dict[tuple[str, str | None], Total] = {}
    for total in (*some, *others):
        before = sums.get((total.decision, total.currency), Total(total.decision, total.currency, 0, Decimal(0), 0))
        with localcontext(prec=_SUM_DIGITS):
            amount = before.amount + total.amount
        sums[total.decision, total.currency] = Total(
            total.decision, total.currency, before.lines + total.lines, amount, before.unreadable + total.unreadable
        )
    return _in_order(sums.values())


def _in_order(totals: Iterable[Total]) -> tuple[Total, ...]:
    """Sort pay before hold after reject, and by currency, lines without one last."""
    by_currency = sorted(totals, key=lambda total: (total.currency is None, total.currency or ""))
    return tuple(sorted(by_currency, key=lambda total: WORDS.index(total.decision)))


def _objections(times: Times) -> dict[str, pl.Expr]:
    """Return each code that keeps a line from being paid, and when it does; the ones about the line itself first."""
    judged = pl.col("judged_decision").is_not_null()
    amount, currency, affiliate = pl.col("amount"), pl.col("currency"), pl.col("affiliate_id")
    return {
        "line_unreadable": pl.col("fault").is_not_null() | pl.col("conversion_id").is_null() | amount.is_null(),
        "formula_in_line": pl.col("formula").fill_null(value=True),
        "duplicate_line": pl.col("repeated").fill_null(value=True),
        "already_paid": pl.col("paid").fill_null(value=True),
        "not_judged": ~judged & pl.col("conversion_id").is_not_null(),
        "scan_stale": judged & (pl.col("judged_at") < times.first).fill_null(value=True),
        "judged_in_future": judged & (pl.col("judged_at") > times.last).fill_null(value=False),
        "amount_differs": judged & amount.is_not_null() & amount.ne_missing(pl.col("judged_payout")),
        "currency_differs": judged & currency.is_not_null() & currency.ne_missing(pl.col("judged_currency")),
        "affiliate_differs": judged & affiliate.is_not_null() & affiliate.ne_missing(pl.col("judged_affiliate")),
    }
