"""What runs noticed beside their decisions: how a challenger would have decided, references, drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select

from screening.errors import InputError
from screening.store import tables
from screening.store.database import Access
from screening.store.tables_observed import observations

SHADOW = "shadow"
"""How a challenger (`subject`: its version) would have decided what the run decided."""
REFERENCE = "reference"
"""How features and scores of a model (`subject`: its digest) were spread when it was taught or first used."""
DRIFT = "drift"
"""How features and scores of the run's model (`subject`: its digest) have moved since its reference."""

_OBSERVED = observations.c
_RUN = tables.runs.c


@dataclass(frozen=True, slots=True)
class Observation:
    """What a run noticed. `details` is what JSON can say: amounts of money are texts, unknown numbers None."""

    run_id: str
    kind: str
    subject: str
    details: Mapping[str, Any]
    at: datetime | None = None
    """When the run finished; None: not stored yet."""


class Observations:
    """The observations of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, observation: Observation) -> None:
        """Store an observation of a recorded run. Raises InputError when there is no such run."""
        with self._access.writing() as connection:
            key = connection.execute(select(_RUN.run_key).where(_RUN.run_id == observation.run_id)).scalar_one_or_none()
            if key is None:
                raise InputError(
                    f"The run {observation.run_id!r} is not recorded.",
                    remedy="Record the run first.",
                    where="observations",
                )
            values = {"kind": observation.kind, "subject": observation.subject, "details": dict(observation.details)}
            connection.execute(insert(observations).values(run_key=key, **values))

    def of_run(self, run_id: str) -> list[Observation]:
        """Return what a run noticed, by kind and subject."""
        return self._read(_joined().where(_RUN.run_id == run_id).order_by(_OBSERVED.kind, _OBSERVED.subject))

    def newest(self, kind: str, subject: str, limit: int) -> list[Observation]:
        """Return at most `limit` observations of a kind and subject, the newest first."""
        wanted = (_OBSERVED.kind == kind, _OBSERVED.subject == subject)
        return self._read(_joined().where(*wanted).order_by(_OBSERVED.run_key.desc()).limit(limit))

    def _read(self, query: Select[Any]) -> list[Observation]:
        with self._access.reading() as connection:
            return [Observation(**row._asdict()) for row in connection.execute(query)]


def _joined() -> Select[Any]:
    columns = (_RUN.run_id, _OBSERVED.kind, _OBSERVED.subject, _OBSERVED.details, _RUN.finished_at.label("at"))
    return select(*columns).join_from(observations, tables.runs, _OBSERVED.run_key == _RUN.run_key)
