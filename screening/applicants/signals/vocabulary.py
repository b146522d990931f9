"""Word lists and host lists that signals look things up in, read once from the data folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

FOLDED_LENGTH = 60_000
"""Characters of a page that are searched for phrases: ten times a long article; what follows repeats itself."""
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that write without spaces between words (Thai, Lao, Burmese, Khmer, Chinese, Japanese), and Korean, which
joins particles to words."""


@lru_cache(maxsize=256)
def folded(text: str) -> str:
    """Return text for phrase search: lower case, words only, one space around each."""
    words = " ".join(re.findall(r"\w+", text[:FOLDED_LENGTH].casefold()))
    return f" {words} "


@dataclass(frozen=True, slots=True)
class Phrases:
    """A list of phrases to look for: (as written, as searched)."""

    entries: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> Phrases:
        """Prepare phrases; one in a script without spaces matches anywhere, any other only as whole words."""
        entries = []
        for phrase in dict.fromkeys(written):
            searched = folded(phrase)
            entries.append((phrase, searched.strip() if _UNSPACED.search(phrase) else searched))
        return cls(tuple(entries))

    def found_in(self, text: str) -> tuple[str, ...]:
        """Return the phrases, as written, that the text has, in the order of the list."""
        searched = folded(text)
        return tuple(written for written, phrase in self.entries if phrase in searched)

    def count(self, text: str) -> int:
        """Return how often any of the phrases stands in the text."""
        searched = folded(text)
        return sum(searched.count(phrase) for _, phrase in self.entries)


@cache
def page_phrases(kind: str) -> Phrases:
    """Return the phrases of one kind of page (`parked`, `host_default`, `contact` ...), all languages together."""
    return Phrases.of(phrase for phrases in _data("page_phrases")[kind].values() for phrase in phrases)


@cache
def method_phrases() -> dict[str, Phrases]:
    """Return the phrases by which pages show a way of promoting, by its name."""
    return {name: Phrases.of(phrases) for name, phrases in _data("page_phrases")["methods"].items()}


@dataclass(frozen=True, slots=True)
class Category:
    """A category of content: its name, the other names policies use, its terms and the terms that set a page apart."""

    name: str
    same_as: frozenset[str]
    terms: Phrases
    apart: Phrases


@cache
def categories() -> tuple[Category, ...]:
    """Return the categories that winnow has words for."""
    return tuple(
        Category(name, frozenset(body["same_as"]), Phrases.of(body["terms"]), Phrases.of(body["apart"]))
        for name, body in _data("prohibited_categories").items()
    )


@cache
def host_list(kind: str) -> frozenset[str]:
    """Return the hosts, host/path beginnings or suffixes of one kind in site_hosts.yaml."""
    return frozenset(entry for line in _data("site_hosts")[kind] for entry in line)


def is_listed(kind: str, host: str, path: str = "/") -> bool:
    """Say whether the host, or a host above it, is on the list; entries with a path match where the path begins so."""
    labels = host.split(".")
    listed = host_list(kind)
    for start in range(len(labels) - 1):
        name = ".".join(labels[start:])
        if name in listed or any("/" in entry and f"{name}{path}".startswith(entry) for entry in listed):
            return True
    return False


def around(text: str, phrase: str, width: int = 120) -> str:
    """Return the words around the first place of the phrase, or the beginning of the text when it does not show."""
    words = re.findall(r"\w+", phrase.casefold())
    match = re.search(r"\W+".join(map(re.escape, words)), text, re.IGNORECASE) if words else None
    if match is None:
        return text[: 2 * width]
    return text[max(0, match.start() - width) : match.end() + width]


def _data(name: str) -> Any:  # noqa: ANN401 - the shape differs by file; every reader above fixes its own
    return yaml.safe_load((resources.files("screening.applicants") / "data" / f"{name}.yaml").read_text("utf-8"))
