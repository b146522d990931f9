"""The pass with a real browser: what pages do without a click, and that the browser gets nowhere past the guard."""

from __future__ import annotations

import socket
import subprocess
import threading
from pathlib import Path

import pytest
from hostile_behaviours import page
from hostile_fixtures import crawl_settings
from hostile_wire import article

from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.headless.browser import is_browser_available, watch_page
from screening.applicants.headless.proxy import GuardedProxy

CHROMIUM = "/usr/bin/chromium"
needs_browser = pytest.mark.skipif(
    not is_browser_available(CHROMIUM), reason="needs the extra `browser` and Debian's chromium package"
)


def network(host: str) -> bool:
    return host == "click.network.net"


@pytest.fixture
def crawler(farm, trust):
    settings = crawl_settings(farm, BROWSER__SECONDS=1.5, FETCH__SILENCE_SECONDS=5)
    with open_crawler(settings, resolver=farm.names, contexts=trust, never_fetch=network) as opened:
        yield opened


@pytest.fixture
def watch(farm, crawler, tmp_path):
    def at(host: str, body: bytes):
        farm.add(host, page(b"<!doctype html><title>t</title>" + body, headers=("Set-Cookie: own=1",)))
        return watch_page(farm.url(host), crawler, tmp_path / host)

    return at


@pytest.fixture
def patiently_watch(farm, trust, tmp_path):
    """Watch with time enough for a page that asks for much on a busy machine."""
    settings = crawl_settings(farm, BROWSER__SECONDS=8, FETCH__SILENCE_SECONDS=5)
    with open_crawler(settings, resolver=farm.names, contexts=trust, never_fetch=network) as opened:

        def at(host: str, body: bytes):
            farm.add(host, page(b"<!doctype html><title>t</title>" + body))
            return watch_page(farm.url(host), opened, tmp_path / host)

        yield at


@pytest.fixture(autouse=True, scope="module")
def click_host(farm):
    return farm.add("click.network.net", lambda exchange: exchange.respond(article()))


@needs_browser
def test_an_honest_page_does_nothing_by_itself(farm, watch, crawler):
    link = farm.url("click.network.net", "/?id=7").encode()
    visit = watch("honest.net", b"<h1>Hello</h1><a href='%b'>Buy</a><img src='/picture.png'>" % link)
    assert (visit.error, visit.status, visit.attempts, visit.popups) == (None, 200, (), ())
    assert visit.navigations == (farm.url("honest.net"),)
    assert ("honest.net", "own") in visit.cookies
    assert Path(visit.screenshot).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert visit.openings == crawler.openings


FORCED = {
    "document": "<iframe src='{}' width=1 height=1></iframe>",
    "image": "<img src='{}' style='display:none'>",
    "script": "<script>setTimeout(()=>{let s=document.createElement('script');s.src='{}';"
    "document.body.append(s)},200)</script>",
    "fetch": "<script>fetch('{}',{mode:'no-cors'}).catch(()=>0)</script>",
}


@needs_browser
def test_forced_clicks_are_attempts_that_never_arrive(farm, watch, click_host):
    urls = {kind: farm.url("click.network.net", f"/?id={kind}") for kind in FORCED}
    visit = watch("forced.net", "".join(FORCED[kind].replace("{}", urls[kind]) for kind in FORCED).encode())
    assert {one.kind: one.url for one in visit.attempts} == urls
    assert {one.main_frame for one in visit.attempts if one.kind != "document"} == {True}
    assert click_host.connections == 0


@needs_browser
def test_a_page_that_leaves_for_a_network_by_itself(farm, watch, click_host):
    url = farm.url("click.network.net", "/?id=moved")
    visit = watch("moved.net", f"<script>setTimeout(()=>{{location='{url}'}},300)</script>".encode())
    assert [(one.url, one.kind, one.main_frame) for one in visit.attempts] == [(url, "document", True)]
    assert click_host.connections == 0


@needs_browser
def test_a_popup_without_a_click_is_recorded_or_stopped_by_the_browser(farm, watch, click_host):
    url = farm.url("click.network.net", "/?id=popup")
    visit = watch("popup.net", f"<script>window.open('{url}')</script>".encode())
    assert visit.error is None
    assert click_host.connections == 0
    # the browser itself blocks popups without a gesture; where it does not, the attempt is recorded
    assert all(one.url == url for one in visit.attempts)


@needs_browser
def test_the_browser_gets_nowhere_past_the_guard(farm, patiently_watch):
    private = f"http://127.0.0.1:{farm.port}"
    body = f"""<iframe src="{private}/frame"></iframe><img src="http://localhost:{farm.port}/image">
    <img src="http://[::1]:{farm.port}/six"><script>fetch("{private}/fetch").catch(()=>0);
    new WebSocket("ws://127.0.0.1:{farm.port}/socket");
    navigator.serviceWorker && navigator.serviceWorker.register("/worker.js").catch(()=>0);</script>"""
    visit = patiently_watch("inside.net", body.encode())
    assert farm.forbidden.connections == 0
    assert any(one.startswith("127.0.0.1:") for one in visit.refused)
    assert visit.error is None


@needs_browser
def test_a_page_that_never_rests_is_ended_with_all_its_processes(farm, watch):
    visit = watch("busy.net", b"<script>for(;;){}</script>")
    assert visit.seconds < 40
    left = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert "winnow-browser-" not in left


def test_without_the_browser_nothing_is_concluded(farm, trust, tmp_path):
    settings = crawl_settings(farm, BROWSER__PROGRAM="/nowhere/chromium")
    farm.add("plain.net", page(article()))
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        visit = watch_page(farm.url("plain.net"), crawler, tmp_path)
    assert (visit.error, visit.status, visit.screenshot) == ("browser_unavailable", None, None)


# --- the proxy by itself ---------------------------------------------------------------------------------------------


def _say(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(request.encode())
        answer = b""
        while piece := client.recv(65536):
            answer += piece
            if b"HTTP/1.1 200 Connected" in answer:
                break
        return answer


def test_the_proxy_asks_the_guard_for_every_connection(farm, crawler, click_host):
    server = farm.add("through.net", page(article(title="Through")))
    before = threading.active_count()
    with GuardedProxy(crawler.guard, network, crawler.settings) as proxy:
        plain = _say(
            proxy.port, f"GET {farm.url('through.net', '/x?y=1')} HTTP/1.1\r\nHost: h\r\nProxy-Connection: x\r\n\r\n"
        )
        assert b"Through" in plain
        assert server.requests[-1].path == "/x?y=1"
        assert "proxy-connection" not in server.requests[-1].headers
        assert b"200 Connected" in _say(proxy.port, f"CONNECT through.net:{farm.port} HTTP/1.1\r\n\r\n")
        for place in (f"127.0.0.1:{farm.port}", f"localhost:{farm.port}", "through.net:22", f"[::1]:{farm.port}"):
            assert b"403" in _say(proxy.port, f"CONNECT {place} HTTP/1.1\r\n\r\n")
        assert b"403" in _say(proxy.port, f"CONNECT click.network.net:{farm.port} HTTP/1.1\r\n\r\n")
        for nonsense in (
            "nonsense\r\n\r\n",
            "GET file:///etc/passwd HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
            "CONNECT : x\r\n\r\n",
        ):
            assert _say(proxy.port, nonsense) == b""
        assert proxy.record.attempts == [f"https://click.network.net:{farm.port}/"]
        assert len(proxy.record.refused) == 4
    assert threading.active_count() <= before + 2
    assert click_host.connections == farm.forbidden.connections == 0


def test_the_proxy_stops_at_its_limits(farm, trust):
    farm.add("big.net", page(article(60_000)))
    settings = crawl_settings(farm, BROWSER__TOTAL_BYTES=100_000, BROWSER__REQUESTS=3)
    with (
        open_crawler(settings, resolver=farm.names, contexts=trust) as crawler,
        GuardedProxy(crawler.guard, network, settings) as proxy,
    ):
        request = f"GET {farm.url('big.net')} HTTP/1.1\r\n\r\n"
        assert len(_say(proxy.port, request)) < 300_000
        assert b"403 Too much" in _say(proxy.port, request)
        assert proxy.record.cut
