"""What is known of how conversions ended: from outcomes and people, or from a file about a simulated programme."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from features.schema import BAD_OUTCOMES, Kind
from screening.errors import InputError
from screening.traffic.lake import Snapshot

GOOD_OUTCOMES = ("confirmed_clean", "retained")
"""Outcomes that count as clean. A retained customer may still have been claimed by a stuffed cookie."""
PEOPLE = "found by people"
_YES, _NO = ("true", "1", "yes", "fraud"), ("false", "0", "no", "clean")


@dataclass(frozen=True, slots=True)
class Truth:
    """How conversions ended.

    `rows` has conversion_id, bad (1.0 or 0.0; conversions not listed are unknown), kind (of what is bad, may be null)
    and known_us (when it became known, microseconds since 1970; null: not before any decision).
    """

    rows: pl.DataFrame
    name: str
    simulated: bool


def truth_of_history(snapshot: Snapshot, labels: pl.DataFrame, now: datetime) -> Truth:
    """Take what outcomes and people said by now: people before outcomes, bad outcomes before good ones."""
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") <= now).collect()
    bad = pl.col("outcome").is_in(list(BAD_OUTCOMES))
    told = outcomes.filter(bad | pl.col("outcome").is_in(GOOD_OUTCOMES)).select(
        "conversion_id",
        bad=bad.cast(pl.Float64),
        kind=pl.when(bad).then("outcome"),
        known_us=pl.col("ts").dt.epoch("us"),
        order=pl.when(bad).then(1).otherwise(2),
    )
    fraud = pl.col("label") == "fraud"
    said = labels.select(
        "conversion_id",
        bad=fraud.cast(pl.Float64),
        kind=pl.when(fraud).then(pl.lit(PEOPLE)),
        known_us=pl.lit(None, dtype=pl.Int64),
        order=pl.lit(0),
    )
    rows = pl.concat([said, told], how="vertical_relaxed").sort("order", "known_us", "conversion_id", "kind")
    rows = rows.unique("conversion_id", keep="first", maintain_order=True).drop("order")
    return Truth(rows, "outcomes and people's findings", simulated=False)


def truth_of_file(path: Path) -> Truth:
    """Read conversion_id, is_fraud and, if there, kind from CSV or Parquet. Raises InputError if it cannot be used."""
    remedy = "Give a CSV or Parquet file with conversion_id, is_fraud (true or false) and, if you like, kind."
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"The truth cannot be read: {error}.", remedy=remedy, where=str(path)) from error
    absent = [name for name in ("conversion_id", "is_fraud") if name not in table.columns]
    if absent:
        raise InputError(f"The truth lacks the column {absent[0]}.", remedy=remedy, where=str(path))
    text = pl.col("is_fraud").cast(pl.String).str.to_lowercase()
    bad = pl.when(text.is_in(_YES)).then(1.0).when(text.is_in(_NO)).then(0.0)
    kind = pl.col("kind").cast(pl.String) if "kind" in table.columns else pl.lit(None, dtype=pl.String)
    rows = table.select(
        pl.col("conversion_id").cast(pl.String), bad=bad, kind=kind, known_us=pl.lit(None, dtype=pl.Int64)
    )
    if rows["bad"].null_count():
        line = int(rows["bad"].is_null().arg_max() or 0) + 2
        raise InputError("is_fraud is neither true nor false.", remedy=remedy, where=f"{path}:{line}: is_fraud")
    if rows["conversion_id"].is_duplicated().any():
        twice = rows.filter(pl.col("conversion_id").is_duplicated())["conversion_id"][0]
        raise InputError(f"The conversion {twice} is listed twice.", remedy=remedy, where=f"{path}: conversion_id")
    return Truth(rows.with_columns(kind=pl.when(pl.col("bad") == 1).then("kind")), path.name, simulated=True)
