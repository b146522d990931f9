"""Ratings of an applicant on pages that the applicant named, read from their structured data (schema.org Rating)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from screening.applicants.page.jsonld import nested
from screening.applicants.records import Page
from screening.applicants.signals.finding import Finding, Numbers, State, absent, exhibit
from screening.settings.screening import SignalSettings

_BEST = 5.0
"""Ratings are brought to this scale."""


def review_findings(pages: Iterable[Page], settings: SignalSettings) -> tuple[Finding, ...]:
    """Judge every aggregate rating on the pages. Few reviews are drawn towards the prior and never count as poor."""
    findings = []
    for page in pages:
        for rating in _ratings(page):
            read = _read(rating)
            if read is None:
                continue
            mean, count = read
            prior = settings.reviews_prior_mean * settings.reviews_prior_count
            shrunk = (prior + mean * count) / (settings.reviews_prior_count + count)
            poor = count >= settings.reviews_min and shrunk < settings.reviews_poor_below
            numbers: Numbers = {"mean": round(shrunk, 2), "count": count}
            shown = exhibit(page, f"{mean:.2f} of 5 from {count} reviews")
            findings.append(Finding("reviews_poor" if poor else "reviews_seen", State.FOUND, None, (shown,), numbers))
    return tuple(findings) or (absent("reviews_seen"),)


def _ratings(page: Page) -> Iterator[dict[str, Any]]:
    """Yield every aggregate rating of a page, wherever it stands in the structured data, each once."""
    seen: list[dict[str, Any]] = []
    for outer in page.facts.jsonld if page.facts is not None else ():
        for item in nested(outer):
            held = item.get("aggregateRating")
            kinds = item.get("@type")
            is_one = "AggregateRating" in (kinds if isinstance(kinds, list) else [kinds])
            for rating in (held, item if is_one else None):
                if isinstance(rating, dict) and rating not in seen:
                    seen.append(rating)
                    yield rating


def _read(rating: dict[str, Any]) -> tuple[float, int] | None:
    """Return (mean on a scale of 5, number of reviews), None when either is missing or absurd."""
    try:
        mean = float(str(rating["ratingValue"]).replace(",", "."))
        best = float(str(rating.get("bestRating", _BEST)).replace(",", "."))
        count = int(float(str(rating.get("reviewCount", rating.get("ratingCount")))))
    except (KeyError, ValueError, OverflowError):
        return None
    return (mean * _BEST / best, count) if 0 <= mean <= best and 0 < best <= 100 and 0 < count < 10**9 else None
