"""The fields of a form, where there are too many to name each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request


async def read_fields(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; files are left out."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Fields = Annotated[Mapping[str, str], Depends(read_fields)]
"""A parameter of a route: the fields of the form that was sent."""
