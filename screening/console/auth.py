"""Who may call a route. Every route states it with one of `allows`, `anybody`; build_app refuses an app with one that
does not, so that nothing is open by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from screening.console.errors import OwnPasswordNeededError, SignInNeededError
from screening.console.sessions import Person, person_of
from screening.errors import DeniedError
from screening.review.permissions import Action, roles_that_may

_BEFORE_OWN_PASSWORD = frozenset({"/account", "/account/password"})
"""What a person may do who has not changed yet the password that somebody else gave them."""


def signed_in(request: Request) -> Person:
    """Return who is signed in.

    Raises SignInNeededError when nobody is, OwnPasswordNeededError for a person who must choose a password first.
    """
    person = person_of(request)
    if person is None:
        raise SignInNeededError("Nobody is signed in.", remedy="Sign in first.")
    if person.session.user.password_until is not None and request.url.path not in _BEFORE_OWN_PASSWORD:
        raise OwnPasswordNeededError("Your password was given to you.", remedy="Choose your own under Account.")
    request.state.person = person
    return person


SignedIn = Annotated[Person, Depends(signed_in)]
"""A parameter of a route: the person who is signed in."""


class Permission:
    """States who may call a route: those whose role allows `action`."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, person: SignedIn) -> Person:
        """Return the person. Raises DeniedError when their role does not allow it."""
        if not person.may(self.action):
            roles = ", ".join(roles_that_may(self.action))
            raise DeniedError(
                f"Your role, {person.role}, may not do this.", remedy=f"Ask somebody with one of the roles {roles}."
            )
        return person


@cache
def allows(action: Action) -> Permission:
    """Return the dependency of a route for people whose role allows the action: `Depends(allows(Action.VIEW))`."""
    return Permission(action)


def anybody() -> None:
    """State that a route is open to everybody, such as the login form: `Depends(anybody)`."""


def statements(dependant: Dependant) -> Iterator[object]:
    """Yield every statement about who may call a route, nested ones too: permissions, scopes and `anybody`."""
    if dependant.call is anybody or hasattr(dependant.call, "action") or hasattr(dependant.call, "scope"):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from statements(inner)
