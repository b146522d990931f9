"""Settings of applicant screening: intake, policy, signals, points and decision."""

from __future__ import annotations

from screening.settings.section import Section, setting


class IntakeSettings(Section):
    """What an application may contain."""

    websites_max: int = setting("sites screened per application", unit="sites", ge=1, le=100)
    visits_max: int = setting("largest believable claim of traffic", unit="visits a month", ge=1_000)
