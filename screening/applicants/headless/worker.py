"""The process that drives the browser; killed as a group, with the browser, when it does not end in time.

Run as `python -m screening.applicants.headless.worker REQUEST` with JSON; writes one JSON object to standard output.
It clicks nothing and types nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, Request, sync_playwright
from playwright.sync_api import Error as BrowserError

_VIEWPORT = {"width": 1280, "height": 800}
_ARGUMENTS = [
    "--proxy-bypass-list=<-loopback>",  # loopback too goes through the proxy, which refuses it
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-pings",
    "--no-first-run",
    "--mute-audio",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints,MediaRouter,AutofillServerCommunication",
]


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Visit the page and return everything it did."""
    seen: dict[str, Any] = {"navigations": [], "requests": [], "popups": [], "downloads": [], "cookies": []}
    seen |= {"final_url": None, "status": None, "error": None, "screenshot": False}
    with sync_playwright() as playwright:
        context = _open(playwright, asked)
        page = context.pages[0] if context.pages else context.new_page()
        _listen(context, page, seen, asked["most_requests"])
        _visit(page, seen, asked)
        seen["final_url"] = page.url
        seen["cookies"] = [[cookie["domain"], cookie["name"]] for cookie in context.cookies()]
        try:
            page.screenshot(path=asked["screenshot"], timeout=5_000)
            seen["screenshot"] = True
        except BrowserError:
            pass  # a page may keep the browser too busy for a picture; `screenshot` says so
        context.close()
    return seen


def _open(playwright: Playwright, asked: dict[str, Any]) -> BrowserContext:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox does not start as root
    return playwright.chromium.launch_persistent_context(
        asked["profile"],
        executable_path=asked["program"],
        headless=True,
        args=[*_ARGUMENTS, *as_root, f"--proxy-server=http://127.0.0.1:{asked['port']}"],
        accept_downloads=False,
        service_workers="block",
        user_agent=asked["user_agent"],
        viewport={"width": _VIEWPORT["width"], "height": _VIEWPORT["height"]},
        chromium_sandbox=not as_root,
    )


def _listen(context: BrowserContext, page: Page, seen: dict[str, Any], most_requests: int) -> None:
    def on_request(request: Request) -> None:
        if len(seen["requests"]) < most_requests:
            main, frame = _asker(request, page)
            seen["requests"].append([request.url[:2048], request.resource_type, main, frame[:2048]])

    def on_page(opened: Page) -> None:
        if opened is not page:
            seen["popups"].append(opened.url[:2048])

    def on_navigated(frame: Any) -> None:  # noqa: ANN401 - playwright's Frame
        if frame == page.main_frame:
            seen["navigations"].append(frame.url[:2048])

    context.on("request", on_request)
    context.on("page", on_page)
    page.on("framenavigated", on_navigated)
    page.on("download", lambda download: seen["downloads"].append(download.url[:2048]))
    page.on("dialog", lambda dialog: dialog.dismiss())


def _asker(request: Request, page: Page) -> tuple[bool, str]:
    """Say whether the page itself made a request, and the URL of the frame that did, as far as it is known yet."""
    try:
        return request.frame == page.main_frame, request.frame.url
    except BrowserError:  # the first request of a window that is only being opened has no frame yet
        return False, ""


def _visit(page: Page, seen: dict[str, Any], asked: dict[str, Any]) -> None:
    until = time.monotonic() + asked["seconds"]
    try:
        answer = page.goto(asked["url"], wait_until="commit", timeout=asked["seconds"] * 1000)
        seen["status"] = answer.status if answer is not None else None
    except BrowserError as error:
        seen["error"] = str(error).splitlines()[0][:300]
    try:
        while (left := until - time.monotonic()) > 0:
            page.wait_for_timeout(min(left, 0.25) * 1000)
    except BrowserError as error:
        seen["error"] = seen["error"] or str(error).splitlines()[0][:300]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
