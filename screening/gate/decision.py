"""The three answers to "may this conversion be paid?", in order of severity, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.evidence import Reason


@dataclass(frozen=True, slots=True)
class _Decision:
    reasons: tuple[Reason, ...]
    """Why, the most telling first."""


@dataclass(frozen=True, slots=True)
class Pay(_Decision):
    """Pay it. Only given after judgement; nothing defaults to it."""


@dataclass(frozen=True, slots=True)
class Hold(_Decision):
    """Do not pay yet: a person, or later evidence, decides. The answer to every doubt and every gap."""

    def __post_init__(self) -> None:
        _demand_reason(self)


@dataclass(frozen=True, slots=True)
class Reject(_Decision):
    """Do not pay: the reason is a fact."""

    def __post_init__(self) -> None:
        _demand_reason(self)


Decision = Pay | Hold | Reject

_SEVERITY: dict[type[_Decision], int] = {Pay: 0, Hold: 1, Reject: 2}
_NAMES: dict[type[_Decision], str] = {Pay: "pay", Hold: "hold", Reject: "reject"}
WORDS = tuple(_NAMES.values())
"""The words for decisions in files and tables, in order of severity."""


def severity(decision: Decision) -> int:
    """Return how severe a decision is: 0 pay, 1 hold, 2 reject."""
    return _SEVERITY[type(decision)]


def name(decision: Decision) -> str:
    """Return the word for a decision in files and tables: `pay`, `hold` or `reject`."""
    return _NAMES[type(decision)]


def worst(decisions: Iterable[Decision]) -> Decision:
    """Join decisions about one conversion: the severest wins and keeps every reason.

    No decision at all is a Hold, never a Pay. Adding a decision never makes the outcome milder.
    """
    given = sorted(decisions, key=severity, reverse=True)
    if not given:
        return Hold((Reason("not_judged"),))
    reasons = tuple(dict.fromkeys(_Hashable(reason) for decision in given for reason in decision.reasons))
    return type(given[0])(tuple(item.reason for item in reasons))


@dataclass(frozen=True, slots=True, eq=False)
class _Hashable:
    reason: Reason

    def _key(self) -> tuple[str, tuple[tuple[str, str | int | float], ...]]:
        return self.reason.code, tuple(sorted(self.reason.numbers.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _demand_reason(decision: Hold | Reject) -> None:
    if not decision.reasons:
        raise ValueError("a conversion is never held or rejected without a reason")
