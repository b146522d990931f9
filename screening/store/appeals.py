"""Appeals against a hold, each with its deadline, its answer and the money that the answer released."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from screening.errors import InputError
from screening.store import tables
from screening.store.database import Access

_APPEAL = tables.appeals.c


@dataclass(frozen=True, slots=True)
class Answer:
    """How an appeal ended: `upheld` (the hold stays), `overturned` or `withdrawn`, with what was released, if any."""

    status: str
    answered_at: datetime
    answered_by: str
    answer: str
    amount_released: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Appeal:
    """Somebody contests a hold on a `conversion` or a `source` (`kind`), named by `subject`.

    `answer` None: it is open. `appeal_id` None: not stored yet.
    """

    kind: str
    subject: str
    affiliate_id: str
    opened_at: datetime
    opened_by: str
    statement: str
    deadline_at: datetime
    answer: Answer | None = None
    appeal_id: int | None = None


class Appeals:
    """The appeals of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def open(self, appeal: Appeal) -> Appeal:
        """Store a new appeal and return it with its number. Raises InputError when one about the subject is open."""
        values = asdict(appeal)
        del values["appeal_id"], values["answer"]
        opened = insert(tables.appeals).values(status="open", **values).returning(_APPEAL.appeal_id)
        try:
            with self._access.writing() as connection, connection.begin_nested():
                return replace(appeal, appeal_id=connection.execute(opened).scalar_one())
        except IntegrityError as error:
            raise InputError(
                f"An appeal about {appeal.kind} {appeal.subject} is open already.",
                remedy="Answer that one first.",
                where="appeal",
            ) from error

    def one(self, appeal_id: int) -> Appeal:
        """Return an appeal. Raises InputError when there is none of that number."""
        query = select(tables.appeals).where(_APPEAL.appeal_id == appeal_id)
        with self._access.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise InputError(f"There is no appeal {appeal_id}.", remedy="Choose one of the list.", where="appeal")
        return _appeal(row._asdict())

    def all(self, *, affiliate_id: str | None = None) -> list[Appeal]:
        """Return the appeals, the first deadline first; of one affiliate, or all."""
        query = select(tables.appeals).order_by(_APPEAL.deadline_at, _APPEAL.appeal_id)
        if affiliate_id is not None:
            query = query.where(_APPEAL.affiliate_id == affiliate_id)
        with self._access.reading() as connection:
            return [_appeal(row._asdict()) for row in connection.execute(query)]

    def answer(self, appeal_id: int, answer: Answer) -> None:
        """Store the answer. Raises InputError when there is no such appeal or it was answered before."""
        still_open = (_APPEAL.appeal_id == appeal_id, _APPEAL.status == "open")
        with self._access.writing() as connection:
            if connection.execute(update(tables.appeals).where(*still_open).values(asdict(answer))).rowcount != 1:
                raise InputError(
                    f"The appeal {appeal_id} is not open.", remedy="An answer is given once.", where="appeal"
                )


def _appeal(values: dict[str, Any]) -> Appeal:
    answered = {column.name: values.pop(column.name) for column in fields(Answer)}
    return Appeal(**values, answer=None if answered["status"] == "open" else Answer(**answered))
