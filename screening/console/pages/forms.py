"""The fields of a form, where there are too many to name each."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from screening.errors import InputError


async def read_fields(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; files are left out."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Fields = Annotated[Mapping[str, str], Depends(read_fields)]
"""A parameter of a route: the fields of the form that was sent."""


def given(fields: Mapping[str, str], name: str) -> str:
    """Return a field of a form. Raises InputError when it was not sent, which is not the same as empty."""
    if name not in fields:
        raise InputError(f"The form was sent without {name}.", remedy="Open the page again.", where=name)
    return fields[name]


def see(address: str) -> RedirectResponse:
    """Lead on to a page after a form was taken."""
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)
