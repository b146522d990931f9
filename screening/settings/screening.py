"""Settings of applicant screening: intake, policy, signals, points and decision."""

from __future__ import annotations

from pydantic import field_validator

from screening.settings.learned import LearnedSettings
from screening.settings.section import Section, setting


class IntakeSettings(Section):
    """What an application may contain."""

    websites_max: int = setting("sites screened per application", unit="sites", ge=1, le=100)
    visits_max: int = setting("largest believable claim of traffic", unit="visits a month", ge=1_000)


class SignalSettings(Section):
    """From where on a signal counts."""

    pages_enough: int = setting("pages after which an unfinished crawl still tells enough", unit="pages", ge=1, le=100)
    words_of_empty_page: int = setting("words below which a page says nothing", unit="words", ge=1, le=200)
    words_of_parked_page: int = setting("words above which a page is a publisher's own", unit="words", ge=50, le=2_000)
    words_of_scant_site: int = setting(
        "words of a whole site below which it is hardly one", unit="words", ge=1, le=5_000
    )
    words_of_thin_site: int = setting("words of a whole site below which it is thin", unit="words", ge=1, le=10_000)
    leaving_share: float = setting(
        "share of links out that makes a short page a mere way elsewhere", unit="share", ge=0.3, le=1
    )
    cloaking_likeness: float = setting(
        "share of word pairs in common below which two views may be different pages", unit="share", ge=0, le=1
    )
    cloaking_margin: float = setting("how far below two equal visits that share must lie", unit="share", ge=0, le=1)
    category_terms_suspected: int = setting(
        "different terms of a category that make a page suspect", unit="terms", ge=1
    )
    category_terms_certain: int = setting("different terms of a category that make a page certain", unit="terms", ge=2)
    category_terms_per_1000_words: float = setting("least density of a category's terms", unit="per 1000 words", ge=0)
    injected_links_min: int = setting("planted links on a page that make a site a hacked one", unit="links", ge=1)
    injected_terms_min: int = setting(
        "different terms of a foreign category on a page that make a site a hacked one", unit="terms", ge=2
    )
    method_mentions: int = setting("mentions from which a way of promoting is what a site does", unit="mentions", ge=1)
    method_mentions_per_1000_words: float = setting("least density of those mentions", unit="per 1000 words", ge=0)
    ads_per_1000_words: float = setting(
        "advertising slots above which a site is mostly advertising", unit="slots", ge=1
    )
    reviews_min: int = setting("reviews below which their mean says nothing", unit="reviews", ge=1)
    reviews_prior_mean: float = setting("mean that few reviews are drawn to", unit="of 5", ge=1, le=5)
    reviews_prior_count: float = setting("reviews that this prior mean weighs", unit="reviews", ge=0)
    reviews_poor_below: float = setting("mean below which reviews are poor", unit="of 5", ge=1, le=5)
    probes_max: int = setting(
        "addresses of an application that its pages load unseen and that are followed", unit="addresses", ge=0, le=50
    )
    scripts_max: int = setting(
        "scripts and style sheets of its own, per application, that are looked into", unit="files", ge=0, le=50
    )
    profiles_max: int = setting("declared profiles looked at per application", unit="profiles", ge=0, le=50)
    copied_share: float = setting(
        "share of a site's text found elsewhere that makes it a copy", unit="share", ge=0.1, le=1
    )
    copied_sketch_min: int = setting("sampled phrases a site needs to be compared", unit="phrases", ge=4)
    copied_sites_max: int = setting("sites with a phrase above which it is boilerplate", unit="sites", ge=2)


class RingSettings(Section):
    """How identifiers join applicants and affiliates."""

    shared_by_max: int = setting("members with an identifier above which it says nothing", unit="members", ge=2)
    corpus_min: int = setting(
        "members assumed to be known when there are fewer, for the rarity of ids", unit="members", ge=100
    )
    size_max: int = setting("members at which a ring stops growing", unit="members", ge=2)
    ring_members: int = setting("members from which a shared identifier makes a ring", unit="members", ge=3)
    name_likeness: float = setting("likeness of two names that makes them one, 0-100", unit="points", ge=80, le=100)
    independent_weight: float = setting(
        "weight that a kind of identifier needs to count as a tie", unit="weight", ge=0, le=1
    )


class ScorecardSettings(Section):
    """How findings become points, and points a score."""

    points: dict[str, float] = setting("points of each reason code; bad news counts up, good news down", unit="points")
    weak_points_max: float = setting("most points that all weak signs together give", unit="points", ge=0)
    points_of_even_odds: float = setting(
        "points at which good and bad are held to be equally likely", unit="points", ge=1
    )
    points_to_double_odds: float = setting("points that double the odds", unit="points", ge=1)


class ScreeningSettings(Section):
    """Screening of applicants and re-screening of affiliates."""

    intake: IntakeSettings
    signals: SignalSettings
    rings: RingSettings
    scorecard: ScorecardSettings
    learned: LearnedSettings
    review_from_points: float = setting("points from which a person looks", unit="points", ge=1)
    propose_reject_from_points: float = setting(
        "points from which the person is advised to reject", unit="points", ge=1
    )
    reject_on: tuple[str, ...] = setting("codes of facts that reject without a person", unit="codes")
    audit_share: float = setting("share of approvals that a person looks at all the same", unit="share", ge=0, le=1)
    resume_hours: float = setting(
        "age up to which what a killed run had crawled is used again", unit="hours", ge=0, le=720
    )
    rescreen_days: int = setting("days after which an affiliate's sites are looked at again", unit="days", ge=1)
    seed: int = setting("seed of the draw of audited approvals", unit="number", ge=0)

    @field_validator("reject_on")
    @classmethod
    def _no_judgements(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(codes)) != len(codes):
            raise ValueError("a code stands there twice")
        return codes


class PolicySettings(Section):
    """The programme's policy, or the file that holds it; docs/policy.md describes the clauses."""

    file: str = setting("policy file (JSON or YAML) that replaces this section; empty: this section", unit="text")
    brands: tuple[str, ...] = setting("brands that applicants' domains must not pass for", unit="names")
    brand_domains: tuple[str, ...] = setting("the brands' own domains", unit="domains")
    prohibited_categories: tuple[str, ...] = setting("categories of content that are not accepted", unit="names")
    allowed_countries: tuple[str, ...] = setting("countries that applicants may be from; empty: all", unit="ISO codes")
    allowed_methods: tuple[str, ...] = setting("ways of promoting that are accepted; empty: all", unit="names")
    required_disclosure: tuple[str, ...] = setting(
        "wordings of which one must stand on pages with affiliate links; `any`: every known one; empty: none",
        unit="words",
    )
