"""Read settings: config.yaml as shipped, then the workspace's config.yaml, then `WINNOW__SECTION__KEY` variables.

Later sources win. Each value keeps the source that set it, so that `winnow config --explain` can say where it is from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from screening.errors import SettingsError
from screening.settings.tree import Settings

ENVIRONMENT_PREFIX = "WINNOW__"
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from: a file and its line, or the name of an environment variable (line None)."""

    name: str
    line: int | None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each dotted key the source that set it."""

    settings: Settings
    sources: Mapping[str, Source]


def shipped_config() -> Path:
    """Return the path of the config.yaml that carries the defaults (in the wheel, or at the top of a checkout)."""
    for candidate in (_HERE.parent / "config.yaml", _HERE.parent.parent / "config.yaml"):
        if candidate.is_file():
            return candidate
    raise SettingsError("The shipped config.yaml is missing.", remedy="Install winnow again.", where=str(_HERE))


def load_settings(workspace_config: Path | None, environment: Mapping[str, str]) -> Loaded:
    """Merge all sources and check the result.

    `workspace_config` may be None or a path that does not exist: then only the defaults and the variables count.
    Raises SettingsError that names the file, the key and the allowed range.
    """
    values: dict[str, tuple[Any, Source]] = {}
    for path in (shipped_config(), workspace_config):
        if path is not None and path.is_file():
            values.update(_from_file(path))
    values.update(_from_environment(environment))
    return Loaded(_validated(values), {key: source for key, (_, source) in values.items()})


def _from_file(path: Path) -> dict[str, tuple[Any, Source]]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file is not valid YAML: {error}", remedy="Mend it.", where=str(path)) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise SettingsError("Settings must be a mapping of sections.", remedy="Write `section:` lines.", where=str(path))
    loader = yaml.SafeLoader("")
    try:
        return {key: (value, Source(str(path), line)) for key, value, line in _leaves(loader, root, "")}
    finally:
        loader.dispose()


def _leaves(loader: yaml.SafeLoader, node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, Any, int]]:
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        if isinstance(value_node, yaml.MappingNode) and not Settings.is_table(key):
            yield from _leaves(loader, value_node, f"{key}.")
        else:
            yield key, loader.construct_object(value_node, deep=True), key_node.start_mark.line + 1


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, Source]]:
    found: dict[str, tuple[Any, Source]] = {}
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            try:
                found[key] = (yaml.safe_load(text), Source(name, None))
            except yaml.YAMLError as error:
                raise SettingsError(f"The value is not valid YAML: {error}", remedy="Quote it.", where=name) from error
    return found


def _validated(values: Mapping[str, tuple[Any, Source]]) -> Settings:
    tree: dict[str, Any] = {}
    for key, (value, source) in values.items():
        *sections, leaf = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(f"`{section}` is not a section.", remedy="See `winnow config --explain`.", where=str(source))
        place[leaf] = value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise _explained(error, values) from error


def _explained(error: ValidationError, values: Mapping[str, tuple[Any, Source]]) -> SettingsError:
    problem = error.errors()[0]
    parts = [str(part) for part in problem["loc"]]
    key = ".".join(parts)
    known = next((key_ for key_ in (".".join(parts[:n]) for n in range(len(parts), 0, -1)) if key_ in values), None)
    where = str(values[known][1]) if known else None
    if problem["type"] == "extra_forbidden":
        return SettingsError(
            f"Unknown setting `{key}`.", remedy="`winnow config --explain` lists the settings there are.", where=where
        )
    if problem["type"] == "missing":
        return SettingsError(f"The setting `{key}` has no value.", remedy="Give it one in config.yaml.", where=where)
    return SettingsError(
        f"The setting `{key}` cannot be {problem['input']!r}: {problem['msg']}.",
        remedy=f"Allowed: {Settings.allowed(parts)}.",
        where=where,
    )
