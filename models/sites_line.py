"""The line of the site model: a logistic regression that lives with missing and skewed facts, kept as plain arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.judge import Floats

FARTHEST = 5.0
"""Spreads beyond which a value counts as this far, so that one strange value cannot decide."""
_HARDLY_VARIES = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A fitted line. `stand_in` (facts,) is what a missing fact counts as; the others have one entry a column made.

    Columns are the facts, their logarithms and whether they are missing, shape (3 * facts,), each less `centre` and
    divided by `spread`; `weights` add up to the log odds with `offset`, shape (1,).
    """

    stand_in: Floats
    centre: Floats
    spread: Floats
    weights: Floats
    offset: Floats

    def probability(self, values: Floats) -> Floats:
        """Return the probability of the bad label, shape (n,), 0..1, of rows (n, facts); NaN is missing."""
        columns = _standard(_columns(values, self.stand_in), self.centre, self.spread)
        return np.asarray(expit(columns @ self.weights + self.offset[0]), dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to be stored; `Line(**arrays)` is the line again."""
        return asdict(self)


def fit_line(values: Floats, bad: NDArray[np.bool_], ridge: float) -> Line:
    """Fit on rows (n, facts) with labels (n,); every fact is known of a row at least. `ridge` above 0."""
    stand_in = np.nanmedian(values, axis=0)
    columns = _columns(values, stand_in)
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > _HARDLY_VARIES, spread, np.inf)
    fitted = LogisticRegression(C=1 / ridge, max_iter=2_000).fit(_standard(columns, centre, spread), bad)
    return Line(stand_in, centre, spread, fitted.coef_[0].copy(), fitted.intercept_.copy())


def _columns(values: Floats, stand_in: Floats) -> Floats:
    filled = np.where(np.isnan(values), stand_in, values)
    return np.column_stack([filled, np.sign(filled) * np.log1p(np.abs(filled)), np.isnan(values)])


def _standard(columns: Floats, centre: Floats, spread: Floats) -> Floats:
    return np.asarray(np.clip((columns - centre) / spread, -FARTHEST, FARTHEST), dtype=np.float64)
