"""What every settings section is made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen group of settings. An unknown key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


def setting(meaning: str, *, unit: str, ge: float | None = None, le: float | None = None, pattern: str | None = None) -> Any:
    """Describe one setting: its meaning, unit (or `text`, `switch`, `choice`) and range. It has no default here."""
    return Field(description=meaning, ge=ge, le=le, pattern=pattern, json_schema_extra={"unit": unit})
