"""Settings of the structured log."""

from __future__ import annotations

from typing import Literal

from screening.settings.section import Section, setting


class LogSettings(Section):
    """The structured log: a line of JSON per event, without secrets and personal data."""

    target: Literal["none", "stderr", "file"] = setting(
        "where it goes; `file`: logs/ in the workspace, a file a day", unit="choice"
    )
    level: Literal["debug", "info", "warning", "error"] = setting("the least level that is written", unit="choice")
