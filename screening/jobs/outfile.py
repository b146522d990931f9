"""Files for other programs: whole or not there, never half."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from screening.errors import InputError

_READABLE = 0o666


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give a draft beside `target`, which takes the target's place in one step at the end of the block.

    After an exception the target is as it was. Raises InputError when the folder is not there or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise InputError(
            f"The file cannot be written: {error.strerror}.",
            remedy="Name a file in a folder there is.",
            where=str(target),
        ) from error
    draft = Path(name)
    try:
        yield draft
        os.fsync(handle)
        os.fchmod(handle, _READABLE & ~_umask())
        draft.replace(target)
    except IsADirectoryError as error:
        raise InputError("This is a folder.", remedy="Name a file.", where=str(target)) from error
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
