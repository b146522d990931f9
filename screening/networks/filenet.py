"""A network that people reach by uploading CSV files: one line per change, one file per batch."""

from __future__ import annotations

import csv
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from screening.errors import UnavailableError
from screening.networks.adapter import Capabilities, CapChange, Change, ChangeKind, Status, StatusChange

NAME = "file"
_LINES = 100_000
_FOR_OWNER_AND_GROUP = 0o640
"""As the workspace: whoever uploads the file belongs to its group."""
_FORMULA = re.compile(r"^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection)."""
_CAP_COLUMNS = ("key", "offer_id", "affiliate_id", "cap_type", "limit")
_STATUS_COLUMNS = ("key", "conversion_id", "status")


class FileNetwork:
    """Writes each batch to `caps-BATCH.csv` or `statuses-BATCH.csv`, whole or not at all.

    A batch written again replaces its own file with the same lines. Nothing can be read back.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """`file`."""
        return NAME

    @property
    def capabilities(self) -> Capabilities:
        """Every change; nothing is read back."""
        return Capabilities(
            caps=True,
            statuses=frozenset(Status),
            read_back=False,
            together={ChangeKind.CAP: _LINES, ChangeKind.STATUS: _LINES},
        )

    def objection(self, change: Change) -> str | None:
        """Refuse an id that a spreadsheet would run: changing it would make the line speak of something else."""
        for text in _cells(change)[1:]:
            if _FORMULA.match(text):
                return f"{text!r} would run as a formula in a spreadsheet; change it on the network by hand."
        return None

    def expected(self, change: Change) -> str:
        """Return what the file says."""
        return change.wanted

    def read(self, changes: Sequence[Change]) -> dict[str, str]:
        """Return nothing: a file does not say what the network made of it."""
        del changes
        return {}

    def apply(self, batch: str, changes: Sequence[Change]) -> None:
        """Write the batch's file. Raises UnavailableError when it cannot be written."""
        kind = changes[0].kind
        path = self.path_of(kind, batch)
        columns = _CAP_COLUMNS if kind == ChangeKind.CAP else _STATUS_COLUMNS
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._folder, prefix=f".{path.name}.", newline="", encoding="utf-8", delete=False
            ) as draft:
                writer = csv.writer(draft)
                writer.writerow(columns)
                writer.writerows(_cells(change) for change in sorted(changes, key=lambda one: one.key))
                draft.flush()
                os.fsync(draft.fileno())
                os.fchmod(draft.fileno(), _FOR_OWNER_AND_GROUP)
            Path(draft.name).replace(path)
        except OSError as error:
            raise UnavailableError(
                f"The file cannot be written: {error.strerror}.", remedy="Check the folder.", where=str(path)
            ) from error

    def path_of(self, kind: ChangeKind, batch: str) -> Path:
        """Return where a batch is written."""
        return self._folder / f"{'caps' if kind == ChangeKind.CAP else 'statuses'}-{batch}.csv"


def _cells(change: Change) -> tuple[str, ...]:
    if isinstance(change, CapChange):
        return (change.key, change.offer_id, change.affiliate_id or "", change.cap_type, change.wanted)
    assert isinstance(change, StatusChange)  # noqa: S101 - there is no third kind
    return (change.key, change.conversion_id, change.wanted)
