"""Serve the 181 real publisher pages as sites of their own and screen them: none may be rejected.

    python benchmarks/publisher_pages.py [--by-publisher] [--explain]

Prints decisions, the share that goes to a person, and why. Each page is a site and an applicant of its own; since many
pages are of the same publisher, those share ids and texts as a ring would. With `--by-publisher` all pages of a
publisher are one site under the publisher's own name.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from screening.applicants.identity import host_of
from screening.jobs.progress import silent_progress
from screening.jobs.screen import Screened, screen_file
from screening.simulate.farm import NETWORK
from screening.simulate.farm_answers import Answer, Site
from screening.simulate.farm_server import serve
from screening.workspace import open_workspace

REPO = Path(__file__).resolve().parent.parent
PAGES = REPO.parent / "shared" / "data" / "screening" / "publisher_pages"
POLICY: dict[str, Any] = {
    "brands": ["Zalmora", "Nordvik Outdoor", "Kettlewick"],
    "brand_domains": ["zalmora.example"],
    "prohibited_categories": ["adult", "gambling", "piracy", "drugs", "counterfeit", "weapons", "hate", "payday_loans"],
    "allowed_countries": ["US", "GB", "DE"],
    "allowed_methods": ["content", "coupon", "email"],
    "required_disclosure": "any",
}


def sites(folder: Path, *, by_publisher: bool) -> dict[str, Site]:
    """Return a site for each page, or for each publisher with all pages of it."""
    truth = json.loads((folder / "ground-truth.json").read_text())
    found: dict[str, dict[str, Answer]] = {}
    for number, path in enumerate(sorted(folder.glob("*.html.gz"))):
        host = f"publisher-{number:03d}.example"
        if by_publisher:
            host = host_of(truth[path.name.removesuffix(".html.gz")]["url"])
        pages = found.setdefault(host, {})
        pages[f"/story-{number}" if pages else "/"] = _answer(gzip.decompress(path.read_bytes()))
    for pages in found.values():
        links = "".join(f'<a href="{path}">more</a>' for path in pages if path != "/")
        pages["/"] = replace(
            pages["/"], body=pages["/"].body.replace(b"</body>", f"<nav>{links}</nav></body>".encode())
        )
    return {host: Site(host, pages) for host, pages in found.items()}


def _answer(body: bytes) -> Answer:
    return Answer(body, 200, {"Content-Type": "text/html; charset=utf-8"})


@contextmanager
def screened(folder: Path, *, by_publisher: bool) -> Iterator[tuple[Screened, Path]]:
    """Serve and screen all pages; the workspace lives as long as the block."""
    with tempfile.TemporaryDirectory() as name, serve(sites(folder, by_publisher=by_publisher), 8) as served:
        root = Path(name)
        (root / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
        lines = [
            {
                "application_id": f"P{number:03d}",
                "name": f"Publisher {number:03d}",
                "email": f"editor@{host}",
                "websites": [f"http://{host}:{served.port}/"],
                "country": "US",
                "promo_methods": ["content"],
            }
            for number, host in enumerate(served.addresses)
        ]
        (root / "applications.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (root / "policy.json").write_text(json.dumps(POLICY))
        crawl = {
            "hosts": str(root / "hosts"),
            "allow_networks": [str(NETWORK)],
            "allow_ports": [served.port],
            "per_address": 16,
            "threads": 16,
            "site": {"delay_seconds": 0},
        }
        settings = {"crawl": crawl, "policy": {"file": "policy.json"}}
        (root / "config.yaml").write_text(yaml.safe_dump(settings))
        done = screen_file(open_workspace(root), root / "applications.jsonl", datetime.now(UTC), silent_progress())
        yield done, root


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path, default=PAGES)
    parser.add_argument("--by-publisher", action="store_true")
    parser.add_argument("--explain", action="store_true", help="print what was found on each page that goes to review")
    arguments = parser.parse_args()
    with screened(arguments.pages, by_publisher=arguments.by_publisher) as (done, root):
        print(done.counts)
        held = [item for item in done.outcomes if item.decision != "approve"]
        print(f"to a person: {len(held)} of {len(done.outcomes)} = {len(held) / len(done.outcomes):.1%}")
        print("reasons of those:", Counter(code for item in held for code in item.reasons).most_common())
        print("reasons of all:", Counter(code for item in done.outcomes for code in item.reasons).most_common())
        for item in held if arguments.explain else ():
            data = json.loads((root / item.evidence / "decision.json").read_text())
            title = data["sites"][0]["title"] if data["sites"] else ""
            print(f"\n{item.application_id} {item.decision} {item.points:g} {title}")
            for reason in data["reasons"]:
                if reason["points"] >= 5 or reason["tier"] == "unseen":
                    for finding in reason["findings"]:
                        print(f"  {reason['code']}: {finding['explanation']}")
                        print(f"    {finding['exhibits'][0]['snippet'][:200] if finding['exhibits'] else ''}")


if __name__ == "__main__":
    main()
