"""Who does what when: every act of a person carries this, is allowed or refused by it, and is recorded with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from screening.errors import DeniedError, InputError
from screening.review.permissions import Action, may, roles_that_may
from screening.store import Records

AFFILIATE = "affiliate"
"""The role of an affiliate who contests a hold: no role of the console's people, and nothing else is open to it."""
_LOCAL_ROLE = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts: the name under which it is recorded, and the role that allows it."""

    name: str
    role: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("Every act needs the name of a person.", remedy="Say who it is.", where="person")


@dataclass(frozen=True, slots=True)
class Act:
    """A person's act: who, when (with a zone), and the note that explains it."""

    person: Person
    at: datetime
    note: str = ""


def demand(person: Person, action: Action) -> None:
    """Let the person do that, or raise DeniedError that says which roles may."""
    if not may(person.role, action):
        roles = ", ".join(roles_that_may(action))
        raise DeniedError(
            f"{person.name} ({person.role}) may not {action.replace('_', ' ')}.", remedy=f"Ask one of: {roles}."
        )


def local_person(records: Records, name: str) -> Person:
    """Return the person of that name who sits at the machine itself.

    The role is that of the user of that name. Where a workspace has no users yet, whoever may write its files may do
    everything. Raises DeniedError when there are users and no active one has that name.
    """
    user = records.users.one(name)
    if user is not None and user.active:
        return Person(user.name, user.role)
    if records.users.all():
        raise DeniedError(
            f"{name!r} is no active user of this workspace.", remedy="Name one with --by; `winnow users` lists them."
        )
    return Person(name, _LOCAL_ROLE)
