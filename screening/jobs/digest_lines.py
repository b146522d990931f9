"""The lines of the digest: what the night lacked, how data and lists stand, what is overdue, what became of letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from features.schema import Kind
from screening.errors import WinnowError
from screening.jobs.lists import show_lists
from screening.notices.digest import Line, Tone, age
from screening.notices.render import given_id
from screening.notices.words import money
from screening.review.appeals import open_appeals, overdue
from screening.review.expiry import expired_holds
from screening.store import LetterStatus, RunRecord, Store
from screening.store.observations import DRIFT
from screening.traffic.lake import Lake
from screening.workspace import Workspace

_LATE = timedelta(days=1)
_NAMED = 5
"""Columns, lists or appeals that are named one by one; of more, only their number is said."""


def data_lines(workspace: Workspace, scan: RunRecord | None, now: datetime, lacked: Sequence[str]) -> Iterator[Line]:
    """Say what the night could not do, and which events and judgements are not there."""
    yield from (Line(text, Tone.BAD) for text in lacked)
    snapshot = Lake(workspace.lake).snapshot()
    yesterday = (now - _LATE).date()
    for kind in (Kind.CLICKS, Kind.CONVERSIONS):
        days = snapshot.days(kind)
        if not days:
            yield Line(f"The lake has no {kind}.", Tone.BAD)
        elif days[-1] < yesterday:
            yield Line(f"The newest {kind} are of {days[-1]}: those of {yesterday} are missing.", Tone.BAD)
    if not snapshot.days(Kind.OUTCOMES):
        yield Line("There are no outcomes: chargebacks and refunds are not known.", Tone.WARNING)
    if scan is None:
        return
    if now - scan.finished_at > _LATE:
        yield Line(f"The newest scan ended {age(scan.finished_at, now)} ago.", Tone.BAD)
    if snapshot.version != scan.lake_version:
        yield Line("Events came in after the newest scan and are not judged yet.", Tone.WARNING)


def drift_lines(store: Store, scan: RunRecord | None) -> Iterator[Line]:
    """Say how far features and scores have moved from the model's reference."""
    observed = [] if scan is None else [seen for seen in store.observations.of_run(scan.run_id) if seen.kind == DRIFT]
    if not observed:
        yield Line("Drift: not measured yet; it is measured against the first scan with a model.")
        return
    for seen in observed:
        columns: dict[str, int] = seen.details["columns"]
        moved = [str(move["column"]) for move in seen.details["moved"]]
        since = f"since {seen.details['reference_from']} to {seen.details['reference_to']}"
        if moved:
            named = ", ".join(moved[:_NAMED]) + (" and more" if len(moved) > _NAMED else "")
            text = f"Drift: {columns.get('drifted', 0)} features moved {since}: {named}."
            yield Line(text, Tone.WARNING)
        elif columns.get("steady", 0):
            yield Line(f"Drift: no feature moved {since}.", Tone.GOOD)
        if unknown := columns.get("unknown", 0):
            yield Line(f"Drift: too few affiliates to say it of {unknown} features.")


def list_lines(workspace: Workspace, now: datetime) -> Iterator[Line]:
    """Say how old the reference lists are, and which facts no list gives."""
    try:
        shown = show_lists(workspace, now)
    except WinnowError as error:
        yield Line(f"Lists: {error}", Tone.BAD)
        return
    most = workspace.settings.lists.max_age_days
    if stale := [f"{state.name} ({state.age_days} days)" for state in shown.lists if state.stale]:
        yield Line(f"Lists older than {most} days: {', '.join(stale)}.", Tone.WARNING)
    if undated := [state.name for state in shown.lists if state.stale is None]:
        yield Line(f"Lists of unknown age: {', '.join(undated)}.", Tone.WARNING)
    fresh = [state for state in shown.lists if state.stale is False]
    if fresh:
        oldest = max(fresh, key=lambda state: state.age_days or 0)
        yield Line(f"Lists: {len(fresh)} recent, the oldest {oldest.name} of {oldest.age_days} days.", Tone.GOOD)
    if shown.lacking:
        yield Line(f"No list gives {', '.join(shown.lacking)}: what depends on it is unknown.", Tone.WARNING)


def overdue_lines(workspace: Workspace, store: Store, now: datetime) -> Iterator[Line]:
    """Say which appeals wait longer than promised, and which holds grew too old; none of these is ever paid by age."""
    waiting = open_appeals(store)
    late = overdue(waiting, now)
    for appeal in late[:_NAMED]:
        subject = given_id(appeal.subject)
        text = f"Appeal {appeal.appeal_id} about {appeal.kind} {subject} is overdue by {age(appeal.deadline_at, now)}."
        yield Line(text, Tone.BAD)
    if len(late) > _NAMED:
        yield Line(f"Overdue appeals beside these: {len(late) - _NAMED}.", Tone.BAD)
    if soon := len(waiting) - len(late):
        yield Line("1 appeal within its time." if soon == 1 else f"{soon} appeals within their time.")
    days = workspace.settings.review.hold_days_max
    for hold in (expired := expired_holds(store, now, workspace.settings.review))[:_NAMED]:
        source = given_id(hold.source.subject)
        amount = money(hold.amount, hold.currency)
        yield Line(f"Held for more than {days} days without a decision: {source}, {amount}.", Tone.BAD)
    if len(expired) > _NAMED:
        yield Line(f"Sources held for more than {days} days beside these: {len(expired) - _NAMED}.", Tone.BAD)


def letter_lines(store: Store) -> Iterator[Line]:
    """Say what became of letters."""
    counts = Counter(store.outbox.counts())
    for status, tone, text in (
        (
            LetterStatus.UNSURE,
            Tone.BAD,
            "sent, and nobody knows whether they arrived: winnow letters list --status unsure",
        ),
        (LetterStatus.FAILED, Tone.BAD, "not sent: winnow letters list --status failed"),
        (LetterStatus.QUEUED, Tone.NEUTRAL, "queued"),
        (LetterStatus.SENT, Tone.GOOD, "sent so far"),
    ):
        if counts[status]:
            yield Line(f"{counts[status]:,} {'letter' if counts[status] == 1 else 'letters'} {text}.", tone)
    if not counts:
        yield Line("No letters were written yet.")
