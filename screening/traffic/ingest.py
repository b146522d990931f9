"""Files of events into the lake: every row is taken, recognised as repeated, passed over, or set aside with a reason.

An ingest is one commit. Until it, rows lie in staging and refused rows in a draft; a kill leaves the lake as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.schema import TABLES, Kind
from screening.errors import InputError
from screening.settings.ingest import IngestSettings
from screening.traffic.intake.assemble import Assembler
from screening.traffic.intake.faults import Fault
from screening.traffic.intake.idhashes import HashRuns, compare
from screening.traffic.intake.idindex import SIDECAR as INDEX
from screening.traffic.intake.idindex import IdIndex
from screening.traffic.intake.layout import Layout
from screening.traffic.intake.ledger import SIDECAR as LEDGER
from screening.traffic.intake.ledger import Entry, Ledger
from screening.traffic.intake.quarantine import Quarantine, drafting, publish, quarantine_name
from screening.traffic.intake.report import FileReport, IngestReport, Outcome
from screening.traffic.intake.rules import Rules, rules_of
from screening.traffic.intake.settle import Settler, Verdicts
from screening.traffic.intake.staging import Staging
from screening.traffic.intake.supersede import supersede
from screening.traffic.intake.takefile import FileTaker
from screening.traffic.lake import Lake, Part
from screening.traffic.lakewrite import Writer, flush, writing

Tell = Callable[[str, int, int | None], None]
"""Hears the name of a step, how much of it is done, and how much there is (None: not known)."""


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to take in. `command` is shown to whoever has to wait for this ingest; `now` is the time, with zone."""

    kind: Kind
    files: tuple[Path, ...]
    layout: Layout
    command: str
    now: datetime
    timezone: str | None = None
    """Zone of times that name none; None: as the layout or the settings say."""


def ingest(lake: Lake, quarantine: Path, request: IngestRequest, settings: IngestSettings, tell: Tell) -> IngestReport:
    """Take the files into the lake in one commit, and write refused rows to the folder `quarantine`.

    A file that cannot be used is reported and the others are taken. When there is nothing new the lake keeps its
    version. Raises BusyError when another process writes the lake for too long, InputError when the zone is unknown.
    """
    zone = request.timezone or request.layout.timezone or settings.timezone
    rules = rules_of(settings, now=request.now, zone=zone, time_formats=request.layout.time_formats)
    with writing(
        lake,
        command=request.command,
        now=request.now,
        wait_seconds=settings.lock_wait_seconds,
        waiting=lambda who: tell(who, 0, None),
    ) as writer:
        target = quarantine / quarantine_name(writer.version)
        with drafting(target) as stream:
            apart = Quarantine(stream, writer.version, str(request.kind), settings.quarantine_raw_bytes)
            work = _Ingest(writer, request, settings, rules, Ledger.of(writer.before), apart)
            _clear_sidecars(writer)
            reports, staging, staged = work.read(tell)
            if all(report.outcome != Outcome.TAKEN for report in reports):
                return IngestReport(request.kind, writer.before.version, None, tuple(reports))
            tell("settling", 0, None)
            added, removed, sidecars = work.settle(reports, staging, staged)
            published = publish(stream, target)
            writer.commit(added, removed=removed, sidecars=sidecars, beside=_new_files(writer, sidecars))
            return IngestReport(request.kind, writer.version, target if published else None, tuple(reports))


@dataclass(frozen=True, slots=True)
class _Ingest:
    writer: Writer
    request: IngestRequest
    settings: IngestSettings
    rules: Rules
    ledger: Ledger
    apart: Quarantine

    def read(self, tell: Tell) -> tuple[list[FileReport], Staging, list[Part]]:
        """Read all files into staging."""
        limits = self.settings
        runs = HashRuns(self.writer.staging / "hashes")
        staging = Staging(self.writer, self.request.kind, limits.part_rows, limits.buffered_rows, runs)
        taker = FileTaker(self.request.kind, self.request.layout, self.rules, limits, staging, self.apart)
        sizes = [path.stat().st_size if path.is_file() else 0 for path in self.request.files]
        reports = []
        try:
            for number, path in enumerate(self.request.files, start=1):
                report = FileReport(path, number)
                reports.append(report)
                before = sum(sizes[: number - 1])

                def told(read: int, before: int = before) -> None:
                    tell("reading", before + read, sum(sizes))

                self._read_file(taker, report, told)
                tell("reading", before + sizes[number - 1], sum(sizes))
            return reports, staging, staging.finish()
        finally:
            staging.stop()

    def _read_file(self, taker: FileTaker, report: FileReport, told: Callable[[int], None]) -> None:
        position = self.apart.position()
        try:
            earlier = self._earlier(report.path)
            if earlier is not None:
                report.recognise(earlier)
            else:
                taker.take(report, told)
        except InputError as error:
            self.apart.forget_from(position)
            report.refuse(error)

    def _earlier(self, path: Path) -> Entry | None:
        return self.ledger.find(path, str(self.request.kind), self._reading()) if path.is_file() else None

    def _reading(self) -> str:
        """Return a digest of all that decides how a file is read, but for the clock."""
        names = {"field_bytes_max", "id_bytes_max", "record_bytes_max", "record_lines_max", "future_tolerance_minutes"}
        limits = sorted(self.settings.model_dump(include=names).items())
        rules = (self.rules.zone, self.rules.earliest, sorted(self.rules.currencies))
        return self.request.layout.digest(rules, limits)

    def settle(
        self, reports: list[FileReport], staging: Staging, staged: list[Part]
    ) -> tuple[list[Part], list[Part], Mapping[str, Any]]:
        """Decide on duplicates; return the parts to add, those to remove, and what the manifest is to say beside."""
        writer, kind = self.writer, self.request.kind
        refused = frozenset(report.number for report in reports if report.outcome == Outcome.REFUSED)
        index = dict(writer.before.sidecars.get(INDEX, {}))
        assembler = Assembler(writer, kind, self.settings.part_rows, refused, self.request.layout.synthesised)
        if TABLES[kind].dated_by is None:
            verdicts = supersede(writer.before, kind, writer.staging, writer.version, staged, refused)
            added, removed = assembler.assemble(staged, verdicts)
        else:
            known = IdIndex.of(writer.before, kind, writer.staging / "known")
            compared = compare(staging.runs.paths, known.runs, writer.staging / "compared")
            settler = Settler(
                writer.before, kind, writer.staging, writer.version, refused, self.request.layout.synthesised
            )
            verdicts = settler.settle(staged, compared)
            added, removed = assembler.assemble(staged, verdicts)
            if compared.fresh.stat().st_size or known.is_new:
                kept = (part for part in writer.before.select((kind,)) if part not in removed)
                rows = sum(part.rows for part in (*kept, *added))
                index[str(kind)] = known.with_run(compared.fresh, writer.stem, rows)
                flush(writer.root / index[str(kind)]["runs"][-1])
        self._account(verdicts, reports)
        ledger = self.ledger.with_entries(self._entries(reports), writer.stem)
        flush(writer.root / ledger[-1])
        return added, removed, {**writer.before.sidecars, INDEX: index, LEDGER: ledger}

    def _account(self, verdicts: Verdicts, reports: list[FileReport]) -> None:
        by_number = {report.number: report for report in reports}
        for file, count in verdicts.repeated.items():
            by_number[file].repeated += count
        for file, count in verdicts.revised.items():
            by_number[file].revised += count
        field = " + ".join(TABLES[self.request.kind].key)
        for conflicts in verdicts.conflicts:
            for row in conflicts.iter_rows(named=True):
                report = by_number[row["file"]]
                fault = Fault(row["fault"])
                report.faults[fault] += 1
                self.apart.file = str(report.path)
                if row["first_version"] == self.writer.version:
                    first = str(by_number[row["first_file"]].path)
                else:
                    first = self.ledger.name_of(row["first_version"], row["first_file"]) or "an earlier file"
                extra = {
                    "value": row["id"],
                    "first_taken_from": f"{first}:{row['first_line']}",
                    "differs_in": row["differs"],
                }
                self.apart.refuse_conflict(row["line"], field, fault, extra, row["content"])

    def _entries(self, reports: list[FileReport]) -> list[Entry]:
        return [
            Entry(
                self.writer.version,
                report.number,
                str(report.path),
                str(self.request.kind),
                self._reading(),
                report.size,
                report.digest,
                report.rows,
                report.quarantined,
                settled=not report.faults[Fault.FUTURE_TIME] and not report.rest_lost,
            )
            for report in reports
            if report.outcome == Outcome.TAKEN
        ]


def _named(sidecars: Mapping[str, Any]) -> set[str]:
    return {*sidecars.get(LEDGER, ()), *(run for state in sidecars.get(INDEX, {}).values() for run in state["runs"])}


def _new_files(writer: Writer, sidecars: Mapping[str, Any]) -> list[str]:
    return sorted(_named(sidecars) - _named(writer.before.sidecars))


def _clear_sidecars(writer: Writer) -> None:
    """Remove runs of ledger and index that the newest manifest does not name: merged ones, and a dead writer's."""
    named = _named(writer.before.sidecars)
    for path in (*writer.root.glob(f"{LEDGER}/*"), *writer.root.glob(f"{INDEX}/*/*")):
        if str(path.relative_to(writer.root)) not in named:
            path.unlink()
