"""The quarantine: every refused row with reason, place, remedy and its own text, one JSON object per line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl

from screening.traffic.intake.batch import LINE, RawRecords
from screening.traffic.intake.faults import MEANINGS, Fault, Refusal

_VALUE_CHARACTERS = 200
_DRAFT = ".draft"


def quarantine_name(version: int) -> str:
    """Return the name of the quarantine file of the ingest that makes this lake version."""
    return f"ingest-{version:08d}.jsonl"


@dataclass(slots=True)
class Quarantine:
    """Writes a draft of the quarantine file of one ingest; it counts only once the ingest is committed.

    Texts are ASCII with escapes, bytes that are not UTF-8 as `\\xff`, so that showing the file is harmless. `effect` is
    `row` (refused), `field` (the row was taken without this field) or `file` (the rest of the file is lost).
    """

    stream: IO[str]
    ingest: int
    kind: str
    raw_bytes: int
    file: str = ""

    def refuse_line(self, refusal: Refusal, effect: str = "row") -> None:
        """Set aside a line whose fields could not be told apart."""
        self._write(refusal.line, refusal.field, refusal.fault, effect, {}, refusal.raw, refusal.size)

    def refuse_rows(self, found: pl.DataFrame, raw: RawRecords, effect: str) -> None:
        """Set aside rows, or fields of them: columns `LINE`, `field`, `fault`, `value`."""
        if found.is_empty():
            return
        texts = raw(found[LINE].unique().to_list())
        for row in found.iter_rows(named=True):
            text = texts[row[LINE]]
            extra = {"value": row["value"][:_VALUE_CHARACTERS] if row["value"] is not None else None}
            self._write(row[LINE], row["field"], Fault(row["fault"]), effect, extra, text, len(text))

    def refuse_conflict(self, line: int, field: str, fault: Fault, extra: Mapping[str, Any], content: str) -> None:
        """Set aside a row whose id is taken; `content` is the row as it was read."""
        text = content.encode()
        self._write(line, field, fault, "row", extra, text, len(text))

    def position(self) -> int:
        """Return where the next record will stand, for `forget_from`."""
        return self.stream.tell()

    def forget_from(self, position: int) -> None:
        """Drop all records from that position on: their file is refused as a whole."""
        self.stream.seek(position)
        self.stream.truncate()

    def _write(  # noqa: PLR0913, PLR0917 - one argument per member of the record
        self, line: int, field: str | None, fault: Fault, effect: str, extra: Mapping[str, Any], raw: bytes, size: int
    ) -> None:
        meaning = MEANINGS[fault]
        record = {
            "ingest": self.ingest,
            "kind": self.kind,
            "file": self.file,
            "line": line,
            "field": field,
            "reason": str(fault),
            "effect": effect,
            "explanation": meaning.explanation,
            "remedy": meaning.remedy,
            **extra,
            "raw": raw[: self.raw_bytes].decode(errors="backslashreplace"),
            "raw_bytes": size,
        }
        self.stream.write(json.dumps(record) + "\n")


@contextmanager
def drafting(target: Path) -> Iterator[IO[str]]:
    """Open the draft of a quarantine file; what ingests that were killed left there is removed first.

    The draft is thrown away at the end of the block unless `publish` moved it to its place. The lake's lock must be
    held: drafts of others are then nobody's.
    """
    draft = _draft_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    # also those of earlier versions: a kill may come between an ingest's commit and the end of its draft
    for left in target.parent.glob(f"ingest-*{_DRAFT}"):
        left.unlink(missing_ok=True)
    try:
        with draft.open("w", encoding="ascii") as stream:
            yield stream
    finally:
        draft.unlink(missing_ok=True)


def publish(stream: IO[str], target: Path) -> bool:
    """Move the finished draft to its place; say whether there is one, for an empty draft is not kept."""
    stream.flush()
    os.fsync(stream.fileno())
    draft = _draft_of(target)
    if not draft.stat().st_size:
        return False
    draft.replace(target)
    return True


def _draft_of(target: Path) -> Path:
    return target.with_suffix(_DRAFT)
