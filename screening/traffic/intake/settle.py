"""Rows whose id occurs twice: the same row again is counted as repeated, a different one is refused.

The first row of an id is the one that holds: one that the lake has before any new one, then by file and line. Only rows
whose hash is suspect are looked at, in slices of ids, so that memory stays bounded however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from features.schema import TABLES, Kind, polars_schema
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.faults import Fault
from screening.traffic.intake.idhashes import Compared, Hashes, among, key_hash
from screening.traffic.intake.staging import FILE, stored_schema
from screening.traffic.lake import Part, Snapshot, scan_parts

_SLICE_IDS = 500_000
"""Suspect ids settled at a time."""
_ROW, _HASH, _DAY, _VERSION = "_row", "_hash", "_day", "_version"
_OF_LAKE = "_lake"
_FIRST = "_first"
_TEXT_END, _ITEM_END, _NULL = "\x1f", "\x1e", "\x00"
"""Control characters, which no taken value holds: so that the joined text of a row is equal only for equal rows."""


@dataclass(slots=True)
class Verdicts:
    """What becomes of suspect rows, by part.

    `gone` holds for each part's path the numbers of rows that are not kept; `renamed` the rows whose synthesised id
    gets a number (columns _row, _suffix). `repeated` counts rows per file. `conflicts` has one frame per part: file,
    line, fault, id, differs, content, first_version, first_file, first_line.
    """

    gone: dict[str, list[int]] = field(default_factory=dict)
    renamed: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    repeated: dict[int, int] = field(default_factory=dict)
    conflicts: list[pl.DataFrame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles the duplicates among staged parts and against the lake.

    `refused_files` are numbers of files of which nothing may be taken; `synthesised` are id columns made from content,
    in which equal rows are different events and get numbers.
    """

    before: Snapshot
    kind: Kind
    staging: Path
    version: int
    refused_files: frozenset[int]
    synthesised: tuple[str, ...]

    def settle(self, staged: Sequence[Part], compared: Compared) -> Verdicts:
        """Judge all suspect rows of the staged parts."""
        verdicts = Verdicts()
        for start in range(0, len(compared.suspects), _SLICE_IDS):
            suspects = compared.suspects[start : start + _SLICE_IDS]
            firsts = self._firsts(staged, suspects, compared.known)
            for part, rows in self._suspect_rows(staged, suspects):
                self._judge(part, rows, firsts, verdicts)
        return verdicts

    def _suspect_rows(self, staged: Sequence[Part], suspects: Hashes) -> Iterator[tuple[Part, pl.DataFrame]]:
        """Yield the suspect rows of each part that has some, equal synthesised ids numbered."""
        seen: pl.DataFrame | None = None
        for part in staged:
            path = self.staging / part.path
            hashes = (
                pl.read_parquet(path, columns=list(TABLES[self.kind].key), hive_partitioning=False)
                .select(key_hash(self.kind))
                .to_series()
            )
            suspect = among(hashes, suspects)
            if not suspect.any():
                continue
            rows = scan_parts([path], stored_schema(self.kind)).collect()
            rows = rows.with_row_index(_ROW).with_columns(hashes.alias(_HASH), pl.lit(part.day).alias(_DAY))
            rows = rows.filter(suspect).filter(~pl.col(FILE).is_in(self.refused_files))
            rows = rows.with_columns(pl.lit(self.version, pl.Int64).alias(_VERSION))
            if self.synthesised:
                rows, seen = self._numbered(rows, seen)
            yield part, rows

    def _numbered(self, rows: pl.DataFrame, seen: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give the second and later of equal rows of a file the ids `id-2`, `id-3`, ..."""
        base = self.synthesised[0]
        before = seen if seen is not None else rows.head(0).select(FILE, base, pl.lit(0, pl.UInt32).alias("_n"))
        nth = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over(FILE, base)
        rows = rows.join(before, on=[FILE, base], how="left", maintain_order="left")
        rows = rows.with_columns(_n=nth + pl.col("_n").fill_null(0))
        counted = pl.concat([before, rows.select(FILE, base, "_n")]).group_by(FILE, base).agg(pl.max("_n"))
        suffix = pl.when(pl.col("_n") > 1).then(pl.format("-{}", "_n")).otherwise(pl.lit(""))
        rows = rows.with_columns(_suffix=suffix)
        return rows.with_columns(pl.col(name) + pl.col("_suffix") for name in self.synthesised).drop("_n"), counted

    def _firsts(self, staged: Sequence[Part], suspects: Hashes, known: Hashes) -> pl.DataFrame:
        """Return the row that holds for each suspect key: the lake's, or the first by file and line."""
        key = list(TABLES[self.kind].key)
        firsts: pl.DataFrame | None = None
        for _, rows in self._suspect_rows(staged, suspects):
            both = rows if firsts is None else pl.concat([firsts, rows])
            firsts = both.sort(FILE, LINE).unique(key, keep="first", maintain_order=True)
        if firsts is None:
            return pl.DataFrame()
        firsts = firsts.with_columns(pl.lit(value=False).alias(_OF_LAKE))
        in_lake = self._in_lake(firsts.filter(among(firsts[_HASH], known)))
        return pl.concat([in_lake, firsts.select(in_lake.columns)]).unique(key, keep="first", maintain_order=True)

    def _in_lake(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Find the keys in the lake: on their own days first, because most are the same rows again."""
        days = set(wanted[_DAY].unique())
        own = [part for part in self.before.parts if part.kind == self.kind and part.day in days]
        found = self._with_keys(own, wanted)
        # an id made from content, its time included, cannot be on another day
        if self.synthesised:
            return found
        missing = wanted.join(found, on=list(TABLES[self.kind].key), how="anti", nulls_equal=True)
        if missing.is_empty():
            return found
        others = [part for part in self.before.parts if part.kind == self.kind and part.day not in days]
        return pl.concat([found, self._with_keys(others, missing)])

    def _with_keys(self, parts: Sequence[Part], wanted: pl.DataFrame) -> pl.DataFrame:
        key = list(TABLES[self.kind].key)
        frames = [
            self._lake_rows(part).join(wanted.lazy().select(key), on=key, how="semi", nulls_equal=True)
            for part in parts
        ]
        empty = pl.LazyFrame(
            schema={**stored_schema(self.kind), _DAY: pl.Date(), _VERSION: pl.Int64(), _OF_LAKE: pl.Boolean()}
        )
        return pl.concat([empty, *frames]).collect(engine="streaming")

    def _lake_rows(self, part: Part) -> pl.LazyFrame:
        return scan_parts([self.before.root / part.path], stored_schema(self.kind)).with_columns(
            pl.lit(part.day).alias(_DAY),
            pl.lit(part.version, pl.Int64).alias(_VERSION),
            pl.lit(value=True).alias(_OF_LAKE),
        )

    def _judge(self, part: Part, rows: pl.DataFrame, firsts: pl.DataFrame, verdicts: Verdicts) -> None:
        key = list(TABLES[self.kind].key)
        content = content_of(self.kind)
        held = firsts.select(*key, *_placed(), pl.col(_DAY).alias("_first_day"), _OF_LAKE, content.alias("_held"))
        judged = rows.with_columns(content.alias("_content")).join(
            held, on=key, how="left", nulls_equal=True, maintain_order="left"
        )
        first = ~pl.col(_OF_LAKE) & (pl.col(FILE) == pl.col("_first_file")) & (pl.col(LINE) == pl.col("_first_line"))
        judged = judged.filter(~first)
        same = pl.col("_content") == pl.col("_held")
        repeated, conflicts = judged.filter(same), judged.filter(~same)
        verdicts.gone.setdefault(part.path, []).extend(judged[_ROW].to_list())
        for file, count in repeated.group_by(FILE).len().iter_rows():
            verdicts.repeated[file] = verdicts.repeated.get(file, 0) + count
        if conflicts.height:
            verdicts.conflicts.append(conflicts_of(conflicts, firsts, self.kind, key))
        if self.synthesised:
            kept = rows.filter(pl.col("_suffix") != "").join(judged, on=_ROW, how="anti")
            verdicts.renamed.setdefault(part.path, []).append(kept.select(_ROW, "_suffix"))


def content_of(kind: Kind) -> pl.Expr:
    """Return the text of a row of the kind, equal for equal rows only."""
    texts = [_as_text(name, dtype).fill_null(_NULL) for name, dtype in polars_schema(kind).items()]
    return pl.concat_str(texts, separator=_TEXT_END)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).list.join(_ITEM_END) if isinstance(dtype, pl.List) else pl.col(name).cast(pl.String)


def _placed() -> list[pl.Expr]:
    return [
        pl.col(_VERSION).alias("_first_version"),
        pl.col(FILE).alias("_first_file"),
        pl.col(LINE).alias("_first_line"),
    ]


def conflicts_of(conflicts: pl.DataFrame, firsts: pl.DataFrame, kind: Kind, on: list[str]) -> pl.DataFrame:
    """Say of each conflicting row which fault it has, and in which columns it differs from the row that holds.

    `conflicts` has the stored columns, `_day`, and of the row that holds `_first_day`, `_first_version`, `_first_file`,
    `_first_line` and `_lake`; `firsts` has the rows that hold, to be found by the columns `on`.
    """
    key = list(TABLES[kind].key)
    schema = {name: dtype for name, dtype in polars_schema(kind).items() if name not in key}
    texts = [_as_text(name, dtype).alias(f"_text_{name}") for name, dtype in schema.items()]
    both = conflicts.with_columns(texts).join(
        firsts.select(*on, *texts), on=on, how="left", nulls_equal=True, suffix="_held", maintain_order="left"
    )
    differing = [
        pl.when(pl.col(f"_text_{name}").ne_missing(pl.col(f"_text_{name}_held"))).then(pl.lit(name)) for name in schema
    ]
    other_file = pl.col(_OF_LAKE) | (pl.col(FILE) != pl.col("_first_file"))
    fault = (
        pl.when(pl.col(_DAY).ne_missing(pl.col("_first_day")))
        .then(pl.lit(str(Fault.DUPLICATE_ID_ACROSS_DAYS)))
        .when(other_file)
        .then(pl.lit(str(Fault.DUPLICATE_ID_ACROSS_FILES)))
        .otherwise(pl.lit(str(Fault.DUPLICATE_ID_IN_FILE)))
    )
    return both.select(
        FILE,
        LINE,
        fault=fault,
        id=pl.concat_str([pl.col(name).fill_null("") for name in key], separator=" "),
        differs=pl.concat_str(differing, separator=", ", ignore_nulls=True),
        content=pl.struct(list(polars_schema(kind))).struct.json_encode(),
        first_version="_first_version",
        first_file="_first_file",
        first_line="_first_line",
    )
