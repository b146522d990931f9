"""Settings of `winnow watch`."""

from __future__ import annotations

from screening.settings.section import Section, setting


class WatchSettings(Section):
    """Judging during the day."""

    every_seconds: float = setting("pause between two looks for new events", unit="s", ge=0.1, le=86_400)
    days_max: int = setting(
        "days up to the newest that are judged again when events of theirs come; the night judges older ones",
        unit="days",
        ge=1,
        le=28,
    )
