"""What inline scripts load or go to by themselves: addresses in navigations, sources, requests and written markup.

Only addresses that stand in the script are seen, in the clear, in a variable, or in a constant disguise; what a script
computes otherwise needs a browser. An address that a script merely holds (a list of offers, the target of a link) is
no load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ada_url import join_url

from screening.applicants.signals.disguises import in_the_clear

SCRIPT_LENGTH = 200_000
"""Characters of one inline script that are read; longer ones are libraries."""
CONTEXT = 400
"""Characters before a load in which a listener for the reader's own act is looked for."""
FUNCTION_SEARCHED = 20_000
"""Characters before a load in which the function around it is looked for."""
SHOWN = 100
"""Characters shown around a load."""
LOADS_MAX = 100
"""Loads looked at in one script; hostile scripts have thousands."""

_ADDRESS = re.compile(
    r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'`<>\\)]{0,1500}|(?<=[\"'`])/(?!/)[^\s\"'`<>\\)]{1,300}", re.IGNORECASE
)
_NAVIGATION = r"location(?:\s*\.\s*href)?\s*=|location\s*\.\s*(?:replace|assign)\s*\("
_WINDOW = r"(?<![\w$.])open\s*\(|(?:window|self|top|parent)\s*\.\s*open\s*\("
_REQUEST = (
    r"\bfetch\s*\(|sendBeacon\s*\(|\.\s*open\s*\(\s*[\"'][A-Za-z]+[\"']\s*,"
    r"|\bimport(?:Scripts)?\s*\(|\bimport\b(?=\s*[\"'])"
)
_SOURCE = r"\.\s*(?:src|data)\s*=|setAttribute\s*\(\s*[\"'](?:src|data)[\"']\s*,"
_MARKUP = r"<(?:iframe|frame|img|script|embed|object|meta)\b[^>]{0,200}?(?:src|data|url)\s*=\s*"
_KINDS = {
    "navigation": re.compile(rf"(?:{_NAVIGATION})\s*$"),
    "window": re.compile(rf"(?:{_WINDOW})\s*$"),
    "request": re.compile(rf"(?:{_REQUEST})\s*$"),
    "source": re.compile(rf"(?:{_SOURCE})\s*$"),
    "markup": re.compile(rf"(?:{_MARKUP})\\?$", re.IGNORECASE),
}
_BEFORE = 260
"""Characters before an address in which the way it is used stands."""
_ASSIGNED = re.compile(r"([A-Za-z_$][\w$]{0,60})\s*[=:]\s*$")
_LINK_MADE = re.compile(r"([A-Za-z_$][\w$]{0,60})\s*(?:\.\s*href\s*=|\.\s*setAttribute\s*\(\s*[\"']href[\"']\s*,)\s*$")
_LISTENER = re.compile(
    r"""(?P<target>[\w.$()'"#\[\]=-]*)\s*\.\s*(?:addEventListener\s*\(\s*["'](?:click|submit|mousedown|mouseup|"""
    r"""pointerdown|touchstart|keydown|change)["']|on(?:click|submit|mousedown|touchstart|change)\s*=|"""
    r"""(?:on|one)\s*\(\s*["'](?:click|submit|mousedown|mouseup|pointerdown|touchstart|keydown|change)|"""
    r"""(?:click|submit)\s*\(\s*(?:function|\())|"""
    r"""\bon(?:click|submit|press|mousedown|change)["']?\s*:\s*(?:async\s*)?(?:function|\(|[\w$]+\s*=>)""",
    re.IGNORECASE,
)
_WHOLE_PAGE = re.compile(
    r"""(?:^|[^\w])(?:document(?:\.body|\.documentelement)?|window|body|\$\(\s*(?:document|window|['"]body['"])\s*\))$""",
    re.IGNORECASE,
)
_THING = re.compile(
    r"""^[\w\s.]*["']?\s*,\s*["'](?P<delegated>[^"']{1,200})["']\s*,|"""
    r"""\.\s*(?:target|srcElement)\b[^;{}]{0,60}?\.\s*(?:(?:matches|closest|is|hasClass|contains|getAttribute)\s*\(\s*"""
    r"""["'](?P<asked>[^"']{1,200})["']|(?:id|className|dataset|tagName|nodeName)\b)"""
)
"""What makes a listener of the whole document one for a thing on it: it is delegated, or looks at the target."""
_ANYTHING = frozenset({"*", "html", "body", "body *", "html *", "document", "div", "main"})
"""Selectors that every click falls on."""
_FUNCTION = re.compile(
    r"function\s+(\w+)\s*\([^)]{0,200}\)\s*\{|"
    r"(?:const|let|var)\s+(\w+)\s*=\s*(?:async\s*)?(?:function\s*\([^)]{0,200}\)|\([^)]{0,200}\)\s*=>)\s*\{"
)


@dataclass(frozen=True, slots=True)
class Load:
    """An address that a script loads or goes to without an act of the reader: how, and the script around it."""

    url: str
    kind: str
    snippet: str


def loads(script: str, base: str) -> Iterator[Load]:
    """Yield the loads of an inline script that happen by themselves; `base` is the address of its page."""
    text = in_the_clear(script[:SCRIPT_LENGTH].replace("\\/", "/"))
    seen = 0
    for match in _ADDRESS.finditer(text):
        for kind, place in _uses(text, match):
            seen += 1
            if seen > LOADS_MAX:
                return
            url = resolved(match.group(), base) if runs_by_itself(text, place) else None
            if url is not None:
                snippet = text[max(0, place - SHOWN) : match.end() + SHOWN]
                yield Load(url, kind, snippet)


def resolved(address: str, base: str) -> str | None:
    """Return an address of a page as a browser would read it, None when it would not."""
    try:
        return str(join_url(base, address))
    except ValueError:
        return None


def runs_by_itself(script: str, place: int) -> bool:
    """Say whether what stands at a place of a script runs without an act of the reader on a thing made for it.

    A listener on the whole document, which fires at the first click anywhere, is no such act.
    """
    before = script[max(0, place - CONTEXT) : place]
    listeners = list(_LISTENER.finditer(before))
    if listeners and not _closed_since(before[listeners[-1].end() :]):
        return _fires_anywhere(listeners[-1], before[listeners[-1].end() :])
    functions = list(_FUNCTION.finditer(script, max(0, place - FUNCTION_SEARCHED), place))
    if functions and not _closed_since(script[functions[-1].end() : place], opened=1):
        name = functions[-1].group(1) or functions[-1].group(2)
        return _called_by_itself(name, script[: functions[-1].start()] + script[place:])
    return True


def _uses(text: str, address: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield (kind, place) of every use of an address: where it stands, or where its variable is used."""
    start = address.start()
    before = text[max(0, start - _BEFORE) : start]
    quoted = before.rstrip("\"'` ")
    for kind, expression in _KINDS.items():
        if expression.search(before if kind == "markup" else quoted) or (
            kind == "markup" and expression.search(quoted)
        ):
            yield kind, start
            return
    made = _LINK_MADE.search(quoted)
    if made is not None and re.search(
        rf"(?<![\w$.]){re.escape(made[1])}\s*\.\s*(?:click\s*\(|dispatchEvent\s*\()", text
    ):
        yield "pressed", start
        return
    assigned = _ASSIGNED.search(quoted)
    if assigned is None or quoted == before:
        return
    name = re.escape(assigned.group(1))
    for kind, way in (("navigation", _NAVIGATION), ("window", _WINDOW), ("request", _REQUEST), ("source", _SOURCE)):
        for use in re.finditer(rf"(?:{way})\s*(?:\w+\.)?{name}(?![\w$])", text):
            yield kind, use.start()


def _fires_anywhere(listener: re.Match[str], after: str) -> bool:
    """Say whether a listener answers to an act of the reader on anything at all; `after` is the script behind it."""
    if _WHOLE_PAGE.search(listener.group("target") or "") is None:
        return False
    things = (found["delegated"] or found["asked"] or "named" for found in _THING.finditer(after))
    return all(thing.strip().lower() in _ANYTHING for thing in things)


def _called_by_itself(name: str, script: str) -> bool:
    """Say whether a function is used anywhere but as the answer to the reader's act on a thing made for it."""
    for use in re.finditer(rf"\b{re.escape(name)}\b", script):
        listeners = list(_LISTENER.finditer(script[max(0, use.start() - CONTEXT) : use.start()]))
        if not listeners or _WHOLE_PAGE.search(listeners[-1].group("target") or ""):
            return True
    return False


def _closed_since(text: str, opened: int = 0) -> bool:
    """Say whether the braces opened before the text have been closed in it; `opened` stand open at its beginning."""
    depth = opened
    for mark in text:
        depth += (mark == "{") - (mark == "}")
        if depth < opened or (opened and depth == 0):
            return True
    return False
