"""The vocabulary in which judges speak: reason codes with their class and severity, and reasons with their numbers.

GIVT (general invalid traffic: found by lists and standard parameter checks) and SIVT (sophisticated invalid traffic:
found by analytics and corroboration) are the classes of the MRC Invalid Traffic Guidelines, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How much a reason weighs, mildest first, so that `max` gives the worst."""

    INFO = 0
    """Context for the reader; never holds money."""
    WEAK = 1
    """Supports others; never holds money alone."""
    STRONG = 2
    """Enough to hold money until a person looks."""
    CERTAIN = 3
    """A fact, not a judgement: enough to reject."""


class Invalid(StrEnum):
    """Class of invalid traffic that a reason belongs to."""

    GIVT = "GIVT"
    SIVT = "SIVT"
    NONE = "none"
    """Says nothing about the traffic: missing data, money or procedure."""


class PartnerCategory(StrEnum):
    """What a partner may be told. Deliberately coarse: it must not be a map around the detectors."""

    TRAFFIC_QUALITY = "traffic quality"
    AUTOMATED_TRAFFIC = "automated traffic"
    DUPLICATE = "duplicate conversion"
    ATTRIBUTION = "attribution rules"
    PROGRAMME_TERMS = "programme terms"
    UNDER_REVIEW = "under review"
    DATA = "tracking data incomplete"
    IDENTITY = "identity and account"
    WEBSITE = "website"


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """What a code means, for people and for docs/reasons.md.

    `explanation` is for staff, a sentence with `{named}` numbers that a `Reason` fills in; it may name the method.
    """

    code: str
    severity: Severity
    invalid: Invalid
    partner: PartnerCategory
    title: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with the numbers of this case, ready to be shown and stored.

    `numbers` fill the code's explanation; `weight` in 0..1 orders the reasons of one case, the most telling first.
    """

    code: str
    numbers: dict[str, str | int | float] = field(default_factory=dict)
    weight: float = 0.0


def rounded(number: float) -> float:
    """Keep six digits of a number that a reason tells: the last ones depend on the order in which threads add."""
    return float(f"{number:.6g}")
