"""What an ingest did, file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from features.schema import Kind
from screening.errors import InputError
from screening.traffic.intake.faults import Fault, Skip
from screening.traffic.intake.ledger import Entry


class Outcome(StrEnum):
    """What became of a file."""

    TAKEN = "taken"
    ALREADY_TAKEN = "already_taken"
    REFUSED = "refused"
    """Nothing of the file was taken: it cannot be used."""


@dataclass(slots=True)
class FileReport:
    """The account of one file; rows = taken + revised + repeated + quarantined + skipped.

    `number` is the file's place in the ingest, from 1. `dropped` counts fields that were left out of rows that were
    taken, `ignored` names source columns that nothing uses. `rest_lost` says that the file ends too early.
    """

    path: Path
    number: int
    outcome: Outcome = Outcome.TAKEN
    staged: int = 0
    repeated: int = 0
    """Rows that the lake has already."""
    revised: int = 0
    """Rows that say something newer of a record that the lake, or an earlier file, has: a conversion's status."""
    faults: Counter[Fault] = field(default_factory=Counter)
    skipped: Counter[Skip] = field(default_factory=Counter)
    dropped: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    ignored: tuple[str, ...] = ()
    rest_lost: bool = False
    size: int = 0
    digest: str = ""
    error: InputError | None = None
    earlier: Entry | None = None
    """The record of its intake, when it was taken already."""

    @property
    def conflicts(self) -> int:
        """Rows that were refused because their id is taken."""
        ids = (Fault.DUPLICATE_ID_IN_FILE, Fault.DUPLICATE_ID_ACROSS_FILES, Fault.DUPLICATE_ID_ACROSS_DAYS)
        return sum(self.faults[fault] for fault in ids)

    @property
    def taken(self) -> int:
        """Rows that are new in the lake because of this file."""
        return self.staged - self.repeated - self.revised - self.conflicts if self.outcome == Outcome.TAKEN else 0

    @property
    def quarantined(self) -> int:
        """Rows that were set aside, in this ingest or when the file was taken."""
        return self.earlier.quarantined if self.earlier else self.faults.total()

    @property
    def rows(self) -> int:
        """Rows of the file."""
        if self.earlier:
            return self.earlier.rows
        return self.staged - self.conflicts + self.faults.total() + self.skipped.total()

    @property
    def incomplete(self) -> bool:
        """Whether something of the file did not get in."""
        return bool(self.quarantined) or self.rest_lost

    def refuse(self, error: InputError) -> None:
        """Note that the file cannot be used."""
        self.outcome = Outcome.REFUSED
        self.error = error
        self.staged = self.repeated = self.revised = 0
        for counts in (self.faults, self.skipped, self.dropped):
            counts.clear()

    def recognise(self, earlier: Entry) -> None:
        """Note that the same file was taken before."""
        self.outcome = Outcome.ALREADY_TAKEN
        self.earlier = earlier

    def as_json(self) -> dict[str, Any]:
        """Return the account for `--json`."""
        body: dict[str, Any] = {"file": str(self.path), "outcome": str(self.outcome), "rows": self.rows}
        if self.error:
            return {**body, "cause": self.error.cause, "remedy": self.error.remedy}
        if self.earlier:
            return {**body, "quarantined": self.quarantined, "earlier_version": self.earlier.version}
        return {
            **body,
            "taken": self.taken,
            "revised": self.revised,
            "repeated": self.repeated,
            "quarantined": self.quarantined,
            "skipped": self.skipped.total(),
            "reasons": _texts(self.faults),
            "skips": _texts(self.skipped),
            "fields_dropped": {f"{field}: {fault}": count for (field, fault), count in self.dropped.items()},
            "columns_ignored": list(self.ignored),
            "rest_lost": self.rest_lost,
        }


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The account of an ingest. `version` is the lake's version after it, `quarantine` the file of refused rows."""

    kind: Kind
    version: int
    quarantine: Path | None
    files: tuple[FileReport, ...]

    @property
    def refused(self) -> tuple[FileReport, ...]:
        """Files that cannot be used."""
        return tuple(report for report in self.files if report.outcome == Outcome.REFUSED)

    @property
    def incomplete(self) -> bool:
        """Whether rows were set aside, or were when one of these files was taken before."""
        return any(report.incomplete for report in self.files)

    def totals(self) -> dict[str, int]:
        """Return the counts of rows, summed over the files of this ingest that were read."""
        read = [report for report in self.files if report.outcome == Outcome.TAKEN]
        return {
            "rows": sum(report.rows for report in read),
            "taken": sum(report.taken for report in read),
            "revised": sum(report.revised for report in read),
            "repeated": sum(report.repeated for report in read),
            "quarantined": sum(report.quarantined for report in read),
            "skipped": sum(report.skipped.total() for report in read),
        }


def _texts(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(counts.items())}
