"""The lookups of a screening, opened for one run: backlinks that were imported or declared, services of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from screening.applicants.backlinks.graph import open_graph
from screening.applicants.backlinks.lookup import BacklinkLookup
from screening.applicants.backlinks.shelf import Shelf
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.lookups.cache import AnswerCache
from screening.applicants.lookups.lookup import ServiceLookup
from screening.applicants.lookups.service import Services
from screening.applicants.study import Lookup
from screening.jobs.applicant_models import site_eye
from screening.jobs.backlinks import FOLDER
from screening.store import open_store
from screening.workspace import Workspace

ANSWERS = "lookups"
"""Folder of a workspace that holds the answers of services."""


@contextmanager
def opened_lookups(workspace: Workspace, now: datetime, crawler: Crawler) -> Iterator[Sequence[Lookup]]:
    """Open the lookups that the workspace has data and settings for; what they lack they say themselves.

    Raises IntegrityError when an import, or the promoted site model, is damaged.
    """
    settings = workspace.settings
    with open_store(workspace.store_url) as store:
        eye = site_eye(workspace, store)
    folder = workspace.folder(FOLDER)
    with Shelf(folder) as shelf, closing(AnswerCache(workspace.folder(ANSWERS))) as cache:
        cache.forget_expired(datetime.now(UTC))
        services = Services(crawler, cache, settings.lookups.turn_seconds, settings.lookups.failures_max)
        yield (
            BacklinkLookup(shelf, open_graph(folder), crawler, settings.backlinks),
            ServiceLookup(services, shelf, settings.lookups, now),
            eye,
        )
