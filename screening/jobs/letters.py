"""The job behind `winnow letters write`: what partners and applicants have not been told yet, as letters in the outbox.

Each letter has a key made of what it is about, and a letter about held conversions is noted for each of them: so this
can run as often as it likes, and nobody is told the same thing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import polars as pl

from features.schema import Kind
from screening.jobs.letter_facts import (
    Told,
    answered_appeals,
    decided_applications,
    held_payouts,
    monthly_scorecards,
    pushed_caps,
)
from screening.jobs.progress import Progress
from screening.jobs.span import Span
from screening.jobs.views.partner import token_for
from screening.notices.letter import Recipient, Sender
from screening.notices.render import write_letter
from screening.notices.words import greeting_name, mail_address
from screening.settings.notices import NoticeSettings
from screening.store import Records, Store, StoredLetter, open_store
from screening.traffic.lake import Lake
from screening.workspace import Workspace

Links = Callable[[str], str | None]
"""Gives the address of an affiliate's own page by its id, None where there is none."""


class Occasion(StrEnum):
    """What letters can be written about."""

    HOLDS = "holds"
    CAPS = "caps"
    APPEALS = "appeals"
    APPLICATIONS = "applications"
    SCORECARDS = "scorecards"


NIGHTLY = (Occasion.HOLDS, Occasion.CAPS, Occasion.APPEALS, Occasion.APPLICATIONS)
"""What happens at any time; scorecards are written once a month, when somebody asks for them."""


@dataclass(frozen=True, slots=True)
class Written:
    """Letters that were put into the outbox, by occasion, and whom no letter can reach.

    `unreachable` has affiliate or application ids without an address that mail can be sent to: they stay untold, and
    are tried again the next time.
    """

    written: Mapping[str, int]
    unreachable: tuple[str, ...]


def write_letters(
    workspace: Workspace,
    occasions: Sequence[Occasion],
    now: datetime,
    progress: Progress,
    *,
    span: Span | None = None,
    links: Links | None = None,
) -> Written:
    """Write the letters that are due on these occasions into the outbox; `winnow letters send` sends them.

    `span` is the period of scorecards and must be given with them. `links` gives partners' own pages, None: letters ask
    to reply by mail. Raises BusyError when another process writes the same letters.
    """
    affiliates = _affiliates(workspace)
    counts: Counter[str] = Counter({str(occasion): 0 for occasion in occasions})
    unreachable: list[str] = []
    with open_store(workspace.store_url) as store:
        desk = _Desk(workspace.settings.notices, now, links or (lambda _: None))
        for number, occasion in enumerate(occasions):
            progress.step("write letters", number, len(occasions))
            for told in _due(workspace, store, occasion, (now, span, progress)):
                address = told.address if told.address is not None else affiliates.get(told.about)
                done = desk.write(store, told, address)
                counts[str(occasion)] += done is True
                if done is None:
                    unreachable.append(told.about)
        progress.step("write letters", len(occasions), len(occasions))
    return Written(counts, tuple(dict.fromkeys(unreachable)))


@dataclass(frozen=True, slots=True)
class _Desk:
    settings: NoticeSettings
    now: datetime
    links: Links

    def write(self, store: Store, told: Told, person: tuple[str | None, str | None] | None) -> bool | None:
        """Put one letter into the outbox; False: it was written before; None: nobody can be reached."""
        if store.outbox.has(told.key):
            return False
        name, written = person or (None, None)
        address = mail_address(written)
        if address is None:
            return None
        sender = sender_of(self.settings)
        recipient = Recipient(address, greeting_name(name, self.settings.name_characters_max))
        letter = write_letter(told.notice, recipient, sender, None if told.address else self.links(told.about))
        stored = StoredLetter(
            key=told.key,
            kind=str(letter.kind),
            about=told.about,
            recipient=address,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            written_at=self.now,
            next_at=self.now,
        )
        return _add(store, stored, told.items)


def partner_links(workspace: Workspace, now: datetime) -> Links:
    """Return what gives an affiliate's own page in the console; none where console.public_url is not set."""
    public = workspace.settings.console.public_url
    return lambda affiliate_id: f"{public}/partner/{token_for(workspace, affiliate_id, now)}" if public else None


def sender_of(settings: NoticeSettings) -> Sender:
    """Return in whose name letters are written."""
    return Sender(settings.programme, settings.reply_to or settings.from_address, ZoneInfo(settings.timezone))


def _add(records: Records, letter: StoredLetter, items: Sequence[str]) -> bool:
    return records.outbox.add(letter, items) is not None


def _due(
    workspace: Workspace, store: Store, occasion: Occasion, when: tuple[datetime, Span | None, Progress]
) -> Iterator[Told]:
    now, span, progress = when
    settings = workspace.settings.notices
    match occasion:
        case Occasion.HOLDS:
            yield from held_payouts(store, settings, now)
        case Occasion.CAPS:
            yield from pushed_caps(store, now)
        case Occasion.APPEALS:
            yield from answered_appeals(workspace, store)
        case Occasion.APPLICATIONS:
            yield from decided_applications(workspace, store)
        case Occasion.SCORECARDS:
            if span is None:
                raise TypeError("scorecards are of a period")
            yield from monthly_scorecards(workspace, span, progress)


def _affiliates(workspace: Workspace) -> dict[str, tuple[str | None, str | None]]:
    frame = Lake(workspace.lake).snapshot().frame(Kind.AFFILIATES)
    rows = frame.select("affiliate_id", pl.col("name"), pl.col("email")).collect().iter_rows()
    return {affiliate_id: (name, email) for affiliate_id, name, email in rows}
