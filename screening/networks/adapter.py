"""What winnow asks of an affiliate network: take a change, show what holds now, give events; and what it can refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from screening.errors import WinnowError

NO_LIMIT = "none"
"""The value of a cap that is not set."""


class ChangeKind(StrEnum):
    """What a change is about."""

    CAP = "cap"
    STATUS = "status"


class Status(StrEnum):
    """The status of a conversion that winnow wants a network to keep."""

    APPROVED = "approved"
    REJECTED = "rejected"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class CapChange:
    """Set one limit. affiliate_id None: of the whole offer. `key` is the change's own for ever (idempotency key)."""

    key: str
    offer_id: str
    affiliate_id: str | None
    cap_type: str
    limit: Decimal

    @property
    def kind(self) -> ChangeKind:
        """That it is about a cap."""
        return ChangeKind.CAP

    @property
    def subject(self) -> str:
        """What is limited, as one text."""
        return json.dumps([self.offer_id, self.affiliate_id, self.cap_type], ensure_ascii=False)

    @property
    def wanted(self) -> str:
        """The limit, without trailing zeros."""
        return amount_text(self.limit)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Set the status of one conversion. `key` as in CapChange."""

    key: str
    conversion_id: str
    status: Status

    @property
    def kind(self) -> ChangeKind:
        """That it is about a status."""
        return ChangeKind.STATUS

    @property
    def subject(self) -> str:
        """The conversion_id."""
        return self.conversion_id

    @property
    def wanted(self) -> str:
        """The status."""
        return str(self.status)


Change = CapChange | StatusChange


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a network can do.

    `statuses` it can be told, `read_back`: it shows what holds now, `together`: how many changes of a kind one call
    takes.
    """

    caps: bool
    statuses: frozenset[Status]
    read_back: bool
    together: Mapping[ChangeKind, int]


class RefusedError(WinnowError):
    """The network refused a change: it is certain that nothing of the call was applied."""


class Network(Protocol):
    """An affiliate network, or a stand-in for one.

    Calls raise UnavailableError when it is unknown whether they had their effect.
    """

    @property
    def name(self) -> str:
        """The name under which settings and the journal know it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def objection(self, change: Change) -> str | None:
        """Say why this network can never take the change, None when it can."""
        ...

    def expected(self, change: Change) -> str:
        """Return what `read` says once the change holds, such as an amount cut to whole units."""
        ...

    def read(self, changes: Sequence[Change]) -> dict[str, str]:
        """Return by key what holds now for the subjects; those that the network does not know are absent."""
        ...

    def apply(self, batch: str, changes: Sequence[Change]) -> None:
        """Apply changes of one kind and, for statuses, of one status. The same batch again has no further effect.

        Raises RefusedError when the network said no.
        """
        ...


def change_of(kind: str, key: str, subject: str, wanted: str) -> Change:
    """Return the change that a journal kept."""
    if kind == ChangeKind.STATUS:
        return StatusChange(key, subject, Status(wanted))
    offer_id, affiliate_id, cap_type = json.loads(subject)
    return CapChange(key, offer_id, affiliate_id, cap_type, Decimal(wanted))


def amount_text(amount: Decimal) -> str:
    """Return an amount as digits, without exponent and trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
