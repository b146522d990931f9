"""Settings of `winnow evaluate`."""

from __future__ import annotations

from screening.settings.section import Section, setting


class EvaluationSettings(Section):
    """How `winnow evaluate` looks back, and how sure its intervals are."""

    every_days: int = setting(
        "days between the scans that are played again, each knowing what was known then", unit="days", ge=1, le=28
    )
    earlier_share: float = setting(
        "share of the days, the earliest, that a judge is taught on before it judges the rest",
        unit="share",
        ge=0.2,
        le=0.9,
    )
    level: float = setting("confidence level of intervals", unit="share", ge=0.5, le=0.999)
    draws: int = setting("times that affiliates are drawn again for an interval", unit="draws", ge=50, le=10_000)
    thresholds: int = setting("thresholds of the threshold curve", unit="thresholds", ge=5, le=500)
    injected_copies: int = setting(
        "copies of the traffic, each with its own injected fraud", unit="copies", ge=1, le=50
    )
    injected_part: float = setting("share of the sources that are changed in a copy", unit="share", ge=0.01, le=0.5)
    seed: int = setting("seed of all draws in an evaluation", unit="number", ge=0)
