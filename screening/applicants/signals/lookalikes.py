"""Domains that pass for a brand's: the brand in the domain, and spellings a reader takes for it.

The kinds of misspelling are those of the literature on typosquatting (Szurdi et al., "The Long Taile of Typosquatting
Domain Names", USENIX Security 2014) and of homograph attacks (Unicode Technical Standard 39, skeletons).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import idna
import yaml
from rapidfuzz.distance import DamerauLevenshtein

SHORT_BRAND = 4
"""Letters of a brand up to which only forms that look the same count: one letter away is another word (bike, mike)."""
LONG_BRAND = 9
"""Letters of a brand from which two slips still leave it recognisable."""

_VOWELS = "aeiou"
_ADDED = "abcdefghijklmnopqrstuvwxyz0123456789"
_LOOKS_THE_SAME = frozenset({"a letter doubled", "letters that look alike", "two letters swapped"})
"""Kinds that a reader overlooks even in a short name."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """How a domain resembles a brand: `kind` names the form; `exact`: the brand itself stands in the domain."""

    brand: str
    kind: str
    exact: bool


def lookalike(label: str, subdomain: str, brand: str) -> Lookalike | None:
    """Compare the registered label of a host (and what stands before it) with a brand; None when they are unlike."""
    name = squeezed(brand)
    if len(name) < 3:
        return None
    plain = _unicode(label)
    tokens = [token for token in re.split(r"[-_.]+|(?<=\D)(?=\d)|(?<=\d)(?=\D)", plain) if token]
    whole = "".join(re.split(r"[-_.]+", plain))
    exact = _contains(whole, tokens, name)
    if exact is not None:
        return Lookalike(brand, exact, exact=True)
    kind = _misspelt(plain, whole, tokens, name)
    if kind is not None:
        return Lookalike(brand, kind, exact=False)
    if name in whole and len(name) > SHORT_BRAND + 1 and 2 * len(name) > len(whole):
        return Lookalike(brand, "the brand inside a longer name", exact=True)
    if name in [squeezed(part) for part in subdomain.split(".")]:
        return Lookalike(brand, "the brand as a subdomain of another site", exact=True)
    return None


def squeezed(brand: str) -> str:
    """Return a brand as it would stand in a domain: lower case letters and digits, accents removed."""
    folded = unicodedata.normalize("NFKD", brand.casefold())
    return "".join(mark for mark in folded if mark.isalnum() and not unicodedata.combining(mark))


def skeleton(text: str) -> str:
    """Return what a text looks like: digits and letters of other scripts as the Latin letters they resemble, i as l."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(mark for mark in folded if not unicodedata.combining(mark)).translate(_forms().letters)
    return plain.replace("i", "l")


@cache
def misspellings(name: str) -> Mapping[str, str]:
    """Return the misspellings of a name that readers overlook, each with its kind, the name itself not among them."""
    forms: dict[str, str] = {}
    for kind, generate in _GENERATORS.items():
        for form in generate(name):
            if form and form != name:
                forms.setdefault(form, kind)
    return forms


def _omissions(name: str) -> Iterator[str]:
    return (name[:place] + name[place + 1 :] for place in range(len(name)))


def _repetitions(name: str) -> Iterator[str]:
    return (name[:place] + name[place] + name[place:] for place in range(len(name)))


def _transpositions(name: str) -> Iterator[str]:
    return (name[:place] + name[place + 1] + name[place] + name[place + 2 :] for place in range(len(name) - 1))


def _neighbours(name: str) -> Iterator[str]:
    for place, letter in enumerate(name):
        for key in _forms().neighbours.get(letter, ""):
            yield name[:place] + key + name[place + 1 :]
            yield name[: place + 1] + key + name[place + 1 :]


def _vowels(name: str) -> Iterator[str]:
    for place, letter in enumerate(name):
        if letter in _VOWELS:
            yield from (name[:place] + vowel + name[place + 1 :] for vowel in _VOWELS)


def _bits(name: str) -> Iterator[str]:
    for place, letter in enumerate(name):
        for bit in range(7):
            flipped = chr(ord(letter) ^ (1 << bit))
            if flipped.isascii() and flipped.isalnum():
                yield name[:place] + flipped.lower() + name[place + 1 :]


def _additions(name: str) -> Iterator[str]:
    return (name + extra for extra in _ADDED)


def _pairs(name: str) -> Iterator[str]:
    for written, read in _forms().pairs:
        for one, other in ((written, read), (read, written)):
            if one in name:
                yield name.replace(one, other, 1)


_GENERATORS: dict[str, Callable[[str], Iterator[str]]] = {
    "a letter doubled": _repetitions,
    "letters that look alike": _pairs,
    "a letter left out": _omissions,
    "two letters swapped": _transpositions,
    "another vowel": _vowels,
    "a neighbouring key": _neighbours,
    "a letter added": _additions,
    "one bit flipped": _bits,
}


def _contains(whole: str, tokens: list[str], name: str) -> str | None:
    if whole == name:
        return "the brand's own name"
    if name in tokens:
        return "the brand and other words"
    place = whole.find(name)
    if place < 0:
        return None
    trade = _is_trade(whole[:place]) and _is_trade(whole[place + len(name) :])
    return "the brand and words of trade" if trade else None


def _misspelt(plain: str, whole: str, tokens: list[str], name: str) -> str | None:
    looks = skeleton(plain)
    if skeleton(name) in {"".join(re.split(r"[-_.]+", looks)), *re.split(r"[-_.]+", looks)}:
        return "letters that look alike"
    forms = misspellings(name)
    for candidate in dict.fromkeys((whole, *tokens, _without_trade_words(whole))):
        kind = forms.get(candidate)
        if kind in _LOOKS_THE_SAME or (kind and len(name) > SHORT_BRAND and _rest_is_trade(whole, candidate)):
            return kind
    if len(name) >= LONG_BRAND and DamerauLevenshtein.distance(whole, name, score_cutoff=2) <= 2:
        return "two slips away"
    return None


def _rest_is_trade(whole: str, candidate: str) -> bool:
    before, _, after = whole.partition(candidate)
    return _is_trade(before) and _is_trade(after)


def _without_trade_words(whole: str) -> str:
    for word in sorted(_forms().trade_words, key=len, reverse=True):
        if len(word) > 2 and len(whole) > len(word) + SHORT_BRAND:
            if whole.endswith(word):
                return whole.removesuffix(word)
            if whole.startswith(word):
                return whole.removeprefix(word)
    return whole


@cache
def _is_trade(text: str) -> bool:
    """Say whether a text is nothing, digits, or words of trade one after the other."""
    if not text or text.isdigit():
        return True
    return any(text.startswith(word) and _is_trade(text[len(word) :]) for word in _forms().trade_words)


def _unicode(label: str) -> str:
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label


@dataclass(frozen=True, slots=True)
class _Forms:
    letters: Mapping[int, str]
    pairs: tuple[tuple[str, str], ...]
    neighbours: Mapping[str, str]
    trade_words: frozenset[str]


@cache
def _forms() -> _Forms:
    raw = yaml.safe_load((resources.files("screening.applicants") / "data" / "lookalikes.yaml").read_text("utf-8"))
    letters = {ord(mark): latin for latin, marks in raw["letters"].items() for mark in marks}
    pairs = tuple((str(written), str(read)) for written, read in raw["pairs"])
    return _Forms(letters, pairs, raw["neighbours"], frozenset(raw["trade_words"]))
