"""Addresses that scripts spell in a roundabout way, put back into the clear.

Only spellings that are constant in the script are undone: escapes, character codes, base64, pieces joined by `+`,
reversed text, members named in brackets. What is computed from anything else needs a browser.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import unquote

_ROUNDS = 3
"""Disguises may be laid over each other; deeper nesting is left to the browser."""
_LONGEST = 4_000
"""Characters of one spelling that is undone; an address or the markup around it is shorter."""
_STRING = r"""(?P<quote>["'])(?P<text>[^"'\\\n]{0,4000})(?P=quote)"""


def in_the_clear(script: str) -> str:
    """Return the script with constant disguises undone; the script itself when it has none."""
    for _ in range(_ROUNDS):
        before = script
        for mark, expression, undo in _DISGUISES:
            if mark in script:
                script = expression.sub(undo, script)
        if script == before:
            break
    return script


def _escape(found: re.Match[str]) -> str:
    mark = chr(int(found[1] or found[2], 16))
    # A quote or a backslash would end the string that it stands in.
    return mark if mark.isprintable() and mark not in "\"'`\\" else found[0]


def _base64(found: re.Match[str]) -> str:
    try:
        return _quoted(base64.b64decode(found["text"], validate=True).decode("utf-8"), found[0])
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return found[0]


def _codes(found: re.Match[str]) -> str:
    numbers = [int(number, 0) for number in re.findall(r"0x[0-9a-fA-F]{1,4}|\d{1,6}", found[1])]
    return _quoted("".join(map(chr, numbers)), found[0]) if max(numbers, default=0) < 0x10000 else found[0]


def _percent(found: re.Match[str]) -> str:
    return _quoted(unquote(found["text"], errors="replace"), found[0])


def _joined(_: re.Match[str]) -> str:
    return ""


def _reversed(found: re.Match[str]) -> str:
    return _quoted(found["text"][::-1], found[0])


def _member(found: re.Match[str]) -> str:
    return f".{found[1]}"


def _quoted(text: str, otherwise: str) -> str:
    if "`" in text or "\\" in text or len(text) > _LONGEST:
        return otherwise
    return f"`{text}`" if '"' in text else f'"{text}"'


_DISGUISES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    ("\\", re.compile(r"\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})"), _escape),
    ("atob", re.compile(rf"(?:window\s*\.\s*)?atob\s*\(\s*{_STRING}\s*\)"), _base64),
    ("fromCharCode", re.compile(r"String\s*\.\s*fromCharCode\s*\(([\s\d,xa-fA-F]{1,8000})\)"), _codes),
    ("%", re.compile(rf"(?:unescape|decodeURIComponent|decodeURI)\s*\(\s*{_STRING}\s*\)"), _percent),
    (
        "reverse",
        re.compile(
            rf"{_STRING}\s*\.\s*split\s*\(\s*[\"']{{2}}\s*\)\s*\.\s*reverse\s*\(\s*\)\s*\.\s*join\s*\(\s*[\"']{{2}}\s*\)"
        ),
        _reversed,
    ),
    ("+", re.compile(r"\"\s*\+\s*\"|'\s*\+\s*'"), _joined),
    ("[", re.compile(r"(?<=[\w\])])\s*\[\s*[\"']([A-Za-z_$][\w$]{0,40})[\"']\s*\]"), _member),
)
"""(A text that the script must hold, what is looked for, what takes its place)."""
