"""The learned site model: boosted trees and a logistic line that tell bad sites from good ones by facts about them.

Trees find what facts mean together and need many sites for it; a line needs few and adds up. How much say either has is
found by sites that neither was taught on, so that a small set gets mostly the line and a large one mostly the trees.

It ships without weights. Whoever has sites that people labelled fits it on them with `fit`, and keeps it with
`SiteModel.dump`. What it learns is as good as the labels: a model taught on sites of one time and kind says little
about another (`benchmarks/results/site_model.md` shows how much hangs on facts that depend on the day of collection).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from models.judge import Floats, ModelFileError, numbers
from models.sites_line import Line, fit_line
from models.trees import BoostedTrees, pack, unpack

FEWEST = 50
"""Sites of each label below which nothing is learned: one error in a class of 50 is already 2 %."""
FEWEST_KNOWN = 20
"""Sites that must have a fact for it to be used; fewer would be learned by heart."""
FOLDS = 3
"""Folds that set the trees' say: each leaves a third out, which is ample for one number."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Says of the trees that are tried; finer steps are within the noise of a few hundred sites."""
_KIND = "site model"


@dataclass(frozen=True, slots=True)
class SiteLessons:
    """How to teach.

    `members` forests are averaged, each of `trees` trees with at most `leaves` leaves of at least `leaf_rows` sites;
    `rate` (above 0, at most 1) scales each tree's say; each split looks at the share `facts_part` (above 0, at most 1)
    of the facts. `ridge` (above 0) is the penalty on the line's squared weights.
    """

    members: int
    trees: int
    leaves: int
    leaf_rows: int
    rate: float
    facts_part: float
    ridge: float


@dataclass(frozen=True, slots=True)
class SiteModel:
    """A fitted model. Scoring never changes it.

    `facts` are the columns that it reads, `always` those that were known of every site that it was taught on,
    `bad_share` the share of bad sites (0..1) among those. `tree_share` is the trees' say (0..1); the line has the rest.
    """

    facts: tuple[str, ...]
    always: tuple[str, ...]
    members: tuple[BoostedTrees, ...]
    line: Line
    tree_share: float
    bad_share: float

    def score(self, sites: pl.DataFrame) -> Floats:
        """Return how bad each site looks, shape (rows,), 0..1, higher is worse, NaN unknown.

        A score is the probability of the bad label where bad sites are as common as they were in teaching. It is
        unknown when nothing is known of a site, and when a fact is missing that was never missing in teaching: nothing
        was learned about what its absence means. Other columns are ignored. Raises ValueError for a fact that is
        neither number nor boolean.
        """
        values = numbers(sites, self.facts)
        missing = np.isnan(values)
        by_trees = np.mean([member.probability(values) for member in self.members], axis=0)
        scores = self.tree_share * by_trees + (1 - self.tree_share) * self.line.probability(values)
        untaught = missing[:, [name in self.always for name in self.facts]].any(axis=1)
        scores[untaught | missing.all(axis=1)] = np.nan
        return np.asarray(scores, dtype=np.float64)

    def dump(self) -> bytes:
        """Return the model as bytes that `SiteModel.load` reads, without pickled code; equal models, equal bytes."""
        header: dict[str, object] = {
            "kind": _KIND,
            "facts": list(self.facts),
            "always": list(self.always),
            "bad_share": self.bad_share,
            "tree_share": self.tree_share,
        }
        return pack(list(self.members), header, self.line.arrays())

    @classmethod
    def load(cls, content: bytes) -> SiteModel:
        """Read a model. Raises ModelFileError when the bytes are damaged or hold another kind of model."""
        members, header, extra = unpack(content)
        if header.get("kind") != _KIND:
            raise ModelFileError("the file holds another kind of model than a site model; fit and store one")
        return cls(
            tuple(cast("list[str]", header["facts"])),
            tuple(cast("list[str]", header["always"])),
            tuple(members),
            Line(**extra),
            float(cast("float", header["tree_share"])),
            float(cast("float", header["bad_share"])),
        )


def fit(sites: pl.DataFrame, bad: NDArray[np.bool_], lessons: SiteLessons, seed: int) -> SiteModel | None:
    """Learn from sites (one row each, one column a fact) and whether people called them bad, shape (rows,).

    None when there is too little to learn from: fewer than `FEWEST` sites of either label, or no fact that is known of
    `FEWEST_KNOWN` sites. The same arguments give the same model. Raises ValueError when `bad` is not one boolean per
    row, or a fact is neither number nor boolean: leave addresses, names and labels out of `sites`.
    """
    if bad.dtype != np.bool_ or bad.shape != (sites.height,):
        raise ValueError(f"labels must be {sites.height} booleans, one a site, not {bad.dtype} of shape {bad.shape}")
    values = numbers(sites, sites.columns)
    known = (~np.isnan(values)).sum(axis=0)
    used = known >= FEWEST_KNOWN
    if min(bad.sum(), (~bad).sum()) < FEWEST or not used.any():
        return None
    facts = tuple(name for name, kept in zip(sites.columns, used, strict=True) if kept)
    always = tuple(name for name, count in zip(sites.columns, known, strict=True) if count == sites.height)
    values = values[:, used]
    members, line = _taught(values, bad, lessons, seed)
    return SiteModel(facts, always, members, line, _tree_share(values, bad, lessons, seed), float(bad.mean()))


def _taught(
    values: Floats, bad: NDArray[np.bool_], lessons: SiteLessons, seed: int
) -> tuple[tuple[BoostedTrees, ...], Line]:
    members = tuple(
        BoostedTrees.of(_forest(lessons, seed + member).fit(values, bad)) for member in range(lessons.members)
    )
    return members, fit_line(values, bad, lessons.ridge)


def _tree_share(values: Floats, bad: NDArray[np.bool_], lessons: SiteLessons, seed: int) -> float:
    """Return the trees' say that explains sites best that were left out of teaching, by logarithmic loss."""
    by_trees, by_line = np.empty(len(bad)), np.empty(len(bad))
    one = replace(lessons, members=1)
    for taught, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(values, bad):
        members, line = _taught(values[taught], bad[taught], one, seed)
        by_trees[asked], by_line[asked] = members[0].probability(values[asked]), line.probability(values[asked])
    losses = {share: log_loss(bad, share * by_trees + (1 - share) * by_line) for share in SHARES}
    return min(losses, key=lambda share: (losses[share], share))


def _forest(lessons: SiteLessons, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=lessons.trees,
        max_leaf_nodes=lessons.leaves,
        min_samples_leaf=lessons.leaf_rows,
        learning_rate=lessons.rate,
        max_features=lessons.facts_part,
        early_stopping=False,
        random_state=seed,
    )
