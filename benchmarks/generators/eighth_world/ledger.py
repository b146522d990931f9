"""What the network writes down: the canonical tables, with the faults of tracking and only what this network sees."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from canonical import Programme, canonical
from eighth_world.labels import person
from eighth_world.market import World, payouts
from eighth_world.partners import TRADES, Partner
from eighth_world.shapes import DAY, HOUR
from eighth_world.traffic import CLICK_FACTS, Flow

from features.schema import Kind

_FACTS = ("ip", "user_agent", "device_id", "country")


def written(world: World, flows: list[Flow], partners: list[Partner]) -> Programme:
    """Return the programme as its network exports it."""
    goals = pl.concat([flow.goals for flow in flows], how="diagonal")
    goals = goals.filter(pl.col("ts").is_between(0, world.days * DAY))
    columns = ("click_id", "ts", "affiliate_id", "offer", *CLICK_FACTS)
    clicks = pl.concat([flow.clicks.select(columns) for flow in flows])
    clicks = clicks.filter(pl.col("ts").is_between(0, world.days * DAY))
    goals = faulty_goals(world, _numbered(world, goals))
    clicks = _lost_clicks(world, clicks)
    offers = pl.Series([offer.offer_id for offer in world.offers])
    clicks = clicks.with_columns(offers.gather(clicks["offer"]).alias("offer_id"))
    goals = goals.with_columns(offers.gather(goals["offer"]).alias("offer_id"))
    tables = {
        Kind.CLICKS: _seen(world, clicks) if world.feed.clicks else clicks.clear(),
        Kind.CONVERSIONS: _conversions(world, goals, partners),
        Kind.OUTCOMES: _outcomes(world, goals),
        Kind.AFFILIATES: affiliates(world, partners),
    }
    tables[Kind.CLICKS] = tables[Kind.CLICKS].with_columns(pl.col("ts") + world.start)
    made = {kind: canonical(kind, table) for kind, table in tables.items()}
    kinds = goals.select("conversion_id", "kind")
    truth = made[Kind.CONVERSIONS].select("conversion_id").join(kinds, on="conversion_id", maintain_order="left")
    return Programme(made, truth.select("conversion_id", pl.col("kind").is_not_null().alias("is_fraud"), "kind"))


def _numbered(world: World, goals: pl.DataFrame) -> pl.DataFrame:
    """Return goals with an order number, by time."""
    goals = goals.sort("ts")
    first = world.dice.whole(10_000, 9_000_000)
    style = world.dice.pick(["", "#", f"{world.brand[:2].upper()}-"])
    orders = pl.Series(first + np.cumsum(world.dice.rng.geometric(0.5, goals.height))).cast(pl.String)
    return goals.with_columns((style + orders).alias("order_id"))


def faulty_goals(world: World, goals: pl.DataFrame) -> pl.DataFrame:
    """Return goals as they were reported: some twice, late in batches or in a wrong zone; with test orders."""
    dice = world.dice
    many = pl.Series(dice.rng.random(goals.height))
    if dice.chance(0.3):
        twice = goals.filter(many < dice.scale(0.0005, 0.012))
        again = twice.with_columns(pl.col("ts") + pl.Series(1 + dice.rng.exponential(dice.scale(2, 600), twice.height)))
        goals = pl.concat([goals, again])
    names = goals["affiliate_id"].unique(maintain_order=True).to_list()
    if dice.chance(0.2):
        late = pl.col("affiliate_id").is_in(dice.some(names, dice.whole(1, max(1, len(names) // 6))))
        wait = pl.Series(dice.rng.exponential(dice.scale(30, 1500), goals.height))
        midnight = (pl.col("ts") / DAY).ceil() * DAY + dice.pick([0.0, 2 * HOUR]) + wait
        goals = goals.with_columns(pl.when(late).then(midnight).otherwise(pl.col("ts")).alias("ts"))
    if dice.chance(0.12):
        wrong = pl.col("affiliate_id").is_in(dice.some(names, dice.whole(1, 3)))
        hours = dice.pick([-7, -5, -1, 1, 1, 2, 8]) * HOUR
        goals = goals.with_columns(pl.when(wrong).then(pl.col("ts") + hours).otherwise(pl.col("ts")).alias("ts"))
    if dice.chance(0.3):
        tests = goals.filter(pl.col("kind").is_null()).head(dice.whole(1, 6))
        at = pl.Series(dice.rng.random(tests.height) * world.days * DAY)
        ip = world.addresses.addresses(world.home, dice.pick(["office", "hosting"]), tests.height, 1).alias("ip")
        tests = tests.with_columns(
            at.alias("ts"),
            (at - 9).alias("click_ts"),
            ip,
            pl.lit(0.0).alias("basket"),
            pl.lit("TEST").alias("order_id"),
        )
        goals = pl.concat([goals, tests])
    width = dice.pick([12, 16, 24])
    return goals.with_columns(dice.codes(goals.height, width).alias("conversion_id"))


def _lost_clicks(world: World, clicks: pl.DataFrame) -> pl.DataFrame:
    """Return clicks without those whose record was lost: a few everywhere, or all of a partner's for some days."""
    dice = world.dice
    if dice.chance(0.35):
        clicks = clicks.filter(pl.Series(dice.rng.random(clicks.height)) >= dice.scale(0.001, 0.1))
    if dice.chance(0.15):
        name = dice.pick(clicks["affiliate_id"].unique(maintain_order=True).to_list())
        first = dice.between(0, world.days) * DAY
        gone = (pl.col("affiliate_id") == name) & pl.col("ts").is_between(
            first, first + dice.between(0.2, 1) * world.days * DAY
        )
        clicks = clicks.filter(~gone)
    return clicks


def _seen(world: World, table: pl.DataFrame) -> pl.DataFrame:
    """Return the table without what this network does not see."""
    table = table.with_columns(
        pl.lit(None, pl.String).alias(name) for name in world.feed.hidden if name in table.columns
    )
    if world.feed.shortened and "ip" in table.columns:
        short = pl.col("ip").str.replace(r"\.\d+$", ".0").str.replace(r"^((?:[0-9a-f]+:){3}).*$", "${1}:")
        table = table.with_columns(short.alias("ip"))
    return table


def _conversions(world: World, goals: pl.DataFrame, partners: list[Partner]) -> pl.DataFrame:
    """Return the conversions table, times in seconds since 1970."""
    dice, feed = world.dice, world.feed
    payout, revenue = _money(world, goals, partners)
    hold = dice.pick([None, 7, 14, 30, 45])
    paid = pl.col("fate").is_null() | (pl.Series(dice.rng.random(goals.height)) > feed.outcomes)
    checked = pl.when(paid).then(pl.lit("approved")).otherwise(pl.lit("rejected"))
    status = dice.pick([pl.lit("pending"), checked, pl.lit("approved"), pl.lit(None, pl.String)])
    made = goals.with_columns(
        payout.alias("payout"),
        revenue.alias("revenue"),
        pl.lit(world.currency).alias("currency"),
        pl.Series([offer.event for offer in world.offers]).gather(goals["offer"]).alias("event"),
        status.alias("status"),
        pl.lit(None).alias("locks_at") if hold is None else (pl.col("ts") + hold * DAY + world.start).alias("locks_at"),
        (pl.col("click_ts") + world.start).alias("click_ts") if feed.click_times else pl.lit(None).alias("click_ts"),
        pl.col("ts") + world.start,
    )
    if feed.goal_facts == "none":
        made = made.with_columns(pl.lit(None, pl.String).alias(name) for name in _FACTS)
    elif feed.goal_facts == "server":
        one = world.addresses.addresses(world.home, "hosting", 1, 1)[0]
        made = made.with_columns(pl.lit(one).alias("ip"), pl.lit(None, pl.String).alias("user_agent"))
    unseen = [name for name, shown in (("customer_id", feed.customers), ("order_id", feed.orders)) if not shown]
    if not feed.clicks and dice.chance(0.5):
        unseen.append("click_id")
    return _seen(world, made.with_columns(pl.lit(None, pl.String).alias(name) for name in unseen))


def _money(world: World, goals: pl.DataFrame, partners: list[Partner]) -> tuple[pl.Series, pl.Series]:
    """Return payout and revenue of goals as decimals of four places; better partners have better terms."""
    dice = world.dice
    tiers = {partner.affiliate: dice.pick([1.0, 1.0, 1.0, 1.1, 1.25, 1.5]) for partner in partners}
    tier = goals["affiliate_id"].replace_strict(tiers, default=1.0, return_dtype=pl.Float64).to_numpy()
    offer = goals["offer"].to_numpy()
    basket = goals["basket"].to_numpy()
    amount = np.where(basket > 0, payouts(world, offer, basket) * tier, 0.0)
    sells = np.array(
        [one.event not in {"lead", "registration", "quote", "install", "first_open"} for one in world.offers]
    )
    earned = np.where(sells[offer], basket, amount * 1.3)
    money = pl.Decimal(18, 4)
    return pl.Series(amount.round(2)).cast(money), pl.Series(earned.round(2)).cast(money)


def _outcomes(world: World, goals: pl.DataFrame) -> pl.DataFrame:
    """Return what came back within weeks: chargebacks, refunds, use; and what reviewers found, rightly or not."""
    dice, seen = world.dice, world.feed.outcomes
    goals = goals.with_columns((pl.col("ts") + world.start).alias("ts"))
    empty = goals.select("conversion_id", pl.lit("void").alias("outcome"), "ts").clear()
    if not seen:
        return empty
    wait = pl.Series(dice.rng.gamma(2, dice.scale(1, 12) * DAY, goals.height))
    known = pl.Series(dice.rng.random(goals.height)) < seen
    facts = goals.filter(known).with_columns(pl.col("ts") + wait.filter(known))
    made = [facts.filter(pl.col("fate").is_not_null()).select("conversion_id", pl.col("fate").alias("outcome"), "ts")]
    if world.kind != "shop" and dice.chance(0.7):
        stays = facts.filter(pl.col("stays"), pl.col("fate").is_null())
        made.append(stays.select("conversion_id", pl.lit("retained").alias("outcome"), "ts"))
    if dice.chance(0.4):
        found = pl.Series(dice.rng.random(facts.height))
        caught, wrong, cleared = dice.between(0.02, 0.5), dice.pick([0.0, 0.001, 0.004]), dice.scale(0.003, 0.1)
        bad = pl.col("kind").is_not_null()
        reviewed = facts.with_columns(
            pl.when(pl.when(bad).then(found < caught).otherwise(found < wrong))
            .then(pl.lit("confirmed_fraud"))
            .when(~bad & (found > 1 - cleared))
            .then(pl.lit("confirmed_clean"))
            .alias("outcome")
        )
        made.append(reviewed.filter(pl.col("outcome").is_not_null()).select("conversion_id", "outcome", "ts"))
    return pl.concat(made) if made else empty


def affiliates(world: World, partners: list[Partner]) -> pl.DataFrame:
    """Return what partners said of themselves when they joined."""
    dice = world.dice
    rows: list[dict[str, object]] = []
    for partner in partners:
        name = person(dice)
        fresh = dice.chance(0.4 if partner.trade in {"fraud", "newcomer"} else 0.08)
        age = dice.scale(3, 60) if fresh else dice.scale(60, 2500)
        host = dice.pick(["gmail.com", "outlook.com", partner.domain, partner.domain])
        mail = f"{name.split()[0].lower()}{dice.whole(1, 99)}@{host}"
        code = hashlib.sha256(f"{partner.affiliate}{name}".encode()).hexdigest()[:20].upper()
        shared = rows and partner.trade == "fraud" and dice.chance(0.12)
        account = (
            dice.pick(rows)["payout_account"] if shared else dice.pick([f"DE{code}", f"paypal:{mail}", f"US{code}"])
        )
        method = dice.pick(TRADES).name if partner.trade in {"fraud", "subnetwork"} else partner.trade
        rows.append(
            {
                "affiliate_id": partner.affiliate,
                "name": dice.pick([name, partner.domain.split(".")[0].title()]),
                "email": mail,
                "phone": None,
                "payout_account": account,
                "approved_sites": [f"https://{partner.domain}"],
                "promo_methods": [method],
                "country": dice.weighted(world.countries),
                "joined_at": float(world.start - age * DAY),
                "status": dice.weighted({"active": 0.96, "paused": 0.03, "banned": 0.01}),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)
