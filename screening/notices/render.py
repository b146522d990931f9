"""Write letters: the facts of `screening.notices.letter` through templates, as plain text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.evidence import PartnerCategory
from screening.notices.categories import TOLD
from screening.notices.letter import KIND_OF, Amount, Letter, Notice, Recipient, Sender
from screening.notices.words import money, one_line

ID_CHARACTERS = 80
"""Characters of an id that are shown; networks' own are shorter, and a longer one is hardly read."""
ANSWER_CHARACTERS = 4000
"""Characters of an answer that are sent: two pages."""
_LINKISH_SIGN = re.compile(r"([.:/@])(?=\S)")
_UNLINKED = "\\1\u200c"
"""An invisible character behind the sign: mail programs then make no link of the text."""
_CAP_PERIODS = {"daily": "a day", "weekly": "a week", "monthly": "a month", "total": "in total"}


def write_letter(notice: Notice, recipient: Recipient, sender: Sender, link: str | None) -> Letter:
    """Return the letter that tells the recipient about the notice.

    `link` is the partner's own page, http or https, None: the letter asks to reply by mail. The same arguments give the
    same letter. Raises ValueError for another kind of link.
    """
    kind = KIND_OF[type(notice)]
    facts = {field.name: getattr(notice, field.name) for field in fields(notice)}
    facts |= {"name": recipient.name, "programme": one_line(sender.programme, ID_CHARACTERS), "link": _web(link)}
    facts |= {"reply_to": sender.reply_to, "zone": sender.zone}
    text = _plain().get_template(f"{kind}.txt.j2")
    return Letter(
        kind=kind,
        subject=one_line(_plain().get_template(f"{kind}.subject.j2").render(facts), 2 * ID_CHARACTERS),
        text=re.sub(r"\n{3,}", "\n\n", text.render(facts)).strip() + "\n",
        html=_html().get_template(f"{kind}.html.j2").render(facts),
    )


def environment(*, escaping: bool) -> Environment:
    """Return templates of this package with the words and number formats that letters and the digest share."""
    made = Environment(
        loader=PackageLoader("screening.notices"),
        autoescape=escaping,  # noqa: S701 - what is not escaped is plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "amount": lambda given: money(given.value, given.currency),
        "amounts": amounts,
        "cap": cap_words,
        "day": day,
        "days": days,
        "given_id": given_id,
        "limit": limit,
        "line": lambda given: one_line(given, ANSWER_CHARACTERS),
        "moment": moment,
        "money": money,
        "number": lambda given: f"{given:,}",
        "percent": percent,
        "said": said,
    }
    made.globals |= {"why": why, "helps": helps}
    return made


@cache
def _plain() -> Environment:
    return environment(escaping=False)


@cache
def _html() -> Environment:
    return environment(escaping=True)


def given_id(text: str | None) -> str:
    """Return an id that a partner, or anybody who made a click, chose: one line, and nothing that turns into a link."""
    if text is None:
        return "none"
    return _LINKISH_SIGN.sub(_UNLINKED, one_line(text, ID_CHARACTERS))


def said(text: str) -> str:
    """Return what a person wrote to a partner: its lines, each cleaned as names are."""
    lines = [one_line(line, ANSWER_CHARACTERS) for line in text[:ANSWER_CHARACTERS].splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def amounts(given: Sequence[Amount]) -> str:
    """Return the amounts of several currencies side by side; they are never added up."""
    return " + ".join(money(amount.value, amount.currency) for amount in given) or "0"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant with its zone: `6 December 2026, 14:30 CET`."""
    there = at.astimezone(zone)
    return f"{day(there.date())}, {there:%H:%M} {there:%Z}"


def day(given: date) -> str:
    """Return a day with the month in words, which no country misreads."""
    return f"{given.day} {given:%B %Y}"


def days(first: date, last: date) -> str:
    """Return a period: `3 November 2026`, or `3 to 21 November 2026`."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(last)}"
    return f"{day(first)} to {day(last)}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share in percent, `unknown` where it is not known."""
    return "unknown" if share is None else f"{100 * share:.{decimals}f} %"


def cap_words(cap_type: str) -> str:
    """Return a type of cap in words: `conversions a month`."""
    period, _, measure = cap_type.partition("_")
    return f"{measure} {_CAP_PERIODS[period]}"


def why(categories: Sequence[PartnerCategory]) -> list[str]:
    """Return a sentence for each category, each once."""
    return [TOLD[category].why for category in dict.fromkeys(categories)]


def helps(sources: Sequence[Any]) -> list[str]:
    """Return what it helps to tell about sources that are held, each once."""
    return list(dict.fromkeys(TOLD[category].helps for source in sources for category in source.categories))


def limit(value: Decimal | None) -> str:
    """Return a cap's limit: whole numbers without decimals."""
    return "no limit" if value is None else f"{value.normalize():,f}"


def _web(link: str | None) -> str | None:
    if link is None:
        return None
    if urlsplit(link).scheme not in ("http", "https") or re.search(r"[\s<>\"']", link):
        raise ValueError("the link of a letter must be an http or https address")
    return link
