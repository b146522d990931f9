"""Boosted trees as plain arrays: fitted by scikit-learn, stored without pickled code, read by any later version.

A pickled model can run code when it is loaded and breaks when the library changes. These arrays can do neither.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from models.judge import ModelFileError

FORMAT = 1
_ARRAYS = ("roots", "feature", "threshold", "missing_left", "left", "right", "leaf", "value")
_BLOCK = 2048
"""Rows that go through all trees before the next. A block lies in memory feature by feature: rows that are alike go the
same ways and so read the same few columns, which made this twice as fast as row by row (measured)."""
_NO_CATEGORIES = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """An ensemble of binary trees for two classes.

    `roots` holds the first node of each tree; the other arrays have one entry a node: the feature and threshold it
    splits on (left when value <= threshold), where missing values go, its children, whether it is a leaf, and the
    leaf's contribution to the log odds. `baseline` is the log odds before any tree.
    """

    baseline: float
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, fitted: HistGradientBoostingClassifier) -> BoostedTrees:
        """Take the trees out of a fitted two-class classifier without categorical features."""
        nodes = [stage[0].nodes for stage in fitted._predictors]  # noqa: SLF001 - scikit-learn offers no public way
        starts = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
        joined = np.concatenate(nodes)
        shift = np.repeat(starts, [len(tree) for tree in nodes])
        return cls(
            baseline=float(fitted._baseline_prediction.ravel()[0]),  # noqa: SLF001
            roots=starts.astype(np.int32),
            feature=joined["feature_idx"].astype(np.int32),
            threshold=joined["num_threshold"].astype(np.float64),
            missing_left=joined["missing_go_to_left"].astype(bool),
            left=(joined["left"] + shift).astype(np.int32),
            right=(joined["right"] + shift).astype(np.int32),
            leaf=joined["is_leaf"].astype(bool),
            value=joined["value"].astype(np.float64),
        )

    def probability(self, values: np.ndarray) -> np.ndarray:
        """Return the probability of the positive class, shape (n,), 0..1, of rows (n, features); NaN is missing.

        Rows that are alike are scored faster when they stand together. As many threads work as Polars may use; the
        result does not depend on them.
        """
        if len(self.feature) and int(self.feature[~self.leaf].max(initial=0)) >= values.shape[1]:
            raise ValueError(f"the trees look at more than the {values.shape[1]} features given")
        odds = np.full(len(values), self.baseline)
        trees = self._compiled()
        bitsets, places = _NO_CATEGORIES

        def score(start: int) -> None:
            rows = np.asfortranarray(values[start : start + _BLOCK], dtype=np.float64)
            for tree in trees:
                odds[start : start + _BLOCK] += tree.predict(rows, bitsets, places, 1)

        with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
            # the list asks for every result, so that an error in a thread is raised here
            list(threads.map(score, range(0, len(values), _BLOCK)))
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _compiled(self) -> list[TreePredictor]:
        """Return the trees in the form that scikit-learn's compiled code walks; it has no public way in."""
        trees = []
        for start, end in zip(self.roots, [*self.roots[1:], len(self.feature)], strict=True):
            of_tree = slice(start, end)
            nodes = np.zeros(end - start, dtype=PREDICTOR_RECORD_DTYPE)
            nodes["feature_idx"] = self.feature[of_tree]
            nodes["num_threshold"] = self.threshold[of_tree]
            nodes["missing_go_to_left"] = self.missing_left[of_tree]
            nodes["is_leaf"] = self.leaf[of_tree]
            nodes["value"] = self.value[of_tree]
            for side in ("left", "right"):
                # a leaf has no children; whatever stands there is never followed
                nodes[side] = np.where(self.leaf[of_tree], 0, getattr(self, side)[of_tree] - start)
            trees.append(TreePredictor(nodes, _NO_CATEGORIES[0], _NO_CATEGORIES[0]))
        return trees

    def is_sound(self) -> bool:
        """Say whether every way down a tree ends in a leaf of that tree; compiled code does not look where it walks."""
        count = len(self.feature)
        if {len(getattr(self, name)) for name in _ARRAYS if name != "roots"} != {count}:
            return False
        ends = np.append(self.roots[1:], count)
        if len(self.roots) and (self.roots[0] != 0 or (ends <= self.roots).any()):
            return False
        node, end = np.arange(count), np.repeat(ends, ends - self.roots)
        inner = ~self.leaf
        children = (side[inner] for side in (self.left, self.right))
        return bool((self.feature[inner] >= 0).all()) and all(
            bool(((child > node[inner]) & (child < end[inner])).all()) for child in children
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to be stored, `baseline` among them."""
        return {"baseline": np.array([self.baseline]), **{name: getattr(self, name) for name in _ARRAYS}}


def pack(trees: list[BoostedTrees], header: dict[str, object], extra: dict[str, np.ndarray]) -> bytes:
    """Pack trees, a JSON header and further arrays into the bytes of one npz file; equal input gives equal bytes."""
    arrays = {f"tree{index}_{name}": array for index, tree in enumerate(trees) for name, array in tree.arrays().items()}
    text = json.dumps({**header, "format": FORMAT, "trees": len(trees)}, sort_keys=True)
    arrays |= {
        "header": np.frombuffer(text.encode(), dtype=np.uint8),
        **{f"extra_{name}": array for name, array in extra.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            # a fixed date, so that the digest depends on the content alone
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0)), member.getvalue(), zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def unpack(content: bytes) -> tuple[list[BoostedTrees], dict[str, object], dict[str, np.ndarray]]:
    """Reverse `pack`. Raises ModelFileError when the bytes are not such a file or are of another format."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise ModelFileError(f"the model has format {header['format']}, this winnow reads {FORMAT}")
        trees = [
            BoostedTrees(
                float(arrays[f"tree{index}_baseline"][0]), *(arrays[f"tree{index}_{name}"] for name in _ARRAYS)
            )
            for index in range(header["trees"])
        ]
        if not all(forest.is_sound() for forest in trees):
            raise ModelFileError("the model file is damaged: its trees do not end")
    except (KeyError, ValueError, IndexError, TypeError, EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise ModelFileError(f"the model file is damaged: {error}") from error
    return (
        trees,
        header,
        {name.removeprefix("extra_"): array for name, array in arrays.items() if name.startswith("extra_")},
    )
