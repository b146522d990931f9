"""What people use today: rule presets that vendors publish, as baselines beside winnow. Never part of a decision.

Each preset is a set of rules with the vendor's own numbers, as its help pages state them. Where a page leaves something
open, the choice made here is named below and errs towards the vendor's favour. `not_reproduced` lists what could not be
rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

SECOND = 1_000_000
"""Microseconds."""
MINUTE, HOUR, DAY = 60, 3_600, 86_400
"""Seconds."""
FEWEST_FOR_A_SHARE = 10
"""Conversions of a source before a share rule applies. Vendors name none; without one, tiny sources fall by chance."""
SOURCE = ("affiliate_id", "offer_id")
"""What the vendors' share rules look at."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `fires` gives true, false, or null where the `facts` that it needs are missing."""

    name: str
    facts: tuple[str, ...]
    fires: Callable[[_Prepared], pl.Expr]


@dataclass(frozen=True, slots=True)
class Preset:
    """A vendor's rules. `source` says where they are published, `not_reproduced` what is left out and why."""

    name: str
    title: str
    source: str
    rules: tuple[Rule, ...]
    not_reproduced: tuple[str, ...] = ()


def held_by(preset: Preset, conversions: pl.DataFrame, clicks: pl.DataFrame | None = None) -> pl.DataFrame:
    """Say which conversions a preset would hold, one row per conversion in input order.

    `conversions` and `clicks` have canonical columns, absent ones count as unknown; `conversions` may have a boolean
    `is_proxy`. Returns conversion_id; held (true when a rule fires, false when none does, null when none does but some
    could not tell: the vendor would pay); rules (names of those that fired); missing (facts that rules lacked).
    """
    prepared = _prepare(conversions, clicks)
    frame = prepared.conversions.with_columns(rule.fires(prepared).alias(f"rule {rule.name}") for rule in preset.rules)
    names = [f"rule {rule.name}" for rule in preset.rules]
    fired = [pl.when(pl.col(f"rule {rule.name}")).then(pl.lit(rule.name)) for rule in preset.rules]
    untold = [
        pl.when(pl.col(f"rule {rule.name}").is_null()).then(pl.lit(fact))
        for rule in preset.rules
        for fact in rule.facts
    ]
    return frame.select(
        "conversion_id",
        pl.any_horizontal(names).alias("held"),
        pl.concat_list(fired).list.drop_nulls().alias("rules"),
        pl.concat_list(untold).list.drop_nulls().list.unique(maintain_order=True).alias("missing"),
    )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Conversions in input order with every column that rules read, and `seconds` since the click; and clicks."""

    conversions: pl.DataFrame
    clicks: pl.DataFrame | None


_TEXTS = ("click_id", "ip", "sub_id", "event")


def _prepare(conversions: pl.DataFrame, clicks: pl.DataFrame | None) -> _Prepared:
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in _TEXTS if name not in conversions.columns]
    if "click_ts" not in conversions.columns:
        absent.append(pl.lit(None, dtype=conversions.schema["ts"]).alias("click_ts"))
    if "is_proxy" not in conversions.columns:
        absent.append(pl.lit(None, dtype=pl.Boolean).alias("is_proxy"))
    frame = conversions.with_columns(absent)
    if clicks is not None:
        clicks = clicks.with_columns(
            pl.lit(None, dtype=pl.String).alias(name) for name in ("ip", "sub_id") if name not in clicks.columns
        )
        own = clicks.unique("click_id", keep="first", maintain_order=True)
        own = own.select("click_id", of_click_ts="ts", of_click_ip="ip")
        frame = frame.join(own, on="click_id", how="left", maintain_order="left")
        frame = frame.with_columns(click_ts=pl.coalesce("click_ts", "of_click_ts"), ip=pl.coalesce("ip", "of_click_ip"))
    seconds = (pl.col("ts") - pl.col("click_ts")).dt.total_microseconds() / SECOND
    return _Prepared(frame.with_columns(seconds=seconds), clicks)


def _faster_than(seconds: float) -> Rule:
    return Rule(f"converted within {_time(seconds)}", ("click_ts",), lambda _: pl.col("seconds") < seconds)


def _slower_than(seconds: float) -> Rule:
    return Rule(f"converted after {_time(seconds)}", ("click_ts",), lambda _: pl.col("seconds") > seconds)


def _many(name: str, hit: pl.Expr, above: float) -> Rule:
    """Return a rule that holds a whole source when more than `above` of its conversions are hits."""
    enough = hit.count().over(SOURCE) >= FEWEST_FOR_A_SHARE
    share = pl.when(enough).then(hit.mean().over(SOURCE) > above).otherwise(pl.lit(value=False))
    return Rule(name, ("click_ts",), lambda _: pl.when(hit.is_not_null().any().over(SOURCE)).then(share))


def _many_fast(within: float, above: float) -> Rule:
    return _many(f"more than {above:.0%} within {_time(within)}", pl.col("seconds") < within, above)


def _many_slow(after: float, above: float) -> Rule:
    return _many(f"more than {above:.0%} after {_time(after)}", pl.col("seconds") > after, above)


def _repeated_address(limit: int, within: float) -> Rule:
    """Return a rule that holds the conversions of an address beyond `limit` in a source within `within` seconds."""

    def fires(_: _Prepared) -> pl.Expr:
        group = (*SOURCE, "ip")
        earlier = pl.col("ts").shift(limit).over(group, order_by=["ts", "conversion_id"])
        repeated = ((pl.col("ts") - earlier).dt.total_microseconds() < within * SECOND).fill_null(value=False)
        return pl.when(pl.col("ip").is_not_null()).then(repeated)

    return Rule(f"more than {limit} from an address in {_time(within)}", ("ip",), fires)


def _many_sub_ids(above: int) -> Rule:
    counted = pl.col("sub_id").drop_nulls().n_unique().over(SOURCE)
    known = pl.col("sub_id").is_not_null().any().over(SOURCE)
    return Rule(f"more than {above} sub ids", ("sub_id",), lambda _: pl.when(known).then(counted > above))


def _many_proxies(above: float, fewest: int, within: float) -> Rule:
    """Return a rule on the share of proxies among a source's conversions of the last `within` seconds."""

    def fires(_: _Prepared) -> pl.Expr:
        period = f"{int(within)}s"
        flag = pl.col("is_proxy").cast(pl.Float64)
        count = flag.is_not_null().cast(pl.Float64).rolling_sum_by("ts", period, closed="both").over(SOURCE)
        proxies = flag.fill_null(0.0).rolling_sum_by("ts", period, closed="both").over(SOURCE)
        known = flag.is_not_null().any().over(SOURCE)
        return pl.when(known).then((count >= fewest) & (proxies > above * count))

    return Rule(f"more than {above:.0%} proxies of {fewest} in {_time(within)}", ("address class",), fires)


def _busy_address(limit: int) -> Rule:
    """Return a rule that holds conversions from an address with at least `limit` clicks on the offer that day."""

    def fires(prepared: _Prepared) -> pl.Expr:
        if prepared.clicks is None:
            return pl.lit(None, dtype=pl.Boolean)
        keys = ("offer_id", "ip", "day")
        busy = prepared.clicks.with_columns(day=pl.col("ts").dt.date()).group_by(keys).len()
        day = pl.coalesce("click_ts", "ts").dt.date().alias("day")
        wanted = prepared.conversions.select("offer_id", "ip", day)
        counts = wanted.join(busy, on=keys, how="left", maintain_order="left")["len"].fill_null(0)
        return pl.when(pl.col("ip").is_not_null()).then(pl.lit(counts) >= limit)

    return Rule(f"{limit} clicks from the address in a day", ("ip", "clicks"), fires)


def _conversion_rate(above: float, fewest_clicks: int, *, per_day: bool) -> Rule:
    """Return a rule that holds a source's conversions when conversions per click exceed `above`."""

    def fires(prepared: _Prepared) -> pl.Expr:
        if prepared.clicks is None:
            return pl.lit(None, dtype=pl.Boolean)
        keys = [*SOURCE, "day"] if per_day else list(SOURCE)
        clicks = prepared.clicks.with_columns(day=pl.col("ts").dt.date()).group_by(keys).len("clicks")
        frame = prepared.conversions.select(*SOURCE, day=pl.col("ts").dt.date())
        frame = frame.with_columns(conversions=pl.len().over(keys)).join(
            clicks, on=keys, how="left", maintain_order="left"
        )
        clicked = frame["clicks"]
        return pl.lit((clicked >= fewest_clicks) & (frame["conversions"] > above * clicked))

    name = f"conversion rate over {above:.0%}" + (" in a day" if per_day else f" after {fewest_clicks} clicks")
    return Rule(name, ("clicks",), fires)


def _few_later_events(first: str, later: str, below: float, fewest: int) -> Rule:
    """Return a rule that holds a source when less than `below` of its `first` events are followed by `later` ones."""
    firsts, laters = (pl.col("event").eq(name).sum().over(SOURCE) for name in (first, later))
    known = pl.col("event").eq(later).any() & pl.col("event").is_not_null().any().over(SOURCE)
    poor = (firsts >= fewest) & (laters < below * firsts)
    return Rule(f"less than {below:.0%} {later} per {first}", ("event",), lambda _: pl.when(known).then(poor))


def _time(seconds: float) -> str:
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


_24METRICS = "24metrics presets in Affise, help-center.affise.com/en/articles/6521438"
_24METRICS_OPEN = (
    "share of old operating systems and browsers (60 % CPI, 70 % CPA): the page does not say which are old",
    "duplicate device and order ids: the page gives no limit",
)
_EVERFLOW = "Everflow guide to click-to-conversion time, helpdesk.everflow.io"
_OFFER18 = "Offer18 offer anti-fraud, knowledgebase.offer18.com/network/offers/offer-anti-fraud"
_OFFER18_OPEN = ("the page does not say over what time clicks are counted: here per offer and day, in UTC",)


def _offer18(tier: str, limit: int) -> Preset:
    return Preset(f"offer18_{tier.lower()}", f"Offer18 {tier}", _OFFER18, (_busy_address(limit),), _OFFER18_OPEN)


_ALL = (
    Preset(
        "24metrics_cpi",
        "24metrics CPI",
        _24METRICS,
        (
            _faster_than(20),
            _many_fast(within=MINUTE, above=0.5),
            _many_slow(after=HOUR, above=0.5),
            _slower_than(DAY),
            _repeated_address(1, DAY),
            _many_sub_ids(700),
            _many_proxies(above=0.75, fewest=100, within=12 * HOUR),
        ),
        _24METRICS_OPEN,
    ),
    Preset(
        "24metrics_cpa",
        "24metrics CPA",
        _24METRICS,
        (
            _faster_than(15),
            _many_fast(within=MINUTE, above=0.6),
            _many_slow(after=2 * HOUR, above=0.6),
            _slower_than(DAY),
            _repeated_address(3, DAY),
            _many_sub_ids(700),
            _many_proxies(above=0.75, fewest=100, within=12 * HOUR),
        ),
        _24METRICS_OPEN,
    ),
    Preset(
        "everflow_leads",
        "Everflow CTCT, leads and installs",
        _EVERFLOW,
        (_faster_than(15), _many_slow(after=DAY, above=0.3), _slower_than(90 * DAY)),
    ),
    Preset(
        "everflow_shops",
        "Everflow CTCT, e-commerce",
        _EVERFLOW,
        (_faster_than(5), _slower_than(DAY)),
        ("the guide calls both a sign to look at, not a rule: holding on them is the plainest reading",),
    ),
    Preset(
        "everflow_rate",
        "Everflow conversion-rate alerts",
        "Everflow KPI alert examples, helpdesk.everflow.io/customer/kpi-monitoring-alert-system",
        (
            _conversion_rate(above=0.03, fewest_clicks=1, per_day=True),
            _conversion_rate(above=0.05, fewest_clicks=10_000, per_day=False),
        ),
        ("the product alerts only; here an alert holds",),
    ),
    _offer18("Light", 100),
    _offer18("Moderate", 50),
    _offer18("Strict", 10),
    Preset(
        "affise_kpi",
        "Affise KPI automation example",
        "Affise KPI automation, help-center.affise.com (12 purchases of 50 installs, under 50 %, declined)",
        (_few_later_events("install", "purchase", below=0.5, fewest=50),),
        ("click and conversion-rate automation: the pages give a form to fill in, no numbers",),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
"""All presets by name."""
