"""The job of taking in an application from the web: checked as a file's rows are, and left in the drop folder.

The next night (`winnow nightly`) screens it. Handing in the same application_id again replaces what still waits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from screening.applicants.intake_fields import Application, FieldProblem, UnusableApplication, application
from screening.errors import InputError, UnavailableError
from screening.jobs.drop import APPLICATIONS, drop_folder
from screening.store import AuditEvent, Records
from screening.workspace import Workspace

ACTION = "hand in application"
_FILE_LETTERS = 32
_OWNER_ONLY = 0o600
_STAND_INS: Mapping[str, object] = MappingProxyType(
    {"name": "Name", "email": "name@travelnotes.com", "websites": ["https://travelnotes.com"]}
)
"""What can be read, in place of a needed field that cannot, while the other fields are looked at."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """An application that waits for the next night, and the optional fields that could not be read."""

    application: Application
    unreadable: tuple[str, ...]


def problems_of(workspace: Workspace, fields: Mapping[str, object], now: datetime) -> tuple[FieldProblem, ...]:
    """Return what is wrong with the fields of an application, for a form whose writer can still mend it.

    Empty: every field that was filled in can be read, and none is missing.
    """
    limits, read = workspace.settings.screening.intake, dict(fields)
    found: list[FieldProblem] = []
    while True:
        try:
            return (*found, *application(read, limits, now).problems)
        except UnusableApplication as error:
            found.append(error.problem)
            if (
                error.problem.field not in _STAND_INS
                or read.get(error.problem.field) == _STAND_INS[error.problem.field]
            ):
                return tuple(found)
            # what is wrong with the other fields is said at once, not one field after the other
            read[error.problem.field] = _STAND_INS[error.problem.field]


def hand_in(
    workspace: Workspace, records: Records, fields: Mapping[str, object], actor: str, now: datetime
) -> HandedIn:
    """Check an application, write it where the next night looks, and note it in the audit trail.

    Raises InputError that names the field when a required one is missing or unreadable, UnavailableError when the
    programme has no drop folder.
    """
    folder = drop_folder(workspace)
    if folder is None:
        raise UnavailableError("This programme takes no applications here.", remedy="Set nightly.drop_folder.")
    stated = {**fields, "applied_at": now.isoformat()}
    try:
        found = application(stated, workspace.settings.screening.intake, now)
    except UnusableApplication as error:
        problem = error.problem
        raise InputError(
            f"The field {problem.field} {problem.problem}.", remedy=problem.remedy, where=problem.field
        ) from error
    waiting = folder / APPLICATIONS
    waiting.mkdir(parents=True, exist_ok=True)
    path = waiting / f"{_name_of(found.application_id)}.jsonl"
    draft = path.with_suffix(".part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "w", encoding="utf-8") as stream:
        stream.write(json.dumps(stated, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    records.audit.append(AuditEvent(now, actor, ACTION, subject_of(found.application_id), {"file": path.name}))
    return HandedIn(found, tuple(problem.field for problem in found.problems))


def subject_of(application_id: str) -> str:
    """Return how the audit trail names an application."""
    return f"application {application_id}"


def _name_of(application_id: str) -> str:
    # ids hold characters that file systems do not; the digest keeps two ids from sharing a name
    return hashlib.sha256(application_id.encode()).hexdigest()[:_FILE_LETTERS]
