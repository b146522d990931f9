"""What `winnow evaluate caps` prints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from screening.caps.backtest import Interval, Tally
from screening.cli.invocation import Answer
from screening.jobs.evaluate_caps import ADVICE, CapsEvaluated, Money

_DAYS_NAMED = 5


def caps_answer(found: CapsEvaluated) -> Answer:
    """Return the figures as data and as a table for each currency."""
    return Answer(_data(found), list(_lines(found)))


def _data(found: CapsEvaluated) -> dict[str, Any]:
    return {
        "from": str(found.first),
        "to": str(found.last),
        "advised_on": [str(day) for day in found.moments],
        "limits_changed": list(found.changes),
        "conversions_known_by": dict(found.known),
        "simulated": found.simulated,
        "level": found.level,
        "clean_worth": found.clean_worth,
        "currencies": [
            {
                "currency": money.currency,
                "payout": str(money.asked),
                "bad": money.bad,
                "clean": money.clean,
                "ways": {way: _tally(tally) for way, tally in money.ways.items()},
            }
            for money in found.money
        ],
    }


def _tally(tally: Tally) -> dict[str, Any]:
    names = ("saved", "cost", "net", "saved_share", "cost_share")
    data: dict[str, Any] = {name: _interval(getattr(tally, name)) for name in names}
    return {**data, "unknown": tally.unknown}


def _interval(found: Interval) -> dict[str, float | None]:
    return {"value": None if math.isnan(found.value) else found.value, "low": found.low, "high": found.high}


def _lines(found: CapsEvaluated) -> Iterator[str]:
    told = ", ".join(f"{count:,} by {what}" if what != "unknown" else f"{count:,} unknown"
                     for what, count in found.known.items() if count)  # fmt: skip
    yield f"Limits from {found.first} to {found.last}, advised on {_days(found.moments)}"
    yield f"from what was known then; {sum(found.changes):,} changes of limits in all."
    yield f"Conversions judged: {told}." + (" All fraud here is simulated." if found.simulated else "")
    if not found.simulated:
        yield "Where neither outcomes nor people said anything, winnow's own probability counts; it flatters winnow."
    for money in found.money:
        yield ""
        yield from _table(money)
    yield ""
    yield f"Intervals: {found.level:.0%}, by drawing affiliates anew; none where fewer than five have such payout."
    yield f"Net: bad payout kept away, less {found.clean_worth:g} (caps.clean_worth) of the clean payout turned away."


def _days(moments: Sequence[date]) -> str:
    if len(moments) > _DAYS_NAMED:
        return f"{len(moments)} days"
    return ", ".join(str(day) for day in moments)


def _table(money: Money) -> Iterator[str]:
    currency = money.currency or "no currency named"
    unknown = float(money.asked) - money.bad - money.clean
    rest = f", {unknown:,.2f} unknown" if unknown >= 0.01 else ""
    yield f"{currency}: payout {money.asked:,.2f}, of it {money.bad:,.2f} bad and {money.clean:,.2f} clean{rest}"
    yield f"  {'':18} {'bad payout kept away':>42}   {'clean payout turned away':>42}   net"
    for way, tally in money.ways.items():
        mark = "*" if way == ADVICE else " "
        saved, cost = _of(tally.saved, tally.saved_share), _of(tally.cost, tally.cost_share)
        yield f"{mark} {way:18} {saved:>42}   {cost:>42}   {tally.net.value:,.2f}{_ends(tally.net, '{:,.0f}')}"


def _of(money: Interval, share: Interval) -> str:
    percent = "" if math.isnan(share.value) else f" = {share.value:.1%}{_ends(share, '{:.0%}')}"
    return f"{money.value:,.2f}{percent}"


def _ends(found: Interval, form: str) -> str:
    if found.low is None or found.high is None:
        return ""
    return f" ({form.format(found.low)} to {form.format(found.high)})"
