"""Files that hold one secret each, in a folder of the workspace that only its owner can enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from screening.errors import SettingsError
from screening.workspace import SECRETS

_OWNER_ENTERS = 0o700


def secrets_folder(root: Path) -> Path:
    """Return the folder of secrets of the workspace at `root`; it need not be there."""
    return root / SECRETS


def make_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, unless it is there: of several writers the first stays."""
    if path.is_file():
        return
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def replace_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, in place of the one that may be there."""
    _draft(path, content).replace(path)


def read_private(path: Path) -> str | None:
    """Return what a file of secrets holds, None when it is not there. Raises SettingsError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("A secret cannot be read.", remedy="Mend the file's rights.", where=str(path)) from error


def open_to_others(root: Path) -> list[Path]:
    """Return the folder of secrets and the files in it that others than their owner may read, change or enter."""
    folder = secrets_folder(root)
    if not folder.is_dir():
        return []
    found = [folder, *sorted(path for path in folder.rglob("*") if not path.is_symlink())]
    return [path for path in found if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]


def _draft(path: Path, content: str) -> Path:
    path.parent.mkdir(mode=_OWNER_ENTERS, parents=True, exist_ok=True)
    path.parent.chmod(_OWNER_ENTERS)
    # mkstemp makes files that only their owner can read
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".draft")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"{content}\n")
        stream.flush()
        os.fsync(stream.fileno())
    return Path(draft)
