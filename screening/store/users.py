"""The people who may use the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from screening.errors import InputError
from screening.store import tables
from screening.store.database import Access

_USER = tables.users.c


@dataclass(frozen=True, slots=True)
class User:
    """A person. `role` is `viewer`, `analyst`, `manager` or `admin`; `password_hash` is an argon2 hash.

    `totp_secret`: what their authenticator shares, in base 32, None: no second factor. `totp_step`: the time step of
    the last one-time code that was taken, None: none yet; the same code is never taken twice. `totp_secret` is sealed.
    `password_until`: the password was given by somebody else, holds until then, and must be changed first; None: the
    person's own.
    """

    name: str
    role: str
    password_hash: str
    active: bool
    created_at: datetime
    totp_secret: str | None = None
    totp_step: int | None = None
    password_until: datetime | None = None


class Users:
    """The people of a store, by name."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, user: User) -> None:
        """Store a new person. Raises InputError when the name is taken."""
        try:
            with self._access.writing() as connection:
                connection.execute(insert(tables.users).values(asdict(user)))
        except IntegrityError as error:
            raise InputError(
                f"The user {user.name!r} cannot be added: {error.orig}.", remedy="Choose another name.", where="users"
            ) from error

    def one(self, name: str) -> User | None:
        """Return the person of that name, or None."""
        with self._access.reading() as connection:
            row = connection.execute(select(tables.users).where(_USER.name == name)).one_or_none()
        return None if row is None else user_of(row._asdict())

    def all(self) -> list[User]:
        """Return everybody, by name."""
        with self._access.reading() as connection:
            return [user_of(row._asdict()) for row in connection.execute(select(tables.users).order_by(_USER.name))]

    def change(self, user: User) -> None:
        """Store new facts about the person of that name. Raises InputError when there is none."""
        with self._access.writing() as connection:
            changed = update(tables.users).where(_USER.name == user.name).values(asdict(user))
            if connection.execute(changed).rowcount != 1:
                raise InputError(f"There is no user {user.name!r}.", remedy="`winnow users` lists them.", where="users")


def user_of(values: Mapping[str, Any]) -> User:
    """Return the person of a row of the table."""
    return User(**{name: value for name, value in values.items() if name != "user_id"})
