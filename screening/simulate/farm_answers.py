"""What a simulated site answers: pages by path, and how each visitor is treated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PORT = "{port}"
"""Stands in addresses, texts and headers for the port, which is known once the farm is served."""


class Manner(StrEnum):
    """How an answer is sent."""

    NORMAL = "normal"
    SLOW = "slow"
    """The status at once, then a byte now and then, for as long as anybody waits."""
    SILENT = "silent"
    """Nothing at all, the connection stays open."""
    RESET = "reset"
    """The connection ends before the answer."""
    GARBAGE = "garbage"
    """Something that is not HTTP."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for what, as far as a site can tell."""

    path: str
    user_agent: str
    referrer: str
    cookies: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a site."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = Manner.NORMAL


Respond = Callable[[Visit], Answer]


@dataclass(frozen=True, slots=True)
class Site:
    """A site under one host name: answers by path; `everywhere` answers any other path (None: 404)."""

    host: str
    pages: Mapping[str, Answer | Respond]
    everywhere: Answer | Respond | None = None

    def answer(self, visit: Visit) -> Answer:
        """Return what the visitor gets."""
        found = self.pages.get(visit.path.split("?", 1)[0], self.everywhere)
        if found is None:
            return html("<!doctype html><title>404</title><h1>404 Not Found</h1>", status=404)
        return found if isinstance(found, Answer) else found(visit)


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a page of HTML."""
    return Answer(text.encode(), status, {"Content-Type": "text/html; charset=utf-8", **(headers or {})})


def redirect(location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(b"", status, {"Location": location})
