"""Looks with a real browser at the sites of those who go to a person: a picture, and what the page did by itself.

What was seen is evidence for that person and decides nothing: a browser that fails, or a page that hides from it, says
nothing about the applicant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from screening.applicants.codes import FetchFailedError
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.headless.browser import SCREENSHOT_NAME, VISIT_NAME, watch_page
from screening.applicants.signals.networks import is_click_host
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_STEP = "watching pages with a browser"


def watch_escalated(
    workspace: Workspace, folders: Sequence[Path], websites: Mapping[Path, Sequence[str]], progress: Progress
) -> int:
    """Watch the first declared site of each of the folders' applications; return how many pictures were taken.

    Does nothing unless crawl.browser.escalated says so, and stops after crawl.browser.pages_max of them: each takes
    crawl.browser.seconds. A picture of an earlier screening goes, whether or not there is a new one.
    """
    settings = workspace.settings.crawl
    if not settings.browser.escalated:
        return 0
    chosen = [folder for folder in folders if websites.get(folder)][: settings.browser.pages_max]
    taken = 0
    with open_crawler(settings, never_fetch=is_click_host) as crawler:
        for number, folder in enumerate(chosen):
            progress.step(_STEP, number, len(chosen))
            for name in (SCREENSHOT_NAME, VISIT_NAME):
                (folder / name).unlink(missing_ok=True)
            try:
                taken += watch_page(websites[folder][0], crawler, folder).screenshot is not None
            except FetchFailedError:
                continue  # no address that a browser could be sent to; the reasons say so already
        progress.step(_STEP, len(chosen), len(chosen))
    return taken
