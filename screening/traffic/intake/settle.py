"""Rows whose id occurs twice: the same again is repeated, a later state of the same record a revision, others refused.

A row that the lake has exactly is repeated. Otherwise the first row of an id is the one that holds: one that the lake
has before any new one, then by file and line. A later file may revise it in the columns that change in a record's life,
such as a conversion's status; then its row takes the place of the first. Only rows whose hash is suspect are looked at,
in slices of ids, so that memory stays bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from features.schema import TABLES, Kind, polars_schema
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.faults import Fault
from screening.traffic.intake.idhashes import HASH, Compared, Hashes, among, key_hash
from screening.traffic.intake.staging import FILE, stored_schema
from screening.traffic.lake import Part, Snapshot, scan_parts

_SLICE_IDS = 500_000
"""Suspect ids settled at a time."""
_ROW, _HASH, _DAY, _VERSION = "_row", "_hash", "_day", "_version"
_OF_LAKE, _PATH = "_lake", "_path"
_ORDER = "_order"
"""Number of a row's file, 0 for a row that the lake has."""
_TEXT, _BASE, _COMPATIBLE, _STARTS, _HOLDS = "_text", "_base", "_compatible", "_starts", "_holds"
_TEXT_END, _ITEM_END, _NULL = "\x1f", "\x1e", "\x00"
"""Control characters, which no taken value holds: so that the joined text of a row is equal only for equal rows."""


@dataclass(slots=True)
class Verdicts:
    """What becomes of suspect rows, by part.

    `gone` holds for each part's path the numbers of rows that are not kept; `renamed` the rows whose synthesised id
    gets a number (columns _row, _suffix); `patched` those that take over what they do not say from the row they revise
    (_row and revisable columns); `superseded` for parts of the lake the keys whose rows a revision replaces.
    `repeated` and `revised` count rows per file. `conflicts` has one frame per part: file, line, fault, id, differs,
    content, first_version, first_file, first_line.
    """

    gone: dict[str, list[int]] = field(default_factory=dict)
    renamed: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    patched: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    superseded: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    repeated: Counter[int] = field(default_factory=Counter)
    revised: Counter[int] = field(default_factory=Counter)
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
        left = self._set_aside_exact_repeats(staged, compared, verdicts)
        for start in range(0, len(left), _SLICE_IDS):
            suspects = left[start : start + _SLICE_IDS]
            heads = self._heads(staged, suspects, compared.known, verdicts)
            if heads is None:
                continue
            for part, rows in self._suspect_rows(staged, suspects, verdicts):
                self._judge(part, rows, heads, verdicts)
            replaced = heads.filter(pl.col(_OF_LAKE) & ~pl.col(_HOLDS))
            for (path,), keys in replaced.group_by(_PATH):
                verdicts.superseded.setdefault(str(path), []).append(keys.select(TABLES[self.kind].key))
        return verdicts

    def _set_aside_exact_repeats(self, staged: Sequence[Part], compared: Compared, verdicts: Verdicts) -> Hashes:
        """Count rows that the lake has exactly as repeated, and return the hashes of suspect rows that are left.

        Overlapping exports make most suspects, and such rows are found part by part: they have the same time.
        """
        columns = list(polars_schema(self.kind))
        left = []
        for part, rows in self._suspect_rows(staged, compared.suspects, verdicts):
            rest = rows
            for other in self.before.parts:
                if other.kind == self.kind and other.day == part.day and rest.height:
                    rest = rest.join(self._of_same_time(other, rest), on=columns, how="anti", nulls_equal=True)
            repeated = rows.join(rest, on=_ROW, how="anti")
            verdicts.gone.setdefault(part.path, []).extend(repeated[_ROW].to_list())
            verdicts.repeated.update(dict(repeated.group_by(FILE).len().iter_rows()))
            left.append(rest[_HASH].unique().to_numpy())
        return np.unique(np.concatenate([np.empty(0, HASH), *left]))

    def _of_same_time(self, part: Part, rows: pl.DataFrame) -> pl.DataFrame:
        dated_by = TABLES[self.kind].dated_by or ""
        first, last = rows.select(first=pl.min(dated_by), last=pl.max(dated_by)).row(0)
        stored = scan_parts([self.before.file(part.path)], polars_schema(self.kind))
        return stored.filter(pl.col(dated_by).is_between(first, last)).collect()

    def _suspect_rows(
        self, staged: Sequence[Part], suspects: Hashes, verdicts: Verdicts
    ) -> Iterator[tuple[Part, pl.DataFrame]]:
        """Yield the suspect rows of each part that has some and are not set aside; equal synthesised ids numbered."""
        seen: pl.DataFrame | None = None
        for part in staged:
            path = self.staging / part.path
            keys = scan_parts([path], {name: polars_schema(self.kind)[name] for name in TABLES[self.kind].key})
            hashes = keys.select(key_hash(self.kind)).collect().to_series()
            suspect = among(hashes, suspects)
            if not suspect.any():
                continue
            rows = scan_parts([path], stored_schema(self.kind)).collect()
            rows = rows.with_row_index(_ROW).with_columns(hashes.alias(_HASH), pl.lit(part.day).alias(_DAY))
            rows = rows.filter(suspect).filter(~pl.col(FILE).is_in(self.refused_files))
            rows = rows.with_columns(pl.lit(self.version, pl.Int64).alias(_VERSION))
            if self.synthesised:
                rows, seen = self._numbered(rows, seen)
            gone = pl.DataFrame({_ROW: verdicts.gone.get(part.path, [])}, schema={_ROW: rows.schema[_ROW]})
            rows = rows.join(gone, on=_ROW, how="anti", maintain_order="left")
            if rows.height:
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

    def _heads(
        self, staged: Sequence[Part], suspects: Hashes, known: Hashes, verdicts: Verdicts
    ) -> pl.DataFrame | None:
        """Return the row of the lake and the first row of each file, for each suspect key, judged by `_chained`."""
        key = list(TABLES[self.kind].key)
        heads: pl.DataFrame | None = None
        for _, rows in self._suspect_rows(staged, suspects, verdicts):
            both = rows if heads is None else pl.concat([heads, rows])
            heads = both.sort(FILE, LINE).unique([*key, FILE], keep="first", maintain_order=True)
        if heads is None:
            return None
        heads = heads.with_columns(
            pl.lit(value=False).alias(_OF_LAKE), pl.lit(None, pl.String).alias(_PATH), pl.col(FILE).alias(_ORDER)
        )
        wanted = heads.filter(among(heads[_HASH], known)).unique(key)
        in_lake = self._in_lake(wanted).with_columns(pl.lit(0, pl.UInt32).alias(_ORDER))
        return _chained(pl.concat([in_lake, heads.select(in_lake.columns)]).sort(_ORDER), self.kind)

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
        keys = wanted.lazy().select(key)
        frames = [self._lake_rows(part).join(keys, on=key, how="semi", nulls_equal=True).collect() for part in parts]
        beside = {_DAY: pl.Date(), _VERSION: pl.Int64(), _OF_LAKE: pl.Boolean(), _PATH: pl.String()}
        empty = pl.DataFrame(schema={**stored_schema(self.kind), **beside})
        return pl.concat([empty, *frames])

    def _lake_rows(self, part: Part) -> pl.LazyFrame:
        return scan_parts([self.before.file(part.path)], stored_schema(self.kind)).with_columns(
            pl.lit(part.day).alias(_DAY),
            pl.lit(part.version, pl.Int64).alias(_VERSION),
            pl.lit(value=True).alias(_OF_LAKE),
            pl.lit(part.path).alias(_PATH),
        )

    def _judge(self, part: Part, rows: pl.DataFrame, heads: pl.DataFrame, verdicts: Verdicts) -> None:
        key = list(TABLES[self.kind].key)
        revisable = TABLES[self.kind].revisable
        own = heads.filter(~pl.col(_OF_LAKE)).select(
            *key, FILE, pl.col(LINE).alias("_head_line"), _BASE, _COMPATIBLE, _STARTS, _HOLDS, *map(_now, revisable)
        )
        judged = rows.with_columns(content_of(self.kind).alias(_TEXT)).join(
            own, on=[*key, FILE], how="left", nulls_equal=True, maintain_order="left"
        )
        # a further row of a file is measured by the file's first one, unless that one is refused itself
        judged = judged.with_columns(_ref=pl.when(_COMPATIBLE).then(pl.col(FILE)).otherwise(_BASE))
        judged = judged.join(
            heads.select(*key, pl.col(_ORDER).alias("_ref"), pl.col(_TEXT).alias("_held")),
            on=[*key, "_ref"], how="left", nulls_equal=True, maintain_order="left",
        )  # fmt: skip
        head = pl.col(LINE) == pl.col("_head_line")
        repeated = (
            pl.when(head).then(pl.col(_COMPATIBLE) & ~pl.col(_STARTS)).otherwise(pl.col(_TEXT) == pl.col("_held"))
        )
        revised = head & pl.col(_COMPATIBLE) & pl.col(_STARTS) & (pl.col(_BASE) != pl.col(FILE))
        conflict = pl.when(head).then(~pl.col(_COMPATIBLE)).otherwise(pl.col(_TEXT) != pl.col("_held"))
        kept = head & pl.col(_HOLDS)
        judged = judged.with_columns(_repeated=repeated, _revised=revised, _conflict=conflict, _kept=kept)
        gone = judged.filter(~pl.col("_kept"))
        verdicts.gone.setdefault(part.path, []).extend(gone[_ROW].to_list())
        verdicts.repeated.update(dict(judged.filter("_repeated").group_by(FILE).len().iter_rows()))
        verdicts.revised.update(dict(judged.filter("_revised").group_by(FILE).len().iter_rows()))
        conflicts = judged.filter("_conflict")
        if conflicts.height:
            verdicts.conflicts.append(conflicts_of(conflicts, heads, self.kind))
        if revisable:
            says_less = pl.any_horizontal(pl.col(name).ne_missing(pl.col(_now(name))) for name in revisable)
            patched = judged.filter(pl.col("_kept") & says_less)
            now = [pl.col(_now(name)).alias(name) for name in revisable]
            verdicts.patched.setdefault(part.path, []).append(patched.select(_ROW, *now))
        if self.synthesised:
            renamed = judged.filter(pl.col("_kept") & (pl.col("_suffix") != ""))
            verdicts.renamed.setdefault(part.path, []).append(renamed.select(_ROW, "_suffix"))


def _chained(heads: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Judge the heads of each key, which stand in the order of intake.

    `_base` is the order of the key's first head. A head is `_compatible` if it says what that one says, but for
    revisable columns. A compatible head `_starts` a statement if the compatible one before it says something else, and
    `_holds` if it starts the last statement: that row is what the lake is to have.
    """
    key = list(TABLES[kind].key)
    revisable = TABLES[kind].revisable
    heads = heads.with_columns(content_of(kind).alias(_TEXT), content_of(kind, without=revisable).alias("_fixed"))
    heads = heads.with_columns(
        pl.col(_ORDER).first().over(key).alias(_BASE),
        (pl.col("_fixed") == pl.col("_fixed").first().over(key)).alias(_COMPATIBLE),
    )
    # an export that lacks a revisable column does not take back what is known
    chain = [*key, _COMPATIBLE]
    heads = heads.with_columns(pl.col(name).forward_fill().over(chain).alias(_now(name)) for name in revisable)
    states = [pl.col(_now(name)).cast(pl.String).fill_null(_NULL) for name in revisable]
    heads = heads.with_columns(pl.concat_str([pl.lit(""), *states], separator=_TEXT_END).alias("_state"))
    news = pl.col("_state").ne_missing(pl.col("_state").shift(1).over(chain))
    heads = heads.with_columns((pl.col(_COMPATIBLE) & news).alias(_STARTS))
    last = pl.when(_STARTS).then(_ORDER).max().over(key)
    return heads.with_columns((pl.col(_STARTS) & (pl.col(_ORDER) == last)).alias(_HOLDS))


def _now(name: str) -> str:
    return f"_now_{name}"


def content_of(kind: Kind, without: Sequence[str] = ()) -> pl.Expr:
    """Return the text of a row of the kind, equal only for rows that are equal in all columns but those `without`."""
    schema = {name: dtype for name, dtype in polars_schema(kind).items() if name not in without}
    texts = [_as_text(name, dtype).fill_null(_NULL) for name, dtype in schema.items()]
    return pl.concat_str(texts, separator=_TEXT_END)


def conflicts_of(conflicts: pl.DataFrame, heads: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Say of each conflicting row which fault it has, and in which columns it differs from the row that holds.

    `conflicts` has the stored columns, `_day`, and in `_ref` the order of the row that holds among the `heads`.
    """
    key = list(TABLES[kind].key)
    schema = {name: dtype for name, dtype in polars_schema(kind).items() if name not in key}
    texts = [_as_text(name, dtype).alias(f"_text_{name}") for name, dtype in schema.items()]
    held = heads.select(
        *key, *texts, _OF_LAKE,
        pl.col(_ORDER).alias("_ref"), pl.col(_DAY).alias("_first_day"), pl.col(_VERSION).alias("first_version"),
        pl.col(FILE).alias("first_file"), pl.col(LINE).alias("first_line"),
    )  # fmt: skip
    both = conflicts.with_columns(texts).join(
        held, on=[*key, "_ref"], how="left", nulls_equal=True, suffix="_held", maintain_order="left"
    )
    differing = [
        pl.when(pl.col(f"_text_{name}").ne_missing(pl.col(f"_text_{name}_held"))).then(pl.lit(name)) for name in schema
    ]
    fault = (
        pl.when(pl.col(_DAY).ne_missing(pl.col("_first_day")))
        .then(pl.lit(str(Fault.DUPLICATE_ID_ACROSS_DAYS)))
        .when(pl.col(_OF_LAKE) | (pl.col(FILE) != pl.col("first_file")))
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
        first_version="first_version",
        first_file="first_file",
        first_line="first_line",
    )


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).list.join(_ITEM_END) if isinstance(dtype, pl.List) else pl.col(name).cast(pl.String)
