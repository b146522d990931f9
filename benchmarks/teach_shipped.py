"""Teach the judge that ships: on simulated programmes of eight generators, with fraud injected into them besides.

    python benchmarks/teach_shipped.py OUT.npz LESSONS

60 programmes of each generator are simulated with varied size, length, feeds and fraud, clean ones among them, and
three times as many of the eighth, which draws a new kind of world each time; every sixth is kept out for measuring.
What is taken of them is kept in the folder LESSONS, and read from there the next time. It takes about an hour on a
quiet core. `unseen_families.py` measures what such a judge finds in a family that it was not taught.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parent / "generators"))
import eighth_programme
import fifth_programme
import fourth_programme
import narwhals as nw
import second_programme
import seventh_programme
import sixth_programme
import third_programme
from canonical import Programme

from features.families import all_features, conversion_features
from features.intelligence.addresses import AddressBook
from features.intelligence.agents import AgentBook
from features.lookups import Lookups, site_hosts
from features.prepare import Traffic, prepare
from features.schema import Kind
from features.windows import day_number
from features.working import working_clicks, working_conversions
from models.injection import build_pools, inject
from models.taught import TaughtJudge, as_array, labelled_matrix
from models.trees import BoostedTrees
from screening.simulate import Feed, ProgrammeSpec, demo_spec, simulate
from screening.traffic.gather import known_outcomes
from screening.traffic.lists import load_book

START = date(2026, 5, 1)
FRAUD_SHARE = 0.15
CLEAN_PROGRAMMES = 0.15
"""Share of programmes without fraud, where a generator leaves that to its caller."""
PROGRAMMES, WORLDS, KEPT_OUT = 60, 180, 6
"""Programmes of each generator, and of the eighth, numbered from 1; those that the last divides are for measuring."""
CLEAN_ROWS, FRAUD_ROWS = 900, 500
"""Conversions taken of each programme as it is, and again with fraud injected: large ones must not drown small ones."""
ROWS = 840_000
"""Conversions taught at most, drawn from those taken, as many of each generator."""
HIDDEN = 0.15
"""Share of rows whose own features are hidden, so that the judge can score sources as well as conversions."""
FEATURES = tuple(feature.name for feature in all_features())
OWN = np.array([name in {feature.name for feature in conversion_features()} for name in FEATURES])


@dataclass(frozen=True)
class Lesson:
    """A programme: its working events, what is known of its partners' sites, and the ids of its simulated fraud."""

    traffic: Traffic
    sites: pl.DataFrame
    fraud: pl.Series
    last: date


@dataclass(frozen=True)
class Books:
    """What is known of addresses and user agents."""

    addresses: AddressBook
    agents: AgentBook


def first_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a varied programme of the first generator."""
    usual = demo_spec(START).fraud
    kinds = {kind: float(part * np.exp(rng.normal(0, 0.8))) for kind, part in usual.items() if rng.random() < 0.7}
    conversions = int(np.exp(rng.uniform(np.log(1500), np.log(9000))))
    spec = ProgrammeSpec(
        START,
        days=int(rng.integers(14, 60)),
        affiliates=int(rng.integers(20, 120)),
        offers=int(rng.integers(4, 20)),
        clicks=conversions * int(rng.integers(8, 40)),
        conversions=conversions,
        fraud=kinds if rng.random() < 0.75 else {},
        feed=[Feed.FULL, Feed.FULL, Feed.FULL, Feed.NO_CLICKS, Feed.CONVERSION_ONLY][rng.integers(5)],
    )
    made = simulate(spec, number)
    fraud = made.truth.filter("is_fraud")["conversion_id"]
    return _lesson(
        {kind: made.table(kind) for kind in (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)}, fraud
    )


def second_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a varied programme of the second generator."""
    share = 0.0 if rng.random() < 0.15 else float(rng.uniform(0.03, 0.2))
    days, affiliates, scale = int(rng.integers(21, 50)), int(rng.integers(25, 110)), float(rng.uniform(0.2, 0.7))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        second_programme.generate(number, days, affiliates, scale, None, share, out)
        kinds = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)
        tables = {kind: pl.read_parquet(out / f"{kind}.parquet") for kind in kinds}
        truth = pl.read_csv(out / "truth.csv", schema_overrides={"conversion_id": pl.String, "is_fraud": pl.String})
    fraud = truth.filter(pl.col("is_fraud").str.to_lowercase().is_in(["true", "1"]))["conversion_id"]
    return _lesson(tables, fraud)


def third_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the third generator, which varies everything by itself."""
    return _made(third_programme.simulate(number))


def fourth_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the fourth generator, which varies everything by itself."""
    return _made(fourth_programme.simulate(number, books.addresses.classify))


def fifth_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the fifth generator, of varied size."""
    honest = bool(rng.random() < CLEAN_PROGRAMMES)
    return _made(fifth_programme.simulate(number, fraud=not honest, clicks=int(rng.uniform(15_000, 70_000))))


def sixth_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the sixth generator, of varied size."""
    honest = bool(rng.random() < CLEAN_PROGRAMMES)
    return _made(sixth_programme.simulate(number, fraud=not honest, scale=float(rng.uniform(0.2, 0.8))))


def seventh_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the seventh generator."""
    return _made(seventh_programme.simulate(number, fraud=bool(rng.random() >= CLEAN_PROGRAMMES)))


def eighth_generator(number: int, rng: np.random.Generator, books: Books) -> Lesson:  # noqa: ARG001 - one signature
    """Simulate a programme of the eighth generator, which varies everything by itself."""
    return _made(eighth_programme.simulate(number))


GENERATORS = {
    "first": first_generator,
    "second": second_generator,
    "third": third_generator,
    "fourth": fourth_generator,
    "fifth": fifth_generator,
    "sixth": sixth_generator,
    "seventh": seventh_generator,
    "eighth": eighth_generator,
}


def _made(made: Programme) -> Lesson:
    return _lesson(made.tables, made.truth.filter("is_fraud")["conversion_id"])


def _lesson(tables: dict[Kind, pl.DataFrame], fraud: pl.Series) -> Lesson:
    clicks = nw.to_native(working_clicks(nw.from_native(tables[Kind.CLICKS].lazy()))).collect()
    conversions = nw.to_native(working_conversions(nw.from_native(tables[Kind.CONVERSIONS].lazy()))).collect()
    outcomes = known_outcomes(tables[Kind.OUTCOMES])
    last = tables[Kind.CONVERSIONS]["ts"].max()
    assert isinstance(last, datetime)
    return Lesson(
        Traffic(clicks, conversions, outcomes), site_hosts(tables[Kind.AFFILIATES]), fraud, last.astimezone(UTC).date()
    )


def rows_of(lesson: Lesson, number: int, books: Books) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of a sample of the programme, as it is and once more with fraud injected."""
    agents, classify = books.agents, books.addresses.classify
    lookups = Lookups(classify, lambda column: agents.classify(column, on=lesson.last), lesson.sites)
    rng = np.random.default_rng(number)
    last = day_number(lesson.last)
    # half of the programmes tell no outcomes, as most programmes do not yet when a scan decides
    traffic = lesson.traffic
    if rng.random() < 0.5:
        traffic = Traffic(traffic.clicks, traffic.conversions, traffic.outcomes.head(0))
    plain = prepare(traffic, lookups, last).matrix.with_columns(label=pl.lit(0))
    injected = inject(traffic, build_pools(classify, rng), float(rng.uniform(0.15, 0.5)), number)
    values, labels = [], []
    for matrix in (plain, labelled_matrix(injected, lookups, last)):
        bad = matrix["conversion_id"].is_in(lesson.fraud.implode()) | (matrix["label"].fill_null(0) == 1)
        for label, most in ((0, CLEAN_ROWS), (1, FRAUD_ROWS)):
            chosen = matrix.filter(bad if label else ~bad)
            chosen = chosen.sample(min(chosen.height, most), seed=number)
            values.append(as_array(chosen, FEATURES))
            labels.append(np.full(chosen.height, label))
    return np.concatenate(values), np.concatenate(labels)


def fit(lessons: dict[str, tuple[np.ndarray, np.ndarray]], rows: int) -> TaughtJudge:
    """Fit the judge on features and labels per generator, each of which weighs the same; on `rows` rows at most."""
    rng = np.random.default_rng(0)
    each = rows // len(lessons)
    drawn = {name: rng.permutation(len(labels))[:each] for name, (_, labels) in lessons.items()}
    taught = np.concatenate([values[drawn[name]] for name, (values, _) in lessons.items()])
    label = np.concatenate([labels[drawn[name]] for name, (_, labels) in lessons.items()])
    weight = np.concatenate([_weights(labels[drawn[name]]) for name, (_, labels) in lessons.items()])
    taught[np.ix_(rng.random(len(taught)) < HIDDEN, OWN)] = np.nan
    fitted = HistGradientBoostingClassifier(
        learning_rate=0.12,
        max_iter=300,
        max_leaf_nodes=63,
        min_samples_leaf=50,
        l2_regularization=2.0,
        max_bins=63,
        max_features=0.25,
        early_stopping=False,
        random_state=0,
    ).fit(taught, label, sample_weight=weight / weight.mean())
    return TaughtJudge(FEATURES, (BoostedTrees.of(fitted),), FRAUD_SHARE)


def _weights(labels: np.ndarray) -> np.ndarray:
    """Weigh rows so that FRAUD_SHARE of them are fraud."""
    share = labels.mean()
    return np.asarray(np.where(labels == 1, FRAUD_SHARE / share, (1 - FRAUD_SHARE) / (1 - share)))


def lessons_of(name: str, folder: Path, books: Books) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of what is taught of a generator, from the folder or, if they are not there, anew."""
    kept = folder / f"{name}.npz"
    if not kept.exists():
        drawn = []
        programmes = WORLDS if name == "eighth" else PROGRAMMES
        for number in range(1, programmes + 1):
            if number % KEPT_OUT:
                made = GENERATORS[name](number, np.random.default_rng(number), books)
                drawn.append(rows_of(made, number, books))
                print(f"{name} generator, programme {number} of {programmes}", file=sys.stderr, flush=True)
        values, labels = zip(*drawn, strict=True)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(kept, values=np.concatenate(values), labels=np.concatenate(labels))
    with np.load(kept) as stored:
        return stored["values"], stored["labels"]


def main(out: Path, folder: Path) -> None:
    """Simulate, fit, store, and say how many rows were taught."""
    with tempfile.TemporaryDirectory() as lists:
        books = Books(*load_book(Path(lists))[:2])
        lessons = {name: lessons_of(name, folder, books) for name in GENERATORS}
    out.write_bytes(fit(lessons, ROWS).dump())
    taught = sum(min(len(labels), ROWS // len(lessons)) for _, labels in lessons.values())
    print(f"{out}: taught on {taught} conversions of simulated programmes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
