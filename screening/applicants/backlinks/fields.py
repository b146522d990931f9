"""The values of backlink exports: dates, switches, counts and addresses as five tools write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from screening.applicants.identity import host_of, registered_domain, site_of, web_address

_TRUE = frozenset({"true", "1", "yes", "y", "x", "nofollow", "wahr", "ja", "vrai", "oui"})
_FALSE = frozenset({"false", "0", "no", "n", "-", "", "dofollow", "follow", "falsch", "nein", "faux", "non"})
_FORMATS = (
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%Y%m%d",
)
"""Beside ISO 8601. 03/04/2026 is not among them: nobody can say which of its numbers is the month."""
_FIRST_YEAR = 1990
"""Before the first web site no link was seen; such days stand for "unknown" (0001-01-01, and 1970-01-01 from 0)."""
_NO_VALUE = frozenset({"", "-", "n/a", "na", "null", "none", "nan", "0000-00-00"})
LONGEST_VALUE = 2048
"""Characters of a cell that are kept: what browsers take as an address."""

_Read = TypeVar("_Read")


def optional(text: str, read: Callable[[str], _Read]) -> _Read | None:
    """Return None for a cell that stands empty, else what `read` makes of it. Raises what `read` raises."""
    stripped = text.strip()
    return None if stripped.casefold() in _NO_VALUE else read(stripped)


def day(text: str) -> date | None:
    """Read a day, with or without a time of day; None for days before the web. Raises ValueError when it is none."""
    found = _as_day(text)
    return found if found.year >= _FIRST_YEAR else None


def switch(text: str) -> bool:
    """Read a yes or no in the tools' spellings. Raises ValueError for anything else."""
    folded = text.strip().casefold()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def is_lost(text: str) -> bool:
    """Read whether a link is lost from a switch or from the day it was lost; an empty cell means it is not."""
    if text.strip().casefold() in _NO_VALUE:
        return False
    try:
        return switch(text)
    except ValueError:
        return bool(_as_day(text.strip()))


def count(text: str) -> int:
    """Read a number of pages with thousands separators. Raises ValueError when it is none or below zero."""
    digits = re.sub(r"(?<=\d)[.,'\u00a0\u202f ](?=\d{3}(?:\D|$))", "", text.strip())
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(digits)


def page(text: str) -> str:
    """Return the canonical address of a page. Raises ValueError when no browser would open it."""
    if len(text) > LONGEST_VALUE:
        raise ValueError(f"is longer than {LONGEST_VALUE} characters")
    return web_address(text)


def site(text: str) -> str:
    """Return the registered domain of a domain or address. Raises ValueError when it has none."""
    found = site_of_page(web_address(text))
    if found is None:
        raise ValueError(f"{text!r} has no registered domain")
    return found


def site_of_page(url: str) -> str | None:
    """Return the registered domain of a canonical address, or its host where that is an address; None without one."""
    host = host_of(url)
    if ":" in host or host.rpartition(".")[2].isdigit():
        return host
    return site_of(url) if registered_domain(host) is not None else None


def _as_day(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return _written_out(text)


def _written_out(text: str) -> date:
    words = text.replace("Sept ", "Sep ")
    for form in _FORMATS:
        try:
            return datetime.strptime(words, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    start = re.match(r"(\d{4}-\d{2}-\d{2})[ T]", text)
    if start is not None:
        return date.fromisoformat(start.group(1))
    raise ValueError(f"{text!r} is not a day such as 2026-11-22 or Nov 22, 2026")
