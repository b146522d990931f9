"""The judge that scans use: the programme's own champion, or the one that ships with winnow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from models.fused import load_judge
from models.judge import ModelFileError
from models.taught import TaughtJudge, shipped_bytes
from screening.errors import IntegrityError

MODEL = "taught"
"""Name of the scanning model in the registry."""
Model = TypeVar("Model")
SHIPPED = "shipped"
"""In place of a version: the judge that ships with winnow."""


@dataclass(frozen=True, slots=True)
class Champion:
    """A judge, and the SHA-256 of the bytes it was read from."""

    judge: TaughtJudge
    digest: str


def model_path(folder: Path, digest: str) -> Path:
    """Where the model file of a digest lies in a workspace's models/."""
    return folder / f"{digest}.npz"


def load_champion(folder: Path, digest: str | None) -> Champion:
    """Load the model file with that digest from `folder`, or with None the shipped judge.

    Raises IntegrityError when the file is missing, is not what was recorded, or cannot be read by this winnow.
    """
    shipped = shipped_bytes()
    shipped_digest = hashlib.sha256(shipped).hexdigest()
    if digest is None or digest == shipped_digest:
        return Champion(load_judge(shipped), shipped_digest)
    return Champion(load_model(folder, digest, load_judge), digest)


def load_model(folder: Path, digest: str, read: Callable[[bytes], Model]) -> Model:
    """Read the model file with that digest from `folder`.

    Raises IntegrityError when the file is missing, is not what was recorded, or cannot be read by this winnow.
    """
    path = model_path(folder, digest)
    remedy = "Restore it from a backup, or promote another model."
    if not path.is_file():
        raise IntegrityError("The file of the champion model is missing.", remedy=remedy, where=str(path))
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise IntegrityError(
            "The model file is not what was recorded when it was trained.", remedy=remedy, where=str(path)
        )
    try:
        return read(content)
    except ModelFileError as error:
        raise IntegrityError(f"The model file cannot be used: {error}.", remedy=remedy, where=str(path)) from error
