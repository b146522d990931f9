"""Settings of `winnow train`."""

from __future__ import annotations

from screening.settings.section import Section, setting


class InjectionSettings(Section):
    """How the judge is taught on fraud injected into the programme's own traffic."""

    replicates: int = setting("copies of the traffic, each with its own injected fraud", unit="copies", ge=1, le=50)
    part: float = setting("share of the sources that are changed in a copy", unit="share", ge=0.01, le=0.9)
    rounds: int = setting("rounds of teaching, each leaving out what the last suspected", unit="rounds", ge=1, le=5)
    folds: int = setting("folds of affiliates; an affiliate is judged by what others taught", unit="folds", ge=2, le=20)
    trees: int = setting("boosted trees of a fold", unit="trees", ge=10, le=2000)
    leaves: int = setting("leaves of a tree at most", unit="leaves", ge=2, le=255)
    fraud_share: float = setting("weight of fraud in teaching", unit="share", ge=0.01, le=0.5)
    conversions: int = setting(
        "conversions taught with at most; beyond it whole affiliates are left out", unit="conversions", ge=500
    )


class OutcomeSettings(Section):
    """When and how what became of conversions teaches a judge of its own."""

    bad_min: int = setting(
        "bad outcomes among the affiliates that teach a fold, without which outcomes teach nothing",
        unit="outcomes",
        ge=10,
    )
    every_days: int = setting(
        "days between the moments at which the past is looked at as it was then", unit="days", ge=1, le=28
    )
    ridge: float = setting("penalty on the squared weights of standardised features", unit="penalty", ge=0.01, le=10000)


class TrainingSettings(Section):
    """How `winnow train` teaches; what it makes judges in the shadow until a person promotes it."""

    history_days: int = setting("days of history taught with, the newest", unit="days", ge=14, le=730)
    seed: int = setting("seed of all draws in teaching", unit="number", ge=0)
    own_share: float = setting(
        "say of the judge taught on the own traffic beside the shipped one, while outcomes are too few to set it",
        unit="share",
        ge=0,
        le=1,
    )
    injection: InjectionSettings
    outcomes: OutcomeSettings
