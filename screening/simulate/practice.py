"""Practice files kept in a folder: made once, recognised later, made again as they were when they were damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind
from screening.errors import IntegrityError
from screening.simulate.files import write_events, write_truth
from screening.simulate.programme import simulate
from screening.simulate.spec import ProgrammeSpec

RECORD = "programme.json"
_NOTE = "A simulated programme: nobody in it exists, and what it calls fraud is simulated fraud."


@dataclass(frozen=True, slots=True)
class Practice:
    """The files of a simulated programme. events: what is taken in; truth: only read to tell how the judges did.

    made: whether they were written now or found.
    """

    seed: int
    start: date
    days: int
    affiliates: int
    events: Mapping[Kind, Path]
    truth: Path
    made: bool

    @property
    def last(self) -> date:
        """The last day of the programme."""
        return self.start + timedelta(days=self.days - 1)

    def labels(self) -> pl.DataFrame:
        """Read the truth, in the columns TRUTH."""
        return pl.read_parquet(self.truth)


def keep_practice(folder: Path, spec: ProgrammeSpec, seed: int) -> Practice:
    """Return the practice files of a folder. Where there are none yet, simulate `spec` and write them.

    Files that were lost or changed are written again for the first day and seed that the folder's record names. Raises
    IntegrityError when the record cannot be read, or when they come out otherwise: another winnow made them.
    """
    record = folder / RECORD
    if not record.is_file():
        return _practice(folder, _write(folder, spec, seed), made=True)
    known = _read(record)
    if all(_digest(folder / name) == digest for name, digest in known["files"].items()):
        return _practice(folder, known, made=False)
    again = _write(folder, replace(spec, start=date.fromisoformat(known["start"])), known["seed"])
    if again["files"] != known["files"]:
        raise IntegrityError(
            "The practice files were changed, and this winnow makes other ones.",
            remedy="Remove this workspace, or give the demo another one.",
            where=str(folder),
        )
    return _practice(folder, again, made=True)


def holds_practice(folder: Path) -> bool:
    """Say whether a folder holds practice files, or did before some were lost."""
    return (folder / RECORD).is_file()


def _write(folder: Path, spec: ProgrammeSpec, seed: int) -> dict[str, Any]:
    """Simulate and write everything, the record last: what was cut short counts as not there."""
    programme = simulate(spec, seed)
    events = write_events(programme, folder / "events")
    paths = (*events.values(), write_truth(programme, folder / "truth"))
    known = {
        "note": _NOTE,
        "seed": seed,
        "start": spec.start.isoformat(),
        "days": spec.days,
        "affiliates": spec.affiliates,
        "events": {str(kind): str(path.relative_to(folder)) for kind, path in events.items()},
        "truth": str(paths[-1].relative_to(folder)),
        "files": {str(path.relative_to(folder)): _digest(path) for path in paths},
    }
    partial = folder / f"{RECORD}.partial"
    partial.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / RECORD)
    return known


def _read(record: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        date.fromisoformat(known["start"])
        known["files"].items()
        known["events"].items()
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise IntegrityError(
            "The record of the practice files cannot be read.",
            remedy="Remove this workspace, or give the demo another one.",
            where=str(record),
        ) from error
    return known


def _practice(folder: Path, known: dict[str, Any], *, made: bool) -> Practice:
    return Practice(
        seed=known["seed"],
        start=date.fromisoformat(known["start"]),
        days=known["days"],
        affiliates=known["affiliates"],
        events={Kind(kind): folder / name for kind, name in known["events"].items()},
        truth=folder / known["truth"],
        made=made,
    )


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a file in hexadecimal, None when there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
