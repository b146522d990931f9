"""What runs judged: conversions, sources, cap recommendations, applications. A run's rows are stored all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError

from screening.store import tables
from screening.store.bulk import of_run, read, read_newest, with_run_id
from screening.store.database import Access
from screening.store.frames import INSTANT, conformed
from screening.store.runs import COMPLETE, RunRecord, add_run
from screening.store.totals import add_totals


class Judgements:
    """The rows that runs recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def record(self, run: RunRecord, rows: Mapping[Table, pl.DataFrame]) -> None:
        """Store a run and all its rows in one transaction.

        Raises ValueError when rows come with a run that is not complete, or break a rule of the tables; TypeError when
        a frame has the wrong columns; InputError when the run is there already.
        """
        if rows and run.status != COMPLETE:
            raise ValueError(f"the run {run.run_id} is {run.status}: only a complete run may judge")
        ready = {table: conformed(frame, table, run.run_id) for table, frame in rows.items()}
        with self._access.writing() as connection:
            run_key = add_run(connection, run)
            for table, frame in ready.items():
                keyed = frame.with_columns(run_key=pl.lit(run_key, pl.Int64))
                try:
                    self._access.backend.insert(connection, table, keyed)
                except IntegrityError as error:
                    raise ValueError(f"{table.name} of the run {run.run_id}: {error.orig}") from error
            if tables.decisions in ready:
                add_totals(connection, run_key)

    def of_run(self, table: Table, run_id: str, *order: str) -> pl.DataFrame:
        """Return the rows of one run, sorted by the named columns."""
        return of_run(self._access, table, run_id, *order)

    def decisions_of(
        self, conversion_ids: Sequence[str] | pl.Series, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the newest decision about each conversion that was ever judged, with `judged_at`, sorted by its id.

        Conversions never judged are absent. All rows come from one state of the database. `columns` are those wanted
        beside `conversion_id`, `run_id` and `judged_at`, None: all.
        """
        asked = pl.Series(conversion_ids, dtype=pl.String).drop_nulls().unique().sort()
        judged = tables.decisions.c
        with self._access.reading() as connection:
            key, by, backend = judged.conversion_id, judged.run_key, self._access.backend
            names = None if columns is None else ("conversion_id", "run_key", *columns)
            found = read_newest(backend, connection, key, by, asked, names)
            return with_run_id(connection, found, tables.decisions).sort("conversion_id")

    def of_source(self, affiliate_id: str, offer_id: str, sub_id: str | None) -> pl.DataFrame:
        """Return the newest decision about each conversion of a source that was ever judged, by conversion_id."""
        judged, others = tables.decisions.c, tables.decisions.alias()
        newest = select(func.max(others.c.run_key)).where(others.c.conversion_id == judged.conversion_id)
        of_sub = judged.sub_id.is_(None) if sub_id is None else judged.sub_id == sub_id
        chosen = (judged.affiliate_id == affiliate_id, judged.offer_id == offer_id, of_sub)
        with self._access.reading() as connection:
            found = read(
                self._access.backend, connection, tables.decisions, *chosen, judged.run_key == newest.scalar_subquery()
            )
            return with_run_id(connection, found, tables.decisions).sort("conversion_id")

    def held_since(self, moment: datetime | None) -> pl.DataFrame:
        """Return conversions that a run finished by `moment` (None: any) held first, that the newest still holds.

        Columns of `DECISIONS`, `judged_at` and `held_since`, the end of the first run that held it, by conversion_id.
        """
        judged, runs = tables.decisions.c, tables.runs.c
        first = (
            select(judged.conversion_id, func.min(judged.run_key).label("run_key"))
            .where(judged.decision == "hold")
            .group_by(judged.conversion_id)
            .subquery()
        )
        held = select(first.c.conversion_id, runs.finished_at).join(tables.runs, runs.run_key == first.c.run_key)
        if moment is not None:
            held = held.where(runs.finished_at <= moment)
        with self._access.reading() as connection:
            rows = [tuple(row) for row in connection.execute(held)]
        found = pl.DataFrame(rows, schema={"conversion_id": pl.String, "held_since": INSTANT}, orient="row")
        newest = self.decisions_of(found["conversion_id"]).filter(pl.col("decision") == "hold")
        return newest.join(found, on="conversion_id", how="left", maintain_order="left")
