"""What a scan stops, rightly and by mistake, on simulated programmes, beside the presets of vendors in the same run.

    python benchmarks/detection.py [SEED ...] [--only "ninth generator"]

Every programme is simulated, and so is its fraud. The families of programmes are made by independent generators with
different mechanics. The shipped judge was taught on other seeds of all but the ninth, so these are figures for unseen
programmes of known families, and of one that is not known; `unseen_families.py` leaves each family out in turn.
`--only` takes the programmes whose name begins so. Denominators: fraud is simulated fraudulent payout; clean is
all other payout that is owed, which leaves out what the buyer had charged back by the night of the scan and conversions
of partners that the programme itself paused or banned. Both count hold and reject as stopped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from features.lookups import Classifier
from features.schema import Kind
from models.presets import PRESETS, held_by
from models.stats import weighted_bootstrap
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.scan import scan
from screening.simulate import Feed, demo_spec, simulate
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.traffic.lists import load_book
from screening.workspace import open_workspace

sys.path.insert(0, str(Path(__file__).resolve().parent / "generators"))
import eighth_programme
import fifth_programme
import fourth_programme
import ninth_programme
import second_programme
import seventh_programme
import sixth_programme
import third_programme
from canonical import Programme, write

T = TypeVar("T")
SEEDS = (901, 902, 903)
START = date(2026, 5, 1)
NOW = datetime(2026, 8, 1, tzinfo=UTC)
KINDS = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)
NOT_OWED = ["charged_back", "affiliate_paused", "affiliate_banned"]
"""Reasons to stop a conversion that are no judgement about it."""
LEVEL = 0.9
DRAWS = 500


@dataclass(frozen=True)
class Case:
    """One simulated programme: its files and which conversions are simulated fraud (conversion_id, is_fraud, kind)."""

    name: str
    files: dict[Kind, Path]
    truth: pl.DataFrame


def cases(seed: int, folder: Path, only: str) -> Iterator[Case]:
    """Simulate the programmes of one seed whose names begin with `only`."""
    spec = demo_spec(START)
    first = {
        "first generator": spec,
        "first generator, clean": replace(spec, fraud={}),
        "first generator, conversions only": replace(spec, feed=Feed.CONVERSION_ONLY),
    }
    for name, chosen in _chosen(first, only):
        place = folder / name
        place.mkdir()
        programme = simulate(chosen, seed)
        files = {}
        for kind in KINDS:
            if programme.table(kind).height:
                files[kind] = place / f"{kind}.parquet"
                programme.table(kind).write_parquet(files[kind])
        yield Case(name, files, programme.truth.select("conversion_id", "is_fraud", "kind"))
    for name, share in _chosen({"second generator": 0.1, "second generator, clean": 0.0}, only):
        place = folder / name
        second_programme.generate(seed, 35, 60, 0.5, None, share, place)
        truth = pl.read_csv(place / "truth.csv", schema_overrides={"conversion_id": pl.String})
        fraud = pl.col("is_fraud").cast(pl.String).str.to_lowercase().is_in(["true", "1"])
        files = {kind: place / f"{kind}.parquet" for kind in KINDS}
        yield Case(name, files, truth.select("conversion_id", fraud.alias("is_fraud"), pl.col("kind").cast(pl.String)))
    classify = load_book(folder / "lists")[0].classify
    for name, (make, numbers) in _chosen(_families(classify), only):
        for number in numbers:
            place = folder / f"{name} {number}"
            made = make(1000 * seed + number)
            write(made, place)
            files = {kind: place / f"{kind}.parquet" for kind in KINDS if (place / f"{kind}.parquet").exists()}
            yield Case(name, files, made.truth)


def _chosen(named: dict[str, T], only: str) -> Iterator[tuple[str, T]]:
    return ((name, value) for name, value in named.items() if name.startswith(only))


def _families(classify: Classifier) -> dict[str, tuple[Callable[[int], Programme], range]]:
    """Name the generators that draw everything by themselves: how to make a programme, and which ones a seed has."""
    return {
        "third generator": (third_programme.simulate, range(4)),
        "fourth generator": (partial(fourth_programme.simulate, addresses=classify), range(4, 8)),
        "fifth generator": (fifth_programme.simulate, range(3)),
        "sixth generator": (sixth_programme.simulate, range(3)),
        "seventh generator": (seventh_programme.simulate, range(4)),
        "seventh generator, clean": (partial(seventh_programme.simulate, fraud=False), range(2)),
        "eighth generator": (eighth_programme.simulate, range(8)),
        "ninth generator": (ninth_programme.simulate, range(4)),
        "ninth generator, clean": (partial(ninth_programme.simulate, fraud=False), range(2)),
    }


def judged(case: Case, folder: Path) -> pl.DataFrame:
    """Scan the programme; return conversion_id, affiliate_id, payout, and a column of stopped (0/1) per method."""
    workspace = open_workspace(folder, {})
    for kind, path in case.files.items():
        ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress())
    snapshot = Lake(workspace.lake).snapshot()
    # the night after the last day: outcomes that came later are not known
    night = datetime.combine(snapshot.days(Kind.CONVERSIONS)[-1] + timedelta(days=1), time(2), UTC)
    run = scan(workspace, (None, None), night, silent_progress()).run
    with open_store(workspace.store_url) as store:
        decisions = store.decisions(run.run_id)
    conversions, clicks = (snapshot.frame(kind).collect() for kind in (Kind.CONVERSIONS, Kind.CLICKS))
    rows = decisions.select(
        "conversion_id",
        "affiliate_id",
        pl.col("payout").cast(pl.Float64),
        winnow=(pl.col("decision") != "pay").cast(pl.Int64),
        owed=pl.col("reasons").list.set_intersection(NOT_OWED).list.len() == 0,
    )
    for preset in PRESETS.values():
        held = held_by(preset, conversions, clicks if clicks.height else None)
        flag = held.select("conversion_id", pl.col("held").fill_null(value=False).cast(pl.Int64).alias(preset.name))
        rows = rows.join(flag, on="conversion_id", how="left")
    return rows.join(case.truth, on="conversion_id", how="left")


def share(rows: pl.DataFrame, method: str) -> str:
    """Money-weighted share that a method stops, with its interval, or a dash when there is nothing to stop."""
    if rows.is_empty() or rows["payout"].sum() == 0:
        return "-"
    known = rows.drop_nulls(method)
    if known.is_empty():
        return "unknown"
    found = weighted_bootstrap(
        known[method].to_numpy(),
        known["payout"].to_numpy(),
        known["affiliate_id"].to_numpy(),
        LEVEL,
        draws=DRAWS,
        seed=1,
    )
    return f"{found.share:.1%} ({found.low:.1%}-{found.high:.1%})"


def main(seeds: list[int], only: str) -> None:
    """Print a markdown table per family of programmes, all seeds together, and the shares by kind of fraud."""
    collected: dict[str, list[pl.DataFrame]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            for index, case in enumerate(cases(seed, Path(folder), only)):
                rows = judged(case, Path(folder) / f"workspace{index}")
                named = rows.with_columns(
                    affiliate_id=pl.format("{}-{}-{}", pl.lit(seed), pl.lit(index), "affiliate_id")
                )
                collected.setdefault(case.name, []).append(named)
    kept = pl.col("is_fraud") | pl.col("owed")
    methods = ["winnow", *(preset.name for preset in PRESETS.values())]
    for name, parts in collected.items():
        rows = pl.concat(parts).filter(kept)
        fraud, clean = rows.filter("is_fraud"), rows.filter(~pl.col("is_fraud"))
        print(f"\n{name}, seeds {seeds}, fraud {fraud['payout'].sum() / rows['payout'].sum():.1%} of payout\n")
        print("| method | fraud stopped | clean stopped | clean share of stopped |\n|---|---|---|---|")
        for method in methods:
            stopped = rows.filter(pl.col(method) == 1)
            wrong = stopped.filter(~pl.col("is_fraud"))["payout"].sum() / max(stopped["payout"].sum(), 1e-9)
            print(f"| {method} | {share(fraud, method)} | {share(clean, method)} | {wrong:.1%} |")
        if fraud.height:
            kinds = (
                fraud.group_by("kind")
                .agg((pl.col("winnow") * pl.col("payout")).sum() / pl.col("payout").sum())
                .sort("kind")
            )
            print("\nby kind: " + ", ".join(f"{kind} {found:.0%}" for kind, found in kinds.iter_rows()))
            print(f"mean over kinds: {np.mean(kinds['winnow'].to_numpy()):.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    main(given.seeds, given.only)
