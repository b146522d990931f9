"""What to simulate: the size of a programme, how complete its data are, and which fraud is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType


class FraudKind(StrEnum):
    """A way to be paid for customers that one did not bring. Always simulated here."""

    CLICK_FLOODING = "click_flooding"
    """Masses of clicks from real devices, to be the last click before a conversion that would have come anyway."""
    CLICK_INJECTION = "click_injection"
    """A click sent from the device seconds before an app is opened first."""
    COOKIE_STUFFING = "cookie_stuffing"
    """Tracking cookies set on visitors of unrelated pages, for several offers at once."""
    BOT_LEADS = "bot_leads"
    """Forms filled in by programs."""
    STUFFED_LEADS = "stuffed_leads"
    """Forms filled in by hired people with data of others."""
    DEVICE_FARM = "device_farm"
    """Apps installed again and again on a rack of telephones."""
    SELF_REFERRAL_RING = "self_referral_ring"
    """A circle of people who buy through their own links."""
    UNDISCLOSED_INCENTIVE = "undisclosed_incentive"
    """Real people who are paid to convert and then leave."""
    PROXY_GEO_SPOOFING = "proxy_geo_spoofing"
    """Visitors from elsewhere who appear, through proxies, in a country that pays."""
    REPLAYED_CONVERSIONS = "replayed_conversions"
    """The same conversion reported again."""
    BOUGHT_SUBID = "bought_subid"
    """A good partner buys traffic from one bad source, by any of the mechanics above."""
    SLOW_RAMP = "slow_ramp"
    """A partner starts honest and mixes in more and more fraud, by any of the mechanics above."""
    ATTRIBUTION_WINDOW_ABUSE = "attribution_window_abuse"
    """Claims on customers at the edges of the window: as they check out, or as it ends and after."""


class Feed(StrEnum):
    """How complete a network's data are."""

    FULL = "full"
    NO_CLICKS = "no_clicks"
    """No click log; conversions carry every fact."""
    CONVERSION_ONLY = "conversion_only"
    """No click log, and conversions without click, address, agent, device and customer."""


@dataclass(frozen=True, slots=True)
class ProgrammeSpec:
    """The programme to simulate.

    clicks, conversions: about how many there shall be. fraud: for each kind its share of all payout, together below
    0.9; empty means a clean programme. strength: range from which each scheme draws how blatant it is, 0 (hard to tell
    from honest) to 1. mixed: share of schemes that blend two mechanics. sub_grain: share of schemes that hide in one
    sub_id of an otherwise good partner. currencies: offers use their region's own where it is listed, else the first.
    """

    start: date
    days: int
    affiliates: int
    offers: int
    clicks: int
    conversions: int
    fraud: Mapping[FraudKind, float] = field(default_factory=dict)
    strength: tuple[float, float] = (0.3, 1.0)
    mixed: float = 0.25
    sub_grain: float = 0.35
    feed: Feed = Feed.FULL
    currencies: tuple[str, ...] = ("USD", "EUR", "GBP")

    def __post_init__(self) -> None:
        for name in ("days", "affiliates", "offers", "clicks", "conversions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if any(share < 0 for share in self.fraud.values()) or sum(self.fraud.values()) >= MOST_FRAUD:
            raise ValueError(f"the shares of fraud must not be negative and stay below {MOST_FRAUD} together")
        if not 0 <= self.strength[0] <= self.strength[1] <= 1:
            raise ValueError("strength must be a range within 0..1, the low end first")
        if not self.currencies or set(self.currencies) - {"USD", "EUR", "GBP"}:
            raise ValueError("currencies must be some of USD, EUR and GBP")


MOST_FRAUD = 0.9
"""Share of payout; above it there would be too little honest traffic to hide in."""

_EVERY_KIND = MappingProxyType(
    {
        FraudKind.CLICK_FLOODING: 0.014,
        FraudKind.CLICK_INJECTION: 0.003,
        FraudKind.COOKIE_STUFFING: 0.015,
        FraudKind.BOT_LEADS: 0.012,
        FraudKind.STUFFED_LEADS: 0.012,
        FraudKind.DEVICE_FARM: 0.003,
        FraudKind.SELF_REFERRAL_RING: 0.008,
        FraudKind.UNDISCLOSED_INCENTIVE: 0.010,
        FraudKind.PROXY_GEO_SPOOFING: 0.010,
        FraudKind.REPLAYED_CONVERSIONS: 0.007,
        FraudKind.BOUGHT_SUBID: 0.014,
        FraudKind.SLOW_RAMP: 0.010,
        FraudKind.ATTRIBUTION_WINDOW_ABUSE: 0.010,
    }
)
"""Together about 13 % of payout, the middle of the figures that vendors publish (8-17 %)."""


def demo_spec(start: date) -> ProgrammeSpec:
    """Return the programme of `winnow demo`: a mid-sized one, 35 days, every kind of fraud."""
    return ProgrammeSpec(start, days=35, affiliates=60, offers=16, clicks=250_000, conversions=8_000, fraud=_EVERY_KIND)


def small_spec(start: date) -> ProgrammeSpec:
    """Return a programme for tests: every kind of fraud, made in about a second."""
    return ProgrammeSpec(start, days=21, affiliates=40, offers=12, clicks=40_000, conversions=2_500, fraud=_EVERY_KIND)


def clean_spec(start: date) -> ProgrammeSpec:
    """Return the demo's programme without any fraud."""
    return ProgrammeSpec(start, days=35, affiliates=60, offers=16, clicks=250_000, conversions=8_000)


def conversion_only_spec(start: date) -> ProgrammeSpec:
    """Return the demo's programme as a network without click data reports it."""
    return ProgrammeSpec(
        start,
        days=35,
        affiliates=60,
        offers=16,
        clicks=250_000,
        conversions=8_000,
        fraud=_EVERY_KIND,
        feed=Feed.CONVERSION_ONLY,
    )
