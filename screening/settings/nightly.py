"""Settings of the nightly run."""

from __future__ import annotations

from typing import Literal

from screening.settings.section import Section, setting

_DAY_SECONDS = 86_400


class NightlySettings(Section):
    """The nightly run."""

    drop_folder: str = setting(
        "folder whose files a night takes in, below the workspace unless it is a full path; empty: none", unit="text"
    )
    quiet_seconds: int = setting(
        "a dropped file that changed less long ago may still be arriving and is left for the next night",
        unit="s",
        ge=0,
        le=_DAY_SECONDS,
    )
    rejudge_days: int = setting(
        "days up to the newest that are judged again now and then, as long as payouts of theirs may be due",
        unit="days",
        ge=1,
        le=365,
    )
    rejudge_every_days: int = setting(
        "nights between two such judgements; below payout.scan_age_days_max, or the payout gate holds for age",
        unit="days",
        ge=1,
        le=365,
    )
    rescreen_max: int = setting(
        "affiliates that a night screens again at most; 0: none", unit="affiliates", ge=0, le=100_000
    )
    letters: Literal["none", "write", "send"] = setting(
        "letters to partners and applicants: none; write them into the outbox; or also send them (notices.transport)",
        unit="choice",
    )
    letters_age_days_max: int = setting(
        "a letter that waited longer is not sent by the night, but by a person who looked at it",
        unit="days",
        ge=1,
        le=365,
    )
    attempts: int = setting(
        "tries of a stage whose failure may pass, such as a database that does not answer", unit="tries", ge=1, le=100
    )
    pause_seconds: float = setting("wait between two tries", unit="s", ge=0, le=3_600)
