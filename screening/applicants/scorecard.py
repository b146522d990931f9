"""The points scorecard: how much each finding counts, and what they come to.

Every code counts once, however many sites or pages show it. Weak points together are capped, so that many small signs
never weigh as much as one grave one, and what speaks for the applicant offsets weak points only. More bad news never
lowers the points, more good news never raises them (tests hold this).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from screening.applicants.reasons import ScreeningReason, Tier, reasons
from screening.applicants.signals.finding import Finding
from screening.errors import SettingsError
from screening.settings.screening import ScorecardSettings

_GRAVITY = {tier: place for place, tier in enumerate(Tier)}
POINTLESS = frozenset({Tier.UNSEEN, Tier.CONTEXT})


@dataclass(frozen=True, slots=True)
class Weighed:
    """A code that was found, its points, and all findings of it (one per site at most)."""

    reason: ScreeningReason
    points: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All codes found, the gravest first; their points together (at least 0); and a score in 0-1, higher is worse.

    The score is the share of bad ones among applicants with these points if the points were log-odds as configured. It
    orders cases; it is not calibrated on outcomes.
    """

    weighed: tuple[Weighed, ...]
    points: float
    score: float


def scorecard(findings: Iterable[Finding], settings: ScorecardSettings) -> Scorecard:
    """Weigh what was found. Raises SettingsError when a code that needs points has none."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.found:
            grouped.setdefault(finding.code, []).append(finding)
    weighed = [_weighed(code, tuple(group), settings) for code, group in grouped.items()]
    weighed.sort(key=lambda item: (_GRAVITY[item.reason.tier], -item.points, item.reason.code))
    points = _together(weighed, settings)
    odds = 2 ** ((points - settings.points_of_even_odds) / settings.points_to_double_odds)
    return Scorecard(tuple(weighed), round(points, 2), odds / (1 + odds))


def check_points(settings: ScorecardSettings) -> None:
    """Check that every code that counts has points, of the right sign, and that no unknown code has any.

    Raises SettingsError that names the code.
    """
    for code, reason in reasons().items():
        if reason.tier in POINTLESS:
            continue
        _points_of(reason, settings)
        points = settings.points[code]
        if (points > 0) if reason.tier is Tier.CREDIT else (points < 0):
            raise SettingsError(
                f"The points of `{code}` have the wrong sign: {points:g}.",
                remedy="Give good news points of at most 0 and bad news of at least 0.",
                where=f"screening.scorecard.points.{code}",
            )
    unknown = sorted(code for code in settings.points if code not in reasons() or reasons()[code].tier in POINTLESS)
    if unknown:
        raise SettingsError(
            f"There are points for `{unknown[0]}`, which is no code that counts.",
            remedy="docs/screening.md lists the codes.",
            where=f"screening.scorecard.points.{unknown[0]}",
        )


def _weighed(code: str, findings: tuple[Finding, ...], settings: ScorecardSettings) -> Weighed:
    reason = reasons()[code]
    return Weighed(reason, 0.0 if reason.tier in POINTLESS else _points_of(reason, settings), findings)


def _points_of(reason: ScreeningReason, settings: ScorecardSettings) -> float:
    try:
        return settings.points[reason.code]
    except KeyError:
        raise SettingsError(
            f"The code `{reason.code}` has no points.",
            remedy="Give it some; 0 makes it a remark.",
            where="screening.scorecard.points",
        ) from None


def _together(weighed: Iterable[Weighed], settings: ScorecardSettings) -> float:
    totals = dict.fromkeys(Tier, 0.0)
    for item in weighed:
        totals[item.reason.tier] += item.points
    weak = min(totals[Tier.WEAK], settings.weak_points_max)
    return totals[Tier.POLICY] + totals[Tier.DECISIVE] + totals[Tier.SUPPORTING] + max(0.0, weak + totals[Tier.CREDIT])
