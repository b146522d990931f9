"""What every judge is: something that is fitted on facts and then says of each row how bad it looks.

A judge is an immutable value. `fit` returns a new judge and leaves the old one as it was; `score` changes nothing.
Scores are float64, 0..1, HIGHER IS WORSE, and NaN is "unknown": too little to learn from, or facts that are missing.
NaN is never a pass. `models/checks.py` holds the contract as checks that run over every judge.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from importlib.metadata import version as installed
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import joblib
import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@runtime_checkable
class Judge(Protocol):
    """A judge, fitted or not."""

    @property
    def name(self) -> str:
        """Stable identifier, lower case with underscores; appears in decisions and reports."""

    @property
    def version(self) -> str:
        """Changes whenever the same facts could give another score."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that it reads. Other columns are ignored; order means nothing."""

    def fit(self, features: pl.DataFrame, *, seed: int) -> Self:
        """Return a new judge that has learned from these rows; the same rows and seed give the same judge.

        Too few rows to learn from give a judge that scores NaN.
        """

    def score(self, features: pl.DataFrame) -> Floats:
        """Return how bad each row is, shape (rows,), 0..1, higher is worse, NaN unknown; all NaN when not fitted."""


class ModelFileError(ValueError):
    """A stored judge is damaged, was altered, or does not fit this program. Never score with it; train again."""


def numbers(features: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Return the named columns as float64, shape (rows, len(names)); null, NaN, infinite and absent become NaN.

    Numbers, decimals and booleans (as 0 and 1) are read. Raises ValueError for a column of another type.
    """
    read = np.full((features.height, len(names)), np.nan)
    for place, name in enumerate(names):
        if name not in features.columns:
            continue
        column = features.get_column(name)
        if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
            raise ValueError(f"feature {name!r} must be a number or a boolean, not {column.dtype}")
        read[:, place] = column.cast(pl.Float64).to_numpy()
    read[~np.isfinite(read)] = np.nan
    return read


def lacking(features: pl.DataFrame, needs: Sequence[str]) -> tuple[str, ...]:
    """Name the needed columns that are absent or hold no value at all, in the order of `needs`."""
    empty = {
        name
        for name in features.columns
        if features.get_column(name).null_count() == features.height
        or (features.get_column(name).dtype.is_float() and not features.get_column(name).is_finite().any())
    }
    return tuple(name for name in needs if name not in features.columns or name in empty)


_MAGIC = b"winnow judge 1\n"
_LIBRARIES = ("numpy", "polars", "scikit-learn")
"""Their versions are written down; a stored judge is refused when scikit-learn's feature release differs."""

J = TypeVar("J", bound=Judge)


def dump(judge: Judge) -> bytes:
    """Return the judge as bytes: a magic line, a JSON header line (name, version, needs, libraries), a joblib payload.

    The same judge always gives the same bytes. Keep `digest(...)` of them elsewhere: `load` asks for it.
    """
    payload = io.BytesIO()
    joblib.dump(judge, payload, compress=3)
    header = {
        "judge": judge.name,
        "version": judge.version,
        "needs": list(judge.needs),
        "libraries": {library: installed(library) for library in _LIBRARIES},
    }
    return _MAGIC + json.dumps(header, sort_keys=True).encode() + b"\n" + payload.getvalue()


def digest(blob: bytes) -> str:
    """Return the SHA-256 of stored bytes, 64 hexadecimal digits."""
    return hashlib.sha256(blob).hexdigest()


def load(blob: bytes, expected: type[J], *, recorded_digest: str) -> J:
    """Return the judge that was stored, after checking that it is the one recorded.

    The digest is compared before anything is unpickled, because a pickle can run code. Raises ModelFileError when the
    bytes differ from what was recorded, when they hold another judge than `expected`, when its name, version or needs
    have changed since, or when scikit-learn's feature release differs.
    """
    if digest(blob) != recorded_digest:
        raise ModelFileError("the stored judge is not the one recorded; do not use it, restore a copy or train again")
    header, payload = _split(blob)
    trained, running = header["libraries"]["scikit-learn"], installed("scikit-learn")
    if trained.split(".")[:2] != running.split(".")[:2]:
        raise ModelFileError(f"the judge was trained with scikit-learn {trained}, this is {running}; train again")
    judge = joblib.load(io.BytesIO(payload))
    if type(judge) is not expected:
        raise ModelFileError(f"the stored judge is a {type(judge).__name__}, expected {expected.__name__}")
    found = [judge.name, judge.version, list(judge.needs)]
    if found != [header["judge"], header["version"], header["needs"]]:
        raise ModelFileError(f"the judge {header['judge']} {header['version']} has changed since; train again")
    return judge


def _split(blob: bytes) -> tuple[dict[str, Any], bytes]:
    if not blob.startswith(_MAGIC):
        raise ModelFileError("these bytes are not a stored judge")
    line, _, payload = blob[len(_MAGIC) :].partition(b"\n")
    return json.loads(line), payload
