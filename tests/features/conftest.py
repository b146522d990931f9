"""A small programme made of chance, with every kind of gap in it, and lookups that need no lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.lookups import Lookups
from features.schema import Kind, polars_schema

LAST = date(2026, 3, 31)
CLASSES = ("residential", "hosting", "mobile", "vpn", "tor", "unknown")


def classify_addresses(addresses: pl.Series) -> pl.DataFrame:
    """Class by the last number of the address, network by the first three."""
    known = pl.DataFrame({"ip": addresses.cast(pl.String)}).drop_nulls().unique("ip")
    last = pl.col("ip").str.extract(r"(\d+)$").cast(pl.Int64)
    return known.select(
        "ip",
        ip_class=(last % len(CLASSES)).replace_strict(dict(enumerate(CLASSES)), return_dtype=pl.String),
        ip_country=pl.when(last % 5 == 0).then(None).when(last % 5 < 4).then(pl.lit("US")).otherwise(pl.lit("DE")),
        network=pl.col("ip").str.extract(r"^(\d+\.\d+\.\d+)\."),
    )


def classify_agents(agents: pl.Series) -> pl.DataFrame:
    """Class by the name before the slash, age by the number behind it."""
    classes = {"bot": "declared_bot", "tool": "automation", "odd": "impossible", "browser": "browser"}
    return (
        pl.DataFrame({"user_agent": agents.cast(pl.String)})
        .drop_nulls()
        .unique("user_agent")
        .select(
            "user_agent",
            agent_class=pl.col("user_agent")
            .str.extract(r"^(\w+)/")
            .replace_strict(classes, default="unknown", return_dtype=pl.String),
            agent_age=pl.col("user_agent").str.extract(r"/(\d+)$").cast(pl.Int64),
            agent_mobile=pl.when(pl.col("user_agent").str.starts_with("browser"))
            .then(pl.col("user_agent").str.ends_with("3"))
            .otherwise(None),
        )
    )


@dataclass(frozen=True)
class Events:
    """Canonical clicks and conversions, outcomes as features take them, approved sites, and the last day."""

    clicks: pl.DataFrame
    conversions: pl.DataFrame
    outcomes: pl.DataFrame
    lookups: Lookups
    last: date


def _some(rng: np.random.Generator, values: list[str], size: int, gaps: float) -> list[str | None]:
    return [None if rng.random() < gaps else str(rng.choice(values)) for _ in range(size)]


def _facts(rng: np.random.Generator, size: int) -> dict[str, list[str | None]]:
    return {
        "sub_id": _some(rng, ["s1", "s2", "s3"], size, 0.3),
        "ip": _some(rng, [f"10.0.{a}.{b}" for a in range(3) for b in range(20)], size, 0.1),
        "user_agent": _some(
            rng, [f"{n}/{v}" for n in ("browser", "bot", "tool", "odd", "x") for v in (3, 20)], size, 0.1
        ),
        "device_id": _some(rng, [f"d{i}" for i in range(60)], size, 0.2),
        "country": _some(rng, ["US", "US", "US", "DE", "FR"], size, 0.2),
        "referrer": _some(
            rng, ["https://www.blog.example/a", "https://shop.blog.example", "x.example", "-"], size, 0.3
        ),
    }


def _moments(rng: np.random.Generator, size: int) -> list[datetime]:
    end = datetime(LAST.year, LAST.month, LAST.day, 23, 59, 59, tzinfo=UTC)
    return [end - timedelta(microseconds=int(rng.integers(0, 50 * 86_400_000_000))) for _ in range(size)]


def make_events(seed: int, clicks: int = 600, conversions: int = 160) -> Events:
    """Draw a programme of five affiliates and three offers over fifty days."""
    rng = np.random.default_rng(seed)
    owners = {
        "affiliate_id": [f"a{i}" for i in rng.integers(0, 5, clicks)],
        "offer_id": [f"o{i}" for i in rng.integers(0, 3, clicks)],
    }
    clicked = pl.DataFrame(
        {"click_id": [f"c{i}" for i in range(clicks)], "ts": _moments(rng, clicks), **owners, **_facts(rng, clicks)},
        schema=polars_schema(Kind.CLICKS),
    )
    rows = rng.integers(0, clicks, conversions)
    delays = np.exp(rng.normal(5, 2.5, conversions))
    moments = [clicked["ts"][int(row)] + timedelta(seconds=float(d)) for row, d in zip(rows, delays, strict=True)]
    columns = {
        "conversion_id": [f"v{i}" for i in range(conversions)],
        "ts": moments,
        "affiliate_id": [clicked["affiliate_id"][int(row)] for row in rows],
        "offer_id": [clicked["offer_id"][int(row)] for row in rows],
        "payout": [f"{value:.2f}" for value in rng.uniform(0, 50, conversions)],
        "click_id": [
            None if r < 0.15 else (f"lost{i}" if r < 0.3 else f"c{row}")
            for i, (row, r) in enumerate(zip(rows, rng.random(conversions), strict=True))
        ],
        "click_ts": [clicked["ts"][int(row)] if rng.random() < 0.4 else None for row in rows],
        **_facts(rng, conversions),
        "customer_id": _some(rng, [f"k{i}" for i in range(50)], conversions, 0.3),
        "order_id": _some(rng, [f"n{i}" for i in range(120)], conversions, 0.3),
        "revenue": [None if rng.random() < 0.3 else f"{rng.uniform(0, 200):.2f}" for _ in range(conversions)],
    }
    schema = polars_schema(Kind.CONVERSIONS)
    converted = pl.DataFrame(
        {name: columns.get(name, [None] * conversions) for name in schema},
        schema_overrides={
            name: pl.String() if name in ("payout", "revenue") else kind for name, kind in schema.items()
        },
    ).with_columns(pl.col("payout", "revenue").cast(schema["payout"]))
    known = converted.filter(pl.Series(rng.random(conversions) < 0.3))
    outcomes = known.select(
        "conversion_id", outcome=pl.Series(_some(rng, ["bad", "returned", "good"], known.height, 0.0), dtype=pl.String)
    )
    sites = pl.DataFrame({"affiliate_id": ["a0", "a1", "a1"], "host": ["blog.example", "x.example", "y.example"]})
    lookups = Lookups(classify_addresses, classify_agents, sites)
    return Events(clicked, converted.sort("conversion_id"), outcomes, lookups, LAST)


@pytest.fixture(scope="session")
def events() -> Events:
    return make_events(7)
