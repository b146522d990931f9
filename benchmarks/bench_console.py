"""Server time of each page with a programme's history behind it, beside the same pages of a small one.

    python benchmarks/bench_console.py                     100,000 applicants, 50,000 flagged sources, 1,000,000 holds
    python benchmarks/bench_console.py --scale 0.1         a tenth of that

Both consoles are made here, on SQLite, in a temporary folder: `small` is the size of the demo. Times are the median
of several requests after one that warms the caches, in processor time of one process, without a network. The aim is at
most five times the small one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
from fastapi.testclient import TestClient
from sqlalchemy import insert

from screening.console.app import build_app
from screening.console.csrf import token_for
from screening.jobs.passwords import hash_password
from screening.jobs.views.partner import token_for as token_for_partner
from screening.store import CAPS, DECISIONS, SCREENINGS, SOURCES, RunRecord, Store, User, tables
from screening.workspace import open_workspace

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
JUDGED = NOW - timedelta(hours=7)
PASSWORD = "a long walk by the sea"
FACTOR = 5.0
REPEATS = 7
SMALL = (50, 400, 8_000)
LARGE = (100_000, 50_000, 1_000_000)
PARTNER = "/partner/LINK"
PAGES = (
    "/",
    "/review/applicants",
    "/review/sources",
    "/review/sources?order=clock",
    "/review/sources?reason=never_seen",
    "/review/sources?affiliate=a7",
    "/applicant?id=APP-7&queue=applicants%3Forder%3Dage",
    "/source?affiliate=a7&offer=o7&sub=s7&queue=sources%3Forder%3Dmoney",
    "/conversions?id=c7",
    "/caps",
    "/payouts",
    "/appeals",
    "/affiliate?id=a7",
    "/rings",
    "/runs",
    "/runs/scan-1",
    "/audit",
    "/settings",
    "/settings/policy",
    "/settings/lists",
    "/settings/retention",
    "/settings/connections",
    "/settings/programs",
    PARTNER,
)


def run_record(run_id: str, command: str) -> RunRecord:
    """Return a complete run."""
    return RunRecord(
        run_id=run_id,
        command=command,
        status="complete",
        started_at=JUDGED - timedelta(minutes=5),
        finished_at=JUDGED,
        period_from=None,
        period_to=None,
        lake_version=0,
        inputs={},
        settings={},
        versions={"winnow": "0"},
        seed=1,
        counts={},
    )


def fill(store: Store, root: Path, size: tuple[int, int, int]) -> None:
    """Record a scan and a screening of the size: applicants, flagged sources, held conversions."""
    applicants, sources, holds = size
    store.record_scan(run_record("scan-1", "scan"), decisions(holds, sources), flagged(sources), no_caps())
    store.record_screenings(run_record("screen-1", "screen"), screenings(root, applicants))
    with store.together() as records:
        access = records.cases._access  # noqa: SLF001 - a hundred thousand cases one by one would take minutes
        with access.writing() as connection:
            connection.execute(insert(tables.cases), [source_case(number) for number in range(sources)])
            connection.execute(insert(tables.cases), [applicant_case(number) for number in range(applicants)])


def decisions(rows: int, sources: int) -> pl.DataFrame:
    """Return held conversions, spread over the sources."""
    number = pl.int_range(rows, eager=True)
    source = (number % sources).cast(pl.String)
    frame = pl.DataFrame(
        {
            "conversion_id": "c" + number.cast(pl.String),
            "affiliate_id": "a" + source,
            "offer_id": "o" + source,
            "sub_id": "s" + source,
            "payout": (number % 97 + 1).cast(pl.Decimal(18, 4)),
        }
    ).with_columns(
        ts=pl.lit(JUDGED - timedelta(days=3)),
        currency=pl.lit("USD"),
        decision=pl.lit("hold"),
        score=0.9,
        p_value=0.01,
        reasons=pl.lit(["ctct_short"]),
        missing=pl.lit(["ip"]),
        reason_details=pl.lit('[{"code": "unlike_programme", "numbers": {"score": 0.9}, "weight": 0.5}]'),
    )
    return shaped(frame, DECISIONS)


def flagged(rows: int) -> pl.DataFrame:
    """Return flagged sources of one window."""
    number = pl.int_range(rows, eager=True)
    text = number.cast(pl.String)
    frame = pl.DataFrame(
        {
            "affiliate_id": "a" + text,
            "offer_id": "o" + text,
            "sub_id": "s" + text,
            "payout": (number % 997 + 1).cast(pl.Decimal(18, 4)),
        }
    ).with_columns(
        pl.lit((JUDGED - timedelta(days=28)).date()).alias("from"),
        pl.lit(JUDGED.date()).alias("to"),
        clicks=100,
        conversions=20,
        score=0.9,
        p_value=0.01,
        flagged=True,
        bad_share=0.9,
        bad_share_low=0.8,
        bad_share_high=0.95,
        reasons=pl.lit(["ctct_short", "address_hosting"]),
        missing=pl.lit(["ip"]),
        reason_details=pl.lit('[{"code": "unlike_programme", "numbers": {"score": 0.9}, "weight": 0.5}]'),
    )
    return shaped(frame, SOURCES)


def screenings(root: Path, rows: int) -> pl.DataFrame:
    """Return screenings; they share one dossier on disk."""
    folder = root / "evidence" / "APP"
    folder.mkdir(parents=True, exist_ok=True)
    words = dict.fromkeys(("email", "company", "country", "phone", "applied_at"))
    lists = {name: [] for name in ("websites", "social_profiles", "promo_methods", "problems")}
    body = {
        "application": {"application_id": "APP", "name": "Ann", **words, **lists, "claimed_monthly_visits": None},
        "advice": "look closely",
        "points": 30.0,
        "reasons": [],
        **{name: [] for name in ("missing", "not_known", "looked_for", "sites", "ring", "openings")},
    }
    (folder / "decision.json").write_text(json.dumps(body), encoding="utf-8")
    frame = pl.DataFrame({"application_id": "APP-" + pl.int_range(rows, eager=True).cast(pl.String)}).with_columns(
        decision=pl.lit("review"),
        score=0.5,
        reasons=pl.lit(["site_blocks"]),
        missing=pl.lit(["parked"]),
        evidence=pl.lit("evidence/APP"),
        reason_details=pl.lit("[]"),
    )
    return shaped(frame, SCREENINGS)


def shaped(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return the frame in the store's columns."""
    wanted = {name: kind for name, kind in schema.items() if name in frame.columns}
    return frame.select(*wanted).cast(wanted)


def no_caps() -> pl.DataFrame:
    """Return an empty frame of caps."""
    return pl.DataFrame(schema={name: kind for name, kind in CAPS.items() if name not in ("cap_id", "run_id")})


def case(kind: str, subject: str, number: int) -> dict[str, object]:
    """Return a case as it is stored."""
    return {
        "kind": kind,
        "subject": subject,
        "affiliate_id": None,
        "offer_id": None,
        "status": "open",
        "opened_at": JUDGED + timedelta(milliseconds=number),
        "amount": None,
        "currency": None,
        "due_at": None,
        "reasons": ["ctct_short", "address_hosting"],
        "run_id": "scan-1",
        "version": 1,
    }


def source_case(number: int) -> dict[str, object]:
    """Return the case of a source."""
    return {
        **case("source", f"a{number}/o{number}/s{number}", number),
        "affiliate_id": f"a{number}",
        "offer_id": f"o{number}",
        "amount": Decimal(number % 997 + 1),
        "currency": "USD",
        "due_at": NOW + timedelta(hours=number % 700),
    }


def applicant_case(number: int) -> dict[str, object]:
    """Return the case of an applicant."""
    return case("application", f"APP-{number}", number)


def measure(root: Path, size: tuple[int, int, int]) -> dict[str, float]:
    """Return the median server time of each page in milliseconds."""
    workspace = open_workspace(root, {})
    app = build_app(workspace, lambda: NOW)
    store: Store = app.state.console.store
    store.users.add(User("ada", "admin", hash_password(PASSWORD), active=True, created_at=NOW))
    began = time.perf_counter()
    fill(store, root, size)
    print(f"filled with {size[0]:,} applicants, {size[1]:,} sources, {size[2]:,} holds", end=" ")
    print(f"in {time.perf_counter() - began:.0f} s", flush=True)
    client = TestClient(app, base_url="http://localhost")
    client.get("/login")
    visitor = client.cookies["winnow-visitor"]
    signed = client.post("/login", data={"name": "ada", "password": PASSWORD, "csrf": token_for(visitor)})
    assert signed.status_code == 200, signed.text
    link = f"/partner/{token_for_partner(workspace, 'a7', NOW)}"
    times = {page: timed(client, link if page == PARTNER else page) for page in PAGES}
    store.close()
    return times


def timed(client: TestClient, page: str) -> float:
    """Return the median time of a page in milliseconds."""
    taken = []
    for _ in range(REPEATS + 1):
        began = time.process_time()
        answer = client.get(page)
        taken.append((time.process_time() - began) * 1000)
        assert answer.status_code == 200, (page, answer.status_code)
    return statistics.median(taken[1:])


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the large size")
    scale = parser.parse_args().scale
    large = tuple(max(small, round(size * scale)) for small, size in zip(SMALL, LARGE, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        small_times = measure(Path(folder) / "small", SMALL)
        large_times = measure(Path(folder) / "large", large)
    print(f"{'page':<72}{'small ms':>10}{'large ms':>10}{'times':>8}")
    for page in PAGES:
        ratio = large_times[page] / small_times[page]
        late = "  above five times" if ratio > FACTOR else ""
        print(f"{page:<72}{small_times[page]:>10.1f}{large_times[page]:>10.1f}{ratio:>8.1f}{late}")


if __name__ == "__main__":
    main()
