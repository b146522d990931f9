"""Settings of the payout gate."""

from __future__ import annotations

from screening.settings.section import Section, setting


class PayoutSettings(Section):
    """What the payout gate asks of the judgement behind a payment."""

    scan_age_days_max: int = setting(
        "a conversion judged longer ago than this is held until it is scanned again", unit="days", ge=1, le=365
    )
