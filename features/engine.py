"""What differs between engines: how an intermediate result that is used several times is kept."""

from __future__ import annotations

from typing import Any

import narwhals as nw


def settled(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Compute a frame now and return it as the start of a new plan.

    Without it a plan that uses a result several times repeats it, and after a few joins with itself explodes. Polars
    keeps the result in memory, Spark in its executors.
    """
    native = nw.to_native(frame)
    native = native.collect().lazy() if frame.implementation.is_polars() else native.localCheckpoint()
    result: nw.LazyFrame[Any] = nw.from_native(native)
    return result
