"""Amounts of money, read exactly or refused: a sum of taken amounts is never wrong by rounding or misreading."""

from __future__ import annotations

import polars as pl

from features.schema import MONEY_PRECISION, MONEY_SCALE
from screening.traffic.intake.faults import Fault
from screening.traffic.intake.words import CELLS, Reading, first_fault, present, reading

_MONEY = pl.Decimal(MONEY_PRECISION, MONEY_SCALE)
_WHOLE_DIGITS = MONEY_PRECISION - MONEY_SCALE
# [0-9] and not \d, which takes the digits of every script, while amounts are read in ASCII only
_PLAIN = rf"^[0-9]{{1,{_WHOLE_DIGITS}}}(?:\.[0-9]{{1,{MONEY_SCALE}}})?$"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+$|^[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}$"
"""Commas that can only separate thousands: a decimal point follows, or there is more than one of them."""
_AMBIGUOUS = r"^[+-]?[0-9]{1,3},[0-9]{3}$"
_DECIMAL_COMMA = r"^[+-]?[0-9][0-9.]*,[0-9]*$"
_SCIENTIFIC = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+$"
_NOT_FINITE = r"(?i)^[+-]?(?:nan|inf|infinity)$"
_NEGATIVE = r"^-[0-9.,]*[1-9]|^\([0-9.,]+\)$"


def read_money(cells: pl.Series, *, required: bool) -> Reading:
    """Read amounts as decimals with four places, not negative."""
    if cells.null_count() == 0 and bool(cells.str.contains(_PLAIN).all()):
        return Reading(cells.cast(_MONEY))
    bare = CELLS.str.strip_chars()
    value = present(CELLS)
    grouped = value.str.contains(_THOUSANDS)
    plain = pl.when(grouped).then(value.str.replace_all(",", "", literal=True)).otherwise(value)
    digits = plain.str.strip_prefix("+")
    whole = digits.str.extract(r"^-?0*([0-9]*)").str.len_chars()
    decimals = digits.str.extract(r"\.([0-9]*?)0*$").str.len_chars()
    faults = first_fault(
        (bare.str.contains(_NOT_FINITE), Fault.NOT_FINITE),
        (value.is_null() if required else pl.lit(value=False), Fault.MISSING_VALUE),
        (plain.str.contains(_SCIENTIFIC), Fault.SCIENTIFIC_MONEY),
        (plain.str.contains(_AMBIGUOUS), Fault.AMBIGUOUS_SEPARATOR),
        (plain.str.contains(_DECIMAL_COMMA), Fault.DECIMAL_COMMA),
        (plain.str.contains(_NEGATIVE), Fault.NEGATIVE_MONEY),
        (~plain.str.contains(_NUMBER), Fault.NOT_A_NUMBER),
        (whole > _WHOLE_DIGITS, Fault.MONEY_TOO_LARGE),
        (decimals > MONEY_SCALE, Fault.TOO_MANY_DECIMALS),
    )
    readable = pl.when(faults.is_null()).then(digits.str.strip_prefix("-"))
    return reading(readable.cast(_MONEY, strict=False), faults, cells)


def read_number(cells: pl.Series) -> Reading:
    """Read numbers that are not money."""
    value = present(CELLS)
    number = value.cast(pl.Float64, strict=False)
    return reading(
        number,
        first_fault(
            (number.is_null() & value.is_not_null(), Fault.NOT_A_NUMBER), (~number.is_finite(), Fault.NOT_FINITE)
        ),
        cells,
    )
