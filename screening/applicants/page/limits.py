"""How much of a page is read, and the stripping of what no parser survives.

Measured: 100,000 attributes on one tag or 50,000 options in a select keep lexbor and lxml busy for more than twelve
seconds, because they search linearly for each. Such markup is cut before any parser sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from screening.applicants.codes import PageFlag

LONGEST_TAG = 65_536
"""Characters. A longer tag loses its attributes; real ones are far shorter, except for embedded images."""
MOST_ATTRIBUTES = 2_000
"""Attributes of a tag before it loses them: 10,000 take lexbor 0.2 s, 20,000 0.8 s (quadratic)."""
MOST_OPTIONS = 5_000
"""Options of a page before all are dropped: 10,000 take lexbor 0.45 s, 20,000 1.6 s (quadratic)."""

_SHORTEST_SUSPECT = 2 * MOST_ATTRIBUTES
_TAG = re.compile(r"<[a-zA-Z][a-zA-Z0-9:\-]{0,40}")
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_CODE = re.compile(r"<(script|style)\b", re.IGNORECASE)
_CODE_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_OPTIONS = re.compile(r"</?(?:option|optgroup|select)\b[^>]*>?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Bounds of what is kept: counts of links and characters, and how deep JSON-LD may nest."""

    links: int
    text_characters: int
    script_characters: int
    jsonld_characters: int
    jsonld_depth: int


def strip_traps(markup: str) -> tuple[str, list[PageFlag]]:
    """Return the markup without what would keep a parser busy, and flags of what was done."""
    flags: list[PageFlag] = []
    if max(map(len, markup.split(">"))) > _SHORTEST_SUSPECT:
        stripped = "".join(part if is_code else _short_tags(part) for part, is_code in _parts(markup))
        if stripped != markup:
            markup = stripped
            flags.append(PageFlag.TAG_STRIPPED)
    if markup.count("<") > MOST_OPTIONS and markup.lower().count("<option") > MOST_OPTIONS:
        markup = _OPTIONS.sub(" ", markup)
        flags.append(PageFlag.OPTIONS_DROPPED)
    return markup, flags


def _parts(markup: str) -> Iterator[tuple[str, bool]]:
    """Divide markup into what holds tags and what scripts and style sheets hold, where `<` is no tag."""
    place = 0
    while (opening := _CODE.search(markup, place)) is not None:
        start = markup.find(">", opening.end()) + 1
        if start == 0:
            break
        closing = _CODE_END[opening[1].lower()].search(markup, start)
        end = len(markup) if closing is None else closing.start()
        yield markup[place:start], False
        yield markup[start:end], True
        place = end
    yield markup[place:], False


def _short_tags(markup: str) -> str:
    return ">".join(
        _without_attributes(piece) if len(piece) > _SHORTEST_SUSPECT else piece for piece in markup.split(">")
    )


def _without_attributes(piece: str) -> str:
    """Cut the attributes off an overlong tag; `piece` is what stands between two `>`: text, then a tag."""
    start = _TAG.search(piece)
    if start is None:
        return piece
    tag = piece[start.start() :]
    if len(tag) > LONGEST_TAG or len(_QUOTED.sub("= ", tag).split()) > MOST_ATTRIBUTES:
        return piece[: start.end()]
    return piece
