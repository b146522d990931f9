"""Keep passwords out of what is printed and recorded."""

from __future__ import annotations

import re
from typing import Any

_PASSWORD_IN_URL = re.compile(r"(?P<before>\w+://[^:/@\s]*):\S*@")


def without_passwords(value: Any) -> Any:  # noqa: ANN401 - a settings value of any type, and the same type back
    """Return the value with the password of every URL in it replaced by `***`; other values unchanged."""
    if isinstance(value, str):
        return _PASSWORD_IN_URL.sub(r"\g<before>:***@", value)
    if isinstance(value, dict):
        return {key: without_passwords(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(without_passwords(inner) for inner in value)
    return value
