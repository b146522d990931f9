"""The stage of a night that tells partners and applicants: letters into the outbox, and on where settings say so.

What happened has its key in the outbox, and that a try begins is written down before it: a night that is killed and run
again writes and sends no letter twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from screening.jobs.letters import NIGHTLY, partner_links, write_letters
from screening.jobs.night_stages import Night, Outcome
from screening.jobs.outbox import Posted, send_letters
from screening.jobs.progress import Progress
from screening.notices.mail import Ending
from screening.store import open_store

_NONE, _SEND = "none", "send"


def tell_partners(night: Night, progress: Progress) -> Outcome:
    """Write the letters that are due, and send them where `nightly.letters` says so.

    Letters that have waited longer than `nightly.letters_age_days_max` are not sent by themselves: their dates no
    longer hold, and a partner is surprised.
    """
    settings = night.workspace.settings.nightly
    if settings.letters == _NONE:
        return Outcome("no letters: nightly.letters is none")
    done = write_letters(night.workspace, NIGHTLY, night.now, progress, links=partner_links(night.workspace, night.now))
    counts = {f"written_{occasion}": count for occasion, count in done.written.items()}
    said = [f"{sum(done.written.values())} letters written"]
    lacking = False
    if done.unreachable:
        said.append(f"no usable address of {len(done.unreachable)} partners or applicants")
    if settings.letters == _SEND:
        since = night.now - timedelta(days=settings.letters_age_days_max)
        posted = send_letters(night.workspace, night.now, os.environ, progress, since=since)
        counts |= posted.ended
        said += _sent(posted)
        if old := _queued(night, since):
            said.append(f"{old} waited too long to go by themselves: look at them, then `winnow letters send`")
        lacking = bool(done.unreachable or posted.stopped or posted.needs_a_person or old)
    elif waiting := _queued(night):
        said.append(f"{waiting} wait for `winnow letters send`")
    return Outcome("; ".join(said), counts, incomplete=lacking)


def _sent(posted: Posted) -> Iterator[str]:
    where = "written to reports/letters/" if posted.folder is not None else "mailed"
    yield f"{posted.ended.get(Ending.SENT, 0)} {where}"
    if posted.stopped is not None:
        yield f"the rest waits in the outbox: {posted.stopped}"
    if posted.needs_a_person:
        yield f"{posted.needs_a_person} need a person: `winnow letters list`"


def _queued(night: Night, before: datetime | None = None) -> int:
    with open_store(night.workspace.store_url) as store:
        return store.outbox.queued(before)


def plan_tell_partners(night: Night) -> str:
    """Say what would become of letters."""
    settings = night.workspace.settings
    if settings.nightly.letters == _NONE:
        return "no letters: nightly.letters is none"
    if settings.nightly.letters != _SEND:
        return "write the letters that are due into the outbox"
    how = "mail" if settings.notices.transport == "smtp" else "put into reports/letters/"
    return f"write the letters that are due, and {how} those of the last {settings.nightly.letters_age_days_max} days"
