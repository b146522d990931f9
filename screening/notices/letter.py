"""What a letter to a partner may be made of, and nothing else.

These types are the wall between what winnow knows and what a partner reads. They have no field for an explanation, a
score, a threshold, a reason code or another partner. Free text is only what the partner gave (their name, their sub
ids), the offer's id, and what was written for partners: advice, and the answer to an appeal. Whoever wants to say more
must change them here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from features.schema import CAP_TYPES
from models.evidence import PartnerCategory


class LetterKind(StrEnum):
    """The kinds of letters; the value names their templates."""

    CAP = "cap"
    HOLD = "hold"
    APPEAL = "appeal"
    APPLICATION = "application"
    SCORECARD = "scorecard"


class CapAction(StrEnum):
    """What happens to a cap."""

    RAISE = "raise"
    LOWER = "lower"
    PAUSE = "pause"


class AppealOutcome(StrEnum):
    """How an appeal ended."""

    UPHELD = "upheld"
    """The hold stays."""
    OVERTURNED = "overturned"
    """The money is released."""


class ApplicationOutcome(StrEnum):
    """How an application ended, or what it needs to go on."""

    APPROVE = "approve"
    REJECT = "reject"
    FIX = "fix"
    """Not accepted as it is; the applicant can put something right and apply again."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the letter: an address that was checked, and the name to greet with (None: greet without one)."""

    address: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name letters are written. Times are given in `zone`; answers go to `reply_to`."""

    programme: str
    reply_to: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Amount:
    """Exact money. Currency None: the feed names none."""

    value: Decimal
    currency: str | None

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal) or not self.value.is_finite():
            raise TypeError(f"an amount is a finite Decimal, not {self.value!r}")


@dataclass(frozen=True, slots=True)
class CapChange:
    """The limit of one offer changes for this partner. A limit of None: there was, or is, none.

    Limits of payout and revenue are in the offer's currency. `until`: when the change ends by itself. `shared`: it is
    the limit of all partners of the offer together.
    """

    offer_id: str
    cap_type: str
    action: CapAction
    before: Decimal | None
    after: Decimal | None
    until: datetime | None
    shared: bool = False

    def __post_init__(self) -> None:
        _instance(self.action, CapAction)
        if self.cap_type not in CAP_TYPES:
            raise ValueError(f"{self.cap_type!r} is no type of cap")


@dataclass(frozen=True, slots=True)
class HeldSource:
    """Conversions of one of the partner's sources that are held: how many, from when to when, how much, and why."""

    offer_id: str
    sub_id: str | None
    conversions: int
    money: tuple[Amount, ...]
    first: date
    last: date
    categories: tuple[PartnerCategory, ...]

    def __post_init__(self) -> None:
        _categories(self.categories)


@dataclass(frozen=True, slots=True)
class PayoutHold:
    """Payout is held. `sources` has the largest first; the rest, `unlisted` of them, is in the totals only."""

    sources: tuple[HeldSource, ...]
    unlisted: int
    conversions: int
    money: tuple[Amount, ...]
    deadline: datetime
    """Until when it can be contested."""


@dataclass(frozen=True, slots=True)
class AppealAnswer:
    """An appeal was answered. `number` is what the partner was given for it; `released` None: no money moved.

    `answer` is what the person who decided wrote to the partner.
    """

    number: int
    opened_at: datetime
    outcome: AppealOutcome
    answer: str
    released: Amount | None
    categories: tuple[PartnerCategory, ...]

    def __post_init__(self) -> None:
        _instance(self.outcome, AppealOutcome)
        _categories(self.categories)


@dataclass(frozen=True, slots=True)
class ApplicationAnswer:
    """An application was decided. `advice` are sentences written for applicants: what to mend, not how it was found."""

    application_id: str
    outcome: ApplicationOutcome
    categories: tuple[PartnerCategory, ...]
    advice: tuple[str, ...]

    def __post_init__(self) -> None:
        _instance(self.outcome, ApplicationOutcome)
        _categories(self.categories)


@dataclass(frozen=True, slots=True)
class MoneyCard:
    """A partner's month in one currency. `rank` among `ranked` partners; None where a figure is not known."""

    currency: str | None
    clicks: int
    conversions: int
    approved: Decimal
    held: Decimal
    rejected: Decimal
    returned: Decimal
    rate: float | None
    earnings_per_click: Decimal | None
    quality: float | None
    rank: int | None
    ranked: int
    approved_before: Decimal | None
    """Approved payout of the period before; None: nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A partner's figures of a period, the currency with the most payout first."""

    first: date
    last: date
    cards: tuple[MoneyCard, ...]


Notice = CapChange | PayoutHold | AppealAnswer | ApplicationAnswer | Scorecard

KIND_OF: dict[type, LetterKind] = {
    CapChange: LetterKind.CAP,
    PayoutHold: LetterKind.HOLD,
    AppealAnswer: LetterKind.APPEAL,
    ApplicationAnswer: LetterKind.APPLICATION,
    Scorecard: LetterKind.SCORECARD,
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter ready to be sent: the same content as plain text and as HTML."""

    kind: LetterKind
    subject: str
    text: str
    html: str


def _categories(given: Iterable[PartnerCategory]) -> None:
    for category in given:
        _instance(category, PartnerCategory)


def _instance(value: object, kind: type) -> None:
    # enums of text: a plain text that happens to read the same, or an internal one, is not let through
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not a {kind.__name__}")
