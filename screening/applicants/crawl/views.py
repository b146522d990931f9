"""Does a page show different visitors different things? Compared with what it shows equal visitors."""

from __future__ import annotations

from collections.abc import Sequence

from screening.applicants.codes import FetchFlag, SiteFlag
from screening.applicants.page.simhash import distance
from screening.applicants.records import Page, View

_NOT_NOISE_BITS = 8
"""Bits of a simhash by which two views must differ beyond two equal visits: unrelated texts differ in about 32 of 64,
near copies in at most 3."""
_DIFFERENT = 64
"""Bits counted for views that differ as a whole: another status, another destination, text against none."""
_MOVING = frozenset({"iframe", "frame", "meta", "embed", "object", "header"})
"""What takes a visitor elsewhere or loads another page; images and scripts rotate on honest pages too."""


def varying(first: Page, views: Sequence[View]) -> set[SiteFlag]:
    """Say for which kinds of visitors the page differs, `first` being the crawler's own visit."""
    pages: dict[str, Page] = {view.profile: view.page for view in views}
    again = pages.get("again")
    if again is None or not _answered(first) or not _answered(again):
        return set()
    noise = _difference(first, again)
    known = _destinations(first) | _destinations(again)
    compared = (
        (SiteFlag.VARIES_BY_AGENT, "browser", first),
        (SiteFlag.VARIES_BY_REFERRER, "referred", pages.get("browser")),
        (SiteFlag.VARIES_BY_COOKIE, "returning", first),
    )
    found: set[SiteFlag] = set()
    for flag, profile, other in compared:
        page = pages.get(profile)
        if page is None or other is None or not _answered(page) or not _answered(other):
            continue
        seen_before = known | _destinations(other)
        # A page that differs with every visit says nothing by its text.
        differs = noise <= _NOT_NOISE_BITS and _difference(other, page) > noise + _NOT_NOISE_BITS
        if differs or _destinations(page) - seen_before:
            found.add(flag)
    return found


def _answered(page: Page) -> bool:
    """A view that failed says nothing about what others are shown."""
    return page.fetch.status is not None and page.fetch.error is None


def _difference(one: Page, other: Page) -> int:
    if _outcome(one) != _outcome(other):
        return _DIFFERENT
    if one.facts is None or other.facts is None:
        return 0 if one.fetch.body_digest == other.fetch.body_digest or one.facts is other.facts else _DIFFERENT
    first, second = one.facts.text_simhash, other.facts.text_simhash
    if first is None or second is None:
        return 0 if one.facts.text == other.facts.text else _DIFFERENT
    return distance(first, second)


def _outcome(page: Page) -> tuple[int, str | None]:
    """The class of status, and where a redirect to another site leads."""
    leaves = FetchFlag.OFFSITE_REDIRECT in page.fetch.flags and page.fetch.hops
    return (page.fetch.status or 0) // 100, page.fetch.hops[-1].location if leaves else None


def _destinations(page: Page) -> set[tuple[str, str]]:
    if page.facts is None:
        return set()
    return {
        (one.tag, one.url.split("/", 3)[2] if one.url.count("/") >= 2 else one.url)
        for one in page.facts.resources
        if one.tag in _MOVING or one.attribute in {"location", "open"}
    }
