"""The journal of a night: which stages are behind it, so that a killed night goes on where it was.

nights/2026-01-31.json     one file a night, replaced in one step after each stage
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from screening.errors import IntegrityError, UnavailableError

NIGHTS = "nights"
"""Folder of a workspace that holds the journals."""
LAST_STAGE = "digest"
"""The stage with which a night ends."""


class StageStatus(StrEnum):
    """How a stage ended."""

    DONE = "done"
    INCOMPLETE = "incomplete"
    """Done, but something was set aside or held for lack of evidence."""
    FAILED = "failed"
    """Not done; the same night, run again, tries it again."""
    PLANNED = "planned"
    """A dry run: nothing was done."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a stage did, in a sentence and in numbers.

    `ended_at` is ISO text with zone; `seconds` is how long the work took, None: not done, or done by an older winnow.
    """

    name: str
    status: StageStatus
    message: str
    counts: Mapping[str, int] = field(default_factory=dict)
    ended_at: str = ""
    earlier: bool = False
    """An earlier run of the same night did it."""
    seconds: float | None = None


@dataclass(slots=True)
class Journal:
    """The stages of one night that have ended, by name."""

    path: Path
    night: date
    stages: dict[str, StageReport] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, night: date) -> Journal:
        """Open the journal of a night. Raises IntegrityError when it cannot be read."""
        path = folder / f"{night.isoformat()}.json"
        if not path.is_file():
            return cls(path, night)
        try:
            body = json.loads(path.read_bytes())
            reports = [StageReport(**{**stage, "status": StageStatus(stage["status"])}) for stage in body["stages"]]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise IntegrityError(
                f"The journal of the night cannot be read: {error}.",
                remedy="Remove it, and the night does all its stages; none does anything twice.",
                where=str(path),
            ) from error
        return cls(path, night, {report.name: report for report in reports})

    def done(self, name: str) -> StageReport | None:
        """Return the report of a stage that need not be done again, None when it has to be done."""
        report = self.stages.get(name)
        return None if report is None or report.status is StageStatus.FAILED else report

    @property
    def ended_at(self) -> datetime | None:
        """When the night ended; None: it has stages to do, or to do again."""
        whole = LAST_STAGE in self.stages and all(self.done(name) for name in self.stages)
        return max(datetime.fromisoformat(stage.ended_at) for stage in self.stages.values()) if whole else None

    def record(self, report: StageReport) -> None:
        """Note how a stage ended; it is on disk afterwards. Raises UnavailableError when it cannot be written."""
        self.stages[report.name] = report
        draft = self.path.with_suffix(".draft")
        body = {"night": self.night.isoformat(), "stages": [asdict(stage) for stage in self.stages.values()]}
        try:
            with draft.open("w", encoding="utf-8") as stream:
                json.dump(body, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise UnavailableError(
                f"The journal of the night cannot be written: {error.strerror}.",
                remedy="Free some space or mend the folder's rights, then run winnow nightly again.",
                where=str(self.path),
            ) from error


def newest_night(folder: Path) -> date | None:
    """Return the newest night that has a journal, None when there is none."""
    return next(iter(nights(folder)), None)


def nights(folder: Path) -> list[date]:
    """Return the nights that have a journal, the newest first. A file whose name is no date is none."""
    found = []
    for path in folder.glob("????-??-??.json"):
        with suppress(ValueError):
            found.append(date.fromisoformat(path.stem))
    return sorted(found, reverse=True)


def stamp(now: datetime) -> str:
    """Return a moment as journals write it."""
    return now.isoformat(timespec="seconds")
