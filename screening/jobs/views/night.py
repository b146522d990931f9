"""The last night as its journal tells it: what each stage did, and what it lacked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from screening.errors import WinnowError
from screening.jobs.night_journal import NIGHTS, Journal, StageReport, StageStatus, newest_night
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Night:
    """A night. `ended_at` None: it has stages to do, or to do again. `fault`: why its journal cannot be read."""

    night: date
    stages: tuple[StageReport, ...] = ()
    ended_at: datetime | None = None
    fault: str = ""

    @property
    def failed(self) -> tuple[StageReport, ...]:
        """The stages that are not done."""
        return tuple(stage for stage in self.stages if stage.status is StageStatus.FAILED)


def last_night(workspace: Workspace) -> Night | None:
    """Return the newest night that has a journal, None before the first."""
    folder = workspace.root / NIGHTS
    night = newest_night(folder)
    if night is None:
        return None
    try:
        journal = Journal.of(folder, night)
        return Night(night, tuple(journal.stages.values()), journal.ended_at)
    except (WinnowError, ValueError) as error:
        return Night(night, fault=str(error))
