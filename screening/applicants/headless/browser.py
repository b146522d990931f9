"""Watch what a page does to a visitor who clicks nothing: where it goes, what it opens, which networks it calls."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from screening.applicants.codes import FetchFailedError
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.crawl.urls import declared_target, read_target
from screening.applicants.headless.proxy import GuardedProxy, ProxyRecord

SCREENSHOT_NAME = "screenshot.png"
VISIT_NAME = "browser.json"
_STARTING_SECONDS = 25.0
"""How long the browser may take to start and to end, beside the time that the page is watched."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request to a host that is never fetched, made without a click and refused by the proxy.

    `kind` is the browser's resource type (`document`, `image`, `script` ...), `main_frame` whether the page itself
    (rather than a frame in it) asked, `frame_url` the page or frame that did. For a popup both are of the popup.
    """

    url: str
    kind: str
    main_frame: bool
    frame_url: str


@dataclass(frozen=True, slots=True)
class BrowserVisit:
    """One watched visit. `error` says why there is none or only part of one; then nothing may be concluded from it.

    `navigations` are the main frame's URLs in order, `popups` and `downloads` what it opened, `cookies` pairs of
    domain and name, `refused` what the guard refused, `screenshot` the picture's path or None, `cut` that a limit of
    requests or bytes ended the loading.
    """

    url: str
    final_url: str | None
    status: int | None
    navigations: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    popups: tuple[str, ...]
    downloads: tuple[str, ...]
    cookies: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]
    requests: int
    bytes: int
    cut: bool
    screenshot: str | None
    seconds: float
    error: str | None
    openings: tuple[str, ...]


def is_browser_available(program: str) -> bool:
    """Say whether the extra `browser` is installed and Chromium is where settings say."""
    return importlib.util.find_spec("playwright") is not None and Path(program).is_file()


def watch_page(url: str, crawler: Crawler, folder: Path) -> BrowserVisit:
    """Visit a page with Chromium for crawl.browser.seconds and say what it did; keep the picture and a JSON of it.

    Everything goes through a proxy that asks the crawl's guard. Without the browser, or when it does not end in time,
    `error` says so; nothing is raised. Raises FetchFailedError when the text is no URL at all.
    """
    target = declared_target(url)
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    crawler.guard.check_target(target)
    record, seen, error = ProxyRecord(), None, "browser_unavailable"
    if is_browser_available(crawler.settings.browser.program):
        with GuardedProxy(crawler.guard, crawler.never_fetch, crawler.settings) as proxy:
            seen = _drive(target.url, crawler, proxy.port, folder / SCREENSHOT_NAME)
        record, error = proxy.record, "browser_failed"
    if seen is None:
        seen = {"error": error}
    visit = _told(target.url, seen, record, crawler, folder, time.monotonic() - begun)
    (folder / VISIT_NAME).write_text(json.dumps(asdict(visit), indent=1), encoding="utf-8")
    return visit


def _drive(url: str, crawler: Crawler, port: int, picture: Path) -> dict[str, Any] | None:
    """Run the worker; None when it failed or had to be killed with everything it started."""
    browser = crawler.settings.browser
    with tempfile.TemporaryDirectory(prefix="winnow-browser-", ignore_cleanup_errors=True) as profile:
        asked = {
            "url": url,
            "port": port,
            "profile": profile,
            "program": browser.program,
            "seconds": browser.seconds,
            "most_requests": browser.requests,
            "user_agent": crawler.settings.browser_agent,
            "screenshot": str(picture),
        }
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __package__ + ".worker", json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=browser.seconds + _STARTING_SECONDS)
        except subprocess.TimeoutExpired:
            output = b""
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    try:
        seen = json.loads(output)
    except ValueError:
        return None
    return seen if isinstance(seen, dict) else None


def _told(
    url: str, seen: dict[str, Any], record: ProxyRecord, crawler: Crawler, folder: Path, seconds: float
) -> BrowserVisit:
    asked = [Attempt(*request) for request in seen.get("requests", ())]
    attempts = [one for one in asked if _never(one.url, crawler)]
    # What only the proxy saw, such as a beacon sent while the page was left.
    told = {one.url for one in attempts}
    attempts += [
        Attempt(one, "other", main_frame=False, frame_url="") for one in record.attempts if not _told_of(one, told)
    ]
    return BrowserVisit(
        url=url,
        final_url=seen.get("final_url"),
        status=seen.get("status"),
        navigations=tuple(seen.get("navigations", ())),
        attempts=tuple(dict.fromkeys(attempts)),
        popups=tuple(seen.get("popups", ())),
        downloads=tuple(seen.get("downloads", ())),
        cookies=tuple((domain, name) for domain, name in seen.get("cookies", ())),
        refused=tuple(dict.fromkeys(record.refused)),
        requests=record.connections,
        bytes=record.bytes,
        cut=record.cut,
        screenshot=str(folder / SCREENSHOT_NAME) if seen.get("screenshot") else None,
        seconds=seconds,
        error=seen.get("error"),
        openings=crawler.openings,
    )


def _never(url: str, crawler: Crawler) -> bool:
    try:
        return crawler.never_fetch(read_target(url).host)
    except FetchFailedError:
        return False


def _told_of(attempt: str, told: set[str]) -> bool:
    """A CONNECT shows the host only: it is the request that the browser told of if any of that host was."""
    authority = read_target(attempt).authority
    return attempt in told or any(read_target(url).authority == authority for url in told)
