"""Read profiles: the shipped ones by name, a programme's own by the path of its YAML file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.schema import TABLES, Kind
from screening.errors import InputError

_SHIPPED = files("screening.networks.profiles")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExportLayout(_Part):
    """How one kind of record stands in the export; each key is a canonical column.

    `columns` names source columns, of which the first filled one counts; `constants` and `templates` stand in for what
    the export lacks (`{column}` in a template is replaced); `words` translates listed words, given in lower case.
    `opaque` columns are hashed or numbered by the network, so that their form is not checked. `synthesised` id columns
    are made from the content of `synthesised_from`. Rows without a value in `only_with` are no records of this kind.
    `time_formats` are strptime formats beside ISO 8601 and epoch numbers; `timezone` is that of times without one,
    None: as the settings say.
    """

    columns: dict[str, tuple[str, ...]]
    constants: dict[str, str] = Field(default_factory=dict)
    templates: dict[str, str] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    opaque: tuple[str, ...] = ()
    synthesised: tuple[str, ...] = ()
    synthesised_from: tuple[str, ...] = ()
    only_with: str | None = None
    time_formats: tuple[str, ...] = ()
    timezone: str | None = None


class Profile(_Part):
    """The export files of one network or tracker.

    `note` says what a reader has to know, `source` where the names are from.
    """

    title: str
    source: str
    note: str
    kinds: dict[Kind, ExportLayout]

    @model_validator(mode="after")
    def _names_only_canonical_columns(self) -> Profile:
        for kind, layout in self.kinds.items():
            canonical = {column.name for column in TABLES[kind].columns}
            named = {*layout.columns, *layout.constants, *layout.templates, *layout.words}
            unknown = sorted({*named, *layout.opaque, *layout.synthesised} - canonical)
            if unknown:
                raise ValueError(f"{kind} have no column {', '.join(unknown)}")
            for column, words in layout.words.items():
                choices = TABLES[kind].column(column).choices
                wrong = sorted(set(words.values()) - set(choices))
                if wrong:
                    raise ValueError(f"{kind}.{column} cannot be {', '.join(wrong)}; allowed are {', '.join(choices)}")
        return self


def profile_names() -> list[str]:
    """Return the names of the shipped profiles, sorted."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".yaml"))


def load_profile(name: str) -> Profile:
    """Read the shipped profile of that name, or the file when `name` ends in .yaml or .yml.

    Raises InputError when there is none, or when it is not a profile.
    """
    if name.endswith((".yaml", ".yml")):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The profile cannot be read: {error}.", remedy="Check its name.", where=name) from error
    elif name in profile_names():
        text = (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise InputError(
            f"There is no profile `{name}`.",
            remedy=f"Shipped profiles: {', '.join(profile_names())}; or give the path of a .yaml file of your own.",
        )
    try:
        return Profile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(f"The profile is not valid YAML: {error}.", remedy="Mend it.", where=name) from error
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"]) or "profile"
        raise InputError(
            f"The profile is wrong at `{key}`: {problem['msg']}.", remedy="Mend it.", where=name
        ) from error
