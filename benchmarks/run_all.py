"""All benchmarks one after the other, and docs/benchmarks.md made of what they measured.

    python benchmarks/run_all.py [--clicks 10M] [--repeats 3] [--only scan,ingest] [--report]

Takes about a quarter of an hour on two idle cores. It can be stopped: called again it goes on with what is missing, and
begins anew once everything was there. A benchmark that fails is named in the table and does not stop the others.
`--report` measures nothing and writes the page from what benchmarks/results/ has.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import RESULTS, table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
REMARKS = RESULTS / "remarks.md"
PLOT = HERE.parent / "docs" / "benchmarks.svg"
LONGEST_SECONDS = 3600
TOLD_LINES = 40


@dataclass(frozen=True)
class Step:
    """A benchmark's program and its arguments. `tells` says that it prints its own figures and writes no result."""

    name: str
    script: str
    arguments: tuple[str, ...]
    title: str = ""
    tells: bool = False


def steps(clicks: str, repeats: int) -> list[Step]:
    """Return all benchmarks at the wanted size of the scan; the others have the size that their question needs."""
    times = ("--repeats", str(repeats))
    return [
        Step("scan", "bench_scan.py", ("--size", clicks, "--repeats", str(min(repeats, 2)))),
        Step("ingest", "bench_ingest.py", ("--size", "1M", *times)),
        Step("lookups", "bench_lookups.py", ("--size", "200k", *times)),
        Step("payout_gate", "bench_payout_gate.py", ("--size", "1M", *times)),
        Step("judges", "bench_judges.py", ("--size", "10k", *times)),
        Step(
            "http_gate",
            "bench_http_gate.py",
            ("--calls", "1000", *times),
            "Payout gate over HTTP, beside a bare FastAPI endpoint",
            tells=True,
        ),
        Step(
            "backlinks",
            "bench_backlinks.py",
            ("--domains", "100000", "--edges", "1000000"),
            "Backlink lookups, beside DuckDB",
            tells=True,
        ),
        Step(
            "screening",
            "bench_screening.py",
            ("--sites", "20", "--repetitions", str(repeats)),
            "Crawling and reading applicants' sites, beside Scrapy",
            tells=True,
        ),
        Step(
            "nights",
            "bench_nights.py",
            ("--days", "90", "--clicks", "5000", "--conversions", "200", *times),
            "A night on a lake of 90 days, beside one on an empty lake and one of twice the events",
            tells=True,
        ),
    ]


def measured(step: Step, work: Path) -> None:
    """Run one benchmark and leave its result; what it prints is shown as it comes."""
    command = [sys.executable, str(HERE / step.script), *step.arguments]
    print(f"== {shlex.join(['python', f'benchmarks/{step.script}', *step.arguments])}", flush=True)
    began, told = time.perf_counter(), []
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            told.append(line.rstrip())
            print(line, end="", flush=True)
    seconds = time.perf_counter() - began
    result = RESULTS / f"bench_{step.name}.json"
    if process.returncode:
        failure = {"failed": f"exit status {process.returncode}: {told[-1] if told else 'it said nothing'}"}
        _put(result, step, failure, seconds)
    elif step.tells:
        _put(result, step, {"told": told[-TOLD_LINES:]}, seconds)
    (work / f"{step.name}.done").touch()
    print(f"-- {step.name}: {seconds:.0f} s", flush=True)


def _put(result: Path, step: Step, found: dict[str, Any], seconds: float) -> None:
    command = shlex.join(["python", f"benchmarks/{step.script}", *step.arguments])
    entry = {
        "name": step.name,
        "title": step.title or step.name,
        "command": command,
        "at": f"{datetime.now(UTC):%Y-%m-%d}",
        "seconds": round(seconds),
        **found,
    }
    result.write_text(json.dumps(entry, indent=1) + "\n")


def report(names: Sequence[str]) -> None:
    """Write the page and its plot from the results that there are."""
    results = [json.loads(path.read_text()) for name in names if (path := RESULTS / f"bench_{name}.json").is_file()]
    compared = [result for result in results if "ways" in result]
    lines = [
        "# Benchmarks",
        "",
        "winnow beside what one would use instead, in one run on the same generated data, each repetition in a process",
        "of its own, the ways in turns. `make bench` measures everything again and writes this page (`CLICKS=1M` for a",
        "smaller scan); it can be stopped and goes on where it was. Peak memory includes started processes.",
        "",
    ]
    if compared:
        newest = max(compared, key=lambda result: result["at"])
        versions = ", ".join(f"{name} {number}" for name, number in newest["versions"].items())
        lines += [f"Measured {newest['at']} on {newest['machine']}: {versions}.", "", "![Times](benchmarks.svg)", ""]
    for result in results:
        lines += [f"## {result['title']}", "", f"`{result['command']}`", ""]
        if "ways" in result:
            lines += [table(result), "", *(f"{note}" for note in result["notes"]), ""]
        elif "failed" in result:
            lines += [f"It failed on {result['at']}: {result['failed']}", ""]
        else:
            lines += [f"Measured {result['at']}.", "", *_as_told(result["told"])]
    if REMARKS.is_file():
        lines += REMARKS.read_text().splitlines()
    PAGE.write_text("\n".join(lines).rstrip() + "\n")
    if compared:
        _plot(compared)


def _as_told(told: Sequence[str]) -> list[str]:
    """Return what a benchmark printed: from its table on where it made one, else as it stands."""
    table_at = next((number for number, line in enumerate(told) if line.startswith("| ")), None)
    return ["```", *told, "```", ""] if table_at is None else [*told[table_at:], ""]


def _plot(results: Sequence[dict[str, Any]]) -> None:
    """Draw each way's median, one panel a benchmark, on a common logarithmic scale of seconds."""
    import matplotlib as mpl  # noqa: PLC0415 - only the report needs it

    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "winnow"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    sizes = [len(result["ways"]) for result in results]
    figure, panels = plt.subplots(
        len(results), figsize=(8, 0.32 * sum(sizes) + 0.8 * len(results)), height_ratios=sizes, squeeze=False
    )
    for result, panel in zip(results, panels[:, 0], strict=True):
        ways = [(name, row) for name, row in result["ways"].items() if "failed" not in row][::-1]
        names, seconds = [name for name, _ in ways], [row["median"] for _, row in ways]
        reach = [[row["median"] - row["min"] for _, row in ways], [row["max"] - row["median"] for _, row in ways]]
        colours = ["#2457a6" if name.startswith("winnow") else "#b8bec9" for name in names]
        panel.barh(names, seconds, xerr=reach, color=colours, error_kw={"elinewidth": 0.8})
        panel.set_xscale("log")
        panel.set_title(f"{result['title']} ({result['size']:,} {result['unit']})", fontsize=8, loc="left")
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xlabel("seconds, median; the line from least to most", fontsize=8)
    figure.tight_layout()
    figure.savefig(PLOT, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clicks", default="10M")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--only", help="names, separated by commas")
    options.add_argument("--report", action="store_true")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "winnow-bench-round")
    chosen = options.parse_args()
    every = steps(chosen.clicks, chosen.repeats)
    names = chosen.only.split(",") if chosen.only else [step.name for step in every]
    if not chosen.report:
        chosen.work.mkdir(parents=True, exist_ok=True)
        for step in every:
            if step.name in names and not (chosen.work / f"{step.name}.done").exists():
                measured(step, chosen.work)
        for name in names:
            (chosen.work / f"{name}.done").unlink(missing_ok=True)
    report([step.name for step in every])


if __name__ == "__main__":
    main()
