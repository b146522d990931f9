"""How cap recommendations are made: the numbers that config.yaml sets, as the pure code takes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapPolicy:
    """The section `caps` of config.yaml says what each number means; shares are 0..1."""

    interval: float
    conversions_min: int
    clean_worth: float
    bad_cost: float
    missed_share: float
    evidence_days: float
    outcome_days: int
    pause_above: float
    raise_below: float
    near_limit: float
    lower_step_min: float
    lower_step_max: float
    raise_step_min: float
    raise_step_max: float
    change_min: float
    reversal_days: float
    repeat_hours: float
    new_partner_days: int
    new_partner_conversions: int
    new_limit: str
    history_days: int
    half_life_days: float
    horizon_days: int
    expiry_days: float
    data_age_days_max: float
    draws: int
    seed: int
