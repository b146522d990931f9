"""Settings of the measured error rate."""

from __future__ import annotations

from screening.settings.section import Section, setting


class QualitySettings(Section):
    """How the error rate is measured from sources drawn for audit."""

    days: int = setting("days of scans that the error rate is about, the newest", unit="days", ge=1, le=730)
    answers_min: int = setting(
        "answered sources with stopped payout, and with paid payout, without which nothing is said",
        unit="sources",
        ge=5,
        le=1000,
    )
    level: float = setting("confidence level of intervals", unit="share", ge=0.5, le=0.999)
    draws: int = setting("draws behind an interval", unit="draws", ge=500, le=100_000)
    seed: int = setting("seed of these draws", unit="number", ge=0)
