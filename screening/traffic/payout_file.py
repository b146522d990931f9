"""Payout files: their lines read with certainty or not at all, and written again with a decision each.

A line of a CSV file comes out byte for byte as it came in, with the decision behind it. A file whose lines cannot be
told apart is refused whole, since a shifted field could be taken for an amount.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from screening.errors import InputError
from screening.gate.payout import LINES
from screening.settings.ingest import IngestSettings
from screening.traffic.intake.amounts import read_money
from screening.traffic.intake.batch import LINE, Batch
from screening.traffic.intake.delimited import Delimited, read_delimited
from screening.traffic.intake.faults import MEANINGS, Fault, Skip
from screening.traffic.intake.opened import Form, Opened, opened
from screening.traffic.intake.parquetfile import ParquetRows, read_parquet
from screening.traffic.intake.rules import Rules
from screening.traffic.intake.words import FORMULA, Reading, read_currency, read_id
from screening.traffic.payout_columns import ADDED, PayoutColumns, choose_columns
from screening.traffic.payout_lines import FrameFile, InStep, MissingRowsError, PayoutLines, repetitions, writing_to

_PARQUET_ROWS = 100_000
_LINES_AT_A_TIME = 20_000
"""Lines of a block that are written at a time: each is an object of its own meanwhile."""
_LIST_SEPARATOR = ";"
_RUNS = r"^\s*" + FORMULA.removeprefix("^")
"""Some programs drop the space, tab or line break before a formula, and run it."""
_TELEPHONE = r"^\s*\+[\d\s()./-]+$"
"""Begins as a formula may, but calls nothing: `+49 (30) 1234`."""

_ADDED_TYPES = {"decision": pl.String(), "reasons": pl.List(pl.String), "run_id": pl.String()}

ReadSoFar = Callable[[int], None]


@dataclass(slots=True)
class _Text:
    """Decompressed text on its way to the reader: its digest, first line, and how its lines end."""

    chunks: Iterator[bytes]
    sha256: hashlib._Hash
    newline: bytes = b"\n"

    def pass_on(self) -> Iterator[bytes]:
        for number, chunk in enumerate(self.chunks):
            if number == 0:
                self.newline = b"\r\n" if b"\r\n" in chunk.lstrip().partition(b"\n")[0] + b"\n" else b"\n"
            self.sha256.update(chunk)
            yield chunk


@dataclass(frozen=True, slots=True)
class _Open:
    """An open payout file; `digest` is right once all batches are read."""

    source: Opened
    reader: Delimited | ParquetRows
    text: _Text | None

    def digest(self) -> str:
        return self.text.sha256.hexdigest() if self.text is not None else self.source.digest()


def read_payout(
    path: Path,
    mapping: Mapping[str, str],
    settings: IngestSettings,
    rules: Rules,
    read: FrameFile,
    read_so_far: ReadSoFar,
) -> PayoutLines:
    """Read all lines of a payout file into `read`: CSV or TSV, plain, gzip or zstd, or Parquet.

    `mapping` names source columns by canonical one. Raises InputError when the file has no line or not the columns,
    when its lines cannot be told apart, or when it has a column of the names that the gate adds.
    """
    with _reading(path, settings) as open_file:
        columns = choose_columns(open_file.reader.names, mapping, str(path))
        if isinstance(open_file.reader, ParquetRows):
            open_file.reader.columns = _worth_reading(open_file.reader, columns)
        for batch in _whole_batches(open_file):
            read.append(_rows(batch, columns, rules))
            read_so_far(open_file.source.state.bytes_read)
        digest = open_file.digest()
    read.finish()
    if not read.rows:
        raise InputError(
            "The file has no lines.", remedy="Nothing can be paid from it; export it again.", where=str(path)
        )
    return PayoutLines(path, columns, digest, read, repetitions(read))


def write_payout(lines: PayoutLines, answers: Iterator[pl.DataFrame], draft: Path, settings: IngestSettings) -> None:
    """Write every line of the file to `draft` with its decision, reasons and run_id, in the file's order and form.

    `answers` have those columns and in all one row per line. Raises InputError when the file changed since it was read.
    """
    with writing_to(draft.parent), _reading(lines.path, settings) as open_file:
        try:
            if isinstance(open_file.reader, ParquetRows):
                _write_parquet(open_file.reader.file, InStep(answers), draft)
            else:
                _write_delimited(open_file, InStep(answers), draft)
            changed = open_file.digest() != lines.digest
        except MissingRowsError:
            changed = True
        if changed:
            raise InputError("The file changed while it was read.", remedy="Run it again.", where=str(lines.path))


@contextmanager
def _reading(path: Path, settings: IngestSettings) -> Iterator[_Open]:
    with opened(path, json_lines=False) as source:
        if source.form == Form.PARQUET:
            yield _Open(source, read_parquet(path), None)
            return
        text = _Text(source.chunks, hashlib.sha256())
        yield _Open(source, read_delimited(replace(source, chunks=text.pass_on()), settings), text)


def _whole_batches(open_file: _Open) -> Iterator[Batch]:
    """Yield all batches. Raises InputError at the first line whose fields cannot be told apart."""
    where = str(open_file.source.path)
    for batch in open_file.reader.batches():
        if batch.refused:
            first = min(batch.refused, key=lambda refusal: refusal.line)
            _refuse(first.fault, f"{where}:{first.line}")
        if Skip.REPEATED_HEADER in batch.skipped:
            raise InputError(
                "The header occurs again among the lines: files were joined, or one twice.",
                remedy="Gate each file by itself.",
                where=where,
            )
        yield batch
    if open_file.source.state.truncated:
        _refuse(Fault.TRUNCATED_FILE, where)


def _refuse(fault: Fault, where: str) -> NoReturn:
    if fault == Fault.TRUNCATED_FILE:
        raise InputError("The compressed file ends before its end.", remedy="Fetch it again.", where=where)
    meaning = MEANINGS[fault]
    raise InputError(f"{meaning.explanation} Nothing of the file was decided.", remedy=meaning.remedy, where=where)


def _worth_reading(parquet: ParquetRows, columns: PayoutColumns) -> tuple[str, ...]:
    """Return the columns that are read: those with a meaning, and all text, which may hold formulas."""
    text = [field.name for field in parquet.file.schema_arrow if _is_text(field.type)]
    return tuple(dict.fromkeys([*columns.named(), *text]))


def _is_text(kind: pa.DataType) -> bool:
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_text(words) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _rows(batch: Batch, columns: PayoutColumns, rules: Rules) -> pl.DataFrame:
    cells = batch.cells.with_columns(pl.col(name).cast(pl.String) for name in columns.named())
    readings: dict[str, tuple[str, Reading]] = {}
    readings["conversion_id"] = columns.conversion_id, read_id(cells[columns.conversion_id], rules, required=True)
    readings["amount"] = columns.amount, _amounts(cells[columns.amount])
    if columns.currency is not None:
        readings["currency"] = columns.currency, _currencies(cells[columns.currency], rules)
    if columns.affiliate_id is not None:
        readings["affiliate_id"] = columns.affiliate_id, read_id(cells[columns.affiliate_id], rules, required=True)
    faulty = [(source, found.faults) for source, found in readings.values() if found.faults is not None]
    nothing = pl.lit(None, pl.String)
    return pl.DataFrame({name: found.values for name, (_, found) in readings.items()}).select(
        *(pl.col(name) if name in readings else pl.lit(None, LINES[name]).alias(name) for name in list(LINES)[:4]),
        fault=pl.coalesce(*(faults for _, faults in faulty), nothing),
        field=pl.coalesce(*(pl.when(faults.is_not_null()).then(pl.lit(name)) for name, faults in faulty), nothing),
        formula=_formulas(cells),
        line=cells[LINE],
    )


def _amounts(cells: pl.Series) -> Reading:
    """Read amounts. Unlike ingest, a comma always makes one doubtful: this file moves money."""
    found = read_money(cells, required=True)
    commas = cells.str.contains(",", literal=True).fill_null(value=False)
    if not commas.any():
        return found
    faults = (
        found.faults if found.faults is not None else pl.Series([None], dtype=pl.String).new_from_index(0, len(cells))
    )
    doubtful = pl.Series([str(Fault.AMBIGUOUS_SEPARATOR)]).new_from_index(0, len(cells))
    faults = faults.zip_with(faults.is_not_null() | ~commas, doubtful)
    return Reading(found.values.set(commas, None), faults)


def _currencies(cells: pl.Series, rules: Rules) -> Reading:
    """Read currencies. A file that has the column must fill it: an amount without a currency is doubtful."""
    found = read_currency(cells, rules)
    missing = found.values.is_null()
    if not missing.any():
        return found
    faults = pl.select(pl.when(missing).then(pl.lit(str(Fault.MISSING_VALUE)))).to_series()
    return Reading(
        found.values, faults if found.faults is None else pl.select(pl.coalesce(found.faults, faults)).to_series()
    )


def _formulas(cells: pl.DataFrame) -> pl.Series:
    text = pl.selectors.string()
    runs = text.str.contains(_RUNS) & ~text.str.contains(_TELEPHONE)
    return cells.select(pl.any_horizontal(runs.fill_null(value=False))).to_series()


def _write_delimited(open_file: _Open, answers: InStep, draft: Path) -> None:
    reader, text = open_file.reader, open_file.text
    if not isinstance(reader, Delimited) or text is None:
        raise TypeError("not a delimited file")
    separator = reader.dialect.separator
    reasons = pl.col("reasons").list.join(_LIST_SEPARATOR)
    quoted = pl.format('"{}"', reasons) if separator == _LIST_SEPARATOR else reasons
    tail = pl.concat_str(pl.lit(""), "decision", quoted, "run_id", separator=separator)
    with draft.open("wb") as out:
        out.write(_header(reader.dialect.header, separator) + text.newline)
        for batch in _whole_batches(open_file):
            for some in batch.cells[LINE].to_frame().iter_slices(_LINES_AT_A_TIME):
                numbers = some[LINE].to_list()
                raw = batch.raw(numbers)
                tails = answers.take(len(numbers)).select(tail).to_series().to_list()
                out.writelines(
                    raw[line] + tail.encode() + text.newline for line, tail in zip(numbers, tails, strict=True)
                )


def _header(names: Sequence[str], separator: str) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=separator, lineterminator="").writerow([*names, *ADDED])
    return line.getvalue().encode()


def _write_parquet(file: pq.ParquetFile, answers: InStep, draft: Path) -> None:
    schema = file.schema_arrow
    for field in pl.DataFrame(schema=_ADDED_TYPES).to_arrow().schema:
        schema = schema.append(field)
    with pq.ParquetWriter(draft, schema) as writer:
        for batch in file.iter_batches(_PARQUET_ROWS):
            if not batch.num_rows:
                continue
            added = answers.take(batch.num_rows).select(ADDED).to_arrow().combine_chunks()
            columns = [*batch.columns, *(column.combine_chunks() for column in added.columns)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
