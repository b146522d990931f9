"""Labels: what people found out about conversions and sources, with who said so and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import polars as pl
from sqlalchemy import insert

from screening.store import tables
from screening.store.bulk import read
from screening.store.database import Access


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
    """The labels of a store. None is ever changed: a later one about the same thing takes its place for the reader."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, labels: Sequence[Label]) -> None:
        """Store labels, all or none."""
        if labels:
            with self._access.writing() as connection:
                connection.execute(insert(tables.labels), [asdict(label) for label in labels])

    def all(self) -> pl.DataFrame:
        """Return all labels in the order in which they were given; the columns are those of `Label` and label_id."""
        with self._access.reading() as connection:
            return read(self._access.backend, connection, tables.labels).sort("label_id")
