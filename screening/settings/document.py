"""One YAML document of settings, taken apart into entries that know the line they stand in."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from screening.errors import SettingsError
from screening.settings.describe import Place, allowed_at, descriptions, place_of
from screening.settings.tree import Settings

KeyPath = tuple[str, ...]
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from: a file and its line, or the name of an environment variable (line None)."""

    name: str
    line: int | None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value with its path in the tree and its source."""

    path: KeyPath
    value: Any
    source: Source


def entries_of_file(path: Path) -> Iterator[Entry]:
    """Yield what a settings file sets.

    Raises SettingsError when the file cannot be read or is not YAML, and for a key that is unknown or stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"The file cannot be read: {error.strerror}.", remedy="Mend or remove it.", where=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError("The file is not UTF-8 text.", remedy="Save it as UTF-8.", where=str(path)) from error
    yield from _entries((), text, Source(str(path), 1))


def entries_of_text(path: KeyPath, text: str, source: Source) -> Iterator[Entry]:
    """Yield what a YAML text sets at a path, such as the text of an environment variable. Raises as for a file."""
    yield from _entries(path, text, source)


def unknown_setting(path: KeyPath, source: Source | None) -> SettingsError:
    """Return the error for a path that leads nowhere, with the nearest name that exists."""
    key = ".".join(path)
    known = [item.key for item in descriptions(Settings)]
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean `{near[0]}`? " if near else ""
    where = str(source) if source else None
    return SettingsError(
        f"Unknown setting `{key}`.",
        remedy=f"{hint}`winnow config --explain` lists the settings there are.",
        where=where,
    )


def _entries(path: KeyPath, text: str, source: Source) -> Iterator[Entry]:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is not None or path:
            yield from _Reader(loader, source).entries(path, node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _not_yaml(error.problem or str(error), _at(source, mark.line if mark else 0)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(str(error).splitlines()[0], source) from error
    finally:
        loader.dispose()


def _not_yaml(problem: str, source: Source) -> SettingsError:
    return SettingsError(
        f"This is not valid YAML: {problem}.",
        remedy="Mend it; text with special characters needs quotes.",
        where=str(source),
    )


def _at(source: Source, line: int) -> Source:
    """Return the source with a zero-based line of its document; a variable has no lines."""
    return source if source.line is None else Source(source.name, line + 1)


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, source: Source) -> None:
        self._loader = loader
        self._source = source

    def entries(self, path: KeyPath, node: yaml.Node | None, line: int = 0) -> Iterator[Entry]:
        """Yield the entries of the node that stands at a path; `line` is where its key stands, from 0."""
        source = _at(self._source, line)
        place = place_of(Settings, path)
        if place is Place.NOTHING:
            raise unknown_setting(path, source)
        if isinstance(node, yaml.MappingNode) and place is not Place.VALUE:
            yield from self._inner(path, node, place)
        elif place is not Place.SECTION:
            for inner in () if node is None else _each_once(node):
                self._refuse_twice(inner)
            yield Entry(path, None if node is None else self._loader.construct_object(node, deep=True), source)
        elif node is not None and node.tag != _NULL:
            name = f"`{'.'.join(path)}`" if path else "A settings file"
            raise SettingsError(
                f"{name} holds settings, not a value.",
                remedy=f"Allowed: {allowed_at(Settings, path)}.",
                where=str(source),
            )

    def _inner(self, path: KeyPath, node: yaml.MappingNode, place: Place) -> Iterator[Entry]:
        self._refuse_twice(node)
        if not node.value and place is Place.TABLE:
            yield Entry(path, {}, _at(self._source, node.start_mark.line))
        for key_node, value_node in node.value:
            yield from self.entries((*path, str(key_node.value)), value_node, key_node.start_mark.line)

    def _refuse_twice(self, node: yaml.Node) -> None:
        # YAML forbids a key twice in one mapping; PyYAML lets the last one win in silence
        if not isinstance(node, yaml.MappingNode):
            return
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise SettingsError(
                    f"`{key}` stands twice in the same section.",
                    remedy="Keep one of them.",
                    where=str(_at(self._source, key_node.start_mark.line)),
                )
            seen.add(key)


def _each_once(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield a node and everything in it; a node that aliases make part of itself or of others comes once."""
    waiting, met = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        for child in children:
            for part in child if isinstance(child, tuple) else (child,):
                if id(part) not in met:
                    met.add(id(part))
                    waiting.append(part)
