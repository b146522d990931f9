"""What a tree of sections allows, in words: for error messages, `winnow config` and the comments of config.yaml."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from screening.settings.section import Section

_WORDS = {
    "int": "whole number",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "Decimal": "decimal number",
    "IPvAnyNetwork": "network",
    "NoneType": "null",
}
_UNITS_SAID_BY_THE_TYPE = ("text", "switch", "choice")


class Place(Enum):
    """What a path in the tree of settings leads to."""

    SECTION = auto()
    """A group of settings."""
    TABLE = auto()
    """A setting whose value is a mapping with keys of the user's choice."""
    VALUE = auto()
    """A setting with one value, or something inside a table."""
    NOTHING = auto()
    """There is no such setting."""


@dataclass(frozen=True, slots=True)
class Description:
    """One setting in words: dotted key, what it may be (type, range, unit), and what it means."""

    key: str
    allowed: str
    meaning: str


def place_of(root: type[Section], path: Sequence[str]) -> Place:
    """Say what the path leads to; the empty path is the root section."""
    here: Any = root
    for part in path:
        if _is_section(here):
            field = here.model_fields.get(part)
            if field is None:
                return Place.NOTHING
            here = field.annotation
        elif _is_table(here):
            here = get_args(here)[1]
        else:
            return Place.NOTHING
    return Place.SECTION if _is_section(here) else Place.TABLE if _is_table(here) else Place.VALUE


def allowed_at(root: type[Section], path: Sequence[str]) -> str:
    """Say in words what may stand at the path, or at its nearest part that exists."""
    here: Any = root
    words = _section_words(root)
    for part in path:
        if _is_section(here):
            field = here.model_fields.get(part)
            if field is None:
                return words
            words, here = _field_words(field), field.annotation
        elif _is_table(here):
            here = get_args(here)[1]
            words = _type_words(here)
        else:
            return words
    return words


def descriptions(section: type[Section], prefix: str = "") -> Iterator[Description]:
    """Yield every setting below a section, in the order of its fields."""
    for name, field in section.model_fields.items():
        inner: Any = field.annotation
        if _is_section(inner):
            yield from descriptions(inner, f"{prefix}{name}.")
        else:
            yield Description(f"{prefix}{name}", _field_words(field), field.description or "")


def section_meanings(section: type[Section], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, what it is about) for every section below this one."""
    for name, field in section.model_fields.items():
        inner: Any = field.annotation
        if _is_section(inner):
            yield f"{prefix}{name}", (inner.__doc__ or "").strip().splitlines()[0]
            yield from section_meanings(inner, f"{prefix}{name}.")


def _is_section(annotation: Any) -> bool:  # noqa: ANN401 - an annotation may be any object
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _is_table(annotation: Any) -> bool:  # noqa: ANN401
    return get_origin(annotation) is dict


def _is_list(annotation: Any) -> bool:  # noqa: ANN401
    return get_origin(annotation) in (tuple, list, set, frozenset)


def _field_words(field: FieldInfo) -> str:
    words = _type_words(field.annotation)
    low = next((f"{mark.ge}" for mark in field.metadata if isinstance(mark, Ge)), None)
    high = next((f"{mark.le}" for mark in field.metadata if isinstance(mark, Le)), None)
    pattern = next((mark.pattern for mark in field.metadata if getattr(mark, "pattern", None)), None)
    if low and high:
        words += f" from {low} to {high}"
    elif low or high:
        words += f" of at least {low}" if low else f" of at most {high}"
    if pattern:
        words += f" that matches {pattern}"
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = str(extra.get("unit", "text"))
    if unit in _UNITS_SAID_BY_THE_TYPE:
        return words
    if _is_list(field.annotation):
        return f"list of {unit}"
    return f"{words} {unit}" if low or high else f"{words} ({unit})"


def _type_words(annotation: Any) -> str:  # noqa: ANN401
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_words(inner[0])
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in inner)
    if _is_list(annotation):
        return f"list of {_type_words(inner[0])}"
    if origin is dict:
        return f"table of {_type_words(inner[0])} to {_type_words(inner[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join("null" if choice is type(None) else _type_words(choice) for choice in inner)
    if _is_section(annotation):
        return _section_words(annotation)
    name = getattr(annotation, "__name__", str(annotation))
    return _WORDS.get(name, name)


def _section_words(section: type[Section]) -> str:
    return "a section with " + ", ".join(section.model_fields)
