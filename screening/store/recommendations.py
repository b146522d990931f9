"""What became of cap recommendations after they were proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl
from sqlalchemy import ColumnElement, case, func, literal_column, select, true, update

from screening.errors import ConflictError, InputError
from screening.store import tables
from screening.store.bulk import read, with_run_id
from screening.store.database import Access
from screening.store.tables_networks import pushes

_CAP = tables.caps.c
_PUSH = pushes.c
_ONE_CAP = (_CAP.offer_id, _CAP.affiliate_id, _CAP.cap_type)
"""What a network has one limit for."""


@dataclass(frozen=True, slots=True)
class CapVerdict:
    """What a person, or the rule of automatic approval, says of proposed recommendations.

    status: `approved` or `rejected`. limits: by cap_id the limit that shall hold, for approved ones only.
    """

    status: str
    by: str
    at: datetime
    limits: Mapping[int, Decimal]


class Recommendations:
    """The cap recommendations of all runs, by their status."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def all(self) -> pl.DataFrame:
        """Return every recommendation there is, the oldest first: `CAPS` and `judged_at`."""
        return self._read(true())

    def of_status(self, status: str) -> pl.DataFrame:
        """Return the recommendations of a status, `proposed` and so on, the oldest first: `CAPS` and `judged_at`."""
        return self._read(_CAP.status == status)

    def of_ids(self, cap_ids: Sequence[int]) -> pl.DataFrame:
        """Return these recommendations, the oldest first: `CAPS` and `judged_at`. Unknown ids are absent."""
        return self._read(_CAP.cap_id.in_(cap_ids))

    def newest(self) -> pl.DataFrame:
        """Return for each offer, affiliate and cap_type the newest recommendation, the oldest of them first.

        Columns `CAPS` and `judged_at`. What a later scan recommended takes the place of all before it.
        """
        return self._read(_CAP.cap_id.in_(select(func.max(_CAP.cap_id)).group_by(*_ONE_CAP)))

    def decided(self, before: datetime) -> pl.DataFrame:
        """Return what was decided before a time: for each offer, affiliate, cap_type and status the newest.

        Columns `CAPS` and `judged_at`; statuses `approved`, `pushed` and `rejected` as they were at that time, so at
        most three rows of a cap.
        """
        settled = select(_PUSH.cap_id).where(_PUSH.cap_id.is_not(None), _PUSH.settled_at >= before)
        pushed_later = _CAP.status.in_(("pushed", "failed")) & _CAP.cap_id.in_(settled)
        status = case((pushed_later, literal_column("'approved'")), else_=_CAP.status)
        chosen = (
            select(func.max(_CAP.cap_id))
            .where(status.in_(("approved", "pushed", "rejected")), _CAP.decided_at < before)
            .group_by(*_ONE_CAP, status)
        )
        found = self._read(_CAP.cap_id.in_(chosen))
        with self._access.reading() as connection:
            open_then = list(connection.scalars(select(_CAP.cap_id).where(pushed_later)))
        then = pl.when(pl.col("cap_id").is_in(open_then)).then(pl.lit("approved"))
        return found.with_columns(status=then.otherwise("status"))

    def decide(self, cap_ids: Sequence[int], verdict: CapVerdict) -> None:
        """Record a verdict on proposed recommendations, all or none.

        Raises ConflictError when one of them is not, or no longer, proposed.
        """
        chosen = set(cap_ids)
        with self._access.writing() as connection:
            decided = 0
            for cap_id in sorted(chosen):
                values = {"status": verdict.status, "decided_by": verdict.by, "decided_at": verdict.at}
                values["approved_limit"] = verdict.limits.get(cap_id)
                query = update(tables.caps).where(_CAP.cap_id == cap_id, _CAP.status == "proposed").values(values)
                decided += connection.execute(query).rowcount
            if decided != len(chosen):
                raise ConflictError(
                    f"{len(chosen) - decided} of the cap recommendations are not proposed any more.",
                    remedy="`winnow caps list --all` shows what became of them.",
                    where="caps",
                )

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

    def _read(self, condition: ColumnElement[bool]) -> pl.DataFrame:
        with self._access.reading() as connection:
            found = read(self._access.backend, connection, tables.caps, condition)
            return with_run_id(connection, found, tables.caps).sort("cap_id")
