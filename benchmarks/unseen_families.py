"""What the judge finds in programmes unlike all it was taught: each generator is left out of the teaching in turn.

    python benchmarks/unseen_families.py LESSONS

Prints a markdown table: what is held on scores in the programmes of a generator (those that teaching never sees), by a
judge taught on all generators and by one taught on all but that one. LESSONS is the folder of `teach_shipped.py`. Both
judges see fewer conversions than the shipped one, so that all can be fitted. Everything is simulated. Rules, whole
sources and second opinions are left out; `detection.py` measures scans. Denominators: fraud is simulated fraudulent
payout, clean all other payout of the same programmes.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score
from teach_shipped import FEATURES, GENERATORS, KEPT_OUT, PROGRAMMES, Books, Lesson, fit, lessons_of

from features.lookups import Lookups
from features.prepare import prepare
from features.windows import day_number
from models.decide import matrix_verdicts
from models.stats import weighted_bootstrap
from models.taught import TaughtJudge
from screening.settings.load import load_settings
from screening.traffic.lists import load_book

ROWS = 140_000
LEVEL, DRAWS = 0.9, 500


@dataclass(frozen=True)
class Examined:
    """A programme of the test: its matrix and, as 0 and 1, which conversions are simulated fraud."""

    matrix: pl.DataFrame
    fraud: np.ndarray


def examined(lesson: Lesson, books: Books) -> Examined:
    """Compute the features of a programme as a scan would after its last day."""
    lookups = Lookups(
        books.addresses.classify, lambda column: books.agents.classify(column, on=lesson.last), lesson.sites
    )
    matrix = prepare(lesson.traffic, lookups, day_number(lesson.last)).matrix
    columns = ["conversion_id", "affiliate_id", "payout", *FEATURES]
    return Examined(
        matrix.select(columns), matrix["conversion_id"].is_in(lesson.fraud.implode()).cast(pl.Int8).to_numpy()
    )


def row(name: str, judge: TaughtJudge, programmes: list[Examined], bound: float) -> str:
    """Return a line of the table: what the judge holds on scores in these programmes, and how well it ranks."""
    held, payout, fraud, who, ranking = [], [], [], [], []
    for place, programme in enumerate(programmes):
        scores = judge.score(programme.matrix)
        money = programme.matrix["payout"].cast(pl.Float64).to_numpy()
        held.append(matrix_verdicts(scores, programme.matrix, judge.fraud_share, bound).held.astype(float))
        payout.append(money)
        fraud.append(programme.fraud)
        who.append(np.array([f"{place} {partner}" for partner in programme.matrix["affiliate_id"]]))
        if 0 < programme.fraud.sum() < len(scores):
            ranking.append(roc_auc_score(programme.fraud, scores, sample_weight=money))
    stopped, money, bad, partner = (np.concatenate(part) for part in (held, payout, fraud, who))
    shares = []
    for which in (1, 0):
        some = bad == which
        found = weighted_bootstrap(stopped[some], money[some], partner[some], LEVEL, draws=DRAWS, seed=1)
        shares.append(f"{found.share:.1%} ({found.low:.1%}-{found.high:.1%})")
    wrong = (stopped * money)[bad == 0].sum() / max((stopped * money).sum(), 1e-9)
    return f"| {name} | {shares[0]} | {shares[1]} | {wrong:.1%} | {np.mean(ranking):.3f} |"


def main(folder: Path) -> None:
    """Fit, judge and print."""
    bound = load_settings(None, {}).settings.decisions.clean_share_of_held_max
    with tempfile.TemporaryDirectory() as lists:
        books = Books(*load_book(Path(lists))[:2])
    lessons = {name: lessons_of(name, folder, books) for name in GENERATORS}
    everything = fit(lessons, ROWS)
    print("| generator, judge | fraud held | clean held | clean share of held | AUC by money |\n|---|---|---|---|---|")
    for name, make in GENERATORS.items():
        numbers = range(KEPT_OUT, PROGRAMMES + 1, KEPT_OUT)
        programmes = [examined(make(number, np.random.default_rng(number), books), books) for number in numbers]
        others = fit({other: lesson for other, lesson in lessons.items() if other != name}, ROWS)
        print(row(f"{name}, taught on all", everything, programmes, bound))
        print(row(f"{name}, never taught", others, programmes, bound), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
