"""Everybody screened before: the identifiers and sketches of their sites, kept so that the next run can compare.

One line of JSON per member and screening in evidence/known-members.jsonl; the last line of a member holds. Lines that
were replaced are dropped when they outnumber those that hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from screening.applicants.identifiers import Identifier
from screening.applicants.signals.copies import Sketch
from screening.applicants.study import Studied
from screening.errors import IntegrityError

FILE_NAME = "known-members.jsonl"
_BLOCK_BYTES = 65_536
AFFILIATE_PREFIX = "affiliate:"
"""Stands before the id of an affiliate where applicants and affiliates are kept together."""


@dataclass(frozen=True, slots=True)
class Known:
    """A member as it was screened last."""

    member: str
    name: str
    identifiers: tuple[Identifier, ...]
    sketches: tuple[Sketch, ...]


def load_known(folder: Path) -> dict[str, Known]:
    """Return all members screened before, by id. Raises IntegrityError when a line is not what winnow wrote."""
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    found: dict[str, Known] = {}
    lines = 0
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith("\n"):
                break  # a killed run left half a line
            lines += 1
            try:
                known = _read(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise IntegrityError(
                    "The file of screened members is damaged.",
                    remedy="Restore it from a backup.",
                    where=f"{path}:{number}",
                ) from error
            found[known.member] = known
    if lines > 2 * len(found):
        _write(path, found.values())
    return found


def remember(folder: Path, studied: Iterable[Studied]) -> None:
    """Add what was learnt of members; a member screened before is replaced."""
    path = folder / FILE_NAME
    with path.open("ab+") as file:
        _cut_unfinished_line(file)
        for item in studied:
            known = Known(item.application.application_id, item.application.name, item.identifiers, item.sketches)
            file.write(_line(known))


def forget(folder: Path, gone: Callable[[str], bool]) -> int:
    """Remove the members of whose id `gone` is true, and lines that later ones replaced; return how many members."""
    known = load_known(folder)
    kept = [item for member, item in known.items() if not gone(member)]
    if len(kept) < len(known):
        _write(folder / FILE_NAME, kept)
    return len(known) - len(kept)


def _cut_unfinished_line(file: IO[bytes]) -> None:
    """Remove what a killed run left of a line, so that the next one does not become part of it."""
    end = at = file.seek(0, os.SEEK_END)
    while at:
        start = max(0, at - _BLOCK_BYTES)
        file.seek(start)
        newline = file.read(at - start).rfind(b"\n")
        if newline >= 0:
            at = start + newline + 1
            break
        at = start
    if at < end:
        file.truncate(at)


def _write(path: Path, known: Iterable[Known]) -> None:
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        for item in known:
            file.write(_line(item))
    unfinished.replace(path)


def _line(known: Known) -> bytes:
    sketches = [{**asdict(item), "points_to": sorted(item.points_to)} for item in known.sketches]
    body = {
        "member": known.member,
        "name": known.name,
        "identifiers": [[item.kind, item.value, item.site, item.url] for item in known.identifiers],
        "sketches": sketches,
    }
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _read(body: Mapping[str, Any]) -> Known:
    sketches = tuple(
        Sketch(
            item["member"],
            item["site"],
            item["url"],
            tuple(item["phrases"]),
            tuple(item["names"]),
            frozenset(item["points_to"]),
            bool(item["owner_shown"]),
            int(item["care_pages"]),
            item["applied_at"],
        )
        for item in body["sketches"]
    )
    return Known(body["member"], body["name"], tuple(Identifier(*item) for item in body["identifiers"]), sketches)
