"""Reasons in numbers: what a source shows against the norm of its offer's other affiliates.

Explanations do not come from the judge's inside but from counting: each says how many of how many, against which norm,
so that anybody can check it in the raw events. They are ordered by how surprising the count is under the norm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from features.families import CLICK_SHARES, CONVERSION_SHARES, DISTINCT
from models.evidence import Reason, rounded

LEAST_EVIDENCE = 3.0
"""Standard deviations from the norm below which a count is no reason."""
OVERDISPERSION = 0.05
"""Standard deviation by which honest affiliates of one offer differ in any share; added to the noise. Ours."""

_HIGH, _LOW = 1, -1
SHARE_CODES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "ctct_under_5s": ("ctct_short", _HIGH),
        "ctct_under_15s": ("ctct_short", _HIGH),
        "ctct_under_60s": ("ctct_short", _HIGH),
        "ctct_over_1h": ("ctct_long", _HIGH),
        "ctct_over_24h": ("ctct_long", _HIGH),
        "ip_again": ("address_repeated", _HIGH),
        "ip_often": ("address_repeated", _HIGH),
        "network_again": ("network_repeated", _HIGH),
        "device_again": ("device_repeated", _HIGH),
        "customer_again": ("customer_repeated", _HIGH),
        "click_again": ("click_repeated", _HIGH),
        "order_again": ("order_repeated", _HIGH),
        "ip_elsewhere": ("address_shared_with_partners", _HIGH),
        "device_elsewhere": ("device_shared_with_partners", _HIGH),
        "customer_elsewhere": ("customer_shared_with_partners", _HIGH),
        "agent_lonely": ("agent_peculiar", _HIGH),
        "hosting": ("address_hosting", _HIGH),
        "vpn_tor": ("address_hidden", _HIGH),
        "country_differs": ("country_mismatch", _HIGH),
        "rare_country": ("country_rare", _HIGH),
        "bot_agent": ("agent_automated", _HIGH),
        "automated_agent": ("agent_automated", _HIGH),
        "impossible_agent": ("agent_impossible", _HIGH),
        "old_agent": ("agent_old", _HIGH),
        "no_device": ("device_missing", _HIGH),
        "no_referrer": ("referrer_missing", _HIGH),
        "off_site": ("referrer_off_site", _HIGH),
        "no_click": ("click_missing", _HIGH),
        "click_unknown": ("click_missing", _HIGH),
        "ip_differs": ("click_mismatch", _HIGH),
        "agent_differs": ("click_mismatch", _HIGH),
        "device_differs": ("click_mismatch", _HIGH),
        "country_unlike_click": ("click_mismatch", _HIGH),
        "click_time_differs": ("click_mismatch", _HIGH),
        "same_minute": ("conversions_bunched", _HIGH),
        "no_revenue": ("revenue_missing", _HIGH),
        "bad_outcome": ("outcomes_bad", _HIGH),
        "refunded": ("outcomes_returned", _HIGH),
        "retained": ("outcomes_retained", _LOW),
        "click_hosting": ("clicks_hosting", _HIGH),
        "click_vpn_tor": ("clicks_unusual", _HIGH),
        "click_country_differs": ("clicks_unusual", _HIGH),
        "click_bot_agent": ("clicks_automated", _HIGH),
        "click_automated_agent": ("clicks_automated", _HIGH),
        "click_impossible_agent": ("clicks_automated", _HIGH),
        "click_old_agent": ("clicks_unusual", _HIGH),
        "click_no_referrer": ("clicks_hide_origin", _HIGH),
        "click_off_site": ("clicks_hide_origin", _HIGH),
        "click_ip_again": ("clicks_repeated", _HIGH),
        "click_user_agent_again": ("clicks_repeated", _HIGH),
        "click_device_id_again": ("clicks_repeated", _HIGH),
    }
)
"""Share: the code that it speaks for, and whether a high or a low share speaks against the source."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {share.name: share.meaning for share in (*CONVERSION_SHARES, *CLICK_SHARES)}
    | {f"click_{column}_again": f"repeat a {column} of the same day" for column in DISTINCT}
)


@dataclass(frozen=True, slots=True)
class _Finding:
    reason: Reason
    evidence: float


def source_reasons(sums: Mapping[str, Any], most: int, explained: Collection[str] = ()) -> list[Reason]:
    """Return up to `most` reasons of a source, the most surprising first; empty when nothing stands out.

    `explained` names properties (shares, or `rate`) that are no reason for this source.

    `sums` is a row of `features.sources.level_sums`: counts `k_`, `n_` and expectations `e_` of every share, `clicks`,
    `conversions`, `e_rate`, and the sums of spreads. The weight of a reason is its evidence mapped to 0..1.
    """
    told = [name for name in SHARE_CODES if name not in explained]
    findings = [finding for name in told if (finding := _share(name, sums)) is not None]
    rate = None if "rate" in explained else _rate(sums)
    findings += [finding for finding in (rate, *_spreads(sums)) if finding is not None]
    findings.sort(key=lambda finding: (-finding.evidence, finding.reason.code))
    best: dict[str, Reason] = {}
    for finding in findings:
        best.setdefault(finding.reason.code, finding.reason)
    return list(best.values())[:most]


def _share(name: str, sums: Mapping[str, Any]) -> _Finding | None:
    k, n, e = (float(sums[f"{letter}_{name}"] or 0) for letter in ("k", "n", "e"))
    if n <= 0:
        return None
    code, direction = SHARE_CODES[name]
    norm = min(max(e / n, 0.0), 1.0)
    evidence = direction * _deviations(k, n, norm)
    if evidence < LEAST_EVIDENCE:
        return None
    numbers: dict[str, str | int | float] = {
        "seen": rounded(k / n),
        "norm": rounded(norm),
        "n": int(n),
        "what": MEANINGS[name],
        "share": name,
    }
    return _Finding(Reason(code, numbers, _weight(evidence)), evidence)


def _deviations(k: float, n: float, norm: float) -> float:
    # binomial noise, plus how much honest affiliates differ among themselves, plus one for the continuity of counts
    noise = np.sqrt(n * norm * (1 - norm) + (OVERDISPERSION * n) ** 2 * min(1.0, 4 * norm * (1 - norm) + 0.05) + 1.0)
    return float((k - n * norm) / noise)


def _rate(sums: Mapping[str, Any]) -> _Finding | None:
    clicks, conversions, expected = (float(sums[name] or 0) for name in ("clicks", "conversions", "e_rate"))
    if clicks <= 0 or expected <= 0:
        return None
    # rates of honest affiliates differ by a factor of two or so: half the log ratio's deviation counts
    evidence = abs(conversions - expected) / np.sqrt(expected + (0.5 * expected) ** 2 + 1.0)
    low = conversions < expected
    if low:
        evidence = np.log((expected + 1) / (conversions + 1)) / np.sqrt(1 / (conversions + 1) + 0.25)
    if evidence < LEAST_EVIDENCE:
        return None
    numbers: dict[str, str | int | float] = {
        "conversions": int(conversions),
        "clicks": int(clicks),
        "seen": rounded(conversions / clicks),
        "norm": rounded(expected / clicks),
        "expected": rounded(expected),
    }
    return _Finding(Reason("rate_low" if low else "rate_high", numbers, _weight(evidence)), float(evidence))


def _spreads(sums: Mapping[str, Any]) -> list[_Finding | None]:
    return [_alike("ctct", "ctct_regular", sums), _alike("revenue", "revenue_alike", sums)]


def _alike(name: str, code: str, sums: Mapping[str, Any]) -> _Finding | None:
    n, z, v = (float(sums[f"{letter}_{name}"] or 0) for letter in ("m", "z", "v"))
    if n < 8:
        return None
    ratio = float(np.sqrt(max(v / n - (z / n) ** 2, 0.0)))
    # the logarithm of a standard deviation of n values scatters by about 1 / sqrt(2 n); honest partners by 0.2 more
    evidence = -np.log(max(ratio, 1e-3)) / np.sqrt(1 / (2 * n) + 0.04)
    if evidence < LEAST_EVIDENCE:
        return None
    return _Finding(Reason(code, {"n": int(n), "ratio": round(ratio, 6)}, _weight(evidence)), float(evidence))


def _weight(evidence: float) -> float:
    return rounded(float(1 - np.exp(-evidence / 10)))
