"""The character encoding of a page, found as browsers do (WHATWG Encoding and HTML standards)."""

from __future__ import annotations

import re

import webencodings

_PRESCAN_BYTES = 1024
"""Leading bytes in which a `meta charset` counts (HTML standard, section 13.2.3.2)."""
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:\-]{1,40})", re.IGNORECASE)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
_FALLBACK = "windows-1252"


def decode_page(body: bytes, header_charset: str | None) -> tuple[str, str]:
    """Return the text and the name of its encoding. Never raises: what cannot be decoded becomes U+FFFD.

    A byte order mark wins, then the header's charset, then a `meta`, then UTF-8 if the bytes are, then windows-1252.
    Labels that browsers do not know (UTF-7 among them) count as absent.
    """
    for mark, marked in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], marked), marked
    name = _known(header_charset) or _declared(body)
    if name is not None:
        return _decoded(body, name), name
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        # A page cut at the size cap may end inside a character.
        if not _cut_inside(body):
            return _decoded(body, _FALLBACK), _FALLBACK
        return body.decode("utf-8", "replace"), "utf-8"


def _known(label: str | None) -> str | None:
    found = webencodings.lookup(label) if label else None
    return None if found is None or found.name in {"replacement", "x-user-defined"} else str(found.name)


def _declared(body: bytes) -> str | None:
    found = _META_CHARSET.search(body[:_PRESCAN_BYTES])
    name = _known(found[1].decode("ascii")) if found else None
    # A meta that was read as ASCII cannot stand in UTF-16 text: the standard takes UTF-8 then.
    return "utf-8" if name in {"utf-16le", "utf-16be"} else name


def _decoded(body: bytes, name: str) -> str:
    codec = webencodings.lookup(name)
    if codec is None:
        return body.decode("utf-8", "replace")
    return str(codec.codec_info.decode(body, "replace")[0])


def _cut_inside(body: bytes) -> bool:
    try:
        body[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(body) - 6 and error.reason == "unexpected end of data"
    return True
