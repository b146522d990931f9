"""A few lines on a programme, to see with one's own eyes whether it could be real and differs from the others."""

from __future__ import annotations

import polars as pl
from canonical import Programme
from eighth_world.networks import stock

from features.schema import Kind


def summary(seed: int, programme: Programme) -> str:
    """Return what one programme looks like: size, times, access, money by fraud."""
    clicks, goals = programme.tables[Kind.CLICKS], programme.tables[Kind.CONVERSIONS]
    judged = goals.join(programme.truth, on="conversion_id").with_columns(
        pl.col("payout").cast(pl.Float64),
        (pl.col("ts") - pl.col("click_ts")).dt.total_milliseconds().alias("took") / 1000,
    )
    money = judged["payout"].sum() or 1.0
    share = judged.filter("is_fraud").group_by("kind").agg(pl.len(), pl.col("payout").sum() / money).sort("kind")
    frauds = ", ".join(f"{kind} {count}/{part:.1%}" for kind, count, part in share.rows()) or "none"
    took = judged.filter(~pl.col("is_fraud"))["took"].drop_nulls()
    times = " ".join(f"{took.quantile(at):.0f}" for at in (0.05, 0.5, 0.95)) if len(took) else "unknown"
    outcomes = programme.tables[Kind.OUTCOMES]["outcome"].value_counts(sort=True).rows()
    span = (goals["ts"].max() - goals["ts"].min()).days  # type: ignore[operator,union-attr]
    empty = [name for name in goals.columns if goals[name].null_count() == goals.height]
    return "\n".join(
        (
            f"{seed}: {goals['event'].unique().to_list()} {goals.height} goals, {clicks.height} clicks, {span} days,"
            f" {goals['affiliate_id'].n_unique()} partners, {goals['offer_id'].n_unique()} offers, money {money:.0f}",
            f"   fraud {judged.filter('is_fraud')['payout'].sum() / money:.1%}: {frauds}",
            f"   honest seconds (5, 50, 95 %): {times}; access {_access(goals if clicks.is_empty() else clicks)}",
            f"   addresses {goals['ip'].n_unique()}, agents {clicks['user_agent'].n_unique()},"
            f" subs {goals['sub_id'].n_unique()}, customers {goals['customer_id'].n_unique()}, outcomes {outcomes}",
            f"   never seen: {empty}",
        )
    )


def _access(table: pl.DataFrame) -> str:
    """Return shares of the kinds of access of addresses whose network the generator knows."""
    single = stock().filter(pl.col("access").is_in(["vpn", "tor"])).select(pl.col("prefix").alias("ip"), "access")
    four = stock().filter(version=4).unique("prefix").select("prefix", pl.col("access").alias("of_network"))
    known = table.select("ip").drop_nulls().join(single.unique("ip"), on="ip", how="left")
    known = known.with_columns(pl.col("ip").str.replace(r"\.\d+$", "").alias("prefix")).join(
        four, on="prefix", how="left"
    )
    kind = known.select(pl.coalesce("access", "of_network", pl.lit("six"))).to_series()
    return " ".join(f"{name} {count / max(len(kind), 1):.0%}" for name, count in kind.value_counts(sort=True).rows())
