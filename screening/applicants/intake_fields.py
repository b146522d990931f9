"""One application: what its fields mean, and what is wrong with them.

A field without which nothing can be judged (id, name, e-mail, web sites) makes the whole application unusable; any
other field that cannot be read is unknown (None) and its problem is kept with the application.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from screening.applicants.identity import (
    MailAddress,
    Telephone,
    account_key,
    country_code,
    mail_address,
    telephone,
    web_address,
)
from screening.applicants.policy import method_name
from screening.settings.screening import IntakeSettings

REQUIRED = ("application_id", "name", "email", "websites")
OPTIONAL = (
    "company",
    "country",
    "phone",
    "social_profiles",
    "promo_methods",
    "claimed_monthly_visits",
    "payout_account",
    "backlinks",
    "applied_at",
)
TEXT_LENGTH_MAX = 500
"""Characters of a name, company, account or id; longer is not a name but an attack or a shifted column."""
SHOWN_LENGTH = 80
"""Characters of a bad value that are repeated in its report."""
CLOCK_SKEW = timedelta(days=1)
"""How far in the future `applied_at` may lie: clocks differ, applications from next week do not exist."""

_ID = re.compile(r"[\w.@:+-]+(?: [\w.@:+-]+)*")
_COUNT = re.compile(r"(\d+(?:[.,' \u00a0\u202f]\d{3})*|\d+(?:[.,]\d+)?)\s*([kKmM]?)")
_MULTIPLES = {"": 1, "k": 1_000, "m": 1_000_000}
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A field that could not be used: its name, the value (shortened), what is wrong and what would be right."""

    field: str
    value: str
    problem: str
    remedy: str


class UnusableApplication(ValueError):  # noqa: N818 - it names a thing, not a fault of winnow
    """The application lacks something without which it cannot be judged; `problem` says what."""

    def __init__(self, problem: FieldProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Application:
    """An application in canonical form. None and empty mean "not given or not readable"; `problems` tells which.

    `websites`, `social_profiles` and `backlinks` are canonical addresses; `country` is ISO 3166-1 alpha-2;
    `claimed_monthly_visits` counts visits a month; `applied_at` is UTC.
    """

    application_id: str
    name: str
    email: MailAddress
    websites: tuple[str, ...]
    company: str | None = None
    country: str | None = None
    phone: Telephone | None = None
    social_profiles: tuple[str, ...] = ()
    promo_methods: tuple[str, ...] = ()
    claimed_monthly_visits: int | None = None
    payout_account: str | None = None
    backlinks: tuple[str, ...] = ()
    applied_at: datetime | None = None
    problems: tuple[FieldProblem, ...] = ()


def application(fields: Mapping[str, object], limits: IntakeSettings, now: datetime) -> Application:
    """Read one application from its fields: text as in CSV, or lists, numbers and null as in JSON.

    Raises UnusableApplication when id, name, e-mail or every web site is missing or unreadable.
    """
    reader = _Reader(fields, limits)
    identity = reader.required_text("application_id")
    if not _ID.fullmatch(identity):
        raise UnusableApplication(
            FieldProblem(
                "application_id",
                _shown(identity),
                "has characters that no id has",
                "Use letters, digits and . _ - : @ +",
            )
        )
    name = reader.required_text("name")
    email = reader.required("email", mail_address, "Give an address that can receive mail.")
    websites = reader.websites()
    country = reader.optional("country", country_code, "Give two letters such as DE.")
    found = Application(
        application_id=identity,
        name=name,
        email=email,
        websites=websites,
        company=reader.text("company"),
        country=country,
        phone=reader.optional("phone", lambda text: telephone(text, country), "Give it as +44 20 7946 0000."),
        social_profiles=reader.addresses("social_profiles"),
        promo_methods=tuple(dict.fromkeys(filter(None, map(method_name, reader.words("promo_methods"))))),
        claimed_monthly_visits=reader.optional("claimed_monthly_visits", _count(limits), "Give a whole number."),
        payout_account=reader.optional("payout_account", _account, "Give the account as the bank writes it."),
        backlinks=reader.addresses("backlinks"),
        applied_at=reader.optional("applied_at", _instant(now), "Give it as 2026-11-22T09:30:00Z."),
    )
    return _with_problems(found, reader.problems)


def _with_problems(found: Application, problems: list[FieldProblem]) -> Application:
    values = {name: getattr(found, name) for name in Application.__slots__}
    return Application(**{**values, "problems": tuple(problems)})


class _Reader:
    """Takes fields one by one and collects what is wrong with the optional ones."""

    def __init__(self, fields: Mapping[str, object], limits: IntakeSettings) -> None:
        self._fields = fields
        self._limits = limits
        self.problems: list[FieldProblem] = []

    def text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is None or isinstance(value, bool | list | dict):
            if value is not None:
                self._note(name, value, "is not text", "Give text.")
            return None
        text = " ".join(str(value).split())
        if len(text) > TEXT_LENGTH_MAX:
            self._note(name, text, f"is longer than {TEXT_LENGTH_MAX} characters", "Shorten it.")
            return None
        return text or None

    def required_text(self, name: str) -> str:
        text = self.text(name)
        if text is None or not re.search(r"\w", text):
            raise UnusableApplication(
                self.problems[-1]
                if self.problems and text is None
                else FieldProblem(name, _shown(text), "is missing", "Fill it in.")
            )
        return text

    def required(self, name: str, read: Callable[[str], _Read], remedy: str) -> _Read:
        text = self.required_text(name)
        try:
            return read(text)
        except ValueError as error:
            raise UnusableApplication(FieldProblem(name, _shown(text), _sentence(error), remedy)) from error

    def optional(self, name: str, read: Callable[[str], _Read], remedy: str) -> _Read | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            self._note(name, text, _sentence(error), remedy)
            return None

    def words(self, name: str) -> tuple[str, ...]:
        return self._listed(name, ";")

    def addresses(self, name: str) -> tuple[str, ...]:
        found = []
        for text in self._listed(name, None):
            try:
                found.append(web_address(text))
            except ValueError as error:
                self._note(name, text, _sentence(error), "Give full addresses, separated by spaces.")
        return tuple(dict.fromkeys(found))

    def websites(self) -> tuple[str, ...]:
        found = self.addresses("websites")
        if not found:
            problem = self.problems[-1] if self.problems and self.problems[-1].field == "websites" else None
            raise UnusableApplication(
                problem or FieldProblem("websites", "", "is missing", "Give at least one address, separated by spaces.")
            )
        limit = self._limits.websites_max
        if len(found) > limit:
            self._note(
                "websites", str(len(found)), f"names more than {limit} sites", f"The first {limit} were screened."
            )
        return found[:limit]

    def _listed(self, name: str, separator: str | None) -> tuple[str, ...]:
        value = self._fields.get(name)
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(str(item).strip() for item in value if str(item).strip())
        return tuple(part.strip() for part in str(value).split(separator) if part.strip())

    def _note(self, name: str, value: object, problem: str, remedy: str) -> None:
        self.problems.append(FieldProblem(name, _shown(value), problem, remedy))


def _count(limits: IntakeSettings) -> Callable[[str], int]:
    def read(text: str) -> int:
        match = _COUNT.fullmatch(text.strip())
        if match is None:
            raise ValueError("is not a number")
        digits, multiple = match.group(1), match.group(2).lower()
        grouped = re.fullmatch(r"\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+", digits)
        number = float(re.sub(r"\D", "", digits)) if grouped else float(digits.replace(",", "."))
        visits = int(number * _MULTIPLES[multiple])
        if visits > limits.visits_max:
            raise ValueError(f"is more than {limits.visits_max:,} visits a month, which no site has")
        return visits

    return read


def _account(text: str) -> str:
    key = account_key(text)
    if key is None:
        raise ValueError("has no letter or digit")
    return key


def _instant(now: datetime) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError("is not a time in ISO 8601") from error
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        if instant > now + CLOCK_SKEW:
            raise ValueError("lies in the future")
        return instant

    return read


def _sentence(error: ValueError) -> str:
    return str(error).rstrip(".")


def _shown(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"
