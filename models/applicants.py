"""The learned judge of applicants: how often people rejected applicants with findings like these.

Boosted trees that may only rise with what speaks against an applicant and only fall with what speaks for one, taught on
people's decisions, with Platt's sigmoid fitted on rows that the trees had not seen (Platt 1999; Niculescu-Mizil and
Caruana, ICML 2005: below about a thousand rows a sigmoid calibrates better than isotonic regression).

A fact that is not known is neither good nor bad, so a row with unknown facts has two chances: `floor` as if each were
at its best, and `score` as if each were at its worst, also where teaching never met that. Since the trees are monotone,
the chance with all facts known lies between them. Mercy may rest on `score` only, suspicion on `floor` only: then
hiding a fact never earns mercy, and lacking one never raises suspicion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from models.judge import Floats, ModelFileError, numbers
from models.trees import BoostedTrees, pack, unpack

FEWEST_FOUND = 5
"""Rows that must differ in a fact for it to be a feature of its own; rarer ones count in the sum of their group.

Of a fact found in fewer rows of teaching, the judge has not been taught how people decide.
"""
FOLDS = 5
"""Folds whose left-out rows fit the sigmoid."""
_NEARLY_CERTAIN = 1e-6
"""Chances are kept this far from 0 and 1, as the sigmoid reads their log odds."""
_KIND = "judge of applicants"


@dataclass(frozen=True, slots=True)
class Fact:
    """A column of the facts, 1 found and 0 not: `direction` 1 when it speaks against the applicant, -1 for one.

    All facts of a `group` have one direction, and their sum is a feature as well.
    """

    name: str
    direction: Literal[1, -1]
    group: str


@dataclass(frozen=True, slots=True)
class Lessons:
    """How to teach: `trees` trees of at most `leaves` leaves of at least `leaf_rows` rows, each scaled by `rate`."""

    trees: int
    leaves: int
    leaf_rows: int
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Decisions to learn from, one a row of the facts.

    `rejected` says how people decided; rows of one `applicant` never teach and calibrate each other; `weight` (at least
    1) says for how many applicants a row stands, where only a share of those like it was ever decided. All (rows,).
    """

    rejected: NDArray[np.bool_]
    applicant: NDArray[np.str_]
    weight: Floats


@dataclass(frozen=True, slots=True)
class ApplicantJudge:
    """A fitted judge. Scoring never changes it.

    `facts` are what it reads; `taught` those found in at least `FEWEST_FOUND` rows of teaching (none in a judge stored
    before this was kept). `used` are the features of its trees: facts, then group sums. `slope` and `offset` are the
    sigmoid's.
    """

    facts: tuple[Fact, ...]
    taught: frozenset[str]
    used: tuple[str, ...]
    trees: BoostedTrees
    slope: float
    offset: float

    def score(self, facts: pl.DataFrame) -> Floats:
        """Return the chance, shape (rows,), 0..1, that people reject, with what is not known at its worst.

        Higher is worse; NaN where no fact at all is known. Columns that it does not read are ignored. A value beyond
        0..1 is not known. Raises ValueError for a fact that is neither number nor boolean.
        """
        return self._chance(facts, _directions(self.facts) > 0)

    def floor(self, facts: pl.DataFrame) -> Floats:
        """Return the same chance with what is not known at its best; never above `score`."""
        return self._chance(facts, _directions(self.facts) < 0)

    def telling(self, facts: pl.DataFrame, most: int) -> list[tuple[str, ...]]:
        """Name, for each row, at most `most` facts without which `floor` would be lower, the weightiest first."""
        whole = self.floor(facts)
        drops: list[dict[str, float]] = [{} for _ in range(facts.height)]
        for fact in self.facts:
            if fact.direction < 0 or fact.name not in facts.columns:
                continue
            without = self.floor(facts.with_columns(pl.lit(0.0).alias(fact.name)))
            for row in np.flatnonzero(whole - without > 0):
                drops[row][fact.name] = float(whole[row] - without[row])
        return [tuple(sorted(row, key=lambda name: (-row[name], name))[:most]) for row in drops]

    def dump(self) -> bytes:
        """Return the judge as bytes that `load` reads, without pickled code; equal judges, equal bytes."""
        header: dict[str, object] = {
            "kind": _KIND,
            "facts": [[fact.name, fact.direction, fact.group] for fact in self.facts],
            "taught": sorted(self.taught),
            "used": list(self.used),
            "sigmoid": [self.slope, self.offset],
        }
        return pack([self.trees], header, {})

    @classmethod
    def load(cls, content: bytes) -> ApplicantJudge:
        """Read a judge. Raises ModelFileError when the bytes are damaged or hold another kind of model."""
        trees, header, _ = unpack(content)
        if header.get("kind") != _KIND:
            raise ModelFileError("the file holds another kind of model than a judge of applicants")
        facts = tuple(Fact(*one) for one in cast("list[Any]", header["facts"]))
        slope, offset = cast("list[float]", header["sigmoid"])
        used = tuple(cast("list[str]", header["used"]))
        taught = frozenset(cast("list[str]", header.get("taught", [])))
        return cls(facts, taught, used, trees[0], slope, offset)

    def _chance(self, facts: pl.DataFrame, stand_in: NDArray[np.bool_]) -> Floats:
        values = _values(facts, self.facts)
        missing = np.isnan(values)
        features, names, _ = _features(self.facts, np.where(missing, stand_in, values))
        raw = self.trees.probability(features[:, [names.index(name) for name in self.used]])
        chance = np.asarray(expit(self.slope * _log_odds(raw) + self.offset), dtype=np.float64)
        chance[missing.all(axis=1)] = np.nan
        return chance


def fit(
    facts: pl.DataFrame, known: Sequence[Fact], decided: Decided, lessons: Lessons, seed: int
) -> ApplicantJudge | None:
    """Learn from facts (one row a decision; null where not known) and how people decided.

    None when there is nothing to learn: fewer than `FOLDS` applicants of either decision, no fact that varies, or
    facts that tell nothing of the decisions in rows left out. What is not known counts as not found in teaching. The
    same arguments give the same judge. Raises ValueError when the decisions are not one a row.
    """
    if decided.rejected.dtype != np.bool_ or {
        decided.rejected.shape,
        decided.applicant.shape,
        decided.weight.shape,
    } != {(facts.height,)}:
        raise ValueError(f"decisions must be {facts.height} booleans, one a row, and so many applicants and weights")
    counts = [len(np.unique(decided.applicant[decided.rejected == which])) for which in (True, False)]
    if min(counts) < FOLDS:
        return None
    values = np.nan_to_num(_values(facts, known), nan=0.0)
    features, names, directions = _features(known, values)
    varies = _varying(features)
    if not varies.any():
        return None
    features, directions = features[:, varies], directions[varies]
    sigmoid = _sigmoid(features, directions, decided, (lessons, seed))
    if sigmoid is None:
        return None
    trees = BoostedTrees.of(_forest(lessons, directions, seed).fit(features, decided.rejected, decided.weight))
    used = tuple(name for name, kept in zip(names, varies, strict=True) if kept)
    often = np.count_nonzero(values, axis=0) >= FEWEST_FOUND
    taught = frozenset(fact.name for fact, enough in zip(known, often, strict=True) if enough)
    return ApplicantJudge(tuple(known), taught, used, trees, *sigmoid)


def _values(facts: pl.DataFrame, known: Sequence[Fact]) -> Floats:
    """Return the facts as float64, shape (rows, facts), NaN where not known; what is beyond 0..1 tells nothing."""
    values = numbers(facts, [fact.name for fact in known])
    return np.where((values < 0) | (values > 1), np.nan, values)


def _directions(known: Sequence[Fact]) -> NDArray[np.int64]:
    return np.array([fact.direction for fact in known])


def _features(known: Sequence[Fact], values: Floats) -> tuple[Floats, list[str], NDArray[np.int64]]:
    """Return facts and group sums, shape (rows, features), with their names and directions."""
    groups = {fact.group: fact.direction for fact in known}
    sums = [values[:, [fact.group == group for fact in known]].sum(axis=1) for group in groups]
    names = [*(fact.name for fact in known), *(f"sum of {group}" for group in groups)]
    directions = np.array([*_directions(known), *groups.values()])
    return np.column_stack([values, *sums]), names, directions


def _varying(features: Floats) -> NDArray[np.bool_]:
    """Say which features differ from their commonest value in at least `FEWEST_FOUND` rows."""
    commonest = [np.unique(column, return_counts=True)[1].max(initial=0) for column in features.T]
    return np.array([len(features) - count >= FEWEST_FOUND for count in commonest], dtype=bool)


def _sigmoid(
    features: Floats, directions: NDArray[np.int64], decided: Decided, how: tuple[Lessons, int]
) -> tuple[float, float] | None:
    """Fit the sigmoid on rows left out; None when the trees tell nothing of them."""
    lessons, seed = how
    raw = np.empty(len(features))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for taught, asked in folds.split(features, decided.rejected, decided.applicant):
        if len(np.unique(decided.rejected[taught])) < 2:
            return None
        forest = _forest(lessons, directions, seed)
        forest.fit(features[taught], decided.rejected[taught], decided.weight[taught])
        raw[asked] = forest.predict_proba(features[asked])[:, 1]
    line = LogisticRegression().fit(_log_odds(raw)[:, None], decided.rejected, decided.weight)
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    return (slope, offset) if slope > 0 else None


def _forest(lessons: Lessons, directions: NDArray[np.int64], seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=lessons.trees,
        max_leaf_nodes=lessons.leaves,
        min_samples_leaf=lessons.leaf_rows,
        learning_rate=lessons.rate,
        monotonic_cst=directions.astype(np.int8),
        early_stopping=False,
        random_state=seed,
    )


def _log_odds(chance: Floats) -> Floats:
    return np.asarray(logit(np.clip(chance, _NEARLY_CERTAIN, 1 - _NEARLY_CERTAIN)), dtype=np.float64)
