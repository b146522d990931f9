"""Verdicts: what people decided about single conversions. None is ever changed; the newest of a conversion counts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from sqlalchemy import func, select

from screening.store.bulk import read, read_ids, read_newest
from screening.store.database import Access
from screening.store.frames import conformed, schema_of
from screening.store.tables import ledger
from screening.store.tables_review import verdicts

VERDICT_COLUMNS = schema_of(verdicts)
"""The columns of a verdict.

`verdict` is `clean` (pay it), `fraud` (never pay it), `hold` (pay it only after another verdict) or `withdrawn`.
`overruled` are the reason codes that the person saw and set aside; a later judgement's rule that is not among them
speaks again. `amount` is what the conversion was to pay.
"""

_VERDICT = verdicts.c


class Verdicts:
    """The verdicts of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, given: pl.DataFrame) -> None:
        """Store verdicts, all or none: `VERDICT_COLUMNS` without `verdict_id`, which the store gives."""
        frame = conformed(given, verdicts)
        with self._access.writing() as connection:
            self._access.backend.insert(connection, verdicts, frame)

    def of(self, conversion_ids: Sequence[str] | pl.Series) -> pl.DataFrame:
        """Return the newest verdict about each conversion that has one, by conversion_id. Takes a million ids."""
        asked = pl.Series(conversion_ids, dtype=pl.String).drop_nulls().unique().sort()
        with self._access.reading() as connection:
            found = read_newest(self._access.backend, connection, _VERDICT.conversion_id, _VERDICT.verdict_id, asked)
        return found.sort("conversion_id")

    def last(self) -> int:
        """Return the number of the last verdict given, 0 before the first; it grows with every later one."""
        with self._access.reading() as connection:
            return connection.scalar(select(func.max(_VERDICT.verdict_id))) or 0

    def history(self, conversion_ids: Sequence[str] | pl.Series) -> pl.DataFrame:
        """Return every verdict about the conversions, the oldest first."""
        asked = pl.Series(conversion_ids, dtype=pl.String).drop_nulls().unique()
        with self._access.reading() as connection:
            return read_ids(self._access.backend, connection, _VERDICT.conversion_id, asked).sort("verdict_id")

    def of_case(self, case_id: int) -> pl.DataFrame:
        """Return every verdict that decisions of a case gave, the oldest first."""
        with self._access.reading() as connection:
            found = read(self._access.backend, connection, verdicts, _VERDICT.case_id == case_id)
        return found.sort("verdict_id")

    def to_pay(self) -> pl.DataFrame:
        """Return the newest verdicts that say `clean` of conversions that the ledger has not released yet."""
        newest = verdicts.alias()
        later = select(newest.c.verdict_id).where(
            newest.c.conversion_id == _VERDICT.conversion_id, newest.c.verdict_id > _VERDICT.verdict_id
        )
        released = select(ledger.c.conversion_id).where(ledger.c.conversion_id == _VERDICT.conversion_id)
        waiting = (_VERDICT.verdict == "clean", ~later.exists(), ~released.exists())
        with self._access.reading() as connection:
            return read(self._access.backend, connection, verdicts, *waiting).sort("conversion_id")
