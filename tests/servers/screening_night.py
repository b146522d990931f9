"""A night of applications against a farm of which some servers are hostile; run as a program by the tests.

screening_night.py farm FOLDER APPLICATIONS HOSTILE    serve until standard input closes; FOLDER gets the night's files
screening_night.py screen FOLDER WORKSPACE             screen them; prints what it cost and what is left, as JSON
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hostile_behaviours as hostile
import yaml
from hostile_wire import Behaviour, Farm

from screening.jobs.progress import silent_progress
from screening.jobs.screen import screen_file
from screening.simulate.farm import FarmSpec, running_farm
from screening.workspace import open_workspace

SEED = 7
HOSTILE_NETWORK = "127.80.0.0/16"

PLAIN: dict[str, Behaviour] = {
    "circles": hostile.redirect_in_circles,
    "chain": hostile.redirect_chain(40),
    "two-locations": hostile.redirect_with_two_locations,
    "bomb-behind-redirect": hostile.redirect_with_bomb_body,
    "metadata": hostile.redirect_to("http://169.254.169.254/latest/meta-data/"),
    "gzip-bomb": hostile.bomb("gzip"),
    "brotli-bomb": hostile.bomb("br"),
    "six-gzips": hostile.gzip_six_times,
    "gzip-members": hostile.gzip_members,
    "ten-gigabytes": hostile.declares_ten_gigabytes,
    "endless-chunks": hostile.endless_chunks,
    "chunk-extensions": hostile.chunk_extensions,
    "fifty-megabytes": hostile.fifty_megabytes,
    "never": hostile.never_answers,
    "header-drip": hostile.header_drip,
    "body-drip": hostile.body_drip,
    "continue-flood": hostile.continue_flood,
    "header-flood": hostile.header_flood,
    "header-line": hostile.header_line_flood,
    "garbage": hostile.garbage,
    "reset": hostile.reset_in_body,
    "calendar": hostile.calendar,
    "segments": hostile.repeating_segments,
    "sessions": hostile.session_in_links,
    "same-page": hostile.same_page_everywhere,
    "endless-pages": hostile.unique_page_everywhere,
    "endless-sitemap": hostile.sitemap_of_ten_million,
    "sitemap-loop": hostile.sitemap_loop,
    "sitemap-bomb": hostile.sitemap_bomb,
    "robots-of-wildcards": hostile.robots_text(b"User-agent: *\n" + b"Disallow: /*a*b*c*d*e$\n" * 20_000),
    "attributes": hostile.page(b"<p " + b" ".join(b"a%d=1" % place for place in range(100_000)) + b">text</p>"),
    "options": hostile.page(b"<select>" + b"<option>one" * 50_000 + b"</select>"),
    "deep": hostile.page(b"<div>" * 50_000 + b"deep"),
    "angles": hostile.page(b"<" * 2_000_000),
    "links": hostile.page(b"<a href=/x>x</a>" * 120_000),
}
"""Hostile servers that speak HTTP without TLS, by name."""


@contextmanager
def night(folder: Path, applications: int, count: int) -> Iterator[None]:
    """Serve the sites of so many applications, `count` of them hostile, and write what screening them takes."""
    hostile_farm = Farm()
    for name, behaviour in PLAIN.items():
        hostile_farm.add(f"{name}.test", behaviour)
    try:
        with running_farm(_spec(applications - count)) as farm:
            lines = [dict(item) for item in farm.applications]
            names = [(host, hostile_farm.names.addresses_of[host]) for host in hostile_farm.servers]
            hosts = farm.hosts
            for number in range(count):
                host, addresses = names[number % len(names)]
                own = f"{host.removesuffix('.test')}-{number}.example"
                hosts += f"{addresses[0]} {own}\n"
                lines.insert(number * (applications // count), _hostile_application(number, own, hostile_farm.port))
            crawl = {
                "hosts": str(folder / "hosts"),
                "allow_networks": [farm.network, HOSTILE_NETWORK],
                "allow_ports": [farm.port, hostile_farm.port],
                "threads": 32,
                "per_address": 16,
                "fetch": {"silence_seconds": 6, "total_seconds": 10},
                "site": {"delay_seconds": 0, "seconds": 30},
            }
            (folder / "hosts").write_text(hosts)
            (folder / "policy.json").write_text(json.dumps(farm.policy))
            (folder / "applications.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            settings = {"crawl": crawl, "policy": {"file": str(folder / "policy.json")}}
            (folder / "config.yaml").write_text(yaml.safe_dump(settings))
            yield
    finally:
        hostile_farm.close()


def _spec(applications: int) -> FarmSpec:
    """Most applicants are honest; rings have four members."""
    faults, stuffed, rings, copies, banned = (round(applications * share) for share in (0.08, 0.05, 0.005, 0.015, 0.01))
    honest = applications - faults - stuffed - 4 * rings - copies - banned
    return FarmSpec(honest, faults, stuffed, 0, rings, copies, banned, SEED)


def _hostile_application(number: int, host: str, port: int) -> dict[str, Any]:
    return {
        "application_id": f"HOSTILE-{number:04d}",
        "name": f"Hostile {number}",
        "email": f"someone{number}@{host}",
        "websites": [f"http://{host}:{port}/"],
        "country": "GB",
        "promo_methods": ["content"],
    }


def serve(folder: Path, applications: int, count: int) -> None:
    """Serve until standard input closes."""
    with night(folder, applications, count):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


def screen(folder: Path, root: Path) -> dict[str, Any]:
    """Screen the night's applications and say what it cost and what is left of it."""
    (root / "config.yaml").write_text((folder / "config.yaml").read_text())
    before = _left()
    begun = time.monotonic()
    done = screen_file(open_workspace(root), folder / "applications.jsonl", datetime.now(UTC), silent_progress())
    wall = time.monotonic() - begun
    after = _left()
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    crawls = [json.loads(path.read_text()) for path in (root / "evidence").glob("*/facts.json")]
    spent = [site["spent"] for crawl in crawls for site in crawl["sites"]]
    return {
        "counts": done.counts,
        "decisions": {item.application_id: [item.decision, sorted(item.reasons)] for item in done.outcomes},
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(mine.ru_utime + mine.ru_stime, 1),
        "parser_cpu_seconds": round(theirs.ru_utime + theirs.ru_stime, 1),
        "peak_mib": mine.ru_maxrss >> 10,
        "parser_peak_mib": theirs.ru_maxrss >> 10,
        "pages": sum(one["pages"] for one in spent),
        "fetches": sum(one["fetches"] for one in spent),
        "grown": {what: after[what] - before[what] for what in after},
    }


def _left() -> dict[str, int]:
    return {
        "threads": threading.active_count(),
        "processes": len(children(os.getpid())),
        "files": sum(map(_is_ours, Path("/proc/self/fd").iterdir())),
    }


def children(process: int) -> list[int]:
    """Return the processes below a process."""
    own = [
        int(one) for task in Path(f"/proc/{process}/task").iterdir() for one in (task / "children").read_text().split()
    ]
    return [*own, *(below for one in own for below in children(one))]


def _is_ours(descriptor: Path) -> bool:
    """Not the event loop that the data frame library opens once for the process."""
    try:
        return not os.readlink(descriptor).startswith("anon_inode:")  # noqa: PTH115 - no path that exists
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    if sys.argv[1] == "farm":
        serve(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.stdout.write(json.dumps(screen(Path(sys.argv[2]), Path(sys.argv[3]))) + "\n")
