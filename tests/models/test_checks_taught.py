"""The judges of whole matrices keep the contract as well: the taught one, the fused one, and the deterministic rules.

They are fitted on traffic, not on one table, so each stands behind an adapter that hands it tables. What a check asks
that does not fit such a judge is named in `ELSEWHERE`, with what holds instead and where that is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from features.families import all_features
from features.schema import Kind, polars_schema
from models.checks import CHECKS, FEW_ROWS, Specimen
from models.fused import Learning, fused, load_judge
from models.judge import Floats
from models.rules import RuleInputs, rule_hits
from models.taught import TaughtJudge, folds_of
from models.trees import BoostedTrees

FEATURES = tuple(feature.name for feature in all_features()[:4])
FOLDS = 2
ELSEWHERE = {
    "taught": {
        "missing_never_helps": "a column that is not there is an error: test_a_matrix_that_lacks_a_feature_is_an_error",
        "emerging_columns_are_harmless": "a feature that was never told is no feature of the judge: `_told`",
        "column_order_is_irrelevant": "features of traffic are made in one order; scoring is tested below",
    },
    "rules": {
        "missing_never_helps": "a fact that is missing breaks no rule, and its score decides: test_rules",
        "emerging_columns_are_harmless": "there is nothing to fit",
        "cold_start_is_unknown": "there is nothing to fit",
        "nothing_known_is_unknown": "a rule that is not broken says nothing; only a known score pays: tests/gate",
        "altered_bytes_are_refused": "rules are not stored",
    },
}


@dataclass(frozen=True)
class Taught:
    """A taught judge as the checks want it: fitted on a matrix with `label`, as `teach` fits on injected traffic."""

    judge: TaughtJudge | None = None
    prior: TaughtJudge | None = None
    name: str = "taught"
    version: str = "1"
    needs: tuple[str, ...] = ("affiliate_id", *FEATURES)

    def fit(self, features, *, seed):
        told = features.drop_nulls("label")
        if told.height <= FEW_ROWS or told["label"].n_unique() < 2:
            return replace(self, judge=None)
        fold = folds_of(told["affiliate_id"], FOLDS)
        forests = tuple(_forest(told.filter(pl.Series(fold != out)), seed) for out in range(FOLDS))
        own = TaughtJudge(FEATURES, forests, 0.15)
        if self.prior is None:
            return replace(self, judge=own)
        return replace(self, judge=fused(own, self.prior, 0.5, Learning((), 0.0, None)))

    def score(self, features) -> Floats:
        if self.judge is None or any(name not in features.columns for name in self.needs):
            return np.full(features.height, np.nan)
        return self.judge.score(features)

    def __getstate__(self):
        return {
            "judge": None if self.judge is None else self.judge.dump(),
            "prior": None if self.prior is None else self.prior.dump(),
            "version": self.version,
        }

    def __setstate__(self, state):
        kept = {name: None if state[name] is None else load_judge(state[name]) for name in ("judge", "prior")}
        for name, value in {**kept, "version": state["version"], "name": "taught"}.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "needs", ("affiliate_id", *FEATURES))


def _forest(rows, seed):
    # of many rows no larger than of few: the number and the size of the trees are bounded
    model = HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=4, min_samples_leaf=5, random_state=seed)
    ordered = rows.sort(FEATURES)
    return BoostedTrees.of(model.fit(ordered.select(FEATURES).to_numpy(), ordered["label"].to_numpy()))


def matrix(rows, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(FEATURES)))
    label = values[:, 0] + values[:, 1] > 1.2
    names = [f"a{number % 23}" for number in range(rows)]
    columns = dict(zip(FEATURES, values.T, strict=True))
    return pl.DataFrame({"affiliate_id": names, **columns, "label": label.astype(int)})


def matrix_worsened(facts):
    bad = np.zeros(facts.height, dtype=bool)
    bad[[1, 5, 9]] = True
    worst = pl.when(pl.lit(pl.Series(bad))).then(4.0)
    return facts.with_columns(worst.otherwise(name).alias(name) for name in FEATURES[:2]), bad


@dataclass(frozen=True)
class Rules:
    """The deterministic rules as a judge: 1 where one is broken, else 0."""

    name: str = "rules"
    version: str = "1"
    needs: tuple[str, ...] = ("ctct_us",)

    def fit(self, features, *, seed):
        return replace(self)

    def score(self, features) -> Floats:
        nothing = [pl.DataFrame(schema=polars_schema(kind)) for kind in (Kind.AFFILIATES, Kind.OUTCOMES)]
        hits = rule_hits(RuleInputs(features.with_columns(pl.col("ctct_us").cast(pl.Float64)), *nothing), 30)
        return features["conversion_id"].is_in(hits["conversion_id"].implode()).cast(pl.Float64).to_numpy()


def facts(rows, seed):
    rng = np.random.default_rng(seed)
    unknown = ("order_id", "click_id", "event", "customer_id", "click_affiliate_id", "click_offer_id", "user_agent")
    return pl.DataFrame(
        {
            "conversion_id": [f"c{number}" for number in range(rows)],
            "affiliate_id": [f"a{number % 7}" for number in range(rows)],
            "offer_id": "o",
            "ts_us": np.arange(rows) * 1_000_000,
            "payout": 1.0,
            "ctct_us": rng.uniform(1e6, 1e9, rows),
            **dict.fromkeys((*unknown, "agent_class", "ip_class", "ip"), pl.Series([None] * rows, dtype=pl.String)),
            "click_found": pl.Series([None] * rows, dtype=pl.Int64),
        }
    )


def facts_worsened(facts):
    bad = np.zeros(facts.height, dtype=bool)
    bad[[1, 5, 9]] = True
    return facts.with_columns(ctct_us=pl.when(pl.lit(pl.Series(bad))).then(-5e6).otherwise("ctct_us")), bad


PRIOR = Taught().fit(matrix(600, 4), seed=1).judge
SPECIMENS = {
    "taught": Specimen(Taught(), matrix, matrix_worsened, FEATURES, rows=400, full=800),
    "fused": Specimen(Taught(prior=PRIOR), matrix, matrix_worsened, FEATURES, rows=400, full=800),
    "rules": Specimen(Rules(), facts, facts_worsened, ("ctct_us",), rows=60, full=120),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("judge", SPECIMENS)
def test_judge_keeps_the_contract(judge, check):
    if check.__name__ not in ELSEWHERE["rules" if judge == "rules" else "taught"]:
        check(SPECIMENS[judge])


@pytest.mark.parametrize("judge", ["taught", "fused"])
def test_columns_in_another_order_get_the_same_scores(judge):
    fitted = SPECIMENS[judge].judge.fit(matrix(400, 1), seed=1)
    rows = matrix(100, 2)
    other = rows.select(pl.lit("?").alias("strange"), *reversed(rows.columns))
    np.testing.assert_array_equal(fitted.score(other), fitted.score(rows))


def test_what_is_exempt_is_a_check():
    assert {name for names in ELSEWHERE.values() for name in names} < {check.__name__ for check in CHECKS}
