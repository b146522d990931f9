"""Answers of services kept on disk until they are too old, so that a service is not asked twice for the same."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE_NAME = "answers.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    service TEXT NOT NULL, question TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    asked_at REAL NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (service, question)) WITHOUT ROWID;
"""
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: status (200 or 404), body, and when it was asked."""

    status: int
    body: bytes
    asked_at: datetime


class AnswerCache:
    """Answers by service and question; safe to share between threads. Close it.

    What it holds can be asked again, so a damaged file is put aside and begun anew.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        path = folder / FILE_NAME
        try:
            self._connection = self._opened(path)
        except sqlite3.DatabaseError:
            path.replace(path.with_suffix(".damaged"))
            self._connection = self._opened(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def get(self, service: str, question: str, now: datetime) -> Answer | None:
        """Return the answer that is not too old, None when there is none."""
        with self._lock:
            row = self._connection.execute(
                "SELECT status, body, asked_at FROM answers WHERE service = ? AND question = ? AND expires_at > ?",
                (service, question, now.timestamp()),
            ).fetchone()
        return Answer(row[0], row[1], datetime.fromtimestamp(row[2], UTC)) if row is not None else None

    def put(self, service: str, question: str, answer: Answer, keep: timedelta) -> None:
        """Keep an answer for so long."""
        asked = answer.asked_at.timestamp()
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                (service, question, answer.status, answer.body, asked, asked + keep.total_seconds()),
            )

    def forget_expired(self, now: datetime) -> None:
        """Remove what is too old."""
        with self._lock:
            self._connection.execute("DELETE FROM answers WHERE expires_at <= ?", (now.timestamp(),))

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
        return connection
