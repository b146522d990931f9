"""A second farm for screening, of sites that winnow's signals were not built on; see stranger_sites.

stranger_farm.py WORKSPACE    serve it, screen it in a new workspace and print what became of each kind
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from stranger_sites import BAD, HONEST, UNSEEN, Stranger

from screening.jobs.progress import silent_progress
from screening.jobs.screen import Outcome, screen_file
from screening.simulate.farm import NETWORK
from screening.simulate.farm_answers import Site
from screening.simulate.farm_server import serve
from screening.workspace import open_workspace

POLICY = {
    "brands": ["Zalmora", "Nordvik Outdoor"],
    "brand_domains": ["zalmora.com", "nordvikoutdoor.com"],
    "prohibited_categories": ["adult", "gambling", "piracy", "drugs", "counterfeit", "weapons", "payday_loans"],
    "allowed_countries": ["GB", "US", "DE", "JP"],
    "allowed_methods": ["content", "coupon", "social", "video"],
    "required_disclosure": "any",
}
_FIRST = ["Abel", "Bodil", "Cato", "Dorte", "Emil", "Frode", "Gerd", "Helge", "Inge", "Jarl"]
_LAST = ["Aune", "Berg", "Dahl", "Eide", "Foss", "Gran", "Hage", "Iversby", "Juul"]


@dataclass(frozen=True)
class Judged:
    stranger: Stranger
    outcome: Outcome
    folder: Path

    @property
    def right(self) -> bool:
        """Honest: approved. Bad: not approved, for a reason it was made for. Not to be seen: before a person."""
        if self.stranger.unseen:
            return self.outcome.decision == "review"
        if not self.stranger.codes:
            return self.outcome.decision == "approve"
        return self.outcome.decision != "approve" and bool(set(self.stranger.codes) & set(self.outcome.reasons))


def host_of(number: int, stranger: Stranger) -> str:
    more = ("", "-notes", "-post")[number // 90]
    return stranger.host or f"{_FIRST[number % 10]}-{_LAST[number // 10 % 9]}{more}.example".lower()


@contextmanager
def judged(root: Path, strangers: tuple[Stranger, ...]) -> Iterator[list[Judged]]:
    """Serve and screen them in the workspace `root`."""
    hosts = [host_of(number, stranger) for number, stranger in enumerate(strangers)]
    sites = {host: Site(host, one.pages, one.everywhere) for host, one in zip(hosts, strangers, strict=True)}
    with serve(sites, 8) as served:
        lines = [_application(number, host, served.port, strangers[number]) for number, host in enumerate(hosts)]
        (root / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
        (root / "policy.json").write_text(json.dumps(POLICY))
        (root / "applications.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        crawl = {"hosts": str(root / "hosts"), "allow_networks": [str(NETWORK)], "allow_ports": [served.port]}
        crawl |= {"threads": 16, "per_address": 16, "site": {"delay_seconds": 0}}
        screening = {"audit_share": 0}
        settings = {"crawl": crawl, "policy": {"file": "policy.json"}, "screening": screening}
        (root / "config.yaml").write_text(yaml.safe_dump(settings))
        done = screen_file(open_workspace(root), root / "applications.jsonl", datetime.now(UTC), silent_progress())
    outcomes = {item.application_id: item for item in done.outcomes}
    found = [(one, outcomes[f"S{number:03d}"]) for number, one in enumerate(strangers)]
    yield [Judged(one, outcome, root / outcome.evidence) for one, outcome in found]


def _application(number: int, host: str, port: int, stranger: Stranger) -> dict[str, object]:
    return {
        "application_id": f"S{number:03d}",
        "name": f"{_FIRST[number % 10]} {_LAST[number * 7 % 9]}",
        "email": f"{_FIRST[number % 10].lower()}.{number * 7919 % 9973}@{'gmail.com' if stranger.host else host}",
        "websites": [f"http://{host}:{port}/"],
        "country": "GB",
        "promo_methods": ["content"],
        "applied_at": f"2026-11-{1 + number // 24:02d}T{number % 24:02d}:00:00Z",
        **stranger.fields,
    }


def main() -> None:
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    strangers = (*HONEST, *BAD, *UNSEEN)
    with judged(root, strangers) as found:
        counts: Counter[str] = Counter()
        for item in found:
            sort = "unseen" if item.stranger.unseen else "bad" if item.stranger.codes else "honest"
            counts[f"{sort} {item.outcome.decision}"] += 1
            counts[f"{sort} {'right' if item.right else 'WRONG'}"] += 1
            if not item.right:
                told = item.outcome
                line = f"{told.application_id} {item.stranger.kind:46}{told.decision:8}{told.points:5g} {told.reasons}"
                sys.stdout.write(f"WRONG {sort:7}{line}\n")
        sys.stdout.write(json.dumps(counts, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
