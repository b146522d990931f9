"""What every settings section is made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Section(BaseModel):
    """A frozen group of settings. An unknown key is an error, never ignored.

    The first line of a section's docstring says what it is about; it stands above the section in config.yaml.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        # YAML 1.1 reads a bare `yes` or `on` as true, and pydantic would read true as the number 1
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError("a number is needed, not true or false")
        return value


def setting(  # a pydantic field stands where a value of any type is declared, so the result has no narrower type
    meaning: str,
    *,
    unit: str,
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
) -> Any:  # noqa: ANN401
    """Describe one setting: its meaning, unit (or `text`, `switch`, `choice`) and range. It has no default here."""
    return Field(description=meaning, ge=ge, le=le, pattern=pattern, json_schema_extra={"unit": unit})
