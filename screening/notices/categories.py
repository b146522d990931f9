"""What each partner-safe category says to a partner, and what a partner can say that helps. Coarse on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.evidence import PartnerCategory


@dataclass(frozen=True, slots=True)
class Told:
    """A category in a partner's words: why something is held, and what helps when it is contested."""

    why: str
    helps: str


_P = PartnerCategory
TOLD: Mapping[PartnerCategory, Told] = MappingProxyType(
    {
        _P.TRAFFIC_QUALITY: Told(
            "We could not confirm the quality of this traffic.",
            "where the traffic comes from: placements, campaigns, partners of yours",
        ),
        _P.AUTOMATED_TRAFFIC: Told(
            "Part of this traffic does not seem to come from people.",
            "where the traffic comes from, and any tool or service that opens your links",
        ),
        _P.DUPLICATE: Told(
            "The same sale or lead seems to have been reported more than once.",
            "order or lead numbers that show that they are different ones",
        ),
        _P.ATTRIBUTION: Told(
            "These conversions do not fit the rules on which click earns the commission.",
            "how and when the customers came to the offer through you",
        ),
        _P.PROGRAMME_TERMS: Told(
            "These conversions may not be within the terms of the programme.",
            "how and where you promoted the offer",
        ),
        _P.UNDER_REVIEW: Told(
            "These conversions are under routine review.",
            "anything that you think we should know",
        ),
        _P.DATA: Told(
            "Tracking data that we need to approve these conversions is missing or contradictory.",
            "how your tracking is set up, and whether it changed",
        ),
        _P.IDENTITY: Told(
            "We need to confirm details of your account.",
            "who runs the account, with contact details that we can confirm",
        ),
        _P.WEBSITE: Told(
            "We need to confirm details of your website.",
            "which pages promote the offer, and that they are yours",
        ),
    }
)
"""Every category; a test keeps it complete."""
