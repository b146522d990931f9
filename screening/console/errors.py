"""What only HTTP can refuse, beside the errors of screening.errors."""

from __future__ import annotations

from http import HTTPStatus

from screening.errors import DeniedError


class SignInNeededError(DeniedError):
    """Nobody is signed in, or no key was sent: a page asks to sign in, the API says how."""

    http_status = HTTPStatus.UNAUTHORIZED


class ForgedFormError(DeniedError):
    """A form came from elsewhere, or without the token that this console put into it."""


class OwnPasswordNeededError(DeniedError):
    """Who asks signed in with a password that somebody else gave them, and has to choose one first."""
