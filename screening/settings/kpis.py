"""Settings of scorecards, the leaderboard and the programme's key figures."""

from __future__ import annotations

from decimal import Decimal

from screening.settings.section import Section, setting


class KpiTargets(Section):
    """What the programme wants of a month; null: no target. Money is by currency, as in `{EUR: 50000}`."""

    sales_min: int | None = setting("approved conversions", unit="conversions", ge=0)
    revenue_min: dict[str, Decimal] = setting("revenue of approved conversions", unit="money")
    new_affiliates_min: int | None = setting("affiliates that joined", unit="affiliates", ge=0)
    conversion_rate_min: float | None = setting("approved conversions per click", unit="share", ge=0, le=1)
    return_rate_max: float | None = setting("conversions that came back", unit="share", ge=0, le=1)
    customer_value_min: dict[str, Decimal] = setting("revenue kept per customer", unit="money")


class KpiSettings(Section):
    """Scorecards and key figures."""

    interval: float = setting("probability with which a quality lies in its interval", unit="share", ge=0.5, le=0.99)
    targets: KpiTargets
