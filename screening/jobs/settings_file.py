"""Edits a settings file in place: what a person wrote around the edited values, comments too, stays as it is."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from screening.errors import InputError, UnavailableError

KeyPath = tuple[str, ...]
_WIDTH = 4096
"""Longer than any line, so that none is folded anew."""
_NEW_FILE = 0o640
_OWNER_ONLY = 0o600


def with_values(text: str, changes: Mapping[KeyPath, Any], where: str) -> str:
    """Return a YAML text with other values at some places; sections that are not there yet are added.

    Texts are written in double quotes: a bare `no` or `12:30` would be read as something else. Raises InputError when
    the text cannot be edited.
    """
    yaml = _editor()
    try:
        document = yaml.load(text)
    except YAMLError as error:
        raise _not_editable(where) from error
    added = CommentedMap() if document is None else document
    for path, value in changes.items():
        place = added
        for part in path[:-1]:
            if not isinstance(place.get(part), CommentedMap):
                place[part] = CommentedMap()
            place = place[part]
        place[path[-1]] = _quoted(value)
    written = io.StringIO()
    yaml.dump(added, written)
    # a file of comments only is no document: what is added goes below them
    return written.getvalue() if document is not None else f"{text.rstrip()}\n{written.getvalue()}".lstrip("\n")


@contextmanager
def draft_of(path: Path, text: str) -> Iterator[Path]:
    """Give a draft beside a file with its suffix and rights, to be checked before it takes the file's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".draft-", suffix=path.suffix)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            os.fchmod(handle, path.stat().st_mode & 0o777 if path.is_file() else _NEW_FILE)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def put_back_on_failure(paths: Sequence[Path]) -> Iterator[None]:
    """Have files be as they were when the block fails, such as when the database does not take the trace of a change.

    Raises UnavailableError when a file cannot be written.
    """
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException as error:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.touch(mode=_OWNER_ONLY)
                path.write_bytes(content)
        if isinstance(error, OSError):
            raise UnavailableError(
                f"The change cannot be stored: {error.strerror or error}.", remedy="Nothing was changed; try again."
            ) from error
        raise


def _editor() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    return yaml


def _quoted(value: Any) -> Any:  # noqa: ANN401 - a settings value of any type
    if isinstance(value, str):
        return DoubleQuotedScalarString(value)
    return [_quoted(item) for item in value] if isinstance(value, (list, tuple)) else value


def _not_editable(where: str) -> InputError:
    return InputError("This file cannot be edited from here.", remedy="Edit it by hand.", where=where)
