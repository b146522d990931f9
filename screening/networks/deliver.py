"""Deliver changes to a network so that each is applied once, whatever dies in between.

For each change: look what holds now, write the intent, mark it as sent, call, look again until it shows, record. A run
that finds changes marked as sent by one that was killed looks first and sends again only what does not show by then.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from screening.errors import UnavailableError
from screening.networks.adapter import Change, ChangeKind, Network, RefusedError, change_of
from screening.store import AuditEvent, Push, Records, Store

DONE, FAILED, OPEN, REFUSED, PLANNED, ALREADY = "done", "failed", "open", "refused", "planned", "already"
_BATCH_LETTERS = 24
_HELD = "It held already; nothing was sent."
_UNWANTED = "It is wanted no longer; nothing more was sent."
_NOT_SHOWN = "The network took it, and it does not show."

Settled = Callable[[Records, Push], None]
"""What else changes in the same transaction in which a change is recorded as done or failed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a change is sent, how long it may take to show, and the pause between two looks, in seconds."""

    attempts: int
    settle_seconds: float
    poll_seconds: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a change.

    `state`: `done`; `already` (it held before, nothing was sent); `failed` (the network said no, or took it and did not
    make it); `open` (nobody knows: the next run looks); `refused` (never sent); `planned` (dry run). `before` and
    `after` are what the network showed, None: not known.
    """

    change: Change
    state: str
    before: str | None
    after: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Order:
    """Changes of one kind for one network. `expects` gives by key what must hold there before; `caps` the cap_ids."""

    kind: ChangeKind
    changes: Sequence[Change]
    author: str
    expects: dict[str, str]
    caps: dict[str, int]


class Delivery:
    """Changes on their way to one network, with the journal in the store."""

    def __init__(self, store: Store, network: Network, patience: Patience, settled: Settled) -> None:
        self._store = store
        self._network = network
        self._patience = patience
        self._settled = settled

    def plan(self, order: Order) -> list[Delivered]:
        """Say what `deliver` would do; nothing is sent or written."""
        refused, fit = self._fit(order.changes)
        now_there = self._network.read(fit)
        return refused + [self._planned(change, now_there.get(change.key), order) for change in fit]

    def deliver(self, order: Order) -> list[Delivered]:
        """Finish what an earlier run left, then deliver the rest. Only one process may deliver to a network at a time.

        Raises UnavailableError when the network does not answer before anything is sent, SettingsError when it does not
        accept the key.
        """
        refused, fit = self._fit(order.changes)
        finished = self._finish_left(order.kind, {change.key for change in fit})
        fresh = self._fresh(fit, {delivered.change.key for delivered in finished})
        there = self._network.read(fresh) if fresh else {}
        planned = [self._planned(change, there.get(change.key), order) for change in fresh]
        begun = [self._intent(one, order) for one in planned if one.state == PLANNED]
        held = [_Ended(self._intent(one, order), DONE, one.after, _HELD) for one in planned if one.state == ALREADY]
        stopped = [one for one in planned if one.state == REFUSED]
        self._store.pushes.put(begun)
        return [*refused, *stopped, *finished, *self._record(held), *self._send_all(begun)]

    def _fit(self, changes: Sequence[Change]) -> tuple[list[Delivered], list[Change]]:
        objections = {change.key: self._network.objection(change) for change in changes}
        refused = [
            Delivered(change, REFUSED, None, None, objections[change.key] or "")
            for change in changes
            if objections[change.key] is not None
        ]
        return refused, [change for change in changes if objections[change.key] is None]

    def _fresh(self, fit: Sequence[Change], finished: set[str]) -> list[Change]:
        """Return what the journal does not know as done or under way; what failed before is tried again."""
        known = self._store.pushes.of_keys([change.key for change in fit])
        new = [change for change in fit if change.key not in known or known[change.key].state == FAILED]
        return [change for change in new if change.key not in finished]

    def _planned(self, change: Change, there: str | None, order: Order) -> Delivered:
        if not self._network.capabilities.read_back:
            return Delivered(change, PLANNED, None, None, "")
        if there is None:
            return Delivered(change, REFUSED, None, None, f"The network does not know {change.subject}.")
        if there == self._network.expected(change):
            return Delivered(change, ALREADY, there, there, _HELD)
        expected = order.expects.get(change.key)
        if expected is not None and there != expected:
            said = f"The network has {there}, not {expected} as when this was decided; judge it anew."
            return Delivered(change, REFUSED, there, there, said)
        return Delivered(change, PLANNED, there, None, "")

    def _intent(self, planned: Delivered, order: Order) -> Push:
        change = planned.change
        return Push(
            key=change.key,
            network=self._network.name,
            kind=str(change.kind),
            subject=change.subject,
            wanted=change.wanted,
            batch="",
            author=order.author,
            intended_at=datetime.now(UTC),
            cap_id=order.caps.get(change.key),
            before=planned.before,
        )

    def _finish_left(self, kind: ChangeKind, wanted: set[str]) -> list[Delivered]:
        """Settle what an earlier run began and did not record."""
        left = self._store.pushes.open(self._network.name, str(kind))
        shown = self._wait_for([entry for entry in left if entry.state == "sent"])
        there = [entry for entry in left if shown.get(entry.key) == self._expected(entry)]
        rest = [entry for entry in left if entry not in there]
        gone = [entry for entry in rest if entry.key not in wanted]
        ended = [_Ended(entry, DONE, shown[entry.key], "") for entry in there]
        ended += [_Ended(entry, FAILED, shown.get(entry.key), _UNWANTED) for entry in gone]
        return self._record(ended) + self._send_all([entry for entry in rest if entry.key in wanted])

    def _send_all(self, entries: Sequence[Push]) -> list[Delivered]:
        return [delivered for batch in self._batches(entries) for delivered in self._send(batch)]

    def _batches(self, entries: Sequence[Push]) -> Iterator[list[Push]]:
        """Yield as many entries as the network takes together, of one status each; a batch of before stays whole."""
        groups: dict[tuple[str, str], list[Push]] = {}
        for entry in entries:
            one_status = self._network.capabilities.read_back and entry.kind == ChangeKind.STATUS
            groups.setdefault((entry.batch, entry.wanted if one_status else ""), []).append(entry)
        for (batch, _), group in groups.items():
            size = self._network.capabilities.together[ChangeKind(group[0].kind)]
            for start in range(0, len(group), size):
                some = group[start : start + size]
                yield [replace(entry, batch=batch or _batch_of(some)) for entry in some]

    def _send(self, batch: list[Push]) -> list[Delivered]:
        """Send a batch as often as the settings allow, until all of it shows."""
        left, results, doubt = batch, list[Delivered](), ""
        for _ in range(self._patience.attempts):
            sent_at = datetime.now(UTC)
            left = [replace(one, state="sent", sent_at=sent_at, attempts=one.attempts + 1) for one in left]
            self._store.pushes.put(left)
            try:
                self._network.apply(left[0].batch, [_change(one) for one in left])
                doubt = ""
            except RefusedError as error:
                return results + self._refused(left, error)
            except UnavailableError as error:
                doubt = error.cause
            shown = self._shown(left, doubt)
            there = [one for one in left if shown.get(one.key) == self._expected(one)]
            after = shown if self._network.capabilities.read_back else {}
            results += self._record([_Ended(one, DONE, after.get(one.key), "") for one in there])
            left = [one for one in left if one not in there]
            if not left:
                return results
        return results + self._give_up(left, doubt)

    def _refused(self, left: list[Push], error: RefusedError) -> list[Delivered]:
        """Find out which changes of a refused batch the network refuses, by halves."""
        if len(left) == 1:
            return self._record([_Ended(left[0], FAILED, left[0].before, error.cause)])
        half = len(left) // 2
        return self._send(left[:half]) + self._send(left[half:])

    def _shown(self, sent: Sequence[Push], doubt: str) -> dict[str, str]:
        if self._network.capabilities.read_back:
            return self._wait_for(sent)
        return {} if doubt else {one.key: self._expected(one) for one in sent}

    def _give_up(self, left: Sequence[Push], doubt: str) -> list[Delivered]:
        if not doubt:
            return self._record([_Ended(one, FAILED, one.before, _NOT_SHOWN) for one in left])
        said = f"{doubt} The next run looks whether it arrived."
        self._store.pushes.put([replace(one, message=said) for one in left])
        return [Delivered(_change(one), OPEN, one.before, None, said) for one in left]

    def _wait_for(self, sent: Sequence[Push]) -> dict[str, str]:
        """Look until all that was sent shows, or until the time that the network may take from now on is over.

        From now on, since the process that sent it may have died this very moment. What cannot be looked at is absent.
        """
        if not sent or not self._network.capabilities.read_back:
            return {}
        shown: dict[str, str] = {}
        end = time.monotonic() + self._patience.settle_seconds
        while True:
            waiting = [one for one in sent if shown.get(one.key) != self._expected(one)]
            over = time.monotonic() >= end
            try:
                shown |= self._network.read([_change(one) for one in waiting])
            except UnavailableError:
                for one in waiting:
                    shown.pop(one.key, None)
            if over or all(shown.get(one.key) == self._expected(one) for one in waiting):
                return shown
            time.sleep(self._patience.poll_seconds)

    def _expected(self, entry: Push) -> str:
        return self._network.expected(_change(entry))

    def _record(self, ended: Sequence[_Ended]) -> list[Delivered]:
        """Write down how changes ended, those of one batch in one transaction."""
        if not ended:
            return []
        now = datetime.now(UTC)
        with self._store.together() as records:
            for one in ended:
                entry = replace(one.entry, state=one.state, after=one.after, message=one.message, settled_at=now)
                records.pushes.put([entry])
                self._settled(records, entry)
                records.audit.append(
                    AuditEvent(now, entry.author, "push", f"{entry.kind} {entry.subject}", _said(entry))
                )
        return [
            Delivered(
                _change(one.entry),
                ALREADY if one.message == _HELD else one.state,
                one.entry.before,
                one.after,
                one.message,
            )
            for one in ended
        ]


@dataclass(frozen=True, slots=True)
class _Ended:
    """A change that is over: `state` done or failed."""

    entry: Push
    state: str
    after: str | None
    message: str


def _change(entry: Push) -> Change:
    return change_of(entry.kind, entry.key, entry.subject, entry.wanted)


def _said(entry: Push) -> dict[str, str | int | None]:
    names = ("key", "network", "wanted", "before", "after", "state", "message", "attempts")
    return {name: getattr(entry, name) for name in names}


def _batch_of(entries: Sequence[Push]) -> str:
    keys = "\n".join(sorted(entry.key for entry in entries))
    return hashlib.sha256(keys.encode()).hexdigest()[:_BATCH_LETTERS]
