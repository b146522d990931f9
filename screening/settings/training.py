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


class TreeSettings(Section):
    """Boosted trees that learn from people's decisions about applicants."""

    trees: int = setting("boosted trees, one after the other", unit="trees", ge=10, le=1000)
    leaves: int = setting("leaves of a tree at most", unit="leaves", ge=2, le=63)
    leaf_rows: int = setting("decisions or sites in a leaf at least", unit="rows", ge=2, le=500)
    rate: float = setting("weight of each tree", unit="number", ge=0.01, le=1)


class ApplicantSettings(TreeSettings):
    """How people's decisions about applicants teach, and from how many on."""

    decided_min: int = setting("decisions without which nothing is learned", unit="decisions", ge=50)
    each_min: int = setting("approvals, and rejections, without which nothing is learned", unit="decisions", ge=20)
    history_days: int = setting("days of decisions taught with, the newest", unit="days", ge=30, le=3650)
    held_out: float = setting(
        "share of the decisions, the newest, on which a judge taught on the others is measured", unit="share",
        ge=0.1, le=0.5,
    )  # fmt: skip
    audit_weight_max: float = setting(
        "most approved applicants that one stands for whom the draw brought to a person",
        unit="applicants",
        ge=1,
        le=1000,
    )


class SiteSettings(TreeSettings):
    """How the sites of decided applicants teach the site model."""

    members: int = setting("forests that are averaged", unit="forests", ge=1, le=20)
    facts_part: float = setting("share of the facts that a split looks at", unit="share", ge=0.05, le=1)
    ridge: float = setting("penalty on the line's squared weights", unit="penalty", ge=0.01, le=10000)


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
    applicants: ApplicantSettings
    sites: SiteSettings
