"""Records without a date, such as affiliates: a later file replaces what an earlier one said of the same key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from features.schema import TABLES, Kind
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.settle import Verdicts, conflicts_of, content_of
from screening.traffic.intake.staging import FILE, stored_schema
from screening.traffic.lake import Part, Snapshot, scan_parts

_PART, _ROW = "_part", "_row"


def supersede(
    before: Snapshot, kind: Kind, staging: Path, version: int, staged: Sequence[Part], refused_files: frozenset[int]
) -> Verdicts:
    """Judge the staged rows of an undated kind, all of which are in memory at once.

    Within a file the first row of a key holds: the same again is repeated, a different one refused. The first row of a
    file is repeated when it says what the newest record says, and taken as an update otherwise.
    """
    verdicts = Verdicts()
    if not staged:
        return verdicts
    key = list(TABLES[kind].key)
    rows = pl.concat([_rows(staging, kind, part, number) for number, part in enumerate(staged)])
    rows = rows.filter(~pl.col(FILE).is_in(refused_files)).sort(FILE, LINE)
    rows = rows.with_columns(content_of(kind).alias("_content"), pl.lit(version, pl.Int64).alias("_version"))
    firsts = rows.unique([*key, FILE], keep="first", maintain_order=True)
    unchanged = _unchanged(firsts, before, kind)
    later = rows.join(firsts, on=[_PART, _ROW], how="anti").join(
        firsts.select(*key, FILE, pl.col("_content").alias("_held")),
        on=[*key, FILE],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    conflicts = later.filter(pl.col("_content") != pl.col("_held"))
    repeated = pl.concat([unchanged, later.filter(pl.col("_content") == pl.col("_held")).select(unchanged.columns)])
    for found in (repeated, conflicts):
        for number, row in found.select(_PART, _ROW).iter_rows():
            verdicts.gone.setdefault(staged[number].path, []).append(row)
    verdicts.repeated.update(dict(repeated.group_by(FILE).len().iter_rows()))
    if conflicts.height:
        verdicts.conflicts.append(conflicts_of(_placed(conflicts), _placed(firsts), kind))
    return verdicts


def _unchanged(firsts: pl.DataFrame, before: Snapshot, kind: Kind) -> pl.DataFrame:
    """Return those first rows of a file that say what the newest record before them says."""
    key = list(TABLES[kind].key)
    newest = before.frame(kind).select(*key, content_of(kind).alias("_content")).collect()
    newest = newest.with_columns(pl.lit(0, pl.UInt32).alias(FILE))
    said = pl.concat([newest, firsts.select(newest.columns)])
    said = said.with_columns(_before=pl.col("_content").shift(1).over(key, order_by=FILE))
    marked = firsts.join(
        said.select(*key, FILE, "_before"), on=[*key, FILE], how="left", nulls_equal=True, maintain_order="left"
    )
    return marked.filter(pl.col("_content") == pl.col("_before")).select(FILE, _PART, _ROW)


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as `conflicts_of` wants them: each is measured by the first of its own file."""
    return rows.with_columns(
        pl.lit(None, pl.Date).alias("_day"),
        pl.lit(value=False).alias("_lake"),
        pl.col(FILE).alias("_order"),
        pl.col(FILE).alias("_ref"),
    )


def _rows(staging: Path, kind: Kind, part: Part, number: int) -> pl.DataFrame:
    rows = scan_parts([staging / part.path], stored_schema(kind)).collect().with_row_index(_ROW)
    return rows.with_columns(pl.lit(number, pl.UInt32).alias(_PART))
