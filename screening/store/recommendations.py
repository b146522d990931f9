"""What became of cap recommendations after they were proposed."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy import update

from screening.errors import InputError
from screening.store import tables
from screening.store.bulk import read, with_run_id
from screening.store.database import Access

_CAP = tables.caps.c


class Recommendations:
    """The cap recommendations of all runs, by their status."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def of_status(self, status: str) -> pl.DataFrame:
        """Return the recommendations of a status, `proposed` and so on, the oldest first: `CAPS` and `judged_at`."""
        with self._access.reading() as connection:
            found = read(self._access.backend, connection, tables.caps, _CAP.status == status)
            return with_run_id(connection, found, tables.caps).sort("cap_id")

    def move(self, cap_ids: Sequence[int], *, before: str, after: str) -> None:
        """Change the status of recommendations from `before` to `after`, all or none.

        Raises InputError when one of them is not, or no longer, what it should be.
        """
        chosen = (_CAP.cap_id.in_(cap_ids), _CAP.status == before)
        with self._access.writing() as connection:
            moved = connection.execute(update(tables.caps).where(*chosen).values(status=after)).rowcount
            if moved != len(set(cap_ids)):
                raise InputError(
                    f"{len(set(cap_ids)) - moved} of the cap recommendations are not {before}.",
                    remedy="`winnow caps list` shows what they are now.",
                    where="caps",
                )
