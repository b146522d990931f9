"""Clicks read, looked up and rolled up by Spark's executors.

Spark reads the lake's parts and brings the clicks of a source and day together; what is then computed is the very code
of the other engine, on Arrow batches inside the executors. So both engines give the same numbers.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl
import pyarrow as pa
import zstandard

from features.click_codes import rolled_up
from features.schema import TABLES, Kind, Type
from features.windows import MICROSECONDS_PER_DAY, day_number, day_of
from features.working import CLICK_COLUMNS, claimed_clicks, working_clicks
from screening.errors import IntegrityError
from screening.traffic.gather import Known, PolarsClicks, no_clicks
from screening.traffic.lake import Part, Snapshot
from screening.traffic.lake_remote import remote_of
from screening.traffic.spark_session import batches_of, collected, columns_of, is_sparks, shipped

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_S3 = "s3://"
_KEY = "source"
_DAY = f"(ts_us - pmod(ts_us, {MICROSECONDS_PER_DAY})) div {MICROSECONDS_PER_DAY}"
"""Days since 1970 in Spark's SQL; whole numbers only, so that no rounding moves an event to another day."""


@dataclass(frozen=True, slots=True)
class SparkClicks:
    """A `screening.traffic.gather.ClickEngine` on Spark. Executors see a lake that is a folder under the same path.

    `reads_storage` says that they read a lake on object storage themselves; those on this machine read its mirror.
    """

    session: SparkSession
    reads_storage: bool

    def claimed(self, snapshot: Snapshot, days: Sequence[date], working: pl.DataFrame) -> pl.DataFrame:
        """Find the claimed clicks; only those come back."""
        if not days:
            return PolarsClicks().claimed(snapshot, days, working)
        parts = snapshot.select((Kind.CLICKS,), days[0], days[-1])
        with _blaming(snapshot, parts):
            ids = shipped(self.session, working.select("click_id").drop_nulls().unique())
            found = claimed_clicks(self._working(snapshot, parts), nw.from_native(ids))
            return collected(nw.to_native(found))

    def rolled(self, snapshot: Snapshot, days: Sequence[date], known: Known) -> Iterator[tuple[date, pl.DataFrame]]:
        """Roll up days, all of them in one job; rows of sources and days come back."""
        parts = [part for day in days for part in snapshot.select((Kind.CLICKS,), day, day)]
        if not parts:
            return
        types = rolled_up(no_clicks(), known.on(days[0])).schema
        with _blaming(snapshot, parts):
            self._verify(snapshot, parts)
            clicks: DataFrame = nw.to_native(self._working(snapshot, parts))
            # without a sub_id and with an empty one is the same source
            keyed = clicks.selectExpr("*", f"{_DAY} AS day", f"coalesce(sub_id, '') AS {_KEY}")
            together = keyed.repartition("affiliate_id", "offer_id", _KEY, "day")
            rows = collected(together.mapInArrow(partial(roll_batches, packed(known)), columns_of(types)))
        for day in days:
            yield day, rows.filter(pl.col("day") == day_number(day)).cast(types)

    def _working(self, snapshot: Snapshot, parts: Sequence[Part]) -> nw.LazyFrame[DataFrame]:
        reader = self.session.read.schema(_click_columns()).option("recursiveFileLookup", "true")
        return working_clicks(nw.from_native(reader.parquet(*self._places(snapshot, parts))))

    def _places(self, snapshot: Snapshot, parts: Sequence[Part]) -> list[str]:
        remote = remote_of(snapshot.root) if self.reads_storage else None
        if remote is None:
            return [f"file://{path.absolute()}" for path in snapshot.files(parts)]
        return [f"s3a://{remote.url.removeprefix(_S3).rstrip('/')}/{part.path}" for part in parts]

    def _verify(self, snapshot: Snapshot, parts: Sequence[Part]) -> None:
        """Compare parts with their digests, on the executors."""
        files = self.session.read.format("binaryFile").option("recursiveFileLookup", "true")
        digests = files.load(self._places(snapshot, parts)).selectExpr("path", "sha2(content, 256) AS digest")
        found = {"/".join(PurePosixPath(row["path"]).parts[-3:]): row["digest"] for row in digests.collect()}
        for part in parts:
            if found.get(part.path) != part.digest:
                raise IntegrityError(
                    "A part of the lake is not what was written.",
                    remedy="Restore it from a backup.",
                    where=str(snapshot.root / part.path),
                )


def roll_batches(content: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Roll up a partition of working clicks with `day`, on an executor; all clicks of a source and day are in it."""
    held = [batch for batch in batches if batch.num_rows]
    if not held:
        return
    known = unpacked(content)
    clicks = pl.DataFrame(pl.from_arrow(pa.Table.from_batches(held)))
    for of_day in clicks.partition_by("day"):
        yield from batches_of(rolled_up(of_day.select(CLICK_COLUMNS), known.on(day_of(of_day["day"][0]))))


def packed(known: Known) -> bytes:
    """Pack what executors look things up in: some 10 MB for the shipped lists."""
    return zstandard.compress(pickle.dumps(known, protocol=5))


@lru_cache(maxsize=1)
def unpacked(content: bytes) -> Known:
    """Unpack it, once in a Python process of an executor, which does many tasks."""
    known = pickle.loads(zstandard.decompress(content))  # noqa: S301 - packed by the driver of this very job
    assert isinstance(known, Known)  # noqa: S101 - tells the type checker
    return known


def _click_columns() -> str:
    types = {Type.TEXT: "string", Type.TIME: "timestamp"}
    return ", ".join(f"`{column.name}` {types[column.type]}" for column in TABLES[Kind.CLICKS].columns)


@contextmanager
def _blaming(snapshot: Snapshot, parts: Sequence[Part]) -> Iterator[None]:
    """Where Spark fails, look first whether the lake is damaged: that is what a person must know then."""
    try:
        yield
    except Exception as error:
        if is_sparks(error):
            snapshot.verify(parts)
        raise
