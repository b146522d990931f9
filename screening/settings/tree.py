"""The settings there are: sections, types, units and ranges. Values stand in config.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from screening.settings.crawl import CrawlSettings
from screening.settings.section import Section, setting


class StoreSettings(Section):
    """The database."""

    url: str = setting("SQLAlchemy URL; empty means winnow.db in the workspace", unit="text")


class LakeSettings(Section):
    """Where events are kept."""

    url: str = setting("folder of the lake; empty means lake/ in the workspace", unit="text")


class Settings(Section):
    """All settings of winnow."""

    engine: Literal["polars", "spark"] = setting("what computes features", unit="choice")
    store: StoreSettings
    lake: LakeSettings
    crawl: CrawlSettings

    @classmethod
    def is_table(cls, key: str) -> bool:
        """Say whether the dotted key holds a free mapping (its inner keys are data, not settings)."""
        field = cls._field(key.split("."))
        return field is not None and get_origin(_plain(field.annotation)) is dict

    @classmethod
    def allowed(cls, parts: Sequence[str]) -> str:
        """Say in words what a setting may be: its type or choices, its range and its unit."""
        for length in range(len(parts), 0, -1):
            field = cls._field(parts[:length])
            if field is not None:
                return _domain(field)
        return "nothing of that name"

    @classmethod
    def described(cls) -> Iterator[tuple[str, str, str]]:
        """Yield (dotted key, allowed values with unit, meaning) for every setting, in file order."""
        yield from _described(cls, "")

    @classmethod
    def _field(cls, parts: Sequence[str]) -> FieldInfo | None:
        section: Any = cls
        field: FieldInfo | None = None
        for part in parts:
            if not (isinstance(section, type) and issubclass(section, Section)):
                return None
            field = section.model_fields.get(part)
            if field is None:
                return None
            section = field.annotation
        return field


def _described(section: type[Section], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _described(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _domain(field), field.description or ""


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _domain(field: FieldInfo) -> str:
    annotation = _plain(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(annotation))
    kind = getattr(annotation, "__name__", str(annotation)) if get_origin(annotation) is None else str(annotation)
    low = next((str(mark.ge) for mark in field.metadata if isinstance(mark, Ge)), None)
    high = next((str(mark.le) for mark in field.metadata if isinstance(mark, Le)), None)
    span = f" from {low} to {high}" if low and high else f" at least {low}" if low else f" at most {high}" if high else ""
    return f"{kind}{span} ({extra.get('unit', 'text')})"
