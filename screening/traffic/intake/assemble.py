"""Staged parts, less the rows that are not kept, into the parts that will be committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import polars as pl

from features.schema import Kind
from screening.traffic.intake.settle import Verdicts
from screening.traffic.intake.staging import FILE, stored_schema, write_part
from screening.traffic.lake import Part, scan_parts
from screening.traffic.lakewrite import Writer

_ROW = "_row"


@dataclass(frozen=True, slots=True)
class Assembler:
    """Makes the final parts of one ingest. `part_rows` is the size towards which small parts of a day are joined."""

    writer: Writer
    kind: Kind
    part_rows: int
    refused_files: frozenset[int]
    synthesised: tuple[str, ...]

    def assemble(self, staged: Sequence[Part], verdicts: Verdicts) -> tuple[list[Part], list[Part]]:
        """Return the parts to add and those to remove.

        A staged part of which every row is kept, and that is large enough, stays. A part of the lake that has revised
        rows is replaced by one without them.
        """
        number = len(staged)
        final = []
        revised = [part for part in self.writer.before.parts if part.path in verdicts.superseded]
        for part in revised:
            rows = self._without(part, verdicts.superseded[part.path])
            if rows.height:
                number += 1
                final.append(write_part(self.writer, self.kind, part.day, number, rows))
        in_days = sorted(staged, key=lambda part: part.day or date.min)
        for day, parts in groupby(in_days, key=lambda part: part.day):
            for group in self._groups(list(parts)):
                if len(group) == 1 and self._untouched(group[0], verdicts):
                    final.append(group[0])
                    continue
                rows = pl.concat([self._kept(part, verdicts) for part in group])
                if rows.height:
                    number += 1
                    final.append(write_part(self.writer, self.kind, day, number, rows))
        return final, revised

    def _without(self, part: Part, keys: Sequence[pl.DataFrame]) -> pl.DataFrame:
        schema = stored_schema(self.kind)
        rows = scan_parts([self.writer.before.file(part.path)], schema).collect()
        gone = pl.concat(keys)
        return rows.join(gone, on=gone.columns, how="anti", nulls_equal=True, maintain_order="left")

    def _groups(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """Yield the parts of a day in order, in groups of about the wanted size."""
        group: list[Part] = []
        for part in parts:
            group.append(part)
            if sum(member.rows for member in group) >= self.part_rows:
                yield group
                group = []
        if group:
            yield group

    def _untouched(self, part: Part, verdicts: Verdicts) -> bool:
        changes = [*verdicts.renamed.get(part.path, ()), *verdicts.patched.get(part.path, ())]
        return not (verdicts.gone.get(part.path) or any(frame.height for frame in changes) or self.refused_files)

    def _kept(self, part: Part, verdicts: Verdicts) -> pl.DataFrame:
        rows = scan_parts([self.writer.staging / part.path], stored_schema(self.kind)).collect()
        if self._untouched(part, verdicts):
            return rows
        rows = rows.with_row_index(_ROW)
        gone = pl.DataFrame({_ROW: verdicts.gone.get(part.path, [])}, schema={_ROW: pl.UInt32})
        rows = rows.join(gone, on=_ROW, how="anti", maintain_order="left")
        rows = rows.filter(~pl.col(FILE).is_in(self.refused_files))
        for patch in verdicts.patched.get(part.path, ()):
            rows = rows.update(patch, on=_ROW)
        if verdicts.renamed.get(part.path):
            rows = rows.join(pl.concat(verdicts.renamed[part.path]), on=_ROW, how="left", maintain_order="left")
            rows = rows.with_columns(pl.col(name) + pl.col("_suffix").fill_null("") for name in self.synthesised)
        return rows.select(list(stored_schema(self.kind)))
