"""A workspace: the folder in which winnow keeps one programme's settings, database, events, models and reports."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from screening.errors import SettingsError, WorkspaceError
from screening.settings import Loaded, Settings, load_settings

DEFAULT_WORKSPACE = Path("winnow-workspace")
ENVIRONMENT_VARIABLE = "WINNOW_WORKSPACE"
LAKE_ORIGIN = "origin.json"
"""File in the mirror of a lake on object storage that says which storage it mirrors."""
CONFIG = "config.yaml"
"""The workspace's own settings."""
SECRETS = "secrets"
"""Folder for files that hold one secret each; only the owner enters it, and no backup has it."""
_OBJECT_STORAGE = "s3://"
_OWNERS_ONLY = 0o750
"""A workspace holds personal data; nobody but its owner and group enters a new one."""
_FOLDERS = ("lake", "models", "evidence", "reports", "quarantine", "locks")


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace: its folder and the settings that hold in it."""

    root: Path
    loaded: Loaded

    @property
    def settings(self) -> Settings:
        """The settings that hold in this workspace."""
        return self.loaded.settings

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.settings.store.url or f"sqlite:///{self.root / 'winnow.db'}"

    @property
    def lake(self) -> Path:
        """Folder of the event lake; for a lake on object storage that of its local mirror."""
        url = self.settings.lake.url
        if url.startswith(_OBJECT_STORAGE):
            return self.root / "lake-mirrors" / hashlib.sha256(url.encode()).hexdigest()[:16]
        return Path(url) if url else self.root / "lake"

    def folder(self, name: str) -> Path:
        """Return one of the workspace's own folders, made if it is not there yet."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def open_workspace(root: Path | None, environment: Mapping[str, str] | None = None) -> Workspace:
    """Open the workspace at `root` (default: `WINNOW_WORKSPACE`, then ./winnow-workspace) and make what it lacks.

    Raises WorkspaceError when the place cannot be a folder, SettingsError when its config.yaml is wrong.
    """
    environment = os.environ if environment is None else environment
    chosen = root or Path(environment.get(ENVIRONMENT_VARIABLE) or DEFAULT_WORKSPACE)
    chosen = chosen.absolute()
    try:
        chosen.mkdir(mode=_OWNERS_ONLY, parents=True, exist_ok=True)
        for name in _FOLDERS:
            (chosen / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"The workspace cannot be used: {error.strerror}.", remedy="Give another --workspace.", where=str(chosen)
        ) from error
    workspace = Workspace(chosen, load_settings(chosen / CONFIG, environment))
    _name_origin(workspace)
    return workspace


def _name_origin(workspace: Workspace) -> None:
    """Write into the mirror of a lake on object storage which storage that is."""
    lake = workspace.settings.lake
    if not lake.url.startswith(_OBJECT_STORAGE):
        if "://" in lake.url:
            remedy = "Write a folder, or s3://bucket/prefix."
            raise SettingsError("A lake cannot be kept there.", remedy=remedy, where="lake.url")
        return
    if "@" in lake.url:
        raise SettingsError(
            "The lake's URL must not hold credentials.",
            remedy="Give them in the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            where="lake.url",
        )
    content = json.dumps({"url": lake.url, "seconds": lake.request_seconds})
    origin = workspace.lake / LAKE_ORIGIN
    if not origin.is_file() or origin.read_text(encoding="utf-8") != content:
        workspace.lake.mkdir(parents=True, exist_ok=True)
        draft = origin.with_suffix(f".{os.getpid()}.draft")
        draft.write_text(content, encoding="utf-8")
        draft.replace(origin)
