"""The nightly digest for staff: one HTML page that a mail program shows as a browser does, and a short plain text.

Its charts are table cells with a background: no picture to load, no script, nothing that a mail program strips.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment

from screening.notices.render import environment


class Tone(StrEnum):
    """How a line of the digest is meant."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Money:
    """What the newest scan decided in one currency, and what the ledger released in the day before the digest."""

    currency: str | None
    pay: Decimal
    hold: Decimal
    reject: Decimal
    released: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """A day's conversions in one currency, by decision."""

    day: date
    pay: Decimal
    hold: Decimal
    reject: Decimal

    @property
    def total(self) -> Decimal:
        """All payout of the day."""
        return self.pay + self.hold + self.reject


@dataclass(frozen=True, slots=True)
class Chart:
    """The days of one currency, the oldest first; a day without conversions is there with zeros."""

    currency: str | None
    days: tuple[Day, ...]

    @property
    def highest(self) -> Decimal:
        """The largest total of a day."""
        return max((day.total for day in self.days), default=Decimal(0))


@dataclass(frozen=True, slots=True)
class Flagged:
    """A flagged source, with what its judge says of it. Shares are 0..1, None where not known."""

    affiliate_id: str
    name: str | None
    offer_id: str
    sub_id: str | None
    conversions: int
    payout: Decimal
    currency: str | None
    bad_share: float | None
    bad_share_low: float | None
    bad_share_high: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cap:
    """A proposed change of a cap. Affiliate None: the whole offer; a limit None: none."""

    affiliate_id: str | None
    offer_id: str
    cap_type: str
    action: str
    current: Decimal | None
    recommended: Decimal | None
    saving: Decimal | None
    saving_low: Decimal | None
    saving_high: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a person: how many of a kind, since when, and the money by currency."""

    kind: str
    waiting: int
    oldest: datetime
    money: tuple[tuple[Decimal, str | None], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A fact in words, with its tone."""

    text: str
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that the digest says. An empty tuple of queues, sources or caps: there are none.

    `scanned` says what the newest scan judged, None: there was no scan. `caps_more` and `sources_more` count those that
    are not listed. `measured` are sentences about the error rate, empty: not measured yet. `link` is the console, None:
    not reachable from a mail.
    """

    programme: str
    at: datetime
    zone: ZoneInfo
    scanned: str | None
    lacked: tuple[Line, ...]
    money: tuple[Money, ...]
    charts: tuple[Chart, ...]
    sources: tuple[Flagged, ...]
    sources_more: int
    caps: tuple[Cap, ...]
    caps_more: int
    measured: tuple[str, ...]
    drift: tuple[Line, ...]
    lists: tuple[Line, ...]
    queues: tuple[Queue, ...]
    overdue: tuple[Line, ...]
    letters: tuple[Line, ...]
    link: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """The digest as it is saved and mailed."""

    subject: str
    text: str
    html: str


def write_digest(digest: Digest) -> Written:
    """Return the digest as subject, plain text and HTML. The same facts give the same digest."""
    facts = {field.name: getattr(digest, field.name) for field in fields(digest)}
    text = _templates(escaping=False).get_template("digest.txt.j2").render(facts)
    return Written(
        subject=f"{digest.programme}: digest of {digest.at.astimezone(digest.zone):%d %B %Y}",
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=_templates(escaping=True).get_template("digest.html.j2").render(facts),
    )


def widths(parts: Sequence[Decimal], whole: Decimal) -> tuple[int, ...]:
    """Return the parts of a whole in percent, whole numbers; what is not nothing is at least 1."""
    if whole <= 0:
        return tuple(0 for _ in parts)
    return tuple(max(1, int(100 * part / whole)) if part > 0 else 0 for part in parts)


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in the unit that fits."""
    hours = int((now - since).total_seconds() // 3600)
    if hours < 48:
        return f"{hours} hours" if hours != 1 else "1 hour"
    return f"{hours // 24} days"


@cache
def _templates(*, escaping: bool) -> Environment:
    made = environment(escaping=escaping)
    made.globals |= {"widths": widths, "age": age}
    return made
