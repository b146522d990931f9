"""Boosted trees as arrays say what scikit-learn says, and damaged files are refused."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from models.judge import ModelFileError
from models.trees import BoostedTrees, pack, unpack


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(1500, 6)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 5] = np.round(values[:, 5])
    label = (np.nan_to_num(values[:, 0]) + np.isnan(values[:, 1]) + rng.normal(0, 0.5, 1500) > 0.8).astype(int)
    return values, label


@pytest.fixture(scope="module")
def fitted(data):
    values, label = data
    return HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=12, random_state=0).fit(values, label)


@pytest.fixture(scope="module")
def trees(fitted):
    return BoostedTrees.of(fitted)


def test_probabilities_equal_scikit_learn_s_also_where_values_are_missing(data, fitted, trees):
    rng = np.random.default_rng(6)
    fresh = rng.normal(scale=2, size=(2000, 6)).astype(np.float32)
    fresh[rng.random(fresh.shape) < 0.4] = np.nan
    edges = np.array([[np.nan] * 6, [np.inf] * 6, [-np.inf] * 6, [0.0] * 6], dtype=np.float32)
    for values in (data[0], fresh, edges):
        expected = fitted.predict_proba(values)[:, 1]
        np.testing.assert_allclose(trees.probability(values), expected, rtol=1e-12, atol=1e-14)


def test_values_on_a_threshold_go_where_scikit_learn_sends_them(fitted, trees):
    at = np.zeros((0, 6))
    for feature, threshold in zip(trees.feature[~trees.leaf], trees.threshold[~trees.leaf], strict=True):
        row = np.zeros((1, 6))
        row[0, feature] = threshold
        at = np.vstack([at, row])
    np.testing.assert_allclose(trees.probability(at), fitted.predict_proba(at)[:, 1], rtol=1e-12)


def test_no_rows_give_no_probabilities(trees):
    assert trees.probability(np.zeros((0, 6))).shape == (0,)


def test_a_packed_judge_reads_back_as_it_was(data, trees):
    content = pack([trees, trees], {"name": "x"}, {"bounds": np.array([1.5])})
    back, header, extra = unpack(content)
    assert header["name"] == "x"
    assert extra["bounds"].tolist() == [1.5]
    assert len(back) == 2
    np.testing.assert_array_equal(back[1].probability(data[0]), trees.probability(data[0]))


def test_equal_judges_have_equal_bytes(data):
    values, label = data
    contents = {
        pack([BoostedTrees.of(HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(values, label))], {}, {})
        for _ in range(2)
    }
    assert len(contents) == 1


def test_damaged_bytes_are_refused_wherever_the_damage_is(data, trees):
    content = pack([trees], {"name": "x"}, {})
    honest = trees.probability(data[0])
    refused = 0
    for position in range(0, len(content), max(1, len(content) // 60)):
        bad = bytearray(content)
        bad[position] ^= 0x5A
        try:
            back, _, _ = unpack(bytes(bad))
        except ModelFileError:
            refused += 1
        else:
            # what is accepted must say the same: the byte was not part of the content
            np.testing.assert_array_equal(back[0].probability(data[0]), honest)
    assert refused > 20


@pytest.mark.parametrize("cut", [0, 10, 1000, -1])
def test_a_file_cut_short_is_refused(trees, cut):
    with pytest.raises(ModelFileError):
        unpack(pack([trees], {}, {})[:cut])


def test_pickled_content_is_refused_and_not_run():
    member, content = io.BytesIO(), io.BytesIO()
    np.save(member, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("header.npy", member.getvalue())
    with pytest.raises(ModelFileError):
        unpack(content.getvalue())


def test_another_format_is_refused_by_name(trees, monkeypatch):
    monkeypatch.setattr("models.trees.FORMAT", 99)
    content = pack([trees], {}, {})
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="format 99"):
        unpack(content)


def test_trees_that_lead_out_of_themselves_are_refused(data, trees):
    inner = int(np.flatnonzero(~trees.leaf)[-1])
    for name, wrong in (("left", inner), ("right", len(trees.feature)), ("left", 0), ("feature", -1)):
        array = getattr(trees, name).copy()
        array[inner] = wrong
        with pytest.raises(ModelFileError, match="damaged"):
            unpack(pack([replace(trees, **{name: array})], {}, {}))
    with pytest.raises(ValueError, match="more than the 2 features"):
        trees.probability(data[0][:, :2])


def test_the_number_of_rows_scored_together_changes_nothing(data, trees):
    at_once = trees.probability(data[0])
    one_by_one = np.concatenate([trees.probability(data[0][place : place + 1]) for place in range(700)])
    np.testing.assert_array_equal(at_once[:700], one_by_one)
