"""Crawling and parsing applicants' sites beside Scrapy: pages per second of processor time, on the same farm.

    python benchmarks/bench_screening.py --sites 60 --repetitions 5

A farm of honest sites is served on loopback by a process of its own whose time does not count. winnow crawls it: per
site robots.txt, home page, the same page as three other visitors, favicon, sitemap, a path that cannot exist, and up to
nine more pages. Scrapy is then given exactly the same requests, agents and headers included (robots.txt it asks for by
itself), with as many at a time, and parses with the same function: winnow's own reading of a page, once for each
different body, as winnow does. winnow parses in killable processes, whose time counts, and guards each connection;
Scrapy parses in its own process. Without archives: Scrapy keeps none. `--evidence` has winnow keep them all the same.

Both run in a fresh process per repetition, in turn, and count from after a warm-up. Printed are the processor
milliseconds per fetch, pages (HTML answers, those whose body was parsed before included) per second of processor time,
and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from screening.applicants.crawl.crawler import Crawler, open_crawler
from screening.applicants.crawl.many import crawl_many
from screening.applicants.crawl.sniff import charset_of
from screening.applicants.page.encoding import decode_page
from screening.applicants.page.lexbor import read_with_lexbor
from screening.applicants.page.limits import PageLimits, strip_traps
from screening.applicants.records import ApplicationCrawl, Declared
from screening.settings import load_settings
from screening.settings.crawl import CrawlSettings
from screening.simulate.farm import ADDRESSES, NETWORK, FarmSpec, plan
from screening.simulate.farm_server import serve

TOGETHER = 16
"""Requests that either has under way at a time."""
WARM_SITES = 4


@contextmanager
def farm(folder: Path, sites: int) -> Iterator[None]:
    """Serve the farm from a process of its own; `folder` gets what the crawlers have to know."""
    command = [sys.executable, __file__, "--serve", str(folder), "--sites", str(sites)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise SystemExit("the farm does not start")
        yield
    finally:
        process.kill()
        process.wait()


def serve_farm(folder: Path, sites: int) -> None:
    """Serve until standard input closes."""
    spec = FarmSpec(honest=sites, faults=0, stuffed=0, lookalikes=0, rings=0, copies=0, banned=0, seed=1)
    with serve(plan(spec).sites, ADDRESSES) as served:
        (folder / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
        urls = [f"http://{host}:{served.port}/" for host in served.addresses]
        (folder / "farm.json").write_text(json.dumps({"port": served.port, "urls": urls}))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


class Used:
    """Processor seconds of this process and its children from now on."""

    def __init__(self) -> None:
        self._before = self._now()

    def seconds(self) -> float:
        """Return what was used since."""
        return self._now() - self._before

    @staticmethod
    def _now() -> float:
        return sum(map(_processor_seconds, _with_children(os.getpid())))


def _with_children(process: int) -> Iterator[int]:
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # the thread has ended meanwhile; its children are then another thread's
            for child in (task / "children").read_text().split():
                yield from _with_children(int(child))


def _processor_seconds(process: int) -> float:
    """User and system time of a process and its ended children (proc(5), stat, fields 14-17, in clock ticks)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def with_winnow(folder: Path, *, evidence: bool) -> dict[str, Any]:
    """Crawl the farm with winnow; says what was asked for, for the other to do the same."""
    logging.disable(logging.WARNING)
    known = json.loads((folder / "farm.json").read_text())
    warm, urls = known["urls"][:WARM_SITES], known["urls"][WARM_SITES:]
    asked: list[list[Any]] = []
    pages = fetches = 0
    with open_crawler(_settings(folder, known["port"])) as crawler, tempfile.TemporaryDirectory() as kept:
        list(_crawls(warm, crawler, None))
        used, begun = Used(), time.monotonic()
        crawls = list(_crawls(urls, crawler, Path(kept) if evidence else None))
        wall, cpu = time.monotonic() - begun, used.seconds()
        for site in (site for crawl in crawls for site in crawl.sites):
            fetches += site.spent.fetches
            browser = crawler.settings.browser_agent
            agents = {"browser": (browser, None), "referred": (browser, "https://www.google.com/")}
            seen = [(page, None, None) for page in (*site.pages, *site.others)]
            seen += [(view.page, *agents.get(view.profile, (None, None))) for view in site.views]
            pages += sum(page.facts is not None for page, _, _ in seen)
            for page, agent, referrer in seen:
                if page.role != "robots":
                    asked.append([page.fetch.url, agent, referrer, page.facts is not None])
    (folder / "asked.json").write_text(json.dumps(asked))
    return {"pages": pages, "fetches": fetches, "wall": wall, "cpu": cpu}


def _settings(folder: Path, port: int) -> CrawlSettings:
    values = {
        "HOSTS": folder / "hosts",
        "ALLOW_NETWORKS": f"[{NETWORK}]",
        "ALLOW_PORTS": f"[{port}]",
        "THREADS": TOGETHER,
        "PER_ADDRESS": TOGETHER,
        "SITE__DELAY_SECONDS": 0,
    }
    return load_settings(None, {f"WINNOW__CRAWL__{key}": str(value) for key, value in values.items()}).settings.crawl


def _crawls(urls: list[str], crawler: Crawler, evidence: Path | None) -> Iterator[ApplicationCrawl]:
    return crawl_many((Declared(f"a{number}", (url,)) for number, url in enumerate(urls)), crawler, evidence)


def with_scrapy(folder: Path) -> dict[str, Any]:
    """Fetch with Scrapy what winnow fetched, and parse with the same function."""
    import scrapy  # noqa: PLC0415 - winnow's own runs must not pay for it
    from scrapy.crawler import CrawlerProcess  # noqa: PLC0415

    known, asked = json.loads((folder / "farm.json").read_text()), json.loads((folder / "asked.json").read_text())
    crawl = _settings(folder, known["port"])
    page = crawl.parse.model_dump(
        include={"links", "text_characters", "script_characters", "jsonld_characters", "jsonld_depth"}
    )
    limits, addresses = PageLimits(**page), _addresses(folder)
    read: dict[tuple[str, bytes], Any] = {}
    counts = {"pages": 0, "fetches": 0}
    clock: dict[str, Any] = {}

    class Spider(scrapy.Spider):
        name = "same"

        async def start(self) -> Any:  # noqa: ANN401
            for url in known["urls"][:WARM_SITES]:
                yield self.ask(url, None, None, html=True)
            clock.update(used=Used(), begun=time.monotonic())
            counts.update(pages=0, fetches=0)
            for url, agent, referrer, html in asked:
                yield self.ask(url, agent, referrer, html=html)

        def ask(self, url: str, agent: str | None, referrer: str | None, *, html: bool) -> Any:  # noqa: ANN401
            headers = {"User-Agent": agent} if agent else {}
            headers |= {"Referer": referrer} if referrer else {}
            meta = {"handle_httpstatus_all": True, "html": html}
            return scrapy.Request(url, headers=headers, dont_filter=True, meta=meta, callback=self.parse)

        def parse(self, response: Any) -> None:  # noqa: ANN401
            counts["fetches"] += 1
            if not response.meta["html"]:
                return
            counts["pages"] += 1
            kind = (response.headers.get("Content-Type") or b"").decode()
            key = (response.url, response.body)
            if key not in read:
                markup, _ = decode_page(response.body, charset_of(kind))
                read[key] = read_with_lexbor(strip_traps(markup)[0], response.url, limits)

    settings = {
        "LOG_LEVEL": "ERROR",
        "ROBOTSTXT_OBEY": True,
        "USER_AGENT": crawl.user_agent,
        "CONCURRENT_REQUESTS": TOGETHER,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 2,
        "DOWNLOAD_DELAY": 0,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": True,
        "RETRY_ENABLED": False,
    }
    _resolve_from(addresses)
    process = CrawlerProcess(settings)
    process.crawl(Spider)
    process.start()
    return {**counts, "wall": time.monotonic() - clock["begun"], "cpu": clock["used"].seconds()}


def _addresses(folder: Path) -> dict[str, str]:
    lines = (line.split() for line in (folder / "hosts").read_text().splitlines())
    return {host: address for address, host in lines}


def _resolve_from(addresses: dict[str, str]) -> None:
    """Answer Scrapy's lookups from the farm's hosts file, as winnow's are."""
    import scrapy.resolver  # noqa: PLC0415

    for host, address in addresses.items():
        scrapy.resolver.dnscache[host] = address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=60)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--evidence", action="store_true", help="winnow keeps its archives, as in a real run")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("winnow", "scrapy"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_farm(arguments.serve, arguments.sites)
    elif arguments.only:
        run = (
            with_scrapy(arguments.folder)
            if arguments.only == "scrapy"
            else with_winnow(arguments.folder, evidence=arguments.evidence)
        )
        sys.stdout.write(json.dumps(run) + "\n")
    else:
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    """Run both in turn and print what they took."""
    runs: dict[str, list[dict[str, Any]]] = {"winnow": [], "scrapy": []}
    with tempfile.TemporaryDirectory() as name, farm(Path(name), arguments.sites):
        for _ in range(arguments.repetitions):
            for what, done in runs.items():
                command = [sys.executable, __file__, "--only", what, "--folder", name]
                command += ["--evidence"] if arguments.evidence else []
                result = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ)
                done.append(json.loads(result.stdout))
                print(what, {key: round(value, 2) for key, value in done[-1].items()}, flush=True)
    rate = {what: median(run["pages"] / run["cpu"] for run in done) for what, done in runs.items()}
    for what, done in runs.items():
        each = median(run["cpu"] / run["fetches"] for run in done)
        print(f"{what}: {rate[what]:.0f} pages per CPU second, {1000 * each:.2f} CPU ms per fetch")
    print(f"winnow / scrapy: {rate['winnow'] / rate['scrapy']:.2f}")


if __name__ == "__main__":
    main()
