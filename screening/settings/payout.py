"""Settings of the payout gate."""

from __future__ import annotations

from screening.settings.section import Section, setting


class PayoutSettings(Section):
    """What the payout gate asks of the judgement behind a payment."""

    scan_age_days_max: int = setting(
        "a conversion judged longer ago than this is held until it is scanned again", unit="days", ge=1, le=365
    )
    clock_difference_minutes_max: int = setting(
        "how far a judgement may lie after now, as clocks differ; one that lies further is held until the clock is set",
        unit="minutes",
        ge=0,
        le=60,
    )
