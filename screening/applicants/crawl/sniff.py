"""What a body is by its first bytes, because headers lie (after the WHATWG MIME Sniffing standard)."""

from __future__ import annotations

import re
from enum import StrEnum

SNIFFED_BYTES = 512
"""Leading bytes that are looked at (the standard's resource header is 1,445; markup shows itself well before)."""

_SIGNATURES = (
    b"%PDF-",
    b"PK\x03\x04",
    b"MZ\x90\x00",
    b"\x7fELF",
    b"GIF8",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"RIFF",
    b"OggS",
    b"\x1f\x8b",
    b"BZh",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"\x00\x00\x01\x00",
    b"wOFF",
    b"wOF2",
    b"\xca\xfe\xba\xbe",
    b"\x00asm",
    b"ID3",
    b"\x1aE\xdf\xa3",
    b"%!PS-",
)
_MARKUP = re.compile(
    rb"\s*(?:<!--.{0,400}?-->\s*)?<(?:!doctype\s+html|html|head|body|title|script|iframe|h1|div|font|table|a|style|b|br|p"
    rb"|meta|link|main|section|article|header|nav)(?=[\s>/])",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(
    rb"\s*<\?xml[^>]{0,200}\?>\s*(?:<!--.{0,200}?-->\s*)?<(?!!doctype\s+html|html)", re.IGNORECASE | re.DOTALL
)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_UNSURE_TYPES = frozenset(
    {"", "application/octet-stream", "unknown/unknown", "application/unknown", "*/*", "text/plain"}
)


class Kind(StrEnum):
    """What a body is, as far as parsing goes."""

    HTML = "html"
    HTML_BY_SNIFFING = "html_by_sniffing"
    """The header does not say HTML, the bytes do."""
    OTHER = "other"
    OTHER_BY_SNIFFING = "other_by_sniffing"
    """The header says HTML, the bytes do not."""
    EMPTY = "empty"


def media_type(content_type: str | None) -> str:
    """Return the lower-case type/subtype of a Content-Type header, empty when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def charset_of(content_type: str | None) -> str | None:
    """Return the charset parameter of a Content-Type header, None when there is none."""
    found = re.search(r"charset\s*=\s*[\"']?([^\s;\"',]{1,40})", content_type or "", re.IGNORECASE)
    return found[1].lower() if found else None


def kind_of(content_type: str | None, body: bytes) -> Kind:
    """Judge a body by its header and its first bytes."""
    if not body.strip():
        return Kind.EMPTY
    declared = media_type(content_type)
    head = body[:SNIFFED_BYTES]
    if declared in _HTML_TYPES:
        return Kind.OTHER_BY_SNIFFING if head.startswith(_SIGNATURES) or _is_feed(head) else Kind.HTML
    if declared in _UNSURE_TYPES and _looks_like_html(head):
        return Kind.HTML_BY_SNIFFING
    return Kind.OTHER


def _looks_like_html(head: bytes) -> bool:
    if head.startswith(_MARKS[1:]):
        head = head.replace(b"\x00", b"")[2:]
    return _MARKUP.match(head.removeprefix(_MARKS[0])) is not None


def _is_feed(head: bytes) -> bool:
    return _XML.match(head.removeprefix(_MARKS[0])) is not None
