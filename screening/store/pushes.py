"""The journal of changes pushed to networks: written before each call, so that a killed push is finished, not repeated.

A change is `intended`, then `sent` (a call has begun and may have had its effect), then `done` or `failed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from screening.store.database import Access
from screening.store.tables_networks import pull_cursors, pushes

OPEN = ("intended", "sent")
_PUSH = pushes.c
_CURSOR = pull_cursors.c
_KEYS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Push:
    """One change on its way to a network.

    `key` is the change's own for ever. `before` and `after` are what the network showed, None: not known. `cap_id` is
    the recommendation that a cap comes from, None: no recommendation.
    """

    key: str
    network: str
    kind: str
    subject: str
    wanted: str
    batch: str
    author: str
    intended_at: datetime
    cap_id: int | None = None
    before: str | None = None
    after: str | None = None
    state: str = "intended"
    attempts: int = 0
    message: str = ""
    sent_at: datetime | None = None
    settled_at: datetime | None = None


class Pushes:
    """The journal of a store, and the cursors of pulls."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def open(self, network: str, kind: str) -> list[Push]:
        """Return the changes of a kind that are neither done nor failed, the oldest first."""
        chosen = (_PUSH.network == network, _PUSH.kind == kind, _PUSH.state.in_(OPEN))
        return self._read(select(pushes).where(*chosen).order_by(_PUSH.push_id))

    def of_keys(self, keys: Sequence[str]) -> dict[str, Push]:
        """Return the journal's entries of these keys."""
        found: list[Push] = []
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            found += self._read(select(pushes).where(_PUSH.key.in_(keys[start : start + _KEYS_PER_QUERY])))
        return {push.key: push for push in found}

    def of_subjects(self, network: str, kind: str, subjects: Sequence[str]) -> dict[str, list[Push]]:
        """Return by subject what was pushed to a network about each of them, the oldest first; none: absent."""
        found: dict[str, list[Push]] = {}
        same = (_PUSH.network == network, _PUSH.kind == kind)
        for start in range(0, len(subjects), _KEYS_PER_QUERY):
            some = (*same, _PUSH.subject.in_(subjects[start : start + _KEYS_PER_QUERY]))
            for push in self._read(select(pushes).where(*some).order_by(_PUSH.push_id)):
                found.setdefault(push.subject, []).append(push)
        return found

    def of_subject(self, kind: str, subject: str) -> list[Push]:
        """Return everything that was pushed about a subject, the oldest first."""
        return self._read(select(pushes).where(_PUSH.kind == kind, _PUSH.subject == subject).order_by(_PUSH.push_id))

    def put(self, entries: Sequence[Push]) -> None:
        """Store entries, all or none: new ones by their key, and the newest state of those that are there."""
        with self._access.writing() as connection:
            for entry in entries:
                values = asdict(entry)
                changed = update(pushes).where(_PUSH.key == entry.key).values(values)
                if connection.execute(changed).rowcount == 0:
                    connection.execute(insert(pushes).values(values))

    def cursor(self, network: str, kind: str) -> datetime | None:
        """Return until when events of a kind were pulled, None: never."""
        query = select(_CURSOR.until).where(_CURSOR.network == network, _CURSOR.kind == kind)
        with self._access.reading() as connection:
            return connection.scalar(query)

    def pulled_at(self, network: str, kind: str) -> datetime | None:
        """Return when events of a kind were pulled last, None: never."""
        query = select(_CURSOR.pulled_at).where(_CURSOR.network == network, _CURSOR.kind == kind)
        with self._access.reading() as connection:
            return connection.scalar(query)

    def move_cursor(self, network: str, kind: str, until: datetime, now: datetime) -> None:
        """Record until when events of a kind were pulled."""
        of_kind = (_CURSOR.network == network, _CURSOR.kind == kind)
        values = {"until": until, "pulled_at": now}
        with self._access.writing() as connection:
            if connection.execute(update(pull_cursors).where(*of_kind).values(values)).rowcount == 0:
                connection.execute(insert(pull_cursors).values(network=network, kind=kind, **values))

    def _read(self, query: Any) -> list[Push]:  # noqa: ANN401 - a select of SQLAlchemy, generic in its columns
        with self._access.reading() as connection:
            return [_push(row) for row in connection.execute(query)]


def _push(row: Row[Any]) -> Push:
    values = row._asdict()
    del values["push_id"]
    return Push(**values)
