"""Settings of cap recommendations."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from screening.settings.section import Section, setting


class AutomaticSettings(Section):
    """Which recommendations are approved without a person."""

    enabled: bool = setting("approve what lies within these limits as soon as it is recommended", unit="switch")
    step_max: float = setting("largest change of a limit that is approved", unit="share", ge=0.0, le=1.0)
    pause: bool = setting("approve pauses too", unit="switch")


class CapSettings(Section):
    """How limits of offers and partners are recommended."""

    interval: float = setting("certainty of `surely`, and level of the intervals", unit="share", ge=0.5, le=0.99)
    conversions_min: int = setting(
        "judged conversions in 28 days without which nothing changes", unit="conversions", ge=5, le=10_000
    )
    clean_worth: float = setting(
        "what a clean conversion earns beyond its payout, as share of the payout", unit="share", ge=0.01, le=100.0
    )
    bad_cost: float = setting(
        "what a bad conversion costs beside its payout (review, disputes), as share of the payout",
        unit="share",
        ge=0.0,
        le=100.0,
    )
    missed_share: float = setting(
        "share of bad payout that is paid although there was time to stop it", unit="share", ge=0.0, le=1.0
    )
    evidence_days: float = setting(
        "days until evidence of fraud comes, while fewer than ten outcomes tell", unit="days", ge=0.0, le=365.0
    )
    outcome_days: int = setting(
        "age from which a conversion that was not reversed is taken to stay", unit="days", ge=1, le=365
    )
    pause_above: float = setting("bad share surely above which a partner is paused", unit="share", ge=0.1, le=1.0)
    raise_below: float = setting(
        "part of the break-even under which a bad share must surely lie for a raise", unit="share", ge=0.05, le=0.95
    )
    near_limit: float = setting(
        "part of the limit that a busy period must come to for a raise", unit="share", ge=0.1, le=1.5
    )
    lower_step_min: float = setting("smallest step down", unit="share", ge=0.01, le=0.95)
    lower_step_max: float = setting("largest step down", unit="share", ge=0.01, le=0.95)
    raise_step_min: float = setting("smallest step up", unit="share", ge=0.01, le=10.0)
    raise_step_max: float = setting("largest step up", unit="share", ge=0.01, le=10.0)
    change_min: float = setting("change below which a limit stays as it is", unit="share", ge=0.0, le=0.5)
    reversal_days: float = setting(
        "wait after a change before one the other way, and after a refusal before asking again",
        unit="days",
        ge=0.0,
        le=365.0,
    )
    repeat_hours: float = setting(
        "wait after a change before another one the same way", unit="hours", ge=0.0, le=8760.0
    )
    new_partner_days: int = setting("age below which a partner is new", unit="days", ge=0, le=3650)
    new_partner_conversions: int = setting(
        "what a new partner is always left, in conversions a day", unit="conversions", ge=0, le=100_000
    )
    new_limit: Literal[
        "daily_clicks",
        "daily_conversions",
        "daily_payout",
        "daily_revenue",
        "weekly_payout",
        "monthly_payout",
    ] = setting("kind of limit that a bad partner without any gets", unit="choice")
    history_days: int = setting("past days that forecasts are made from", unit="days", ge=7, le=365)
    half_life_days: float = setting("age at which a past day weighs half", unit="days", ge=1.0, le=365.0)
    horizon_days: int = setting("days over which effects are counted", unit="days", ge=1, le=31)
    expiry_days: float = setting(
        "days after which a recommendation can be approved no more", unit="days", ge=0.1, le=90
    )
    data_age_days_max: float = setting("age of the newest event above which data are called old", unit="days", ge=0.1)
    draws: int = setting("possible futures drawn for the intervals", unit="draws", ge=50, le=100_000)
    seed: int = setting("seed of these draws", unit="number", ge=0)
    automatic: AutomaticSettings

    @model_validator(mode="after")
    def _steps_in_order(self) -> Self:
        for way in ("lower", "raise"):
            if getattr(self, f"{way}_step_min") > getattr(self, f"{way}_step_max"):
                raise ValueError(f"{way}_step_min must not be above {way}_step_max")
        return self
