"""A workspace: the folder in which winnow keeps one programme's settings, database, events, models and reports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from screening.errors import WorkspaceError
from screening.settings import Loaded, Settings, load_settings

DEFAULT_WORKSPACE = Path("winnow-workspace")
ENVIRONMENT_VARIABLE = "WINNOW_WORKSPACE"
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
        """Folder of the event lake."""
        return Path(self.settings.lake.url) if self.settings.lake.url else self.root / "lake"

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
    return Workspace(chosen, load_settings(chosen / "config.yaml", environment))
