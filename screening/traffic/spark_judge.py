"""A judge whose rows Spark's executors score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from models.taught import TaughtJudge
from screening.traffic.spark_session import batches_of, collected, columns_of, shipped

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ROW = "row"
_SCORED = pl.Schema({_ROW: pl.Int64(), "score": pl.Float64()})
_TASK_ROWS = 20_000
"""Rows of one task: enough for some seconds of work, few enough (some 50 MB) for a small executor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkJudge(TaughtJudge):
    """Says what `judge` says of each row; only rows and scores travel."""

    judge: TaughtJudge
    session: SparkSession

    def score(self, matrix: pl.DataFrame) -> np.ndarray:
        """Score as `judge` does, on the executors."""
        if matrix.is_empty():
            return self.judge.score(matrix)
        rows = shipped(self.session, matrix.with_row_index(_ROW))
        spread = rows.repartition(-(-matrix.height // _TASK_ROWS))
        scored = collected(spread.mapInArrow(partial(score_batches, self.judge), columns_of(_SCORED)))
        return scored.sort(_ROW)["score"].to_numpy()


def on_spark(judge: TaughtJudge, session: SparkSession) -> SparkJudge:
    """Let executors do a judge's scoring."""
    return SparkJudge(
        features=judge.features,
        forests=judge.forests,
        fraud_share=judge.fraud_share,
        suspected_share=judge.suspected_share,
        judge=judge,
        session=session,
    )


def score_batches(judge: TaughtJudge, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score rows of a matrix, on an executor."""
    for batch in batches:
        matrix = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        yield from batches_of(matrix.select(_ROW, pl.Series("score", judge.score(matrix), dtype=pl.Float64)))
