"""Settings of review by people: clocks of appeals, of holds, and of what waits for an answer."""

from __future__ import annotations

from screening.settings.section import Section, setting


class ReviewSettings(Section):
    """Clocks of cases, holds and appeals."""

    appeal_days: int = setting("time to answer an appeal; after it the appeal is overdue", unit="days", ge=1, le=180)
    hold_days_max: int = setting(
        "age from which a hold that nobody decided goes to a person as expired; it is never paid by age",
        unit="days",
        ge=1,
        le=365,
    )
    hold_again_days: int = setting(
        "time after which a case that a person keeps holding comes back", unit="days", ge=1, le=365
    )
    ask_days: int = setting(
        "time after which a case comes back though the applicant who was asked has not answered",
        unit="days",
        ge=1,
        le=365,
    )
    bulk_max: int = setting("most cases that one act may decide", unit="cases", ge=1, le=10_000)
