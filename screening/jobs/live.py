"""A workspace that follows its settings: what somebody edits holds at once, without starting anything anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock

from screening.errors import SettingsError, WinnowError
from screening.settings import load_settings
from screening.workspace import CONFIG, Workspace


class LiveWorkspace:
    """Reads the settings of a workspace again whenever its config.yaml has changed.

    A file that cannot be used, or that is gone, changes nothing: what held goes on to hold, and `fault` says why. The
    places of database and lake stay those of the start.
    """

    def __init__(self, workspace: Workspace, environment: Mapping[str, str] | None = None) -> None:
        self.environment = os.environ if environment is None else environment
        self.fault: WinnowError | None = None
        self._workspace = workspace
        self._read = self._signature()
        self._lock = Lock()

    def current(self) -> Workspace:
        """Return the workspace with the settings that hold now."""
        if self._signature() != self._read:
            with self._lock:
                self._reload()
        return self._workspace

    def _reload(self) -> None:
        signature = self._signature()
        if signature == self._read:
            return
        self._read = signature
        if signature is None:
            self.fault = _gone(self._workspace.root / CONFIG)
            return
        try:
            loaded = load_settings(self._workspace.root / CONFIG, self.environment)
        except WinnowError as error:
            self.fault = error
            return
        here = self._workspace.settings
        settings = loaded.settings.model_copy(update={"store": here.store, "lake": here.lake})
        self._workspace = replace(self._workspace, loaded=replace(loaded, settings=settings))
        self.fault = None

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = (self._workspace.root / CONFIG).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _gone(path: Path) -> SettingsError:
    # the defaults that hold where there never was a file know nothing of the programme's policy
    return SettingsError("The settings file is gone.", remedy="Put it back, from a backup or empty.", where=str(path))
