"""Drift: found where something moved, silent about chance, one big partner and too few affiliates."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from models.drift import Limits, Movement, Sketch, effective_number, moved, sketch

LIMITS = Limits(index=0.25, chance=0.05, affiliates=10)


def rows(seed, affiliates=80, each=25, **shift):
    rng = np.random.default_rng(seed)
    n = affiliates * each
    own = np.repeat(rng.normal(0, 0.3, affiliates), each)
    columns = {
        "own": own + rng.normal(size=n) + shift.get("own", 0),
        "flag": (rng.random(n) < shift.get("flag", 0.3)).astype(float),
        "gappy": np.where(rng.random(n) < shift.get("gaps", 0.1), np.nan, rng.normal(size=n)),
    }
    return pl.DataFrame({"affiliate_id": np.repeat([f"a{i}" for i in range(affiliates)], each), **columns})


def compared(before, now, limits=LIMITS):
    reference = Sketch.of_data(json.loads(json.dumps(sketch(before, COLUMNS, before["affiliate_id"]).as_data())))
    return {move.column: move for move in moved(reference, now, now["affiliate_id"], limits)}


COLUMNS = ("own", "flag", "gappy")


def test_chance_is_no_drift():
    for seed in range(10):
        found = compared(rows(seed), rows(seed + 100))
        assert {move.movement for move in found.values()} == {Movement.STEADY}


def test_a_shift_a_share_and_gaps_are_found_and_nothing_else():
    found = compared(rows(1), rows(2, own=1.5))
    assert [name for name, move in found.items() if move.movement is Movement.DRIFTED] == ["own"]
    assert next(iter(found)) == "own"
    assert compared(rows(1), rows(2, flag=0.8))["flag"].movement is Movement.DRIFTED
    gaps = compared(rows(1), rows(2, gaps=0.6))["gappy"]
    assert gaps.movement is Movement.DRIFTED
    assert gaps.missing_before < 0.2
    assert gaps.missing_now > 0.5


def test_one_partner_that_grows_is_not_a_drift_of_the_programme():
    now = rows(2)
    giant = pl.DataFrame(
        {"affiliate_id": ["giant"] * 4000, "own": np.full(4000, 3.0), "flag": np.ones(4000), "gappy": np.zeros(4000)}
    )
    together = pl.concat([now, giant])
    assert effective_number(together["affiliate_id"]) < 3
    assert {move.movement for move in compared(rows(1), together).values()} == {Movement.UNKNOWN}


def test_few_affiliates_are_unknown_not_steady():
    found = compared(rows(1), rows(2, affiliates=5, own=3))
    assert {move.movement for move in found.values()} == {Movement.UNKNOWN}
    assert all(np.isnan(move.index) for move in found.values())


def test_a_column_that_vanished_is_all_missing():
    found = compared(rows(1), rows(2).drop("own"))
    assert found["own"].movement is Movement.DRIFTED
    assert found["own"].missing_now == 1


def test_a_column_without_any_value_then_and_now_is_steady():
    empty = [frame.with_columns(own=pl.lit(None, dtype=pl.Float64)) for frame in (rows(1), rows(2))]
    assert compared(*empty)["own"].movement is Movement.STEADY
