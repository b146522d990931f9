"""Extracted facts as JSON beside the archive, and the way back from both to the records of a crawl."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from screening.applicants.codes import SiteFlag
from screening.applicants.evidence.archive import read_bodies
from screening.applicants.records import ApplicationCrawl, Page, SiteCrawl, View
from screening.errors import IntegrityError

FACTS_NAME = "facts.json"
_CRAWL = TypeAdapter(ApplicationCrawl)
_PAGE = {"fetch": {"body"}}
_PAGES = {"__all__": _PAGE}
_LEFT_OUT: Any = {
    "sites": {"__all__": {"pages": _PAGES, "others": _PAGES, "views": {"__all__": {"page": _PAGE}}}},
}


def write_facts(folder: Path, crawl: ApplicationCrawl) -> str:
    """Write facts.json in one step and return its SHA-256 in hex.

    Each page carries its URL and the id of the WARC record it came from, each link its text, each resource its markup.
    Bodies are in the archive only.
    """
    content = _CRAWL.dump_json(crawl, exclude=_LEFT_OUT)
    unfinished = folder / f".{FACTS_NAME}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FACTS_NAME)
    return hashlib.sha256(content).hexdigest()


def load_crawl(folder: Path, digest: str | None = None) -> ApplicationCrawl:
    """Return a crawl as it was recorded, bodies included.

    Raises IntegrityError when the facts are missing, not those of `digest` (SHA-256 in hex), or a body is not the one
    that was fetched. Bodies beyond the archive's bound come back cut.
    """
    path = folder / FACTS_NAME
    try:
        content = path.read_bytes()
        if digest is not None and hashlib.sha256(content).hexdigest() != digest:
            raise _unreadable(path, "they differ from what was recorded")
        data = json.loads(content)
        for fetch in _fetches(data):
            fetch["body"] = ""
        crawl = _CRAWL.validate_python(data)
    except (OSError, ValueError, ValidationError) as error:
        raise _unreadable(path, str(error)) from error
    bodies = read_bodies(folder)
    for page in _pages(crawl):
        body = bodies.get(page.fetch.record_id or "", b"")
        if SiteFlag.EVIDENCE_CUT not in crawl.flags and hashlib.sha256(body).hexdigest() != page.fetch.body_digest:
            raise _unreadable(path, f"the archived body of {page.fetch.url} is not the one that was fetched")
    return replace(crawl, sites=tuple(_with_bodies(site, bodies) for site in crawl.sites))


def _with_bodies(site: SiteCrawl, bodies: dict[str, bytes]) -> SiteCrawl:
    def restore(page: Page) -> Page:
        return replace(page, fetch=replace(page.fetch, body=bodies.get(page.fetch.record_id or "", b"")))

    return replace(
        site,
        pages=_each(restore, site.pages),
        others=_each(restore, site.others),
        views=tuple(View(view.profile, restore(view.page)) for view in site.views),
    )


def _pages(crawl: ApplicationCrawl) -> Iterator[Page]:
    for site in crawl.sites:
        yield from (*site.pages, *site.others, *(view.page for view in site.views))


def _each(change: Callable[[Page], Page], pages: tuple[Page, ...]) -> tuple[Page, ...]:
    return tuple(change(page) for page in pages)


def _fetches(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for site in data["sites"]:
        pages = [*site["pages"], *site["others"], *(view["page"] for view in site["views"])]
        yield from (page["fetch"] for page in pages)


def _unreadable(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"The facts of a crawl cannot be used: {why}.", remedy="Screen the applicant again.", where=str(path)
    )
