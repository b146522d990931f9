"""Boosted trees as plain arrays: fitted by scikit-learn, stored without pickled code, read by any later version.

A pickled model can run code when it is loaded and breaks when the library changes. These arrays can do neither.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from models.judge import ModelFileError

FORMAT = 1
_ARRAYS = ("roots", "feature", "threshold", "missing_left", "left", "right", "leaf", "value")
_SLICE = 50_000


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
        """Return the probability of the positive class, shape (n,), 0..1, of rows (n, features); NaN is missing."""
        odds = np.empty(len(values))
        for start in range(0, len(values), _SLICE):
            odds[start : start + _SLICE] = self._log_odds(values[start : start + _SLICE])
        return np.asarray(1 / (1 + np.exp(-odds)))

    def _log_odds(self, values: np.ndarray) -> np.ndarray:
        total = np.full(len(values), self.baseline)
        rows = np.arange(len(values))
        for root in self.roots:
            node = np.full(len(values), root, dtype=np.int32)
            active = rows[~self.leaf[node]]
            while len(active):
                at = node[active]
                seen = values[active, self.feature[at]]
                goes_left = np.where(np.isnan(seen), self.missing_left[at], seen <= self.threshold[at])
                node[active] = np.where(goes_left, self.left[at], self.right[at])
                active = active[~self.leaf[node[active]]]
            total += self.value[node]
        return total

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
    except (KeyError, ValueError, IndexError, TypeError, EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise ModelFileError(f"the model file is damaged: {error}") from error
    return (
        trees,
        header,
        {name.removeprefix("extra_"): array for name, array in arrays.items() if name.startswith("extra_")},
    )
