"""The self-check: is the installation winnow's own, is the workspace sound, is what it holds what was recorded?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from screening.errors import ExitCode
from screening.jobs.doctor_installation import installation_checks
from screening.jobs.doctor_workspace import workspace_checks
from screening.jobs.health import Finding, Health
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_EXIT_CODES = {
    Health.OK: ExitCode.DONE,
    Health.WARNING: ExitCode.DONE,
    Health.UNKNOWN: ExitCode.INCOMPLETE,
    Health.FAILED: ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the checks. `strict`: a warning counts as something that must be looked at."""

    findings: tuple[Finding, ...]
    strict: bool = False

    @property
    def health(self) -> Health:
        """The worst health found."""
        order = list(Health)
        return max((finding.health for finding in self.findings), key=order.index)

    @property
    def exit_code(self) -> ExitCode:
        """0 when all is ok but for warnings, 1 when anything failed, 3 when something could not be checked.

        A strict report ends with 3 for warnings too.
        """
        if self.strict and self.health is Health.WARNING:
            return ExitCode.INCOMPLETE
        return _EXIT_CODES[self.health]


def doctor(workspace: Workspace, now: datetime, progress: Progress) -> Report:
    """Run every check, whatever the others found.

    Changes nothing, except that the database is made or brought up to date where it was not. Reads the whole lake.
    """
    checks = [*installation_checks(workspace), *workspace_checks(workspace, now, progress)]
    findings = tuple(finding for check in checks for finding in check.findings())
    return Report(findings, strict=workspace.settings.doctor.strict)
