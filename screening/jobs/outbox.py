"""The job behind `winnow letters`: send what waits in the outbox, show it, and let people decide what is unsure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from screening.errors import InputError, UnavailableError
from screening.jobs.progress import Progress
from screening.notices.mail import Ending, Envelope, Transport, Tried, transport_of
from screening.settings.notices import NoticeSettings
from screening.store import AuditEvent, LetterStatus, Outcome, Store, StoredLetter, open_store
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

LETTERS = "letters"
_STEP = "send"
_RETRY_LONGEST = timedelta(hours=24)
_ALIVE_TRIES = 4
"""Answers that a mail server may make us wait for within one try: connection, login, addresses, letter."""


class Choice(StrEnum):
    """What a person decides about a letter that is unsure or failed."""

    AGAIN = "again"
    """Send it once more; for an unsure one at the risk that it arrives twice."""
    SENT = "sent"
    """It arrived: the mail server's log, or the partner, says so."""
    DROP = "drop"
    """It shall not be sent."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What sending did.

    `ended` counts this run's tries by `sent`, `later`, `refused` and `unsure`; `stranded` is how many letters an
    earlier run left in the middle of a try; `counts` are all letters of the outbox by status. `stopped` says why the
    rest was not tried, None: all that was due was tried.
    """

    ended: Mapping[str, int]
    stranded: int
    counts: Mapping[str, int]
    folder: Path | None
    stopped: UnavailableError | None

    @property
    def needs_a_person(self) -> int:
        """How many letters wait for a person: unsure ones and failed ones."""
        return self.counts.get(LetterStatus.UNSURE, 0) + self.counts.get(LetterStatus.FAILED, 0)


def send_letters(
    workspace: Workspace,
    now: datetime,
    environment: Mapping[str, str],
    progress: Progress,
    kind: str | None = None,
    since: datetime | None = None,
) -> Posted:
    """Try each letter that is due, once: of one kind or all, written at `since` or later or whenever.

    That a try begins is written down before it, and how it ended behind it: killed in between, the letter is `unsure`
    and never tried again by itself. Raises SettingsError when the settings name no way out, BusyError while another
    process sends.
    """
    settings = _below(workspace.root, workspace.settings.notices)
    folder = workspace.folder("reports") / LETTERS
    lock = holding_lock(
        workspace.folder("locks") / LETTERS,
        command="letters send",
        now=now,
        wait_seconds=0,
        waiting=lambda who: progress.step(who, 0, None),
        what="Letters are being sent",
    )
    ended = dict.fromkeys(Ending, 0)
    stopped = None
    with lock, open_store(workspace.store_url) as store, transport_of(settings, folder, environment) as transport:
        # a try of another machine on the same database may still run; none lasts longer than this
        stranded = store.outbox.strand(now - _ALIVE_TRIES * timedelta(seconds=settings.smtp.timeout_seconds))
        due = store.outbox.due(now, kind, since)
        for number, letter_id in enumerate(due):
            progress.step(_STEP, number, len(due))
            try:
                tried = _try(store, transport, letter_id, settings, now)
            except UnavailableError as error:
                stopped = error
                break
            if tried is not None:
                ended[tried.ending] += 1
        progress.step(_STEP, sum(ended.values()), len(due))
        counts = store.outbox.counts()
    written = folder if settings.transport == "files" else None
    return Posted({str(ending): count for ending, count in ended.items()}, stranded, counts, written, stopped)


def letters(
    workspace: Workspace, status: LetterStatus | None, limit: int
) -> tuple[list[StoredLetter], Mapping[str, int]]:
    """Return the newest letters, of one status or all, and how many there are of each status."""
    with open_store(workspace.store_url) as store:
        return store.outbox.all(status, limit=limit), store.outbox.counts()


def letter(workspace: Workspace, letter_id: int) -> StoredLetter:
    """Return a letter. Raises InputError when there is none of that number."""
    with open_store(workspace.store_url) as store:
        return store.outbox.one(letter_id)


def settle_letter(workspace: Workspace, letter_id: int, choice: Choice, person: str, now: datetime) -> StoredLetter:
    """Do what a person decided about an unsure or failed letter, and write it into the audit trail.

    A letter that waits to be sent can be dropped, too. Raises InputError for any other.
    """
    with open_store(workspace.store_url) as store, store.together() as records:
        found = records.outbox.one(letter_id)
        settled = {LetterStatus.UNSURE, LetterStatus.FAILED} | (
            {LetterStatus.QUEUED} if choice == Choice.DROP else set()
        )
        if found.status not in settled:
            raise InputError(
                f"The letter {letter_id} is {found.status}.",
                remedy="Only letters that are unsure or failed need a decision; queued ones can be dropped.",
                where="letter",
            )
        outcome = {
            Choice.AGAIN: Outcome(LetterStatus.QUEUED, now, f"again, says {person}", next_at=now),
            Choice.SENT: Outcome(LetterStatus.SENT, now, f"sent, says {person}"),
            Choice.DROP: Outcome(LetterStatus.DROPPED, now, f"dropped by {person}"),
        }[choice]
        records.outbox.decide(found, outcome)
        details = {"before": found.status, "after": str(outcome.status), "key": found.key}
        records.audit.append(AuditEvent(now, person, f"letter {choice}", f"letter {letter_id}", details))
        return records.outbox.one(letter_id)


def _try(store: Store, transport: Transport, letter_id: int, settings: NoticeSettings, now: datetime) -> Tried | None:
    begun = store.outbox.begin(letter_id, now)
    if begun is None:
        return None
    envelope = Envelope(begun.key, begun.recipient, begun.subject, begun.text, begun.html, begun.written_at)
    try:
        tried = transport.send(envelope)
    except UnavailableError as error:
        store.outbox.settle(begun, Outcome(LetterStatus.QUEUED, now, error.cause, next_at=now))
        raise
    store.outbox.settle(begun, _outcome(tried, begun, settings, now))
    return tried


def _outcome(tried: Tried, letter: StoredLetter, settings: NoticeSettings, now: datetime) -> Outcome:
    if tried.ending == Ending.SENT:
        return Outcome(LetterStatus.SENT, now, tried.note)
    if tried.ending == Ending.UNSURE:
        return Outcome(LetterStatus.UNSURE, now, tried.note)
    # a letter that a person sent again gets as many tries as the first time
    if tried.ending == Ending.REFUSED or letter.attempts % settings.attempts_max == 0:
        return Outcome(LetterStatus.FAILED, now, tried.note)
    tries = letter.attempts % settings.attempts_max
    wait = min(timedelta(minutes=settings.retry_minutes) * 2 ** (tries - 1), _RETRY_LONGEST)
    return Outcome(LetterStatus.QUEUED, now, tried.note, next_at=now + wait)


def _below(root: Path, settings: NoticeSettings) -> NoticeSettings:
    """Return the settings with the file of the mail password named from the workspace, wherever the command runs."""
    if not settings.smtp.password_file:
        return settings
    named = str(root / settings.smtp.password_file)
    return settings.model_copy(update={"smtp": settings.smtp.model_copy(update={"password_file": named})})
