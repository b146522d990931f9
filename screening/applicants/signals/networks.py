"""Affiliate networks: which URL is a tracked click, whose, and whether merely loading it counts as one.

The patterns stand in data/affiliate_networks.csv, each with an example that a test recognises. Their shapes follow the
networks' own documentation of deep links and the filter list of Mathur, Narayanan and Chetty, "Endorsements on Social
Media", CSCW 2018.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from urllib.parse import parse_qs

from ada_url import URL


class Action(StrEnum):
    """What happens when a browser loads the URL.

    `click`: a click is recorded and a cookie set. `tag`: a merchant's page that sets the affiliate's cookie.
    `impression`: a banner's picture, meant to be loaded with the page. `hint`: a parameter many sites use for many
    things; good enough to call a link an affiliate link, never to accuse.
    """

    CLICK = "click"
    TAG = "tag"
    IMPRESSION = "impression"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class AffiliateUrl:
    """A URL of an affiliate network; `publisher` is the affiliate's id in it, None when it does not show."""

    network: str
    action: Action
    publisher: str | None

    @property
    def sets_cookie(self) -> bool:
        """Loading the URL, seen or unseen, credits the affiliate."""
        return self.action in (Action.CLICK, Action.TAG)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of the data file."""

    network: str
    action: Action
    host: str
    path: re.Pattern[str]
    query: tuple[str, ...]
    publisher: str
    example: str
    example_publisher: str | None


@lru_cache(maxsize=16_384)
def affiliate_url(url: str) -> AffiliateUrl | None:
    """Return what network the canonical http(s) URL belongs to, or None when it is not a tracked affiliate URL."""
    try:
        parsed = URL(url)
    except ValueError:
        return None
    if parsed.protocol not in {"http:", "https:"}:
        return None
    host = str(parsed.hostname)
    query = parse_qs(parsed.search.lstrip("?"), keep_blank_values=True)
    for pattern in _candidates(host):
        match = pattern.path.search(parsed.pathname)
        if match is not None and all(name in query for name in pattern.query):
            return AffiliateUrl(pattern.network, pattern.action, _publisher(pattern, match, host, query))
    return None


def is_click_host(host: str) -> bool:
    """Say whether visits to the host are recorded as clicks, so that nobody but a reader should make them."""
    return any(pattern.action is Action.CLICK and pattern.host != "*" for pattern in _candidates(host))


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return all patterns, in the order of the file: the particular before the general."""
    text = (resources.files("screening.applicants") / "data" / "affiliate_networks.csv").read_text("utf-8")
    return tuple(
        Pattern(
            network=row["network"],
            action=Action(row["action"]),
            host=row["host"],
            path=re.compile(row["path"]),
            query=tuple(filter(None, row["query"].split("&"))),
            publisher=row["publisher"],
            example=row["example"],
            example_publisher=row["example_publisher"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    )


def _candidates(host: str) -> list[Pattern]:
    by_host, wild = _index()
    found: list[Pattern] = []
    labels = host.split(".")
    for start in range(len(labels) - 1):
        found.extend(by_host.get(".".join(labels[start:]), ()))
    found.extend(pattern for expression, pattern in wild if expression.fullmatch(host))
    return found


@cache
def _index() -> tuple[Mapping[str, list[Pattern]], list[tuple[re.Pattern[str], Pattern]]]:
    by_host: dict[str, list[Pattern]] = defaultdict(list)
    wild: list[tuple[re.Pattern[str], Pattern]] = []
    for pattern in patterns():
        if "*" in pattern.host:
            wild.append((_host_expression(pattern.host), pattern))
        else:
            by_host[pattern.host].append(pattern)
    return by_host, wild


def _host_expression(host: str) -> re.Pattern[str]:
    """`*.x` is any host below x, `x.*` is x under any public suffix, `*` elsewhere is part of a label."""
    if host == "*":
        return re.compile(r".+")
    inner = re.escape(host.removeprefix("*.").removesuffix(".*")).replace(r"\*", "[a-z0-9-]+")
    front = r"(?:[a-z0-9-]+\.)+" if host.startswith("*.") else r"(?:[a-z0-9-]+\.)*"
    back = r"(?:\.[a-z]{2,4}){1,2}" if host.endswith(".*") else ""
    return re.compile(front + inner + back)


def _publisher(pattern: Pattern, match: re.Match[str], host: str, query: Mapping[str, list[str]]) -> str | None:
    if pattern.publisher == "host":
        return host.split(".", maxsplit=1)[0]
    if pattern.publisher == "path":
        return match.group("id") or None
    name = pattern.publisher.removeprefix("query:")
    return query.get(name, [""])[0] or None if name else None
