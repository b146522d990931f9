"""The journal of a night's crawl: one line per finished application, so that a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from screening.applicants.evidence.facts import load_crawl
from screening.applicants.records import ApplicationCrawl, Declared
from screening.errors import IntegrityError

JOURNAL_NAME = "crawl-journal.jsonl"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}")


@dataclass(frozen=True, slots=True)
class _Entry:
    declared_digest: str
    folder: str
    facts_digest: str


class Journal:
    """Remembers finished crawls below an evidence folder; append-only, one writer at a time."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._path = root / JOURNAL_NAME
        self._entries = {key: entry for key, entry in map(_parsed, self._lines()) if entry is not None}

    def folder(self, application_id: str) -> Path:
        """Return where the evidence of an application goes; the id is untrusted and never used as a path as it is."""
        digest = hashlib.sha256(application_id.encode("utf-8", "replace")).hexdigest()[:16]
        return self._root / (application_id if _PLAIN_NAME.fullmatch(application_id) else f"application-{digest}")

    def finished(self, declared: Declared) -> ApplicationCrawl | None:
        """Return the recorded crawl of exactly this declaration, None when there is none that can be relied on."""
        entry = self._entries.get(declared.application_id)
        if entry is None or entry.declared_digest != _digest(declared):
            return None
        try:
            return load_crawl(self._root / entry.folder, entry.facts_digest)
        except IntegrityError:
            return None

    def record(self, declared: Declared, facts_digest: str) -> None:
        """Add a finished crawl; it is on disk afterwards."""
        folder = self.folder(declared.application_id).name
        line = {
            "application_id": declared.application_id,
            "declared": _digest(declared),
            "folder": folder,
            "facts": facts_digest,
            "finished_at": datetime.now(UTC).isoformat(),
        }
        with self._path.open("ab") as file:
            if file.tell() and not self._ends_with_newline():
                file.write(b"\n")  # a killed run left half a line
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._entries[declared.application_id] = _Entry(_digest(declared), folder, facts_digest)

    def _ends_with_newline(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path.exists() else []


def _parsed(line: str) -> tuple[str, _Entry | None]:
    try:
        data: dict[str, Any] = json.loads(line)
        return str(data["application_id"]), _Entry(str(data["declared"]), str(data["folder"]), str(data["facts"]))
    except (ValueError, KeyError, TypeError):
        return "", None


def _digest(declared: Declared) -> str:
    return hashlib.sha256(json.dumps([declared.application_id, *declared.urls]).encode()).hexdigest()
