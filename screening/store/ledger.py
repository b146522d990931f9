"""The ledger of releases: each conversion's money leaves once, in one batch, whoever asks how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from sqlalchemy import func, select

from screening.store import tables
from screening.store.bulk import read, read_ids
from screening.store.database import Access
from screening.store.frames import conformed, schema_of

RELEASES = schema_of(tables.ledger)
"""The columns of a release. Null currency: not named."""


class Ledger:
    """The releases of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def release(self, releases: pl.DataFrame) -> pl.DataFrame:
        """Write down the releases of conversions that were never released, all in one transaction.

        Returns what the ledger now says about each conversion asked for, by conversion_id: a row with another
        `batch_id` than the one given was released before, and must not be paid again. Raises ValueError when a
        conversion is named twice, TypeError when the frame is not of `RELEASES`.
        """
        frame = conformed(releases, tables.ledger)
        if frame["conversion_id"].is_duplicated().any():
            raise ValueError("a conversion is named twice in one batch of releases")
        with self._access.writing() as connection:
            self._access.backend.insert_new(connection, tables.ledger, frame)
            stored = read_ids(self._access.backend, connection, tables.ledger.c.conversion_id, frame["conversion_id"])
        return stored.sort("conversion_id")

    def release_batch(self, batch_id: str, releases: Iterable[pl.DataFrame]) -> bool:
        """Write down the releases of a batch that released nothing before, frame by frame, all in one transaction.

        Returns False when another batch had released one of the conversions: then not all are written down, and the
        caller must undo the transaction. Raises ValueError when one frame names a conversion twice, TypeError when it
        is not of `RELEASES`.
        """
        added = 0
        with self._access.writing() as connection:
            for frame in releases:
                rows = conformed(frame, tables.ledger).sort("conversion_id")
                if rows["conversion_id"].is_duplicated().any():
                    raise ValueError("a conversion is named twice in one batch of releases")
                self._access.backend.insert_new(connection, tables.ledger, rows)
                added += rows.height
            of_batch = select(func.count()).where(tables.ledger.c.batch_id == batch_id)
            return connection.scalar(of_batch) == added

    def released(self, conversion_ids: Sequence[str] | pl.Series) -> pl.DataFrame:
        """Return the releases of those conversions that were released, by conversion_id."""
        asked = pl.Series(conversion_ids, dtype=pl.String).unique()
        with self._access.reading() as connection:
            found = read_ids(self._access.backend, connection, tables.ledger.c.conversion_id, asked)
        return found.sort("conversion_id")

    def batch(self, batch_id: str) -> pl.DataFrame:
        """Return the releases of a batch, by conversion_id."""
        with self._access.reading() as connection:
            found = read(self._access.backend, connection, tables.ledger, tables.ledger.c.batch_id == batch_id)
        return found.sort("conversion_id")
