"""The detector taught on fraud injected into the programme's own traffic.

Copies of the programme's own conversions are changed as fraud changes them (and others as honest oddities do), and a
boosted tree learns to tell the changed from the rest. What it learns is measured against the offer's own norm, so it is
about this programme and not about a generator.

Two things keep it honest. An affiliate is only ever judged by a tree that has not seen that affiliate's traffic (cross
fitting, folds by a hash of affiliate_id), so that what is there today is not learnt as normal. And rows of the
programme that look injected to such a tree are left out of the next round of teaching, so that real fraud in the
history is not taught as clean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import cast

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from features.families import all_features
from features.lookups import Lookups
from features.prepare import Traffic, prepare
from features.registry import SUB
from models.injection import build_pools, inject
from models.injection.campaigns import Injected
from models.judge import ModelFileError
from models.trees import BoostedTrees, pack, unpack

SUSPECT = 0.5
"""Rows of the programme that look at least this much like injected fraud are not taught as clean."""
_SLICE = 50_000
"""Rows whose features are copied for scoring at a time: some 60 MB of 314 features."""
FEWEST = 150
"""Conversions below which a programme is too small to teach anything."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """How to teach.

    In each of `replicates` copies of the traffic about `part` (0..1) of the sources are changed, some of them as
    placebos; `rounds` of teaching, each leaving out what the last suspected; `folds` of affiliates; `trees` and
    `leaves` bound the boosted trees; `fraud_share` is the weight of fraud in teaching (0..1), the base rate that scores
    are posteriors for.
    """

    replicates: int
    part: float
    rounds: int
    folds: int
    trees: int
    leaves: int
    fraud_share: float
    conversions: int
    """Conversions of the programme to teach with at most; whole affiliates are left out beyond it."""


@dataclass(frozen=True, slots=True)
class TaughtJudge:
    """A taught detector. Scoring never changes it.

    `forests` has one ensemble per fold of affiliates; an affiliate is scored by the forest of its own fold, which has
    not seen it. A judge taught on other programmes has a single forest. `fraud_share` is the base rate (0..1) that
    scores are posteriors for. `suspected_share` is the share of the teaching traffic's own conversions that were
    suspected, 0..1, None where the labels were known.
    """

    features: tuple[str, ...]
    forests: tuple[BoostedTrees, ...]
    fraud_share: float
    suspected_share: float | None = None

    def score(self, matrix: pl.DataFrame) -> np.ndarray:
        """Score each row of a matrix: shape (n,), 0..1, higher is worse, NaN where every feature is missing.

        Raises ValueError when the matrix lacks a feature that the judge was taught with.
        """
        lacking = [name for name in self.features if name not in matrix.columns]
        if lacking:
            raise ValueError(f"the matrix lacks {len(lacking)} features, first {lacking[0]}")
        fold = folds_of(matrix["affiliate_id"], len(self.forests))
        scores = np.full(matrix.height, np.nan)
        told = matrix.select(self.features)
        for index, forest in enumerate(self.forests):
            rows = _alike_together(matrix, fold == index)
            for start in range(0, len(rows), _SLICE):
                some = rows[start : start + _SLICE]
                values = as_array(told[some], self.features)
                scores[some] = np.where(np.isnan(values).all(axis=1), np.nan, forest.probability(values))
        return scores

    def dump(self) -> bytes:
        """Return the judge as bytes that `TaughtJudge.load` reads; equal judges give equal bytes."""
        header = {
            "features": list(self.features),
            "fraud_share": self.fraud_share,
            "suspected_share": self.suspected_share,
        }
        return pack(list(self.forests), header, {})

    @classmethod
    def load(cls, content: bytes) -> TaughtJudge:
        """Read a judge. Raises ModelFileError when the bytes are damaged or need features that this winnow lacks."""
        forests, header, _ = unpack(content)
        features = tuple(str(name) for name in cast("list[str]", header["features"]))
        unknown = sorted(set(features) - {feature.name for feature in all_features()})
        if unknown:
            raise ModelFileError(
                f"the model needs the feature {unknown[0]}, which this winnow does not have; train again"
            )
        suspected = header["suspected_share"]
        return cls(
            features,
            tuple(forests),
            float(cast("float", header["fraud_share"])),
            None if suspected is None else float(cast("float", suspected)),
        )


def shipped_bytes() -> bytes:
    """Return the judge that ships with winnow: taught on simulated programmes, none of them anybody's real traffic."""
    return resources.files("models").joinpath("data/shipped.npz").read_bytes()


def folds_of(affiliates: pl.Series, folds: int) -> np.ndarray:
    """Return each affiliate's fold, 0..folds-1, by a hash that is the same on every machine. Shape (n,)."""
    known = {
        name: int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:4], "big") % folds
        for name in affiliates.unique()
    }
    return affiliates.replace_strict(known, return_dtype=pl.Int64).to_numpy()


def _alike_together(matrix: pl.DataFrame, chosen: np.ndarray) -> np.ndarray:
    """Return the places of the chosen rows, those of one source side by side: trees send these the same ways."""
    keys = [key for key in SUB if key in matrix.columns]
    order = matrix.select(keys).with_row_index("place").filter(pl.Series(chosen)).sort(keys, maintain_order=True)
    return order["place"].to_numpy()


def as_array(matrix: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Return features as float32, shape (n, len(features)); null becomes NaN, which the trees treat as missing."""
    return matrix.select(pl.col(name).cast(pl.Float32) for name in features).to_numpy()


def teach(traffic: Traffic, lookups: Lookups, last_day: int, lessons: Lessons, seed: int) -> TaughtJudge | None:
    """Teach a detector on the traffic, or return None when there is too little of it (`FEWEST` conversions).

    `last_day` (days since 1970) is the last day of the traffic. The same arguments give the same judge.
    """
    traffic = _sampled(traffic, lessons.conversions, seed)
    if traffic.conversions.height < FEWEST:
        return None
    lesson = _lesson(traffic, lookups, last_day, lessons, seed)
    if lesson is None:
        return None
    suspected = np.zeros(len(lesson.values), dtype=bool)
    for round_ in range(lessons.rounds):
        trees = _fit(lesson, lesson.taught & ~suspected, lessons, seed + round_)
        scores = _out_of_fold(trees, lesson)
        if round_ + 1 < lessons.rounds:
            suspected = (lesson.label == 0) & (_suspicion(lesson, scores)[lesson.conversion] >= SUSPECT)
    known = _suspicion(lesson, scores)
    share = float(np.mean(known[~np.isnan(known)] >= SUSPECT))
    forests = tuple(BoostedTrees.of(tree) for tree in trees)
    return TaughtJudge(lesson.features, forests, lessons.fraud_share, share)


def _suspicion(lesson: _Lesson, scores: np.ndarray) -> np.ndarray:
    """Mean score of each conversion over the copies in which it was left alone; NaN where it never was."""
    count = np.bincount(lesson.conversion[lesson.own], minlength=lesson.conversion.max() + 1)
    total = np.bincount(lesson.conversion[lesson.own], scores[lesson.own], minlength=len(count))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan))


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Rows to learn from: `label` 1 injected fraud, else 0; `own` rows were left alone; `conversion` numbers them."""

    features: tuple[str, ...]
    values: np.ndarray
    label: np.ndarray
    own: np.ndarray
    fold: np.ndarray
    conversion: np.ndarray
    taught: np.ndarray


def _lesson(traffic: Traffic, lookups: Lookups, last_day: int, lessons: Lessons, seed: int) -> _Lesson | None:
    pools = build_pools(lookups.addresses, np.random.default_rng(seed))
    parts: list[pl.DataFrame] = []
    for replicate in range(lessons.replicates):
        injected = inject(traffic, pools, lessons.part, seed + replicate)
        parts.append(labelled_matrix(injected, lookups, last_day))
    table = pl.concat(parts)
    fold = folds_of(table["affiliate_id"], lessons.folds)
    features = _told(table, fold, lessons.folds)
    label = table["label"].fill_null(0).to_numpy()
    own = table["label"].is_null().to_numpy()
    return _Lesson(
        features=features,
        values=as_array(table, features),
        label=label,
        own=own,
        fold=fold,
        conversion=table["conversion_id"].rank("dense").to_numpy() - 1,
        # rows left alone are nearly the same in every copy: each copy teaches its share of them
        taught=~own | (np.random.default_rng(seed).integers(0, lessons.replicates, len(own)) == 0),
    )


def _told(table: pl.DataFrame, fold: np.ndarray, folds: int) -> tuple[str, ...]:
    # a feature must have values in the rows that each tree learns from
    names = [feature.name for feature in all_features()]
    known = np.isfinite(as_array(table, names))
    told = np.logical_and.reduce([known[fold != left_out].any(axis=0) for left_out in range(folds)])
    return tuple(name for name, has_values in zip(names, told, strict=True) if has_values)


def labelled_matrix(injected: Injected, lookups: Lookups, last_day: int) -> pl.DataFrame:
    """Return the matrix of traffic with injected campaigns, with `label` and `kind` (null: the programme's own row)."""
    prepared = prepare(injected.traffic, lookups, last_day)
    return prepared.matrix.join(injected.labels, on="conversion_id", how="left", maintain_order="left")


def _weights(label: np.ndarray, fraud_share: float) -> np.ndarray:
    share = label.mean()
    return np.asarray(np.where(label == 1, fraud_share / max(share, 1e-9), (1 - fraud_share) / max(1 - share, 1e-9)))


def _fit(lesson: _Lesson, use: np.ndarray, lessons: Lessons, seed: int) -> list[HistGradientBoostingClassifier]:
    trees = []
    for fold in range(lessons.folds):
        rows = use & (lesson.fold != fold)
        tree = HistGradientBoostingClassifier(
            max_iter=lessons.trees,
            max_leaf_nodes=lessons.leaves,
            learning_rate=0.1,
            min_samples_leaf=30,
            l2_regularization=1.0,
            max_bins=63,
            max_features=0.3,
            early_stopping=False,
            random_state=seed,
        )
        label = lesson.label[rows]
        trees.append(tree.fit(lesson.values[rows], label, sample_weight=_weights(label, lessons.fraud_share)))
    return trees


def _out_of_fold(trees: Sequence[HistGradientBoostingClassifier], lesson: _Lesson) -> np.ndarray:
    scores = np.full(len(lesson.values), np.nan)
    for fold, tree in enumerate(trees):
        rows = lesson.fold == fold
        if rows.any():
            scores[rows] = tree.predict_proba(lesson.values[rows])[:, 1]
    return scores


def _sampled(traffic: Traffic, most: int, seed: int) -> Traffic:
    """Keep whole affiliates, drawn at random, until they have `most` conversions."""
    if traffic.conversions.height <= most:
        return traffic
    sizes = (
        traffic.conversions.group_by("affiliate_id")
        .len()
        .sort("affiliate_id")
        .sample(fraction=1.0, shuffle=True, seed=seed)
    )
    room, chosen = most, []
    for affiliate, size in sizes.iter_rows():
        # one that is too big for the room left is passed over, so that a giant drawn first does not empty the lesson
        if size <= room:
            room -= size
            chosen.append(affiliate)
    kept = pl.DataFrame({"affiliate_id": chosen}, schema={"affiliate_id": pl.String})
    conversions = traffic.conversions.join(kept, on="affiliate_id", how="semi")
    return Traffic(
        traffic.clicks.join(kept, on="affiliate_id", how="semi"),
        conversions,
        traffic.outcomes.join(conversions, on="conversion_id", how="semi"),
    )
