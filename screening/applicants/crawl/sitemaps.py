"""Read sitemaps and feeds: as far as the bounds go, without ever expanding an entity."""

from __future__ import annotations

import io
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from screening.applicants.codes import FetchFailedError
from screening.applicants.crawl.decode import decode_body

_GZIP = b"\x1f\x8b"
_ENTRIES = frozenset({"url", "item", "entry"})


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """A page listed in a sitemap or feed; `changed` is the date as written, empty when there is none."""

    url: str
    changed: str


@dataclass(frozen=True, slots=True)
class SitemapContent:
    """What a sitemap lists; `cut` says that the bound was reached, `valid` that it was well-formed up to there."""

    entries: tuple[SitemapEntry, ...]
    nested: tuple[str, ...]
    cut: bool
    valid: bool


def read_sitemap(body: bytes, *, most: int, cap: int) -> SitemapContent:
    """Read at most `most` entries of a sitemap, sitemap index, RSS or Atom feed, gzipped or not, or lines of URLs."""
    if body.startswith(_GZIP):
        try:
            body = decode_body(body, ("gzip",), cap=cap, layers=1).body
        except FetchFailedError:
            return SitemapContent((), (), cut=False, valid=False)
    if not body.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
        lines = [line.strip() for line in body.decode("utf-8", "replace").split("\n", most + 1)]
        found = tuple(SitemapEntry(line, "") for line in lines if line.startswith(("http://", "https://")))
        return SitemapContent(found[:most], (), cut=len(found) > most, valid=bool(found))
    return _read_xml(body, most)


def _read_xml(body: bytes, most: int) -> SitemapContent:
    entries: list[SitemapEntry] = []
    nested: list[str] = []
    valid = True
    try:
        for _, element in iterparse(io.BytesIO(body), events=("end",), forbid_dtd=True):
            name = _local(element.tag)
            if name == "sitemap":
                nested.append(_child(element, ("loc",)))
            elif name in _ENTRIES:
                changed = _child(element, ("lastmod", "pubDate", "updated", "published"))
                entries.append(SitemapEntry(_child(element, ("loc", "link")), changed))
                element.clear()
            if len(entries) > most or len(nested) > most:
                break
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        valid = False
    kept = tuple(entry for entry in entries[:most] if entry.url)
    return SitemapContent(kept, tuple(url for url in nested[:most] if url), cut=len(entries) > most, valid=valid)


def _child(element: object, names: tuple[str, ...]) -> str:
    for inner in element:  # type: ignore[attr-defined]
        if _local(inner.tag) in names:
            return str(inner.text or inner.get("href") or "").strip()
    return ""


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
