"""Every reason that a cap recommendation can give; docs/caps.md lists them, held together by a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from models.evidence import Invalid, PartnerCategory, ReasonCode, Severity

_P = PartnerCategory


def _strong(code: str, partner: PartnerCategory, title: str, explanation: str) -> ReasonCode:
    return ReasonCode(code, Severity.STRONG, Invalid.NONE, partner, title, explanation)


def _info(code: str, partner: PartnerCategory, title: str, explanation: str) -> ReasonCode:
    return ReasonCode(code, Severity.INFO, Invalid.NONE, partner, title, explanation)


_SHARE = "The bad share of payout is {share:.1%} ({low:.1%} to {high:.1%}, {conversions} conversions judged)"

_CODES = (
    _strong(
        "bad_share_above_break_even",
        _P.TRAFFIC_QUALITY,
        "Costs more than it earns",
        f"{_SHARE}, surely above the break-even of {{break_even:.0%}}.",
    ),
    _strong(
        "bad_share_extreme",
        _P.TRAFFIC_QUALITY,
        "Nearly all of it is bad",
        f"{_SHARE}, surely above {{pause_above:.0%}}, from where a pause is advised.",
    ),
    _strong("partner_banned", _P.PROGRAMME_TERMS, "Partner is banned", "The affiliate is banned from the programme."),
    _info(
        "good_and_near_limit",
        _P.TRAFFIC_QUALITY,
        "Good, and the limit is in its way",
        f"{_SHARE}, surely below {{raise_below:.0%}}; a busy period comes to {{peak}} of the limit of {{limit}}.",
    ),
    _info(
        "good_and_far_from_limit",
        _P.TRAFFIC_QUALITY,
        "Good, and the limit is far",
        f"{_SHARE}, surely below {{raise_below:.0%}}, but a busy period only comes to {{peak}} of {{limit}}.",
    ),
    _info(
        "bad_share_between",
        _P.UNDER_REVIEW,
        "Neither surely good nor surely bad",
        f"{_SHARE}: neither surely above the break-even of {{break_even:.0%}} nor surely below {{raise_below:.0%}}.",
    ),
    _info(
        "bad_share_unknown",
        _P.UNDER_REVIEW,
        "Too little is known",
        "{conversions} conversions were judged in the last {days} days; a change needs {needed}.",
    ),
    _info("no_demand", _P.UNDER_REVIEW, "Nothing comes", "Nothing came in the last {days} days that the cap counts."),
    _info("stopped_already", _P.UNDER_REVIEW, "Stopped already", "The limit is 0; only a person opens it again."),
    _info(
        "partner_not_active", _P.UNDER_REVIEW, "Partner is paused", "The affiliate is {status}, so nothing is raised."
    ),
    _info(
        "currencies_mixed",
        _P.DATA,
        "Several currencies",
        "Conversions of the last {days} days are in several currencies; an amount across them says nothing.",
    ),
    _info(
        "partner_new",
        _P.UNDER_REVIEW,
        "New partner keeps a floor",
        "The affiliate joined {age} days ago and keeps {floor}, enough to prove itself.",
    ),
    _info(
        "one_conversion_left",
        _P.UNDER_REVIEW,
        "One conversion is left",
        "One conversion comes to {least}; a limit below it would be a pause in disguise.",
    ),
    _info(
        "limit_not_reached",
        _P.TRAFFIC_QUALITY,
        "The limit is not reached",
        "A usual period comes to {usual}, less than the limit of {limit}: the step is counted from there.",
    ),
    _info(
        "no_limit_yet",
        _P.TRAFFIC_QUALITY,
        "No limit yet",
        "There is no limit; the step is counted from {usual}, what a usual period comes to.",
    ),
    _info(
        "used_so_far",
        _P.UNDER_REVIEW,
        "Used so far",
        "{used} is used so far in the present period.",
    ),
    _info(
        "below_use",
        _P.TRAFFIC_QUALITY,
        "Below what is used already",
        "{used} is used in this period already, more than the new limit: it stops at once, until the period ends.",
    ),
    _info(
        "waits_for_push",
        _P.UNDER_REVIEW,
        "Approved, not pushed yet",
        "{action} is approved and waits to be pushed to the network; nothing else is advised before.",
    ),
    _info(
        "changed_lately",
        _P.UNDER_REVIEW,
        "Changed lately",
        "{action} was approved {hours:.0f} hours ago; its effect is awaited for {wait:.0f} hours.",
    ),
    _info(
        "rejected_lately",
        _P.UNDER_REVIEW,
        "Rejected lately",
        "A person rejected `{action}` {hours:.0f} hours ago; it is not proposed again for {wait:.0f} hours.",
    ),
    _info(
        "change_too_small",
        _P.UNDER_REVIEW,
        "Not worth a change",
        "The limit would only go from {limit} to {other}, less than {least:.0%}.",
    ),
    _info(
        "budget_of_advertiser",
        _P.UNDER_REVIEW,
        "The advertiser's budget",
        "The limit is the advertiser's budget, which only the advertiser raises; a busy period comes to {peak}.",
    ),
    _info(
        "budget_bounds_raise",
        _P.UNDER_REVIEW,
        "The budget bounds the raise",
        "The offer's limit of {of} leaves {room} for a raise.",
    ),
    _info(
        "partners_limited_instead",
        _P.UNDER_REVIEW,
        "Partners are limited instead",
        "{limited} of the offer's partners get a limit of their own, so that the others are not throttled for them.",
    ),
    _info(
        "data_old",
        _P.DATA,
        "The data are old",
        "The newest event is {days:.1f} days old; look at newer ones before approving.",
    ),
    _info(
        "break_even",
        _P.TRAFFIC_QUALITY,
        "What it is worth",
        "Per 1.00 of payout a clean conversion earns {clean:.2f} ({reversed:.0%} are reversed) and a bad one costs "
        "{bad:.2f}: {early:.0%} of payout locks within {evidence_days:.0f} days, before evidence usually comes.",
    ),
    _info(
        "expected_effect",
        _P.TRAFFIC_QUALITY,
        "What the change does",
        "In {days} days: {saving} {currency} ({saving_low} to {saving_high}) less bad payout, "
        "{cost} {currency} ({cost_low} to {cost_high}) less earned on clean conversions.",
    ),
    _info(
        "expected_effect_of_raise",
        _P.TRAFFIC_QUALITY,
        "What the raise does",
        "In {days} days: {cost} {currency} ({cost_low} to {cost_high}) more earned on clean conversions, "
        "{saving} {currency} ({saving_low} to {saving_high}) more bad payout; what the limit has kept away so far "
        "was not seen and is not counted.",
    ),
    _info(
        "effect_unknown",
        _P.DATA,
        "Effect in money unknown",
        "What the change saves and costs cannot be said: too little is known of payout.",
    ),
    _info(
        "what_would_change",
        _P.UNDER_REVIEW,
        "What would change it",
        "A bad share surely above {lower_above:.0%} lowers the limit, surely above {pause_above:.0%} pauses it; surely "
        "below {raise_below:.0%} raises it where it is in the way.",
    ),
)

CAP_CODES: Mapping[str, ReasonCode] = MappingProxyType({code.code: code for code in _CODES})
"""By code."""


def sentences(reasons: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Say stored reasons of a recommendation (`reason_details`, read from JSON) in words, with their numbers.

    What another version of winnow stored and this one cannot say is named by its code.
    """
    return tuple(_sentence(str(reason["code"]), reason["numbers"]) for reason in reasons)


def _sentence(code: str, numbers: Mapping[str, Any]) -> str:
    if code not in CAP_CODES:
        return f"{code}."
    try:
        return CAP_CODES[code].explanation.format(**numbers)
    except KeyError:
        return f"{CAP_CODES[code].title}."
