"""Reasons as people read them: title, the explanation with its numbers, evidence, and what the partner may be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.evidence import Severity
from models.reasons import CODES
from screening.applicants.reasons import Tier
from screening.applicants.reasons import reasons as screening_reasons

_WEIGHTS = {Severity.INFO: "info", Severity.WEAK: "weak", Severity.STRONG: "strong", Severity.CERTAIN: "certain"}
CREDIT = "credit"
_SPOKEN = (("a ip ", "an address "), ("whose ip ", "whose address "), ("user_agent", "user agent"))


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A piece of evidence: a snippet of text and where it was found. Both are a stranger's words."""

    url: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One instance of a reason: the explanation with its numbers, and its exhibits."""

    explanation: str
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownReason:
    """A reason to show. `weight` is info, weak, strong, certain or credit; `invalid` is GIVT, SIVT or empty.

    `points` are those of the scorecard, None for traffic; `partner` is what may be told, empty when nothing may.
    """

    code: str
    title: str
    weight: str
    invalid: str
    points: float | None
    partner: str
    findings: tuple[Finding, ...]


def title_of(code: str) -> str:
    """Return what a code means in a few words; an unknown code stands for itself."""
    if code in CODES:
        return CODES[code].title
    known = screening_reasons().get(code)
    return known.title if known else code.replace("_", " ")


def of_traffic(codes: Sequence[str], details: Iterable[Mapping[str, Any]]) -> tuple[ShownReason, ...]:
    """Return the reasons of a conversion or a source, those with numbers first as they were ranked."""
    numbers = {item["code"]: item["numbers"] for item in details}
    return tuple(_traffic(code, numbers.get(code)) for code in dict.fromkeys([*numbers, *codes]))


def of_screening(reasons: Iterable[Mapping[str, Any]]) -> tuple[ShownReason, ...]:
    """Return the reasons of a dossier (decision.json), the heaviest first."""
    shown = [_screening(item) for item in reasons]
    return tuple(sorted(shown, key=lambda reason: -abs(reason.points or 0.0)))


def _traffic(code: str, numbers: Mapping[str, Any] | None) -> ShownReason:
    known = CODES.get(code)
    if known is None:
        return ShownReason(code, title_of(code), "info", "", None, "", ())
    invalid = "" if known.invalid.value == "none" else known.invalid.value
    findings = () if numbers is None else (Finding(_filled(known.explanation, numbers)),)
    return ShownReason(code, known.title, _WEIGHTS[known.severity], invalid, None, known.partner.value, findings)


def _filled(explanation: str, numbers: Mapping[str, Any]) -> str:
    spoken = {name: _spoken(value) if isinstance(value, str) else value for name, value in numbers.items()}
    try:
        return explanation.format_map(spoken)
    except (KeyError, ValueError, TypeError, IndexError):
        # a run of an older winnow may have kept other numbers: better these than nothing
        return ", ".join(f"{name} {value}" for name, value in numbers.items())


def _spoken(text: str) -> str:
    """Return a stored phrase with fields of events named as people say them."""
    for field, said in _SPOKEN:
        text = text.replace(field, said)
    return text


def _screening(item: Mapping[str, Any]) -> ShownReason:
    known = screening_reasons().get(item["code"])
    weight = CREDIT if item.get("tier") == Tier.CREDIT.value else _WEIGHTS[known.severity] if known else "info"
    findings = tuple(
        Finding(
            found["explanation"],
            tuple(Exhibit(shown["url"], shown["snippet"]) for shown in found["exhibits"]),
        )
        for found in item["findings"]
    )
    return ShownReason(item["code"], item["title"], weight, "", item["points"], item["advice"], findings)
