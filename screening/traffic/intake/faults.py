"""Why a row is refused: the codes, what each means, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """The code of a reason to refuse a row, a field or the rest of a file."""

    # the row has no usable fields
    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    TRAILING_SEPARATOR = "trailing_separator"
    UNCLOSED_QUOTE = "unclosed_quote"
    TEXT_AFTER_QUOTE = "text_after_quote"
    BAD_ENCODING = "bad_encoding"
    OVERSIZED_RECORD = "oversized_record"
    BAD_JSON = "bad_json"
    # a field is wrong
    MISSING_VALUE = "missing_value"
    OVERSIZED_FIELD = "oversized_field"
    OVERSIZED_ID = "oversized_id"
    NUL_BYTE = "nul_byte"
    CONTROL_CHARACTER = "control_character"
    FORMULA_IN_ID = "formula_in_id"
    BAD_TIME = "bad_time"
    IMPOSSIBLE_TIME = "impossible_time"
    AMBIGUOUS_DATE = "ambiguous_date"
    FUTURE_TIME = "future_time"
    TOO_EARLY = "too_early"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    NEGATIVE_MONEY = "negative_money"
    SCIENTIFIC_MONEY = "scientific_money"
    DECIMAL_COMMA = "decimal_comma"
    AMBIGUOUS_SEPARATOR = "ambiguous_separator"
    TOO_MANY_DECIMALS = "too_many_decimals"
    MONEY_TOO_LARGE = "money_too_large"
    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_WORD = "unknown_word"
    BAD_ADDRESS = "bad_address"
    NOT_TEXT = "not_text"
    # the row contradicts another one
    DUPLICATE_ID_IN_FILE = "duplicate_id_in_file"
    DUPLICATE_ID_ACROSS_FILES = "duplicate_id_across_files"
    DUPLICATE_ID_ACROSS_DAYS = "duplicate_id_across_days"
    # the rest of the file is lost
    TRUNCATED_FILE = "truncated_file"


class Skip(StrEnum):
    """Why a line that holds no event was passed over."""

    BLANK_LINE = "blank_line"
    REPEATED_HEADER = "repeated_header"
    NOT_THIS_KIND = "not_this_kind"
    """The profile says that rows without a certain field are no records of this kind."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a fault says to the person who has to mend the row."""

    explanation: str
    remedy: str


_CONFLICT = "Keep one of the two rows; if the event was corrected, purge the old one and take in the corrected file."
_COUNT = "Quote fields that hold the separator, and write every column in every row."

MEANINGS: dict[Fault, Meaning] = {
    Fault.TOO_FEW_FIELDS: Meaning("The row has fewer fields than the header.", _COUNT),
    Fault.TOO_MANY_FIELDS: Meaning("The row has more fields than the header.", _COUNT),
    Fault.TRAILING_SEPARATOR: Meaning(
        "The row ends with a separator that the header does not have, so its fields may be shifted.",
        "Remove the last separator of the row.",
    ),
    Fault.UNCLOSED_QUOTE: Meaning(
        "A quote is opened and not closed within the lines that a record may span.",
        "Close the quote, or double it where it belongs to the text.",
    ),
    Fault.TEXT_AFTER_QUOTE: Meaning(
        "Text follows a closing quote before the next separator.", "Double the quotes that belong to the text."
    ),
    Fault.BAD_ENCODING: Meaning(
        "The row is not UTF-8.", "Convert the file, as in `iconv -f WINDOWS-1252 -t UTF-8`, and take it in again."
    ),
    Fault.OVERSIZED_RECORD: Meaning(
        "The record is longer than ingest.record_bytes_max.", "Shorten it, or raise that setting if it is genuine."
    ),
    Fault.BAD_JSON: Meaning("The line is not a JSON object.", "Write one JSON object per line."),
    Fault.MISSING_VALUE: Meaning("A required value is missing.", "Fill it in at the source, and export again."),
    Fault.OVERSIZED_FIELD: Meaning(
        "The field is longer than ingest.field_bytes_max.", "Shorten it, or raise that setting if it is genuine."
    ),
    Fault.OVERSIZED_ID: Meaning(
        "The identifier is longer than ingest.id_bytes_max.", "Check the column; raise that setting if it is genuine."
    ),
    Fault.NUL_BYTE: Meaning("The field holds a NUL byte.", "Remove it: the file may be damaged or UTF-16."),
    Fault.CONTROL_CHARACTER: Meaning("The field holds a control character.", "Remove it."),
    Fault.FORMULA_IN_ID: Meaning(
        "The identifier is a spreadsheet formula, which would run when someone opens an export.",
        "Check who sent it; write the identifier without the leading = + - or @.",
    ),
    Fault.BAD_TIME: Meaning(
        "The time cannot be read.", "Write ISO 8601 or epoch seconds, or give the format in a profile's time_formats."
    ),
    Fault.IMPOSSIBLE_TIME: Meaning(
        "There is no such date or time of day, or not in the zone of the file.", "Correct it at the source."
    ),
    Fault.AMBIGUOUS_DATE: Meaning(
        "Day and month cannot be told apart.", "Give the order in a profile's time_formats, as in `%d/%m/%Y %H:%M:%S`."
    ),
    Fault.FUTURE_TIME: Meaning(
        "The time lies further ahead than ingest.future_tolerance_minutes.",
        "If the file's times are local, say so with --timezone; otherwise correct the clock of the source.",
    ),
    Fault.TOO_EARLY: Meaning(
        "The time lies before ingest.earliest.", "Check the unit of epoch times; lower that setting if it is genuine."
    ),
    Fault.NOT_A_NUMBER: Meaning("The amount is not a number.", "Write digits with a decimal point, as in 1234.50."),
    Fault.NOT_FINITE: Meaning("The amount is NaN or infinite.", "Write the amount, or leave out the row."),
    Fault.NEGATIVE_MONEY: Meaning(
        "The amount is negative.", "Report corrections as outcomes (refund, void, chargeback), not as payouts."
    ),
    Fault.SCIENTIFIC_MONEY: Meaning(
        "The amount is in scientific notation, which may have lost digits.", "Export the amounts as plain text."
    ),
    Fault.DECIMAL_COMMA: Meaning("The amount has a decimal comma.", "Write a decimal point, as in 1234.50."),
    Fault.AMBIGUOUS_SEPARATOR: Meaning(
        "The comma may separate thousands or decimals.", "Write the amount without thousands separators."
    ),
    Fault.TOO_MANY_DECIMALS: Meaning(
        "The amount has more than four decimals; rounding it would change sums.", "Round it at the source."
    ),
    Fault.MONEY_TOO_LARGE: Meaning("The amount has more than 14 digits before the point.", "Check the column."),
    Fault.UNKNOWN_CURRENCY: Meaning(
        "The currency is not a code of ISO 4217.", "Correct it, or add it to ingest.extra_currencies."
    ),
    Fault.UNKNOWN_WORD: Meaning("The value is none of those allowed here.", "Use one of the allowed words."),
    Fault.BAD_ADDRESS: Meaning("This is not an IP address.", "Export the full address; the row is kept without it."),
    Fault.NOT_TEXT: Meaning("The value is not of the type of its column.", "Write text, a number or a time."),
    Fault.DUPLICATE_ID_IN_FILE: Meaning("The id occurs in this file already, with other content.", _CONFLICT),
    Fault.DUPLICATE_ID_ACROSS_FILES: Meaning("The id was taken from another file, with other content.", _CONFLICT),
    Fault.DUPLICATE_ID_ACROSS_DAYS: Meaning("The id was taken already for another day.", _CONFLICT),
    Fault.TRUNCATED_FILE: Meaning(
        "The compressed file ends before its end; the rows before this line were taken.",
        "Fetch the whole file again and take it in: rows already taken are recognised.",
    ),
}
"""A row's explanation and remedy by fault; every fault has an entry."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was refused before its fields could be told apart.

    `line` counts physical lines from 1. `raw` holds its first bytes, `size` how many bytes it had. `field` is the
    source column at fault, None: the whole line.
    """

    line: int
    fault: Fault
    raw: bytes
    size: int
    field: str | None = None
