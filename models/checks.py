"""The contract of judges as checks that run over any of them, given a specimen: the judge and facts to try it on.

Each check raises `ContractBreachError` that says what was expected and what came. `run_checks` runs them all and
returns their names, so that a test can tell that they ran.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.judge import Floats, Judge, ModelFileError, digest, dump, load

SEED = 20240229
TOLERANCE = 1e-9
"""Differences of scores that are rounding, not another judgement."""
GROWTH_MAX = 1.25
"""How much larger a stored judge may be after three times as many rows, once it is full."""
FEW_ROWS = 3
"""Rows from which no judge may claim to have learned."""
HUGE = 1e300


class ContractBreachError(AssertionError):
    """A judge does not do what every judge must do."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A judge and what to try it on."""

    judge: Judge
    """Not fitted."""
    facts: Callable[[int, int], pl.DataFrame]
    """(rows, seed) -> about that many rows of ordinary facts, without any null."""
    worsened: Callable[[pl.DataFrame], tuple[pl.DataFrame, NDArray[np.bool_]]]
    """facts -> the same rows with a few made grossly bad, and which those are, shape (rows,)."""
    measures: tuple[str, ...]
    """The numeric columns that are judged; the other needed columns are keys and times."""
    rows: int
    """Rows that are ample to learn from."""
    full: int
    """Rows after which the judge should not grow any more."""


def run_checks(specimen: Specimen) -> tuple[str, ...]:
    """Run every check; return their names. Raises ContractBreachError at the first that fails."""
    for check in CHECKS:
        check(specimen)
    return tuple(check.__name__ for check in CHECKS)


def scoring_is_pure(specimen: Specimen) -> None:
    """Scoring twice gives the same and changes neither the judge nor the facts."""
    judge, facts = _fitted(specimen), specimen.facts(specimen.rows, SEED + 1)
    copy, before = facts.clone(), pickle.dumps(judge)
    first, second = judge.score(facts), judge.score(facts)
    _demand_same(second, first, "the second scoring of the same rows")
    _demand(pickle.dumps(judge) == before, "scoring changed the judge")
    _demand(facts.equals(copy), "scoring changed the facts")


def fitting_leaves_the_judge(specimen: Specimen) -> None:
    """Fitting returns another judge and leaves the one it was called on."""
    before = pickle.dumps(specimen.judge)
    fitted = _fitted(specimen)
    _demand(fitted is not specimen.judge, "fit returned the judge itself")
    _demand(pickle.dumps(specimen.judge) == before, "fit changed the judge it was called on")


def scores_are_in_range(specimen: Specimen) -> None:
    """Scores are float64, one per row, 0..1 or NaN, and ordinary facts are not all unknown."""
    judge, facts = _fitted(specimen), specimen.facts(specimen.rows, SEED + 1)
    scores = _valid(judge, facts)
    _demand(bool((~np.isnan(scores)).mean() > 0.5), "most ordinary rows were left unknown")
    _valid(judge, specimen.worsened(facts)[0])


def worse_scores_higher(specimen: Specimen) -> None:
    """Grossly bad rows score above the median of the others."""
    facts, bad = specimen.worsened(specimen.facts(specimen.rows, SEED + 1))
    scores = _fitted(specimen).score(facts)
    _demand(bool(bad.any() and not bad.all()), "the specimen made no row bad, or all")
    lowest, median = float(np.min(scores[bad])), float(np.nanmedian(scores[~bad]))
    _demand(lowest > median, f"a grossly bad row scored {lowest:.3f}, ordinary ones {median:.3f}")


def column_order_is_irrelevant(specimen: Specimen) -> None:
    """Columns in another order, and columns it does not need, change nothing, in fitting and scoring."""
    learned, facts = specimen.facts(specimen.rows, SEED), specimen.facts(specimen.rows, SEED + 1)
    expected = specimen.judge.fit(learned, seed=SEED).score(facts)
    for change in (_columns_reversed, _with_strange_column):
        got = specimen.judge.fit(change(learned), seed=SEED).score(change(facts))
        _demand_same(got, expected, f"scores after {change.__name__.strip('_').replace('_', ' ')}")


def row_order_is_irrelevant(specimen: Specimen) -> None:
    """Rows in another order get the same scores, each its own."""
    judge, facts = _fitted(specimen), specimen.facts(specimen.rows, SEED + 1)
    order = np.random.default_rng(SEED).permutation(facts.height)
    _demand_same(judge.score(facts[order]), judge.score(facts)[order], "scores of shuffled rows")


def same_seed_same_judge(specimen: Specimen) -> None:
    """The same rows and seed give the same judge."""
    _demand(pickle.dumps(_fitted(specimen)) == pickle.dumps(_fitted(specimen)), "two fits with one seed differ")


def missing_never_helps(specimen: Specimen) -> None:
    """A column that disappears, or a value that is null or not finite, is unknown or judged no milder than with it."""
    judge = _fitted(specimen)
    facts, _ = specimen.worsened(specimen.facts(specimen.rows, SEED + 1))
    whole = judge.score(facts)
    for name in specimen.measures:
        _demand(name in judge.needs, f"it does not say that it needs {name}")
        gone = judge.score(facts.drop(name))
        _demand_no_milder(gone, whole, f"without the column {name}")
        for absent in (None, np.nan, np.inf):
            emptied = judge.score(facts.with_columns(pl.lit(absent, dtype=pl.Float64).alias(name)))
            _demand_same(emptied, gone, f"scores with {name} = {absent} instead of no column")
        first = pl.int_range(pl.len()) == 0
        holed = judge.score(facts.with_columns(pl.when(first).then(None).otherwise(name).alias(name)))
        _demand_no_milder(holed[:1], whole[:1], f"for a row without {name}")


def nothing_known_is_unknown(specimen: Specimen) -> None:
    """Without any of the measures every score is NaN."""
    facts = specimen.facts(specimen.rows, SEED + 1).drop(specimen.measures)
    _demand_unknown(_fitted(specimen).score(facts), "without any measure")


def emerging_columns_are_harmless(specimen: Specimen) -> None:
    """A column that was empty or absent when fitting and appears later breaks nothing."""
    learned, facts = specimen.facts(specimen.rows, SEED), specimen.facts(specimen.rows, SEED + 1)
    for name in specimen.measures:
        empty = learned.with_columns(pl.lit(None, dtype=pl.Float64).alias(name))
        _valid(specimen.judge.fit(empty, seed=SEED), facts)
        _valid(specimen.judge.fit(learned.drop(name), seed=SEED), facts)


def cold_start_is_unknown(specimen: Specimen) -> None:
    """Not fitted, or fitted on nothing or next to nothing, every score is NaN, never 0."""
    facts = specimen.facts(specimen.rows, SEED + 1).head(FEW_ROWS)
    _demand_unknown(specimen.judge.score(facts), "before fitting")
    _demand_unknown(specimen.judge.fit(facts.clear(), seed=SEED).score(facts), "fitted on nothing")
    _demand_unknown(specimen.judge.fit(facts, seed=SEED).score(facts), f"fitted on {FEW_ROWS} rows")


def odd_frames_are_judged(specimen: Specimen) -> None:
    """No row, one row, measures that never vary, and huge values give valid scores."""
    judge, facts = _fitted(specimen), specimen.facts(specimen.rows, SEED + 1)
    _valid(judge, facts.clear())
    _valid(judge, facts.head(1))
    still = facts.with_columns(pl.lit(1.0).alias(name) for name in specimen.measures)
    _valid(judge, still)
    _valid(specimen.judge.fit(still, seed=SEED), facts)
    _valid(judge, facts.with_columns(pl.lit(HUGE).alias(name) for name in specimen.measures))
    first = pl.int_range(pl.len()) == 0
    one_huge = facts.with_columns(pl.when(first).then(HUGE).otherwise(name).alias(name) for name in specimen.measures)
    _valid(specimen.judge.fit(one_huge, seed=SEED), facts)


def stored_judges_come_back(specimen: Specimen) -> None:
    """A stored judge that is read again gives the same scores."""
    judge, facts = _fitted(specimen), specimen.facts(specimen.rows, SEED + 1)
    blob = dump(judge)
    again = load(blob, type(judge), recorded_digest=digest(blob))
    _demand_same(again.score(facts), judge.score(facts), "scores after storing")
    _demand(again.needs == judge.needs and again.version == judge.version, "needs or version changed in storage")


def altered_bytes_are_refused(specimen: Specimen) -> None:
    """Stored bytes with one bit changed, cut short, or of something else are refused."""
    judge = _fitted(specimen)
    blob = dump(judge)
    recorded = digest(blob)
    middle = len(blob) // 2
    flipped = blob[:middle] + bytes([blob[middle] ^ 1]) + blob[middle + 1 :]
    for altered in (flipped, blob[:-1], b""):
        _demand_refused(altered, type(judge), recorded)
    alien = hashlib.sha256(blob).digest()
    _demand_refused(alien, type(judge), digest(alien))
    renamed = blob.replace(f'"version": "{judge.version}"'.encode(), b'"version": "another"', 1)
    _demand_refused(renamed, type(judge), digest(renamed))


def memory_is_bounded(specimen: Specimen) -> None:
    """Once full, a judge does not grow with the rows it is fitted on."""
    small = len(dump(specimen.judge.fit(specimen.facts(specimen.full, SEED), seed=SEED)))
    large = len(dump(specimen.judge.fit(specimen.facts(3 * specimen.full, SEED), seed=SEED)))
    _demand(large <= GROWTH_MAX * small, f"three times the rows grew the judge from {small} to {large} bytes")


CHECKS: tuple[Callable[[Specimen], None], ...] = (
    scoring_is_pure,
    fitting_leaves_the_judge,
    scores_are_in_range,
    worse_scores_higher,
    column_order_is_irrelevant,
    row_order_is_irrelevant,
    same_seed_same_judge,
    missing_never_helps,
    nothing_known_is_unknown,
    emerging_columns_are_harmless,
    cold_start_is_unknown,
    odd_frames_are_judged,
    stored_judges_come_back,
    altered_bytes_are_refused,
    memory_is_bounded,
)
"""All checks, in the order in which they run."""


def _fitted(specimen: Specimen) -> Judge:
    return specimen.judge.fit(specimen.facts(specimen.rows, SEED), seed=SEED)


def _columns_reversed(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.select(reversed(facts.columns))


def _with_strange_column(facts: pl.DataFrame) -> pl.DataFrame:
    return facts.select(pl.lit("?").alias("a column that nobody needs"), pl.all())


def _valid(judge: Judge, facts: pl.DataFrame) -> Floats:
    scores = judge.score(facts)
    _demand(scores.dtype == np.float64, f"scores are {scores.dtype}, not float64")
    _demand(scores.shape == (facts.height,), f"{facts.height} rows gave scores of shape {scores.shape}")
    known = scores[~np.isnan(scores)]
    _demand(bool(((known >= 0) & (known <= 1)).all()), "a score lies outside 0..1")
    return scores


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it is the condition, not a switch
    if not holds:
        raise ContractBreachError(otherwise)


def _demand_same(got: Floats, expected: Floats, what: str) -> None:
    same = got.shape == expected.shape and np.allclose(got, expected, rtol=0, atol=TOLERANCE, equal_nan=True)
    _demand(bool(same), f"{what} differ")


def _demand_no_milder(without: Floats, whole: Floats, what: str) -> None:
    milder = ~np.isnan(without) & ~np.isnan(whole) & (without < whole - TOLERANCE)
    _demand(not milder.any(), f"{milder.sum()} rows are judged milder {what}")


def _demand_unknown(scores: Floats, when: str) -> None:
    _demand(bool(np.isnan(scores).all()), f"scores {when} must be NaN, not {scores[~np.isnan(scores)][:1]}")


def _demand_refused(blob: bytes, kind: type[Judge], recorded: str) -> None:
    try:
        load(blob, kind, recorded_digest=recorded)
    except ModelFileError:
        return
    raise ContractBreachError("altered bytes were read as a judge")
