"""Text, identifiers and listed words: what is kept, what counts as absent, what is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from screening.traffic.intake.faults import Fault
from screening.traffic.intake.rules import Rules

ABSENT_WORDS = ("null", "none", "nil", "nan", "n/a", "#n/a", "undefined", "\\n", "(null)", "<null>")
"""What exports write for "no value", in lower case. `NA` is not among them: it is Namibia."""
_ABSENT_LONGEST = max(len(word) for word in ABSENT_WORDS)
_ABSENT = rf"(?i)^(?:{'|'.join(re.escape(word) for word in ABSENT_WORDS)})$"
_PLAIN_ID = r"^[0-9A-Za-z][\x21-\x7e]*$"
"""Identifiers that need no further look: no space, no control character, no formula."""
_CONTROL = r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"
_CONTROL_IN_ID = r"[\x01-\x1f\x7f]"
FORMULA = r"^(?:[=\uff1d].|[+\-@\uff0b\uff0d\uff20][^(|!]*[(|!])"
"""A spreadsheet evaluates these: anything after `=`; after + - @ only what calls a function or another program.
`-1`, `+491701234` and `@name` are ordinary identifiers. The signs count in their full width too."""
_IPV4 = r"^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}$"
_SAMPLE_ROWS = 1024
"""Rows from which the variety of a column is guessed."""
_COUNTRY_CODE = r"^[A-Z]{2}$"
_COUNTRY_CODE_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of one column, and for each row the fault that makes its value unusable (null: it is fine).

    `faults` is None when every row is fine. Where there is a fault the value is null.
    """

    values: pl.Series
    faults: pl.Series | None = None


def reading(values: pl.Expr, faults: pl.Expr, cells: pl.Series) -> Reading:
    """Evaluate both expressions over the cells, as column `cells`; drop the values that have a fault."""
    frame = pl.DataFrame({"cells": cells}).select(values=values, faults=faults.cast(pl.String))
    if frame["faults"].null_count() == frame.height:
        return Reading(frame["values"])
    kept = frame.select(pl.when(pl.col("faults").is_null()).then("values")).to_series()
    return Reading(kept, frame["faults"])


CELLS = pl.col("cells")
"""The column that `reading` evaluates its expressions over."""


def present(text: pl.Expr) -> pl.Expr:
    """Return the text without surrounding space; null where it is empty or a word for "no value"."""
    bare = text.str.strip_chars()
    absent = (bare == "") | bare.str.to_lowercase().is_in(ABSENT_WORDS)
    return pl.when(~absent).then(bare)


def first_fault(*cases: tuple[pl.Expr, Fault]) -> pl.Expr:
    """Return the fault of the first condition that holds, null where none does. A null condition does not hold."""
    return pl.coalesce(*(pl.when(condition).then(pl.lit(str(fault))) for condition, fault in cases))


def read_id(cells: pl.Series, rules: Rules, *, required: bool) -> Reading:
    """Read identifiers: surrounding space removed, case kept."""
    cells = _empty_as_null(cells)
    values = _distinct(cells)
    plain = _is_ordinary(values, rules.id_bytes_max) and bool(values.str.contains(_PLAIN_ID).all())
    if plain and not (required and cells.null_count()):
        return Reading(cells)
    value = present(CELLS)
    return reading(
        value,
        first_fault(
            (value.is_null() if required else pl.lit(value=False), Fault.MISSING_VALUE),
            (value.str.len_bytes() > rules.id_bytes_max, Fault.OVERSIZED_ID),
            (value.str.contains("\0", literal=True), Fault.NUL_BYTE),
            (value.str.contains(_CONTROL_IN_ID), Fault.CONTROL_CHARACTER),
            (value.str.contains(FORMULA), Fault.FORMULA_IN_ID),
        ),
        cells,
    )


def read_text(cells: pl.Series, rules: Rules, *, clean: bool) -> Reading:
    """Read free text, kept as it is. `clean`: it is known to hold no control characters."""
    cells = _empty_as_null(cells)
    if clean and _is_ordinary(cells, rules.field_bytes_max) and not cells.str.starts_with(" ").any():
        return Reading(cells)
    value = pl.when(present(CELLS).is_not_null()).then(CELLS)
    return reading(value, _text_faults(value, rules), cells)


def read_country(cells: pl.Series, rules: Rules) -> Reading:
    """Read countries: two-letter codes in upper case, names as they are."""
    cells = _empty_as_null(cells)
    if bool(_distinct(cells).str.contains(_COUNTRY_CODE).all()):
        return Reading(cells)
    value = present(CELLS)
    code = pl.when(value.str.len_chars() == _COUNTRY_CODE_LETTERS).then(value.str.to_uppercase()).otherwise(value)
    return reading(code, _text_faults(value, rules), cells)


def read_address(cells: pl.Series) -> Reading:
    """Read IP addresses, version 6 in its canonical spelling."""
    cells = _empty_as_null(cells)
    if bool(cells.str.contains(_IPV4).all()):
        return Reading(cells)
    values = pl.DataFrame({"cells": cells}).select(present(CELLS)).to_series()
    odd = values.filter(~values.str.contains(_IPV4)).drop_nulls().unique()
    spelling = {text: _canonical_address(text) for text in odd.to_list()}
    good = {text: canonical for text, canonical in spelling.items() if canonical}
    bad = [text for text, canonical in spelling.items() if not canonical]
    value = CELLS.replace(list(good), list(good.values())) if good else CELLS
    return reading(value, first_fault((CELLS.is_in(bad), Fault.BAD_ADDRESS)), values)


def read_choice(cells: pl.Series, choices: tuple[str, ...], words: Mapping[str, str], *, required: bool) -> Reading:
    """Read listed words, in lower case; `words` gives what the source calls them."""
    lower = present(CELLS).str.to_lowercase()
    value = lower.replace(list(words), list(words.values())) if words else lower
    return reading(
        value,
        first_fault(
            (value.is_null() if required else pl.lit(value=False), Fault.MISSING_VALUE),
            (~value.is_in(choices), Fault.UNKNOWN_WORD),
        ),
        cells,
    )


def read_currency(cells: pl.Series, rules: Rules) -> Reading:
    """Read currency codes, in upper case."""
    value = present(CELLS).str.to_uppercase()
    return reading(value, first_fault((~value.is_in(list(rules.currencies)), Fault.UNKNOWN_CURRENCY)), cells)


def read_list(cells: pl.Series, rules: Rules, separator: str) -> Reading:
    """Read lists of text; empty items are dropped, a list without items is null."""
    value = present(CELLS)
    items = value.str.split(separator).list.eval(
        pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != "")
    )
    return reading(pl.when(items.list.len() > 0).then(items), _text_faults(value, rules), cells)


def _text_faults(value: pl.Expr, rules: Rules) -> pl.Expr:
    return first_fault(
        (value.str.len_bytes() > rules.field_bytes_max, Fault.OVERSIZED_FIELD),
        (value.str.contains("\0", literal=True), Fault.NUL_BYTE),
        (value.str.contains(_CONTROL), Fault.CONTROL_CHARACTER),
    )


def _distinct(cells: pl.Series) -> pl.Series:
    """Return each value once where there are few of them, as in a column of offers; then there is less to look at."""
    return cells.unique() if cells.head(_SAMPLE_ROWS).n_unique() < _SAMPLE_ROWS // 2 else cells


def _empty_as_null(cells: pl.Series) -> pl.Series:
    empty = cells == ""
    return cells.set(empty, None) if empty.any() else cells


def _is_ordinary(cells: pl.Series, longest: int) -> bool:
    """Say whether no cell is too long or a word for "no value"; most columns are told by their lengths alone."""
    shortest, most = pl.DataFrame({"n": cells.str.len_bytes()}).select(low=pl.min("n"), high=pl.max("n")).row(0)
    if shortest is None:
        return True
    return bool(most <= longest) and (shortest > _ABSENT_LONGEST or not cells.str.contains(_ABSENT).any())


def _canonical_address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # a version 4 address that a dual-stack server noted in version 6 form is the same host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
