"""Put a simulated programme together, as the canonical tables that a network would export and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.schema import Kind, polars_schema
from screening.simulate.columns import DAY, HOUR, NONE, Trail, join_trails, midnight, scramble, stream
from screening.simulate.fraud import Scheme, fraud_trails, plan_schemes
from screening.simulate.honest import honest_trail
from screening.simulate.markets import CODES
from screening.simulate.offers import OfferKind
from screening.simulate.outcomes import OUTCOMES, draw_outcomes
from screening.simulate.registry import affiliates_table, caps_table
from screening.simulate.spec import Feed, FraudKind, ProgrammeSpec
from screening.simulate.text import addresses, hexadecimal, looked_up
from screening.simulate.world import World, make_world

TRUTH = {
    "conversion_id": pl.String,
    "is_fraud": pl.Boolean,
    "kind": pl.String,
    "mechanic": pl.String,
    "scheme": pl.String,
    "affiliate_id": pl.String,
    "offer_id": pl.String,
    "sub_id": pl.String,
}
"""Columns of the truth. kind: of the simulated fraud, null when honest; mechanic: how it was done, where the kind is a
way to hide or two were blended; scheme: which conversions belong together."""
_OUTAGE_HOURS = (3, 9)
_BLIND_HOURS = (8, 30)
_SHORTEST_WITH_OUTAGE = 10
"""Days; shorter programmes track without a fault."""
_CONVERSION_ONLY_LACKS = ("click_id", "click_ts", "ip", "user_agent", "device_id", "customer_id")


@dataclass(frozen=True, slots=True)
class Programme:
    """A simulated programme: the tables in canonical columns and types, and what is simulated fraud in it.

    truth: one row per conversion, columns TRUTH. Nothing that judges may read it.
    """

    spec: ProgrammeSpec
    seed: int
    clicks: pl.DataFrame
    conversions: pl.DataFrame
    outcomes: pl.DataFrame
    affiliates: pl.DataFrame
    caps: pl.DataFrame
    truth: pl.DataFrame

    def table(self, kind: Kind) -> pl.DataFrame:
        """Return the table of a kind of record."""
        table: pl.DataFrame = getattr(self, kind.value)
        return table


def simulate(spec: ProgrammeSpec, seed: int) -> Programme:
    """Simulate a programme. The same spec and seed give the same bytes."""
    world = make_world(spec, seed)
    honest = honest_trail(world)
    schemes = plan_schemes(world, honest, stream(seed, "schemes"))
    trail = _within(world, join_trails([honest, *fraud_trails(world, honest, schemes)]))
    outcomes = draw_outcomes(world, trail.conversions)
    conversions = _conversions(world, trail.conversions, outcomes)
    return Programme(
        spec,
        seed,
        clicks=_clicks(world, trail.clicks),
        conversions=_as_fed(conversions, spec.feed),
        outcomes=_outcomes(conversions["conversion_id"], outcomes),
        affiliates=affiliates_table(world, schemes),
        caps=caps_table(world, trail.conversions),
        truth=_truth(conversions, trail.conversions, schemes),
    )


def _within(world: World, trail: Trail) -> Trail:
    """Cut to the period and put in order of time."""
    start = midnight(world.spec.start)
    inside = pl.col("ts").is_between(start, start + world.spec.days * DAY, closed="left")
    return Trail(
        trail.clicks.filter(inside).sort("ts", "key"),
        trail.conversions.filter(inside).sort("ts", "key", "order"),
    )


def _clicks(world: World, clicks: pl.DataFrame) -> pl.DataFrame:
    if world.spec.feed is not Feed.FULL:
        return pl.DataFrame(schema=polars_schema(Kind.CLICKS))
    rng = stream(world.seed, "faults")
    days, start = world.spec.days, midnight(world.spec.start)
    lost = blind = pl.lit(False)  # noqa: FBT003 - an expression, not an argument that a reader must decode
    if days >= _SHORTEST_WITH_OUTAGE:
        lost, blind = (
            pl.col("ts").is_between(first, first + int(rng.integers(*hours)) * HOUR)
            for hours in (_OUTAGE_HOURS, _BLIND_HOURS)
            for first in [start + int(rng.uniform(0.1, 0.9) * days * DAY)]
        )
    logged = clicks.filter(~lost)
    facts = _visit_facts(world, logged).with_columns(
        click_id=hexadecimal(scramble(logged["key"].to_numpy())), ts=_time(logged["ts"])
    )
    seen = ~logged.select(blind).to_series()
    facts = facts.with_columns(pl.when(seen).then(pl.col(name)).alias(name) for name in ("referrer", "device_id"))
    return facts.select(pl.col(name).cast(kind) for name, kind in polars_schema(Kind.CLICKS).items())


def _visit_facts(world: World, rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "affiliate_id": looked_up(rows["affiliate"], [partner.code for partner in world.partners]),
            "offer_id": looked_up(rows["offer"], [offer.code for offer in world.offers.offers]),
            "sub_id": looked_up(rows["sub"], world.subs.texts),
            "ip": addresses(rows["v4"], rows["v6_high"], rows["v6_low"]),
            "user_agent": looked_up(rows["agent"], world.agents.texts),
            "device_id": hexadecimal(rows["device"].to_numpy()),
            "country": looked_up(rows["country"], CODES),
            "referrer": looked_up(rows["referrer"], world.referrers.texts),
        }
    )


def _conversions(world: World, rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    offers = world.offers.offers
    offer = rows["offer"].to_numpy()
    lock = rows["ts"].to_numpy() // DAY * DAY + (np.array([item.lock_days for item in offers])[offer] + 1) * DAY
    facts = _visit_facts(world, rows).with_columns(
        conversion_id=hexadecimal(scramble(np.arange(len(rows), dtype=np.uint64) + np.uint64(1 << 62))),
        ts=_time(rows["ts"]),
        payout=_money(rows["payout"]),
        click_id=hexadecimal(scramble(rows["key"].to_numpy())),
        click_ts=_time(rows["click_ts"]),
        customer_id=hexadecimal(rows["customer"].to_numpy()),
        order_id=_order_ids(world, rows),
        event=looked_up(rows["offer"], [item.event for item in offers]),
        revenue=_money(rows["revenue"]),
        currency=looked_up(rows["offer"], [item.currency for item in offers]),
        status=_statuses(world, lock, outcomes),
        locks_at=_time(pl.Series(lock)),
    )
    return facts.select(pl.col(name).cast(kind) for name, kind in polars_schema(Kind.CONVERSIONS).items())


def _order_ids(world: World, rows: pl.DataFrame) -> pl.Series:
    """Number the orders of each shop as they come; installs have none."""
    first = rows.group_by("offer", "order", maintain_order=True).agg(pl.col("ts").min())
    numbered = first.with_columns(
        number=pl.col("ts").rank("ordinal").over("offer") * 3 + 100_000 + pl.col("offer") * 7_919
    )
    number = rows.join(numbered.drop("ts"), on=["offer", "order"], how="left", maintain_order="left")["number"]
    named = np.isin(rows["offer"].to_numpy(), world.offers.of_kind(OfferKind.INSTALL), invert=True)
    return pl.select(pl.when(pl.lit(pl.Series(named))).then(pl.format("R{}", number))).to_series()


def _statuses(world: World, lock: np.ndarray, outcomes: pl.DataFrame) -> pl.Series:
    end = midnight(world.spec.start) + world.spec.days * DAY
    status = np.where(lock < end - 10 * DAY, "paid", np.where(lock < end, "approved", "pending")).astype(object)
    for name, becomes in (
        ("refund", "void"),
        ("void", "void"),
        ("chargeback", "rejected"),
        ("confirmed_fraud", "rejected"),
    ):
        status[outcomes.filter(pl.col("outcome") == OUTCOMES.index(name))["row"].to_numpy()] = becomes
    return pl.Series(status.tolist(), dtype=pl.String)


def _outcomes(ids: pl.Series, outcomes: pl.DataFrame) -> pl.DataFrame:
    table = pl.DataFrame(
        {
            "conversion_id": ids.gather(outcomes["row"]),
            "outcome": looked_up(outcomes["outcome"], OUTCOMES),
            "ts": _time(outcomes["ts"]),
        }
    )
    return table.select(pl.col(name).cast(kind) for name, kind in polars_schema(Kind.OUTCOMES).items())


def _as_fed(conversions: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    if feed is not Feed.CONVERSION_ONLY:
        return conversions
    return conversions.with_columns(
        pl.lit(None, conversions.schema[name]).alias(name) for name in _CONVERSION_ONLY_LACKS
    )


def _truth(conversions: pl.DataFrame, rows: pl.DataFrame, schemes: tuple[Scheme, ...]) -> pl.DataFrame:
    labels = conversions.select("conversion_id", "affiliate_id", "offer_id", "sub_id").with_columns(
        is_fraud=rows["scheme"] != NONE,
        kind=looked_up(rows["scheme"], [scheme.kind.value for scheme in schemes]),
        mechanic=looked_up(rows["mechanic"], [kind.value for kind in FraudKind]),
        scheme=looked_up(rows["scheme"], [f"S{1 + scheme.number:02d}" for scheme in schemes]),
    )
    return labels.select(pl.col(name).cast(kind) for name, kind in TRUTH.items())


def _time(microseconds: pl.Series) -> pl.Series:
    return microseconds.cast(pl.Datetime("us", "UTC"))


def _money(ten_thousandths: pl.Series) -> pl.Series:
    """Turn ten-thousandths into money; -1 is unknown."""
    known = pl.select(pl.when(ten_thousandths != NONE).then(ten_thousandths)).to_series()
    # in integers: a float in between would not be exact
    whole, rest = (known // 10_000).cast(pl.String), (known % 10_000).cast(pl.String).str.zfill(4)
    return pl.select(pl.concat_str([pl.lit(whole), pl.lit(rest)], separator=".")).to_series().cast(pl.Decimal(18, 4))
