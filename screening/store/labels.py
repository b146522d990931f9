"""Labels: what people found out about conversions and sources, with who said so and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import polars as pl
from sqlalchemy import insert, update

from screening.store import tables
from screening.store.bulk import read
from screening.store.database import Access

_LABEL = tables.labels.c


@dataclass(frozen=True, slots=True)
class Label:
    """One finding about a conversion (`conversion_id`), or about a source (`affiliate_id`, `offer_id`, `sub_id`).

    `label` is `fraud` or `clean`; `origin` says how it came about, such as `review`, `audit slice` or `appeal`; `at`
    has a zone. `period_from` and `period_to` are the days of the source that it speaks of, None: all. `run_id` is the
    run that judged it before, None when there was none.
    """

    label: str
    origin: str
    author: str
    at: datetime
    conversion_id: str | None = None
    affiliate_id: str | None = None
    offer_id: str | None = None
    sub_id: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    run_id: str | None = None

    def __post_init__(self) -> None:
        if self.conversion_id is None and (self.affiliate_id is None or self.offer_id is None):
            raise ValueError("a label needs a conversion, or an affiliate and an offer")


class Labels:
    """The labels of a store. A later one about the same thing takes the place of an earlier one for the reader."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, labels: Sequence[Label]) -> list[int]:
        """Store labels, all or none, and return their numbers in the same order."""
        if not labels:
            return []
        numbered = insert(tables.labels).returning(_LABEL.label_id, sort_by_parameter_order=True)
        with self._access.writing() as connection:
            return list(connection.execute(numbered, [asdict(label) for label in labels]).scalars())

    def withdraw(self, label_ids: Sequence[int], at: datetime) -> None:
        """Say that labels were given by mistake: from then on nobody reads them. Those withdrawn before stay so."""
        chosen = (_LABEL.label_id.in_(label_ids), _LABEL.withdrawn_at.is_(None))
        with self._access.writing() as connection:
            connection.execute(update(tables.labels).where(*chosen).values(withdrawn_at=at))

    def all(self) -> pl.DataFrame:
        """Return all labels that stand, in the order in which they were given; columns of `Label`, and label_id."""
        with self._access.reading() as connection:
            found = read(self._access.backend, connection, tables.labels, _LABEL.withdrawn_at.is_(None))
        return found.drop("withdrawn_at").sort("label_id")
