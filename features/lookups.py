"""Small tables that events are joined with: what each distinct address, agent and referrer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

Classifier = Callable[[pl.Series], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Lookups:
    """What is known about addresses, agents and approved sites.

    `addresses` takes distinct addresses and gives ip, ip_class, ip_country, network; `agents` takes distinct user
    agents and gives user_agent, agent_class, agent_age, agent_mobile. `sites` has affiliate_id and host (lower case, no
    `www.`), a row per approved site; an affiliate without rows has none on record. `rewarders` are the affiliates of
    `features.declared.rewarders`.
    """

    addresses: Classifier
    agents: Classifier
    sites: pl.DataFrame
    rewarders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tables:
    """Lookup tables for the distinct values of some events; columns as in `features.facts.Inputs`."""

    addresses: pl.DataFrame
    agents: pl.DataFrame
    referrals: pl.DataFrame
    rewarders: frozenset[str] = frozenset()


ADDRESS_COLUMNS = ("ip", "ip_class", "ip_country", "network")
AGENT_COLUMNS = ("user_agent", "agent_class", "agent_age", "agent_mobile")


def tables_for(frames: Iterable[pl.LazyFrame], lookups: Lookups) -> Tables:
    """Look up every distinct address, agent and referrer of these events (working clicks or conversions)."""
    frames = list(frames)
    addresses = _distinct(frames, ["ip"])["ip"]
    agents = _distinct(frames, ["user_agent"])["user_agent"]
    return Tables(
        lookups.addresses(addresses).select(ADDRESS_COLUMNS).unique("ip", keep="first"),
        lookups.agents(agents).select(AGENT_COLUMNS).unique("user_agent", keep="first"),
        referrals(_distinct(frames, ["affiliate_id", "referrer"]), lookups.sites),
        lookups.rewarders,
    )


def _distinct(frames: list[pl.LazyFrame], columns: list[str]) -> pl.DataFrame:
    parts = [frame.select(columns).drop_nulls().unique() for frame in frames]
    return pl.concat(parts).unique().collect()


def referrals(pairs: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """Say for each affiliate_id and referrer whether the referrer lies outside the affiliate's approved sites.

    `off_site` is 1 outside, 0 inside (same host or a subdomain), null when the affiliate has no approved sites on
    record or the referrer names no host.
    """
    host = (
        pl.col("referrer")
        .str.to_lowercase()
        .str.extract(
            r"^(?:[a-z][a-z0-9+.-]*:)?//(?:[^/\\@?#]*@)?([^/\\:?#]+)|^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/:?#]|$)", 1
        )
    )
    bare = pl.col("referrer").str.to_lowercase().str.extract(r"^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/:?#]|$)", 1)
    hosts = pairs.with_columns(host=pl.coalesce(host, bare).str.strip_prefix("www."))
    known = sites.select("affiliate_id").unique().with_columns(has_sites=pl.lit(1))
    inside = (
        hosts.filter(pl.col("host").is_not_null())
        .join(sites.rename({"host": "site"}), on="affiliate_id", how="inner")
        .filter((pl.col("host") == pl.col("site")) | pl.col("host").str.ends_with("." + pl.col("site")))
        .select("affiliate_id", "referrer")
        .unique()
        .with_columns(inside=pl.lit(1))
    )
    joined = hosts.join(known, on="affiliate_id", how="left").join(inside, on=["affiliate_id", "referrer"], how="left")
    off_site = (
        pl.when(pl.col("has_sites").is_null() | pl.col("host").is_null())
        .then(None)
        .when(pl.col("inside").is_null())
        .then(1)
        .otherwise(0)
    )
    return joined.select("affiliate_id", "referrer", off_site=off_site.cast(pl.Int64))


def site_hosts(affiliates: pl.DataFrame) -> pl.DataFrame:
    """Turn canonical affiliates into the `sites` table: affiliate_id and the host of each approved site."""
    exploded = affiliates.select("affiliate_id", site=pl.col("approved_sites")).explode("site").drop_nulls("site")
    text = pl.col("site").str.to_lowercase().str.strip_chars()
    host = (
        text.str.replace(r"^[a-z][a-z0-9+.-]*://", "")
        .str.extract(r"^(?:[^/\\@?#]*@)?([^/\\:?#]+)", 1)
        .str.strip_prefix("www.")
    )
    return exploded.select("affiliate_id", host=host).drop_nulls("host").unique()
