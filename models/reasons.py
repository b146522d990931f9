"""Every reason code that a scan or the payout gate can give; docs/reasons.md lists them, held together by a test."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from models.evidence import Invalid, PartnerCategory, ReasonCode, Severity

_P = PartnerCategory
_SHARE = "{seen:.0%} of {n} conversions {what}; the norm of this offer's other affiliates is {norm:.1%}."
_RATE = (
    "{conversions} conversions of {clicks} clicks ({seen:.2%}); "
    "this offer's norm of {norm:.2%} leads one to expect {expected:.0f}."
)
_CLICK_SHARE = "{seen:.0%} of {n} clicks {what}; the norm of this offer's other affiliates is {norm:.1%}."


def _code(
    code: str, severity: Severity, invalid: Invalid, partner: PartnerCategory, texts: tuple[str, str]
) -> ReasonCode:
    return ReasonCode(code, severity, invalid, partner, *texts)


def _fact(
    code: str, partner: PartnerCategory, title: str, explanation: str, invalid: Invalid = Invalid.GIVT
) -> ReasonCode:
    return _code(code, Severity.CERTAIN, invalid, partner, (title, explanation))


def _doubt(
    code: str, partner: PartnerCategory, title: str, explanation: str, invalid: Invalid = Invalid.NONE
) -> ReasonCode:
    return _code(code, Severity.STRONG, invalid, partner, (title, explanation))


def _share(code: str, partner: PartnerCategory, title: str, invalid: Invalid = Invalid.SIVT) -> ReasonCode:
    return _code(code, Severity.STRONG, invalid, partner, (title, _SHARE))


def _clicks(code: str, partner: PartnerCategory, title: str, invalid: Invalid = Invalid.SIVT) -> ReasonCode:
    return _code(code, Severity.STRONG, invalid, partner, (title, _CLICK_SHARE))


RULES = (
    _fact(
        "duplicate_order",
        _P.DUPLICATE,
        "Order already converted",
        "Order {order_id} of this offer converted before, as {first}.",
    ),
    _fact(
        "duplicate_conversion",
        _P.DUPLICATE,
        "Same conversion again",
        "The same click, customer and event converted {seconds} s before, as {first}.",
    ),
    _fact(
        "click_after_conversion",
        _P.ATTRIBUTION,
        "Click after the conversion",
        "The click came {seconds} s after the conversion.",
    ),
    _fact(
        "window_breach",
        _P.ATTRIBUTION,
        "Outside the attribution window",
        "The conversion came {days:.1f} days after the click; the window is {window_days} days.",
    ),
    _fact("declared_bot", _P.AUTOMATED_TRAFFIC, "Declared bot", "The user agent declares a bot: {user_agent}."),
    _fact("affiliate_banned", _P.PROGRAMME_TERMS, "Affiliate is banned", "The affiliate is banned.", Invalid.NONE),
    _fact(
        "confirmed_fraud",
        _P.TRAFFIC_QUALITY,
        "Confirmed as fraud",
        "An outcome of {date} confirms fraud.",
        Invalid.SIVT,
    ),
    _doubt("charged_back", _P.TRAFFIC_QUALITY, "Charged back", "The customer's payment was charged back on {date}."),
    _doubt("affiliate_paused", _P.UNDER_REVIEW, "Affiliate is paused", "The affiliate is paused."),
    _doubt(
        "automation_agent",
        _P.AUTOMATED_TRAFFIC,
        "Automation tool",
        "The user agent is an automation tool or a program library: {user_agent}.",
        Invalid.GIVT,
    ),
    _doubt("tor_exit", _P.TRAFFIC_QUALITY, "Tor exit", "The address {ip} is a Tor exit.", Invalid.GIVT),
    _doubt(
        "click_unknown",
        _P.ATTRIBUTION,
        "Click not in the click log",
        "The click log of that day does not have click {click_id}.",
    ),
    _doubt(
        "click_converted_again",
        _P.DUPLICATE,
        "Click converted again at once",
        "The same click converted {seconds} s before, as {first}; no order or customer tells the two apart.",
    ),
    _doubt(
        "click_of_another",
        _P.ATTRIBUTION,
        "Click of another affiliate",
        "The click {click_id} belongs to affiliate {owner} and offer {offer}.",
    ),
)
"""Deterministic rules: what one event says by itself."""

SHARES = (
    _share("ctct_short", _P.TRAFFIC_QUALITY, "Conversions too soon after the click"),
    _share("ctct_long", _P.TRAFFIC_QUALITY, "Conversions too long after the click"),
    _share("address_repeated", _P.TRAFFIC_QUALITY, "Few addresses"),
    _share("address_shared_with_partners", _P.TRAFFIC_QUALITY, "Addresses shared with other affiliates"),
    _share("network_repeated", _P.TRAFFIC_QUALITY, "Few networks"),
    _share("device_repeated", _P.TRAFFIC_QUALITY, "Few devices"),
    _share("device_shared_with_partners", _P.TRAFFIC_QUALITY, "Devices shared with other affiliates"),
    _share("customer_repeated", _P.PROGRAMME_TERMS, "Few customers"),
    _share("customer_shared_with_partners", _P.PROGRAMME_TERMS, "Customers shared with other affiliates"),
    _share("click_repeated", _P.DUPLICATE, "Several conversions of one click"),
    _share("order_repeated", _P.DUPLICATE, "Order numbers repeat"),
    _share("agent_peculiar", _P.TRAFFIC_QUALITY, "User agents that nobody else has"),
    _share("agent_automated", _P.AUTOMATED_TRAFFIC, "Automated user agents", Invalid.GIVT),
    _share("agent_impossible", _P.AUTOMATED_TRAFFIC, "Impossible user agents"),
    _share("agent_old", _P.TRAFFIC_QUALITY, "Outdated browsers"),
    _share("address_hosting", _P.AUTOMATED_TRAFFIC, "Hosting networks", Invalid.GIVT),
    _share("address_hidden", _P.TRAFFIC_QUALITY, "VPN and Tor"),
    _share("country_mismatch", _P.TRAFFIC_QUALITY, "Country does not fit the address"),
    _share("country_rare", _P.TRAFFIC_QUALITY, "Countries unusual for the offer"),
    _share("device_missing", _P.DATA, "Device ids are missing"),
    _share("referrer_missing", _P.DATA, "Referrers are missing"),
    _share("referrer_off_site", _P.PROGRAMME_TERMS, "Referrers outside the approved sites"),
    _share("click_missing", _P.ATTRIBUTION, "Conversions without a known click"),
    _share("click_mismatch", _P.TRAFFIC_QUALITY, "Conversion does not fit its click"),
    _share("conversions_bunched", _P.TRAFFIC_QUALITY, "Conversions come in bursts"),
    _share("revenue_missing", _P.DATA, "Revenue is missing"),
    _share("outcomes_bad", _P.TRAFFIC_QUALITY, "Chargebacks and confirmed fraud"),
    _share("outcomes_returned", _P.TRAFFIC_QUALITY, "Refunds"),
    _share("outcomes_retained", _P.TRAFFIC_QUALITY, "Few customers stay"),
    _clicks("clicks_repeated", _P.TRAFFIC_QUALITY, "Clicks repeat"),
    _clicks("clicks_automated", _P.AUTOMATED_TRAFFIC, "Clicks of bots and tools", Invalid.GIVT),
    _clicks("clicks_hosting", _P.AUTOMATED_TRAFFIC, "Clicks from hosting networks", Invalid.GIVT),
    _clicks("clicks_unusual", _P.TRAFFIC_QUALITY, "Clicks unlike the offer's"),
    _clicks("clicks_hide_origin", _P.TRAFFIC_QUALITY, "Clicks hide where they come from"),
)
"""What a share of a source's events has that its offer's other affiliates have not. `{what}` is the share's meaning."""

NUMBERS = (
    _doubt(
        "rate_low",
        _P.TRAFFIC_QUALITY,
        "Many clicks, few conversions",
        _RATE,
        Invalid.SIVT,
    ),
    _doubt(
        "rate_high",
        _P.TRAFFIC_QUALITY,
        "Few clicks, many conversions",
        _RATE,
        Invalid.SIVT,
    ),
    _doubt(
        "ctct_regular",
        _P.AUTOMATED_TRAFFIC,
        "Click-to-conversion times too alike",
        "The click-to-conversion times of {n} conversions scatter {ratio:.0%} as much as this offer's norm.",
        Invalid.SIVT,
    ),
    _doubt(
        "revenue_alike",
        _P.TRAFFIC_QUALITY,
        "Revenues too alike",
        "The revenues of {n} conversions scatter {ratio:.0%} as much as this offer's norm.",
        Invalid.SIVT,
    ),
    _doubt(
        "conversions_jumped",
        _P.TRAFFIC_QUALITY,
        "More conversions than its own past explains",
        "{n} conversions in {days} days; its own past and its offer's other sources let expect {expected:.1f} "
        "({z:.1f} standard deviations).",
    ),
    _doubt(
        "haste_jumped",
        _P.TRAFFIC_QUALITY,
        "Hasty conversions have become more",
        "{n} conversions in {days} days came within 15 s of the click; its own past and its offer's other sources let "
        "expect {expected:.1f} ({z:.1f} standard deviations).",
        Invalid.SIVT,
    ),
    _doubt(
        "hours_strange",
        _P.TRAFFIC_QUALITY,
        "Conversions at strange hours",
        "The {n} conversions of the last day came at hours unlike those of its earlier days, more than other sources' "
        "did: {observed} in the hour from {hour} UTC, usually {usual:.1f}.",
    ),
    _doubt(
        "unlike_other_sources",
        _P.TRAFFIC_QUALITY,
        "Unlike the programme's other sources",
        "Its {n} conversions taken together are unlike those of the programme's other sources, most of all in {what} "
        "({value:.2f}).",
    ),
    _doubt(
        "unlike_programme",
        _P.TRAFFIC_QUALITY,
        "Unlike the programme's traffic",
        "Taken together, the facts look more like injected fraud than like this programme (score {score:.2f}); "
        "no single one stands out.",
        Invalid.SIVT,
    ),
)
"""What a number of a source says against its offer's norm, and what judges say as a whole."""

PROCEDURE = (
    _doubt("not_judged", _P.UNDER_REVIEW, "Not judged", "No scan has judged this conversion."),
    _doubt(
        "not_enough_history",
        _P.UNDER_REVIEW,
        "Too little history to judge",
        "The programme has {n} conversions; judging takes at least {least}.",
    ),
    _doubt(
        "facts_missing", _P.DATA, "Too few facts to judge", "Nothing that judges need is known about this conversion."
    ),
    _doubt(
        "line_unreadable",
        _P.DATA,
        "Line cannot be read",
        "The conversion, amount or currency of this line cannot be read with certainty.",
    ),
    _doubt(
        "formula_in_line",
        _P.DATA,
        "Formula in the line",
        "A cell of this line is a spreadsheet formula, which would run when somebody opens the file.",
    ),
    _doubt(
        "duplicate_line",
        _P.DUPLICATE,
        "Conversion listed twice",
        "An earlier line of this file names the same conversion.",
    ),
    _doubt(
        "already_paid",
        _P.DUPLICATE,
        "Already released",
        "The ledger says that this conversion was released in another batch.",
    ),
    _doubt("unknown_conversion", _P.DATA, "Unknown conversion", "Nobody reported a conversion of this id."),
    _doubt(
        "not_due",
        _P.UNDER_REVIEW,
        "Nothing is due",
        "The network voided, rejected or already paid this conversion, or an outcome says refund, void, chargeback or "
        "fraud.",
    ),
    _doubt(
        "scan_stale",
        _P.UNDER_REVIEW,
        "Judged too long ago",
        "The newest judgement is older than payout.scan_age_days_max; scan again.",
    ),
    _doubt(
        "judged_in_future",
        _P.UNDER_REVIEW,
        "Judged in the future",
        "The newest judgement is later than now, so a clock was wrong; set the clock and scan again.",
    ),
    _doubt("amount_differs", _P.DATA, "Another amount", "The amount is not the payout that was judged."),
    _doubt("currency_differs", _P.DATA, "Another currency", "The currency is not that of the payout that was judged."),
    _doubt(
        "affiliate_differs",
        _P.ATTRIBUTION,
        "Another affiliate",
        "The affiliate is not the one whose conversion was judged.",
    ),
    _doubt(
        "review_fraud",
        _P.TRAFFIC_QUALITY,
        "Confirmed as fraud by a person",
        "A person reviewed this traffic and confirmed fraud.",
    ),
    _doubt(
        "review_hold", _P.UNDER_REVIEW, "Kept held by a person", "A person reviewed this traffic and keeps it held."
    ),
    _doubt(
        "hold_expired",
        _P.UNDER_REVIEW,
        "Held for too long",
        "Money is held here for longer than review.hold_days_max; a person has to decide.",
    ),
    _doubt(
        "audit_sample", _P.UNDER_REVIEW, "Drawn for review", "Drawn at random to measure how often decisions are right."
    ),
)
"""Holds that say nothing about the traffic."""

CODES: Mapping[str, ReasonCode] = MappingProxyType(
    {entry.code: entry for entry in (*RULES, *SHARES, *NUMBERS, *PROCEDURE)}
)
