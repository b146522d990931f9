"""What the API reads and says. Money is text with at most four decimal places, times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Item = TypeVar("Item")

_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"
Id = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=_NO_CONTROLS)]
"""An id as networks give it: any text without control characters."""
Money = Annotated[str, Field(pattern=r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$", examples=["12.50"])]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,14}(\.[0-9]{1,4})?$")]
"""An amount to pay, as text: numbers of JSON are not exact."""
Sum = Annotated[str, Field(pattern=r"^[0-9]{1,34}(\.[0-9]{1,4})?$", examples=["1250.75"])]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Said(BaseModel):
    """Something the API says."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """Something the API is asked. Unknown fields are refused, so that a typing error does not pass for silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Problem(Said):
    """An error (RFC 9457): what happened, where, what to do, and whether the same call may succeed later."""

    type: str = Field(examples=["urn:winnow:error:InputError"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The request cannot be used: Field required."])
    remedy: str = Field(examples=["Correct it."])
    where: str | None = Field(examples=["body.conversions.0.amount"])
    retry: bool = Field(examples=[False])


class Page(Said, Generic[Item]):
    """Some rows of a list. `next`: the `after` of the page that follows, null on the last."""

    items: list[Item]
    next: str | None = Field(examples=["WyJtIiwiMTIuNTAiLDddAA"])


class PayoutLine(Asked):
    """A conversion that is to be paid."""

    conversion_id: Id = Field(examples=["cv-20260301-000017"])
    amount: Amount = Field(examples=["12.50"])
    currency: Currency | None = Field(default=None, examples=["EUR"])
    affiliate_id: Id | None = Field(default=None, examples=["a-102"])


class PayoutDecision(Said):
    """What may be done about one conversion. `reasons`: codes; docs/reasons.md says what each means."""

    conversion_id: str
    decision: Literal["pay", "hold", "reject"]
    reasons: list[str] = Field(examples=[["not_judged"]])
    amount: Money
    currency: str | None


class PayoutTotal(Said):
    """The lines of one decision in one currency."""

    decision: Literal["pay", "hold", "reject"]
    currency: str | None
    lines: int
    amount: Sum


class PayoutAnswer(Said):
    """The decisions, in the order of the request, and their sums."""

    run_id: str
    batch_id: str
    decided_at: datetime
    decisions: list[PayoutDecision]
    totals: list[PayoutTotal]


class ApplicationAsked(Asked):
    """An application. docs/screening.md says what is made of each field."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "Ann Example",
                    "email": "ann@travel-notes.example",
                    "websites": ["https://travel-notes.example/"],
                    "country": "DE",
                    "promo_methods": ["content"],
                }
            ]
        },
    )

    application_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@+-]{1,128}$")] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    email: Annotated[str, StringConstraints(min_length=3, max_length=320)]
    websites: Annotated[list[Annotated[str, StringConstraints(max_length=2000)]], Field(min_length=1, max_length=50)]
    company: str | None = Field(default=None, max_length=500)
    country: str | None = Field(default=None, max_length=60)
    phone: str | None = Field(default=None, max_length=60)
    social_profiles: list[Annotated[str, StringConstraints(max_length=2000)]] = Field(default=[], max_length=50)
    promo_methods: list[Annotated[str, StringConstraints(max_length=100)]] = Field(default=[], max_length=50)
    claimed_monthly_visits: int | None = Field(default=None, ge=0, le=10**12)
    payout_account: str | None = Field(default=None, max_length=100)
    backlinks: list[Annotated[str, StringConstraints(max_length=2000)]] = Field(default=[], max_length=200)


class ApplicationReceived(Said):
    """An application that was taken in, to be screened with the next night."""

    application_id: str
    status: Literal["received"]
    unreadable: list[str] = Field(description="Optional fields that could not be read and count as not given.")


class ApplicationJudged(Said):
    """An application and what its newest screening said; null while it waits for its first."""

    application_id: str
    status: Literal["received", "screened"]
    decision: Literal["approve", "review", "reject"] | None
    score: float | None = Field(description="0 to 1, higher is worse.")
    reasons: list[str]
    missing: list[str]
    run_id: str | None
    judged_at: datetime | None


class SourceJudged(Said):
    """A traffic source as a scan judged it. `bad_share`: of its payout, with its interval; null: not known."""

    affiliate_id: str
    offer_id: str
    sub_id: str | None
    first: date
    last: date
    clicks: int | None
    conversions: int
    payout: Money
    score: float | None = Field(description="0 to 1, higher is worse.")
    flagged: bool
    bad_share: float | None
    bad_share_low: float | None
    bad_share_high: float | None
    reasons: list[str]
    missing: list[str]
    run_id: str
    judged_at: datetime


class CapAdvice(Said):
    """A recommendation for a cap. `current` null: there is none; `recommended` null: none is needed."""

    cap_id: int
    affiliate_id: str | None
    offer_id: str
    cap_type: str
    current: Money | None
    recommended: Money | None
    action: Literal["raise", "keep", "lower", "pause"]
    expected_saving: Money | None
    saving_low: Money | None
    saving_high: Money | None
    reasons: list[str]
    status: Literal["proposed", "approved", "rejected", "pushed", "failed"]
    expires_at: datetime
    run_id: str


class CapDecision(Asked):
    """Approves or rejects a recommendation. `limit`: another limit than the recommended one."""

    decision: Literal["approve", "reject"]
    limit: Amount | None = Field(default=None, examples=["250"])
    note: str = Field(default="", max_length=2000)


class CaseSaid(Said):
    """A case: something that waits for a person, or that one decided."""

    case_id: int
    kind: str
    subject: str
    affiliate_id: str | None
    offer_id: str | None
    status: Literal["open", "snoozed", "closed"]
    decision: str | None
    assignee: str | None
    amount: Money | None
    currency: str | None
    reasons: list[str]
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    run_id: str | None
    version: int


class CaseEventSaid(Said):
    """One thing done about a case."""

    at: datetime
    author: str
    action: str
    note: str


class CaseWithHistory(CaseSaid):
    """A case and what was done about it, the oldest first."""

    history: list[CaseEventSaid]


class RunSaid(Said):
    """A run."""

    run_id: str
    command: str
    status: Literal["complete", "failed"]
    started_at: datetime
    finished_at: datetime
    counts: dict[str, Any]


class RunWithSettings(RunSaid):
    """A run with what it ran on."""

    period_from: date | None
    period_to: date | None
    lake_version: int | None
    versions: dict[str, str]
    settings: dict[str, Any]
    seed: int


class Figure(Said):
    """A figure at this moment. `labels` say of what."""

    name: str = Field(examples=["winnow_queue_cases"])
    labels: dict[str, str] = Field(examples=[{"kind": "source"}])
    value: float = Field(examples=[17])


def money(amount: Decimal | None) -> str | None:
    """Return an amount as text, without an exponent."""
    return None if amount is None else f"{amount:f}"
