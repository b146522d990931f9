"""A tiny programme that is dropped day by day, and the state in which its nights leave the workspace.

Run as a program it is one night that is killed before the file operation of the number given (0: it only counts them):

night_programme.py WORKSPACE NOW FATAL
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from screening.jobs.nightly import NightReport, nightly
from screening.jobs.progress import silent_progress
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.workspace import Workspace, open_workspace

FIRST = date(2026, 5, 1)
QUIET = {
    "WINNOW__NIGHTLY__QUIET_SECONDS": "0",
    "WINNOW__NIGHTLY__PAUSE_SECONDS": "0",
    "WINNOW__NIGHTLY__RESCREEN_MAX": "0",
}
"""A night on a fast clock: files are whole when they are there, and tries follow one another at once."""


_EXACT_DIGITS = 6
"""A spread that is nought comes out as 3e-8 or 4e-8, by the order in which threads have summed."""


def opened(root: Path, **more: str) -> Workspace:
    return open_workspace(root, {**QUIET, **more})


def night_of(day: date) -> datetime:
    """Two in the night after a day."""
    return datetime.combine(day + timedelta(days=1), time(2), UTC)


def drop(root: Path, day: date, conversions: int = 40, seed: int = 1) -> None:
    """Drop the events of a day: five partners, four clicks a conversion, one row that is refused."""
    chance = random.Random(f"{seed}-{day}")
    clicks = ["click_id,ts,affiliate_id,offer_id,sub_id,ip,user_agent,device_id,country"]
    sales = ["conversion_id,ts,affiliate_id,offer_id,payout,currency,click_id,click_ts,ip,customer_id,status"]
    for number in range(4 * conversions):
        at = datetime.combine(day, time(), UTC) + timedelta(seconds=chance.randrange(80_000))
        who, address = f"a{number % 5}", f"81.2.{chance.randrange(70)}.{chance.randrange(250)}"
        click = f"k{day:%m%d}-{number}"
        clicks.append(f"{click},{at.isoformat()},{who},o{number % 2},s{number % 3},{address},Mozilla/5.0,d{number},GB")
        if number % 4 == 0:
            sold = at + timedelta(seconds=60 + chance.randrange(5_000))
            money = f"{chance.randrange(100, 900) / 100:.2f}"
            sales.append(
                f"c{day:%m%d}-{number},{sold.isoformat()},{who},o{number % 2},{money},EUR,{click},{at.isoformat()},"
                f"{address},u{number},pending"
            )
    sales.append(f"bad-{day:%m%d},never,a1,o1,1,EUR,,,,,")
    for kind, lines in (("clicks", clicks), ("conversions", sales)):
        folder = root / "drop" / kind
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{day}.csv"
        draft.write_text("\n".join(lines) + "\n")
        draft.replace(folder / f"{day}.csv")


def drop_partners(root: Path) -> None:
    """Drop the programme's partners with their addresses, so that there is somebody to write to."""
    folder = root / "drop" / "affiliates"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["affiliate_id,name,email", *(f"a{n},Partner {n},partner{n}@example.com" for n in range(6))]
    (folder / "partners.csv").write_text("\n".join(lines) + "\n")


def drop_fraud(root: Path, day: date, conversions: int = 40) -> None:
    """Drop the day of a sixth partner, who sells a second after each click, all from one hoster's address."""
    lines = ["conversion_id,ts,affiliate_id,offer_id,sub_id,payout,currency,click_id,click_ts,ip,customer_id,status"]
    for number in range(conversions):
        at = datetime.combine(day, time(3), UTC) + timedelta(seconds=number)
        lines.append(
            f"f{day:%m%d}-{number},{(at + timedelta(seconds=1)).isoformat()},a5,o0,s0,9.00,EUR,"
            f"fk{day:%m%d}-{number},{at.isoformat()},52.95.110.1,v{number},pending"
        )
    folder = root / "drop" / "conversions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"fraud-{day}.csv").write_text("\n".join(lines) + "\n")


def dropped(root: Path, days: Iterable[date]) -> Path:
    """Drop partners, and the events of days with the sixth partner's fraud among them; return the new folder."""
    root.mkdir()
    drop_partners(root)
    for day in days:
        drop(root, day)
        drop_fraud(root, day)
    return root


def begun(root: Path, days: int, ended: int) -> tuple[Path, datetime]:
    """Drop so many days and run the night that ends the first `ended` of them; return also the last night's moment."""
    every = [FIRST + timedelta(days=number) for number in range(days)]
    dropped(root, every[:ended])
    run_night(root, night_of(every[ended - 1]))
    for day in every[ended:]:
        drop(root, day)
        drop_fraud(root, day)
    return root, night_of(every[-1])


def run_night(root: Path, now: datetime, **more: str) -> NightReport:
    return nightly(opened(root, **more), now, silent_progress())


def state(root: Path, **more: str) -> dict[str, Any]:
    """All that a later reader relies on, without what differs from run to run: random ids and moments of the clock."""
    workspace = opened(root, **more)
    snapshot = Lake(workspace.lake).snapshot()
    snapshot.verify()
    with open_store(workspace.store_url) as store:
        runs = store.runs("scan")
        decisions = [_plain(store.decisions(run.run_id), "conversion_id") for run in runs]
        sources = [_plain(store.sources(run.run_id), "affiliate_id", "offer_id", "sub_id", "from") for run in runs]
        letters = [(letter.key, letter.recipient, str(letter.status)) for letter in store.outbox.all()]
        caps = _plain(store.recommendations.all(), "offer_id", "affiliate_id", "cap_type")
        cases = [(case.kind, case.subject, case.reasons, case.amount) for case in store.cases.waiting()]
        trail = [(event.actor, event.action) for _, event in store.audit.events()]
        store.audit.verify()
    files = {
        path.relative_to(root).as_posix()
        for folder in ("drop", "quarantine", "lake")
        for path in (root / folder).rglob("*")
    }
    return {
        "version": snapshot.version,
        "parts": [(part.path, part.rows, part.digest) for part in snapshot.parts],
        "periods": [(run.period_from, run.period_to, run.lake_version, dict(run.counts)) for run in runs],
        "decisions": decisions,
        "sources": sources,
        "cases": cases,
        "caps": caps,
        "letters": sorted(letters),
        "trail": trail,
        "files": files,
    }


def _plain(frame: pl.DataFrame, *key: str) -> list[dict[str, Any]]:
    """Return the rows in an order of their own, without ids and moments, and numbers as far as they are exact."""
    rows = frame.drop("run_id", "source_id", "cap_id", "judged_at", strict=False)
    rows = rows.sort(*key).with_columns(cs.float().round(_EXACT_DIGITS)).to_dicts()
    # databases differ in the order of a document's members
    return [
        row | {name: json.loads(row[name]) for name in row.keys() & {"reason_details"} if row[name]} for row in rows
    ]


def _die_before(root: Path, fatal: int) -> None:
    count = 0

    def operation(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event.startswith(("open", "os.", "shutil.", "sqlite3.")) and arguments and str(root) in str(arguments[0]):
            count += 1
            if count == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(operation)
    report = run_night(root, datetime.fromisoformat(sys.argv[2]))
    sys.stdout.write(f"{count} {int(report.exit_code)}\n")


if __name__ == "__main__":
    _die_before(Path(sys.argv[1]), int(sys.argv[3]))
