"""Which column of a file gives which canonical one."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from features.schema import TABLES, Kind
from screening.errors import InputError

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_COLUMNS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Layout:
    """How the columns of an export give the canonical columns of one kind.

    The empty layout takes each canonical column from the source column of the same name.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Canonical column to the source columns that may hold it; in each row the first filled one counts."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Canonical column to the text that stands for every row, where the source has no such column."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Canonical column to a text in which `{source column}` is replaced by that column's value."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Canonical column to its source words, in lower case, and what they are called here."""
    opaque: tuple[str, ...] = ()
    """Canonical columns whose values are hashed or numbered, so that their form cannot be checked."""
    synthesised: tuple[str, ...] = ()
    """Canonical id columns that the source lacks: made from `synthesised_from`, the same for the same row always."""
    synthesised_from: tuple[str, ...] = ()
    only_with: str | None = None
    """Source column that must be filled for a row to be a record of this kind; other rows are passed over."""
    time_formats: tuple[str, ...] = ()
    """strptime formats to try beside ISO 8601 and epoch numbers."""
    timezone: str | None = None
    """Zone of times that name none; None: as the settings say."""
    named: bool = False
    """Whether `columns` are all there is; otherwise canonical names count too."""
    chosen: tuple[str, ...] = ()
    """Canonical columns whose source a person named for this file."""

    def digest(self, *beside: object) -> str:
        """Return a short text that is equal for equal layouts, and equal values `beside` them."""
        return hashlib.sha256(repr((asdict(self), beside)).encode()).hexdigest()[:16]

    def with_columns(self, chosen: Mapping[str, str]) -> Layout:
        """Return the layout with some canonical columns taken from these source columns, whatever it said of them."""
        return replace(
            self,
            chosen=tuple(chosen),
            columns={**self.columns, **{canonical: (source,) for canonical, source in chosen.items()}},
            constants={name: text for name, text in self.constants.items() if name not in chosen},
            templates={name: text for name, text in self.templates.items() if name not in chosen},
            synthesised=tuple(name for name in self.synthesised if name not in chosen),
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """A layout applied to the header of one file: `columns` and `templates` name source columns that it has."""

    kind: Kind
    layout: Layout
    columns: Mapping[str, tuple[str, ...]]
    templates: Mapping[str, str]
    needed: tuple[str, ...]
    """Source columns that must be read."""
    ignored: tuple[str, ...]
    """Source columns that nothing uses."""


def unique_names(header: Sequence[str]) -> list[str]:
    """Return the header with surrounding space removed and repeated names told apart as `name#2`."""
    seen: dict[str, int] = {}
    names = []
    for raw in header:
        name = raw.strip()
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def resolve(kind: Kind, layout: Layout, names: Sequence[str], where: str) -> Resolved:
    """Find the layout's columns among the `names` of a file's columns.

    Names are compared without case, spaces and punctuation: `Click ID`, `click_id` and `clickId` are one. Raises
    InputError that lists the required columns that are missing, the columns there are, and the closest of them.
    """
    present: dict[str, str] = {}
    for name in names:
        present.setdefault(_folded(name), name)
    columns: dict[str, tuple[str, ...]] = {}
    for column in TABLES[kind].columns:
        candidates = layout.columns.get(column.name, () if layout.named else (column.name,))
        found = tuple(dict.fromkeys(present[_folded(name)] for name in candidates if _folded(name) in present))
        if found:
            columns[column.name] = found
    templates = {
        name: text
        for name, text in layout.templates.items()
        if all(_folded(source) in present for source in placeholders(text))
    }
    given = {*columns, *layout.constants, *templates, *layout.synthesised}
    missing = [name for name in TABLES[kind].required if name not in given]
    # a column that a person named and the file lacks is a mistake even if it is optional
    missing += [name for name in layout.chosen if name not in columns and name not in missing]
    extra = [
        *(layout.synthesised_from if layout.synthesised else ()),
        *((layout.only_with,) if layout.only_with else ()),
    ]
    absent = [name for name in extra if _folded(name) not in present]
    if missing or absent:
        raise _unusable(kind, layout, [*missing, *absent], names, where)
    extra += [name for template in templates.values() for name in placeholders(template)]
    named = [name for names_ in columns.values() for name in names_]
    needed = tuple(dict.fromkeys([*named, *(present[_folded(name)] for name in extra)]))
    return Resolved(kind, layout, columns, templates, needed, tuple(name for name in names if name not in needed))


def placeholders(template: str) -> list[str]:
    """Return the source columns that a template names, in order."""
    return _PLACEHOLDER.findall(template)


def source_name(resolved: Resolved, name: str) -> str:
    """Return the file's spelling of a source column that the layout names."""
    return next(needed for needed in resolved.needed if _folded(needed) == _folded(name))


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name


def _unusable(kind: Kind, layout: Layout, missing: Sequence[str], names: Sequence[str], where: str) -> InputError:
    wanted = []
    closest = []
    folded = {_folded(name): name for name in names}
    for name in missing:
        sources = layout.columns.get(name, (name,))
        wanted.append(f"`{name}`" if sources == (name,) else f"`{name}` (in this profile {' or '.join(sources)})")
        for source in sources:
            near = difflib.get_close_matches(_folded(source), folded, n=1, cutoff=0.6)
            closest += [f"{folded[near[0]]} for {name}"] if near else []
    shown = ", ".join(names[:_COLUMNS_SHOWN]) + (" ..." if len(names) > _COLUMNS_SHOWN else "")
    hint = f" Closest: {'; '.join(dict.fromkeys(closest))}." if closest else ""
    return InputError(
        f"Required columns of {kind} are missing: {', '.join(wanted)}. The file has: {shown}.{hint}",
        remedy=f"Name the column with --map {missing[0]}=COLUMN, or choose the --profile of the export.",
        where=where,
    )
