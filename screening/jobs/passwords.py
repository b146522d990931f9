"""Passwords: what is accepted, how they are kept, and how they are compared."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from screening.errors import InputError

LETTERS_MAX = 1024
"""Longest password, so that nobody makes the server hash a book."""

_HASHER = PasswordHasher()
"""argon2id with the second recommended parameters of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""


def check_password(password: str, name: str, letters_min: int) -> None:
    """Raise InputError when a password is too short or too long, all one letter, or holds the person's name."""
    if not letters_min <= len(password) <= LETTERS_MAX:
        raise _weak(f"The password has {len(password)} letters.", letters_min)
    if len(set(password)) == 1 or name.casefold() in password.casefold():
        raise _weak("The password can be guessed: it is one letter only, or holds the name.", letters_min)


def hash_password(password: str) -> str:
    """Return the argon2 hash that is stored."""
    return _HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Say whether a password is the one of the hash. None, for an unknown person, takes as long and says no."""
    known = password_hash is not None and len(password) <= LETTERS_MAX
    try:
        return _HASHER.verify(password_hash or "" if known else _nobody(), password if known else "") and known
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Say whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody's password")


def _weak(cause: str, letters_min: int) -> InputError:
    remedy = f"Choose another of {letters_min} to {LETTERS_MAX} letters; several words are easiest to remember."
    return InputError(cause, remedy=remedy, where="password")
