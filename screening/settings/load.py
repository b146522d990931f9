"""Read settings: config.yaml as shipped, then the workspace's config.yaml, then `WINNOW__SECTION__KEY` variables.

Later sources win, value by value; the entries of a table are values of their own. Each value keeps the source that set
it, so that `winnow config --explain` can say where it is from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from screening.errors import SettingsError
from screening.settings.describe import Place, allowed_at, descriptions, place_of
from screening.settings.document import Entry, KeyPath, Source, entries_of_file, entries_of_text, unknown_setting
from screening.settings.secret import without_passwords
from screening.settings.tree import Settings

ENVIRONMENT_PREFIX = "WINNOW__"
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each dotted key the source that set it (for a table: each of its entries)."""

    settings: Settings
    sources: Mapping[str, Source]

    def sources_of(self, key: str) -> tuple[Source, ...]:
        """Return the sources of a setting, each once; a table may have several."""
        found = (source for name, source in self.sources.items() if name == key or name.startswith(f"{key}."))
        return tuple(dict.fromkeys(found))

    def overridden(self, key: str) -> bool:
        """Say whether anything but the shipped config.yaml set this setting or an entry of it."""
        return any(source.name != str(shipped_config()) for source in self.sources_of(key))


def shipped_config() -> Path:
    """Return the path of the config.yaml that carries the defaults (in the wheel, or at the top of a checkout)."""
    for candidate in (_HERE.parent / "config.yaml", _HERE.parent.parent / "config.yaml"):
        if candidate.is_file():
            return candidate
    raise SettingsError("The shipped config.yaml is missing.", remedy="Install winnow again.", where=str(_HERE))


def load_settings(workspace_config: Path | None, environment: Mapping[str, str]) -> Loaded:
    """Merge all sources and check the result.

    `workspace_config` may be None or a path where nothing is: then only the defaults and the variables count.
    Raises SettingsError that names the file and line or the variable, the key, and what is allowed.
    """
    values: dict[KeyPath, Entry] = {}
    for path in (shipped_config(), workspace_config):
        if path is not None and os.path.lexists(path):
            values.update((entry.path, entry) for entry in entries_of_file(path))
    values.update((entry.path, entry) for entry in _from_environment(environment))
    sources = {".".join(path): entry.source for path, entry in values.items()}
    return Loaded(_validated(values), sources)


def _from_environment(environment: Mapping[str, str]) -> Iterator[Entry]:
    meant = {_letters(variable_name(item.key)): variable_name(item.key) for item in descriptions(Settings)}
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            path = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            yield from entries_of_text(path, text, Source(name, None))
        elif _letters(name) in meant:
            # WINNOW_STORE_URL and the like: close enough to a setting that ignoring it would surprise
            raise SettingsError(
                "The variable is not read under this name.", remedy=f"Write {meant[_letters(name)]}.", where=name
            )


def variable_name(key: str) -> str:
    """Return the environment variable that sets a dotted key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _letters(name: str) -> str:
    return name.upper().replace("_", "")


def _validated(values: Mapping[KeyPath, Entry]) -> Settings:
    tree: dict[str, Any] = {}
    for path, entry in values.items():
        *above, leaf = path
        place = tree
        for part in above:
            place = place.setdefault(part, {})
        if isinstance(entry.value, dict) and not entry.value:
            place.setdefault(leaf, {})
        else:
            place[leaf] = entry.value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise _explained(error, values) from error


def _explained(error: ValidationError, values: Mapping[KeyPath, Entry]) -> SettingsError:
    problem = error.errors()[0]
    path = tuple(str(part) for part in problem["loc"])
    key = ".".join(path)
    nearest = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in values), None)
    source = values[nearest].source if nearest else None
    if problem["type"] == "extra_forbidden":
        return unknown_setting(path, source)
    where = str(source) if source else None
    if problem["type"] == "missing":
        return SettingsError(f"The setting `{key}` has no value.", remedy=_allowed(path), where=where)
    cause = problem["msg"].removeprefix("Value error, ")
    return SettingsError(
        f"The setting `{key}` cannot be {without_passwords(problem['input'])!r}: {cause}.",
        remedy=_allowed(path),
        where=where,
    )


def _allowed(path: KeyPath) -> str:
    if place_of(Settings, path) is Place.NOTHING:
        path = path[:-1]
    return f"Allowed: {allowed_at(Settings, path)}."
