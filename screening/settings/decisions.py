"""Settings of decisions about conversions."""

from __future__ import annotations

from screening.settings.section import Section, setting


class DecisionSettings(Section):
    """How much evidence holds money."""

    clean_share_of_held_max: float = setting(
        "bound on the share of clean money among all money held on scores", unit="share", ge=0.001, le=0.5
    )
    attribution_window_days: int = setting(
        "a conversion later than this after its click is not attributed to it", unit="days", ge=1, le=365
    )
    fewest_conversions: int = setting(
        "conversions in the 28 days before a decision without which nothing is judged",
        unit="conversions",
        ge=20,
        le=100_000,
    )
    source_bad_share_min: float = setting(
        "a source whose bad share of payout is surely above this is held whole", unit="share", ge=0.1, le=1.0
    )
    opinion_false_share_max: float = setting(
        "bound on the share of false ones among sources flagged by second opinions (change, unlike others)",
        unit="share",
        ge=0.0001,
        le=0.5,
    )
    reasons_max: int = setting("reasons that a decision or a source lists at most", unit="reasons", ge=1, le=20)
    audit_share: float = setting(
        "share of sources drawn at random for review, so that error rates can be measured", unit="share", ge=0.0, le=1.0
    )
    seed: int = setting("seed of the audit draw", unit="number", ge=0)
