"""Text from outside as it may stand in a letter: names, ids and addresses that somebody may have chosen to do harm."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from email_validator import EmailNotValidError, validate_email
from iso4217 import Currency

_SPACES = frozenset({"Cc", "Zs", "Zl", "Zp"})
"""Categories that become a space: controls (line ends among them) and every kind of space."""
_UNSEEN = frozenset({"Cf", "Co", "Cs", "Cn"})
"""Categories that are left out: invisible characters, such as those that turn the direction of reading around."""
_JOINERS = "\u200c\u200d"
"""Invisible, but words of several languages are not spelled without them."""
_MARKS_MAX = 3
"""Accents on one letter; Vietnamese has two, vocalised Hebrew three. More of them draw over other lines."""
_LINKISH = re.compile(r"[/@\\:]|\bwww\b|\w\.\w", re.IGNORECASE)
"""What mail programs turn into a link by themselves."""
_ELLIPSIS = "…"
_CENTS = 2


def one_line(text: str, characters_max: int) -> str:
    """Return text as one line of visible characters, at most `characters_max` of them; empty when nothing is left."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if category in _SPACES:
            kept.append(" ")
        elif (category not in _UNSEEN or character in _JOINERS) and marks <= _MARKS_MAX:
            kept.append(character)
    line = " ".join("".join(kept).split()).strip(_JOINERS)
    return line if len(line) <= characters_max else f"{line[: characters_max - 1].rstrip()}{_ELLIPSIS}"


def greeting_name(name: str | None, characters_max: int) -> str | None:
    """Return the name by which a letter may greet, None where it should greet without one.

    Anybody can apply under any name with anybody's address. So what looks like a link, or is longer than names are, is
    not repeated: a letter of the programme would carry it to whoever is behind the address.
    """
    line = one_line(name or "", characters_max)
    if not line or line.endswith(_ELLIPSIS) or _LINKISH.search(line):
        return None
    return line


def mail_address(text: str | None) -> str | None:
    """Return the address as it goes on an envelope, None when no mail can be sent to it.

    An address with letters other than ASCII before the @ is None too: few servers pass such mail on.
    """
    try:
        checked = validate_email((text or "").strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return checked.ascii_email


def money(amount: Decimal, currency: str | None) -> str:
    """Return an exact amount for people: `1,234.50 USD`; four decimals only where the last two are not 0."""
    places = max(_places(currency), _needed(amount))
    return f"{amount:,.{places}f} {currency or '(no currency)'}"


def _places(currency: str | None) -> int:
    try:
        exponent = Currency(currency or "").exponent
    except ValueError:
        return _CENTS
    return _CENTS if exponent is None else int(exponent)


def _needed(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
