"""Parquet files written so that a full disk is told by its name, and leaves no half of one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import polars as pl

_NUMBER = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust tell an error of the operating system, in whatever error of theirs."""


def put_parquet(rows: pl.DataFrame, path: Path, **options: Any) -> None:  # noqa: ANN401 - as Polars has them
    """Write rows to a file. `options` are those of `write_parquet`.

    Raises OSError that names the file when the system refuses, as a full disk does; what was begun is removed then.
    """
    try:
        rows.write_parquet(path, **options)
    except (pl.exceptions.PolarsError, OSError) as error:
        number = _NUMBER.search(str(error))
        if number is None:
            raise
        path.unlink(missing_ok=True)
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
