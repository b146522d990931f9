"""The registry of trained models: which there are, what they were trained on, and which one judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from screening.errors import InputError
from screening.store import tables
from screening.store.database import Access

CHAMPION = "champion"
CHALLENGER = "challenger"
RETIRED = "retired"
_MODEL = tables.models.c


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version of a model.

    `role` is `champion` (it judges; one for each name), `challenger` (it judges in the shadow) or `retired`. `digest`
    is the SHA-256 of its file. `data_from` and `data_to` are the first and last day it was trained on.
    """

    name: str
    version: str
    role: str
    digest: str
    data_from: date
    data_to: date
    feature_schema: Mapping[str, Any]
    metrics: Mapping[str, Any]
    created_at: datetime


class Registry:
    """The models of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, model: ModelRecord) -> None:
        """Store a model. Raises InputError when its version is there, or when it would be a second champion."""
        try:
            with self._access.writing() as connection:
                connection.execute(insert(tables.models).values(asdict(model)))
        except IntegrityError as error:
            raise InputError(
                f"The model {model.name} {model.version} cannot be registered as {model.role}: {error.orig}.",
                remedy="Give it a version of its own, and promote it afterwards.",
                where="models",
            ) from error

    def all(self, name: str | None = None) -> list[ModelRecord]:
        """Return the models of a name, or all, the newest first."""
        query = select(tables.models).order_by(_MODEL.created_at.desc(), _MODEL.name, _MODEL.version.desc())
        if name is not None:
            query = query.where(_MODEL.name == name)
        with self._access.reading() as connection:
            return [_record(row) for row in connection.execute(query)]

    def champion(self, name: str) -> ModelRecord | None:
        """Return the model of that name that judges; None when none was promoted."""
        query = select(tables.models).where(_MODEL.name == name, _MODEL.role == CHAMPION)
        with self._access.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _record(row)

    def promote(self, name: str, version: str) -> None:
        """Make a version the champion and retire the one before. Raises InputError when there is no such version."""
        with self._access.writing() as connection:
            connection.execute(
                update(tables.models).where(_MODEL.name == name, _MODEL.role == CHAMPION).values(role=RETIRED)
            )
            _give_role(connection, name, version, CHAMPION)

    def retire(self, name: str, version: str) -> None:
        """Let a version judge no more, not even in the shadow. Raises InputError when there is no such version."""
        with self._access.writing() as connection:
            _give_role(connection, name, version, RETIRED)


def _give_role(connection: Connection, name: str, version: str, role: str) -> None:
    chosen = update(tables.models).where(_MODEL.name == name, _MODEL.version == version).values(role=role)
    if connection.execute(chosen).rowcount != 1:
        raise InputError(
            f"There is no version {version} of the model {name}.", remedy="`winnow train` makes one.", where="models"
        )


def _record(row: Row[Any]) -> ModelRecord:
    return ModelRecord(**row._asdict())
