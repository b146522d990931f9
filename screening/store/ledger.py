"""The ledger of releases: each conversion's money leaves once, in one batch, whoever asks how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from sqlalchemy import Connection

from screening.store import tables
from screening.store.bulk import read, read_ids
from screening.store.database import Access
from screening.store.frames import conformed, schema_of

RELEASES = schema_of(tables.ledger)
"""The columns of a release. Null currency: not named."""


class ReleasedBeforeError(Exception):
    """Another batch has released one of the conversions, which must not be paid again."""


class Ledger:
    """The releases of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def release(self, releases: Iterable[pl.DataFrame]) -> None:
        """Write down releases, frame by frame, all in one transaction or none.

        The same releases once more change nothing. Raises ReleasedBeforeError when another batch had released one of
        the conversions, ValueError when a frame names one twice, TypeError when it is not of `RELEASES`.
        """
        with self._access.writing() as connection:
            for frame in releases:
                # in one order everywhere, so that two batches never wait for each other
                rows = conformed(frame, tables.ledger).sort("conversion_id")
                if rows.is_empty():
                    continue
                if rows["conversion_id"].is_duplicated().any():
                    raise ValueError("a conversion is named twice in one batch of releases")
                self._access.backend.insert_new(connection, tables.ledger, rows)
                self._demand_own(connection, rows)

    def _demand_own(self, connection: Connection, rows: pl.DataFrame) -> None:
        """Raise ReleasedBeforeError unless the ledger has each of these conversions under the batch of its row.

        Each by itself, not by their number: a batch may have released other conversions before, as one whose call is
        repeated after its answer was forgotten.
        """
        key, named = tables.ledger.c.conversion_id, ("conversion_id", "batch_id")
        found = read_ids(self._access.backend, connection, key, rows["conversion_id"], named)
        if not rows.select(named).equals(found.select(named).sort("conversion_id")):
            raise ReleasedBeforeError

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
