"""When a site was first seen by a web archive: the CDX interface of the Wayback Machine (JSON, one row a month)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from screening.applicants.lookups.service import Asker, NoAnswerError, Question, read_json
from screening.settings.lookups import ArchiveSettings

SERVICE = "the web archive"
_FIRST = datetime(1996, 1, 1, tzinfo=UTC)
"""The archive began in 1996."""


@dataclass(frozen=True, slots=True)
class History:
    """What the archive has of a site's front page.

    `first` and `last` are the oldest and newest capture among those asked for, None when there is none; `months` is
    the number of months with a capture, `cut` that there may be more than were asked for.
    """

    first: datetime | None
    last: datetime | None
    months: int
    cut: bool
    asked_at: datetime


def history(host: str, ask: Asker, settings: ArchiveSettings) -> History:
    """Return the history of a host's front page. Raises NoAnswerError with the reason when it is not known."""
    wanted = {
        "url": host,
        "output": "json",
        "fl": "timestamp,statuscode",
        "collapse": "timestamp:6",
        "limit": settings.captures_max,
    }
    answer = ask(
        Question(
            service=SERVICE,
            filed_as=host,
            url=f"{settings.url}?{urlencode(wanted)}",
            server=settings.url,
            seconds=settings.seconds,
            pause_seconds=settings.pause_seconds,
            keep=timedelta(days=settings.cache_days),
        )
    )
    if answer.status != 200:
        raise NoAnswerError(f"{SERVICE} answered with status {answer.status}")
    if not answer.body.strip():
        return History(None, None, 0, cut=False, asked_at=answer.asked_at)
    rows = read_json(answer, SERVICE)
    captures = _captures(rows, answer.asked_at)
    return History(
        first=min(captures, default=None),
        last=max(captures, default=None),
        months=len({(day.year, day.month) for day in captures}),
        cut=len(captures) >= settings.captures_max,
        asked_at=answer.asked_at,
    )


def _captures(rows: object, asked_at: datetime) -> list[datetime]:
    """Return the times of all captures; the first row holds the names of the columns."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise NoAnswerError(f"{SERVICE} answered with something that is no list of captures")
    if not rows:
        return []
    if "timestamp" not in rows[0]:
        raise NoAnswerError(f"{SERVICE} answered without times")
    place = rows[0].index("timestamp")
    found = []
    for row in rows[1:]:
        text = str(row[place]) if place < len(row) else ""
        day = _instant(text)
        if day is None or not _FIRST <= day <= asked_at + timedelta(days=1):
            raise NoAnswerError(f"{SERVICE} answered with the time {text[:20]!r}, which is none")
        found.append(day)
    return found


def _instant(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
