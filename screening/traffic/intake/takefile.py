"""One file, read to its end: rows to staging, refused rows to quarantine, everything counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from features.schema import TABLES, Kind
from screening.settings.ingest import IngestSettings
from screening.traffic.intake.batch import Batch
from screening.traffic.intake.canonical import LIST_SEPARATORS, Canonical, read_canonical
from screening.traffic.intake.delimited import Delimited, read_delimited
from screening.traffic.intake.faults import Fault, Refusal
from screening.traffic.intake.jsonlines import JsonLines, read_json_lines
from screening.traffic.intake.layout import Layout, Resolved, resolve
from screening.traffic.intake.opened import Form, Opened, opened
from screening.traffic.intake.parquetfile import ParquetRows, read_parquet
from screening.traffic.intake.quarantine import Quarantine
from screening.traffic.intake.report import FileReport
from screening.traffic.intake.rules import Rules
from screening.traffic.intake.staging import Staging


@dataclass(frozen=True, slots=True)
class FileTaker:
    """Reads files of one kind and layout into one staging and one quarantine."""

    kind: Kind
    layout: Layout
    rules: Rules
    settings: IngestSettings
    staging: Staging
    quarantine: Quarantine

    def take(self, report: FileReport, read_so_far: Callable[[int], None]) -> None:
        """Read the file to its end and complete its report; `read_so_far` hears how many bytes were read.

        Raises InputError when the file cannot be used; then nothing of it counts, whatever was staged before.
        """
        self.quarantine.file = str(report.path)
        with opened(report.path) as source:
            reader, resolved = self._reader(source)
            line = 1
            for batch in reader.batches():
                rows = read_canonical(batch, resolved, self.rules)
                self._account(report, batch, rows)
                self.staging.add(rows.rows, report.number)
                line += batch.cells.height + len(batch.refused)
                read_so_far(source.state.bytes_read)
            if source.state.truncated:
                report.rest_lost = True
                self.quarantine.refuse_line(Refusal(line, Fault.TRUNCATED_FILE, b"", 0), effect="file")
            report.ignored = self._ignored(reader, resolved)
            report.digest = source.digest()
            report.size = report.path.stat().st_size

    def _reader(self, source: Opened) -> tuple[Delimited | JsonLines | ParquetRows, Resolved]:
        where = str(source.path)
        if source.form == Form.DELIMITED:
            delimited = read_delimited(source, self.settings)
            return delimited, resolve(self.kind, self.layout, delimited.names, where)
        if source.form == Form.PARQUET:
            parquet = read_parquet(source.path)
            resolved = resolve(self.kind, self.layout, parquet.names, where)
            parquet.columns, parquet.lists = resolved.needed, self._lists(resolved)
            return parquet, resolved
        lines = read_json_lines(source, self.settings)
        resolved = resolve(self.kind, self.layout, self._possible_names(lines.names), where)
        lines.columns, lines.lists = resolved.needed, self._lists(resolved)
        return lines, resolved

    def _lists(self, resolved: Resolved) -> dict[str, str]:
        """Return the source columns that may hold lists, each with what joins the items into text."""
        types = {column.name: column.type for column in TABLES[self.kind].columns}
        joined = {
            source: LIST_SEPARATORS.get(types[name]) for name, sources in resolved.columns.items() for source in sources
        }
        return {source: separator for source, separator in joined.items() if separator is not None}

    def _possible_names(self, seen: list[str]) -> list[str]:
        """Return the members seen in the first block and the optional ones that later lines may have."""
        optional = [column.name for column in TABLES[self.kind].columns if not column.required]
        expected = [self.layout.columns.get(name, () if self.layout.named else (name,)) for name in optional]
        return [*seen, *(names[0] for names in expected if names and not set(names) & set(seen))]

    def _account(self, report: FileReport, batch: Batch, rows: Canonical) -> None:
        for refusal in batch.refused:
            self.quarantine.refuse_line(refusal)
            report.faults[refusal.fault] += 1
        self.quarantine.refuse_rows(rows.refused, batch.raw, "row")
        self.quarantine.refuse_rows(rows.dropped, batch.raw, "field")
        for fault, count in rows.refused.group_by("fault").len().iter_rows():
            report.faults[Fault(fault)] += count
        for name, fault, count in rows.dropped.group_by("field", "fault").len().iter_rows():
            report.dropped[name, Fault(fault)] += count
        for skips in (batch.skipped, rows.skipped):
            report.skipped.update(skips)
        report.staged += rows.rows.height

    def _ignored(self, reader: Delimited | JsonLines | ParquetRows, resolved: Resolved) -> tuple[str, ...]:
        return tuple(name for name in reader.names if name and name not in resolved.needed)
