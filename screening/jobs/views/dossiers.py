"""The dossier of an application as screening wrote it, for pages to show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from screening.applicants.dossier import DATA_NAME, HISTORY_NAME
from screening.errors import IntegrityError
from screening.workspace import Workspace

_EVIDENCE = "evidence"


def folder_of(workspace: Workspace, evidence: str | None) -> Path | None:
    """Return the folder of an application's evidence as the store names it; None when it is not below evidence/."""
    if evidence is None:
        return None
    root = (workspace.root / _EVIDENCE).resolve()
    folder = (workspace.root / evidence).resolve()
    return folder if folder.is_relative_to(root) else None


def dossier_of(workspace: Workspace, evidence: str | None) -> dict[str, Any] | None:
    """Return decision.json, or None when there is none. Raises IntegrityError when it cannot be read."""
    folder = folder_of(workspace, evidence)
    if folder is None:
        return None
    path = folder / DATA_NAME
    try:
        body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IntegrityError(
            "The evidence of this application cannot be read.", remedy="Screen it again.", where=str(path)
        ) from error
    return body


def past_screenings(workspace: Workspace, evidence: str | None) -> tuple[dict[str, Any], ...]:
    """Return the lines of history.jsonl, the newest first; a line left unfinished is passed over."""
    folder = folder_of(workspace, evidence)
    if folder is None or not (folder / HISTORY_NAME).is_file():
        return ()
    lines = []
    for line in (folder / HISTORY_NAME).read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return tuple(reversed(lines))
