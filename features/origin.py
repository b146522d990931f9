"""Where events come from and with what: address class, country against the claimed one, agent class, device."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.flags import flag_where, is_missing
from features.registry import Of, Share

OLD_MAJORS = 12
"""A browser this many major versions behind is old: more than a year of Chrome releases at one every four weeks."""

_ADDRESS = ~nw.col("ip_class").is_null() & (nw.col("ip_class") != "unknown")
_AGENT = ~nw.col("agent_class").is_null() & (nw.col("agent_class") != "unknown")
_COUNTRIES = ~nw.col("ip_country").is_null() & ~nw.col("country").is_null()


def _address(*classes: str) -> nw.Expr:
    return flag_where(_ADDRESS, nw.col("ip_class").is_in(list(classes)))


def _agent(*classes: str) -> nw.Expr:
    return flag_where(_AGENT, nw.col("agent_class").is_in(list(classes)))


def _shares(of: Of, prefix: str) -> tuple[Share, ...]:
    return (*_places(of, prefix), *_agents(of, prefix), *_absences(of, prefix))


def _places(of: Of, prefix: str) -> tuple[Share, ...]:
    return (
        Share(f"{prefix}hosting", "came from a hosting or cloud network", ("ip",), _address("hosting"), of),
        Share(f"{prefix}vpn_tor", "came through a VPN or Tor exit", ("ip",), _address("vpn", "tor"), of),
        Share(f"{prefix}mobile", "came from a mobile carrier's network", ("ip",), _address("mobile"), of),
        Share(
            f"{prefix}country_differs",
            "claims another country than its address has",
            ("ip", "country"),
            flag_where(_COUNTRIES, nw.col("ip_country") != nw.col("country")),
            of,
        ),
    )


def _agents(of: Of, prefix: str) -> tuple[Share, ...]:
    return (
        Share(
            f"{prefix}bot_agent", "has the user agent of a declared bot", ("user_agent",), _agent("declared_bot"), of
        ),
        Share(
            f"{prefix}automated_agent",
            "has the user agent of an automation tool or a program library",
            ("user_agent",),
            _agent("automation", "library"),
            of,
        ),
        Share(
            f"{prefix}impossible_agent",
            "has a user agent that no real browser sends",
            ("user_agent",),
            _agent("impossible", "malformed"),
            of,
        ),
        Share(
            f"{prefix}old_agent",
            f"has a browser at least {OLD_MAJORS} major versions behind",
            ("user_agent",),
            flag_where(~nw.col("agent_age").is_null(), nw.col("agent_age") >= OLD_MAJORS),
            of,
        ),
        Share(
            f"{prefix}phone",
            "has the user agent of a phone or tablet",
            ("user_agent",),
            flag_where(~nw.col("agent_mobile").is_null(), nw.col("agent_mobile")),
            of,
        ),
    )


def _absences(of: Of, prefix: str) -> tuple[Share, ...]:
    return (
        Share(f"{prefix}no_device", "has no device id", ("device_id",), is_missing("device_id"), of),
        Share(f"{prefix}no_referrer", "has no referrer", ("referrer",), is_missing("referrer"), of),
        Share(
            f"{prefix}off_site",
            "has a referrer outside the affiliate's approved sites",
            ("referrer", "approved_sites"),
            flag_where(~nw.col("off_site").is_null(), nw.col("off_site") == 1),
            of,
        ),
    )


FEWEST_OTHERS = 50
"""Conversions of an offer's other affiliates below which no country can be called rare there."""

SHARES = (
    *_shares(Of.CONVERSIONS, ""),
    Share(
        "rare_country",
        "claims a country that gives less than 2 % of the conversions of the offer's other affiliates",
        ("country",),
        flag_where(
            ~nw.col("country").is_null() & (nw.col("others_size") >= FEWEST_OTHERS),
            nw.col("country_uses") * 50 < nw.col("others_size"),
        ),
    ),
)
CLICK_SHARES = _shares(Of.CLICKS, "click_")


def with_country_uses(facts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add how many conversions the offer's other affiliates have in the window, and how many in the same country."""
    place, own = ["window28", "offer_id"], ["window28", "offer_id", "affiliate_id"]
    by_own = facts.group_by(*own).agg(own_size=nw.len())
    by_offer = facts.group_by(*place).agg(offer_size=nw.len())
    sizes = by_own.join(by_offer, on=place, how="inner")
    named = facts.filter(~nw.col("country").is_null())
    own_country = named.group_by(*own, "country").agg(own_uses=nw.len())
    by_country = named.group_by(*place, "country").agg(offer_uses=nw.len())
    uses = own_country.join(by_country, on=[*place, "country"], how="inner")
    counts = sizes.select(*own, others_size=nw.col("offer_size") - nw.col("own_size"))
    return (
        facts.join(counts, on=own, how="left")
        .join(uses, on=[*own, "country"], how="left")
        .with_columns(country_uses=nw.col("offer_uses") - nw.col("own_uses"))
        .drop("offer_uses", "own_uses")
    )
