"""A large programme's events, day by day as Parquet, and a workspace whose lake holds them.

    python benchmarks/large_programme.py FOLDER --clicks 10M [--days 7] [--seed 7]

A few huge affiliates and many small ones, sub-sources without end, addresses that one visitor has and addresses that a
whole carrier shares, some thousand user agents of very unequal use. Three clicks in a hundred convert; a part of some
affiliates' sub-sources sends conversions from servers, seconds after the click. The same arguments give the same events
with the same version of numpy. One block of a day is in memory at a time, whatever the size.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.schema import Kind, polars_schema
from screening.traffic.lake import Lake
from screening.traffic.lakewrite import writing
from screening.traffic.lists import load_book
from screening.workspace import Workspace, open_workspace

FIRST = date(2026, 3, 2)
DAYS = 7
BLOCK = 1_000_000
"""Clicks made, and kept in memory, at a time; also the largest part of the lake."""
CONVERTING = 0.03
OFFERS = 40
NETWORKS = 4_000
"""Networks (/16) that visitors live in."""
SERVERS = 60
"""Networks of those that fraud comes from."""
DAY_US = 86_400_000_000
HOURS = np.array([2, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 8, 9, 10, 10, 8, 6, 4], dtype=float)
"""How clicks spread over the hours of a day."""

Ints = NDArray[np.uint64]


def mixed(numbers: NDArray[np.integer], salt: int) -> Ints:
    """Scatter whole numbers over 64 bits, each salt another way (splitmix64; Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def unit(numbers: NDArray[np.integer], salt: int) -> NDArray[np.float64]:
    """Return a number in 0..1 for each whole number, always the same."""
    return np.asarray((mixed(numbers, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53)


def agents(count: int) -> pl.Series:
    """Write user agents of phones, tablets and computers, with some bots among them."""
    number = np.arange(count)
    major = (132 - (unit(number, 61) ** 2 * 40)).astype(int)
    minor = (unit(number, 62) * 6000).astype(int)
    model = (unit(number, 63) * 900).astype(int)
    mozilla, webkit = "Mozilla/5.0", "AppleWebKit/537.36 (KHTML, like Gecko)"
    forms = (
        lambda i: f"{mozilla} (Windows NT 10.0; Win64; x64) {webkit} Chrome/{major[i]}.0.{minor[i]}.0 Safari/537.36",
        lambda i: (
            f"{mozilla} (Linux; Android {10 + i % 6}; SM-A{model[i]:03d}B) {webkit} "
            f"Chrome/{major[i]}.0.{minor[i]}.99 Mobile Safari/537.36"
        ),
        lambda i: (
            f"{mozilla} (iPhone; CPU iPhone OS {15 + i % 4}_{i % 7}_{i % 3} like Mac OS X) AppleWebKit/605.1.15 "
            f"(KHTML, like Gecko) Version/{15 + i % 4}.{i % 7} Mobile/15E{minor[i]} Safari/604.1"
        ),
        lambda i: f"{mozilla} (X11; Linux x86_64; rv:{major[i]}.0) Gecko/20100101 Firefox/{major[i]}.0",
        lambda i: (
            f"{mozilla} (Macintosh; Intel Mac OS X 10_15_{i % 8}) {webkit} Chrome/{major[i]}.0.{minor[i]}.1 "
            f"Safari/537.36"
        ),
    )
    bots = (f"{mozilla} (compatible; Googlebot/2.{{}}; +http://www.google.com/bot.html)", "python-requests/2.{}")
    return pl.Series([bots[i // 100 % 2].format(i) if i % 100 == 99 else forms[i % 5](i) for i in range(count)])


@dataclass(frozen=True)
class Programme:
    """What makes a programme: how many clicks over how many days. Everything else follows from the seed."""

    clicks: int
    days: int = DAYS
    seed: int = 7

    @property
    def span(self) -> list[date]:
        return [FIRST + timedelta(days=number) for number in range(self.days)]

    @property
    def affiliates(self) -> int:
        return max(20, int(300 * (self.clicks / 1e6) ** 0.5))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        weights = 1 / np.arange(1, self.affiliates + 1) ** 1.1
        return np.asarray(np.cumsum(weights) / weights.sum())

    @cached_property
    def _subs(self) -> NDArray[np.float64]:
        number = np.arange(self.affiliates)
        expected = np.diff(self._weights, prepend=0.0) * self.clicks
        return np.asarray(1 + np.floor(0.15 * np.sqrt(expected) * np.exp(2 * unit(number, 51) - 1)))

    @cached_property
    def _agents(self) -> pl.Series:
        return agents(max(500, int(5_000 * (self.clicks / 1e6) ** 0.5)))

    @cached_property
    def _networks(self) -> pl.DataFrame:
        """Second octets up, network by network: `prefix` as text and `country`, the first `SERVERS` being hosting."""
        number = np.arange(40_000)
        first, second = 1 + (unit(number, 41) * 222).astype(int), (unit(number, 42) * 256).astype(int)
        probe = pl.Series("ip", [f"{a}.{b}.77.13" for a, b in zip(first, second, strict=True)]).unique(
            maintain_order=True
        )
        book, _, _ = load_book(Path(os.environ.get("WINNOW_BENCH_LISTS", "/tmp/winnow-bench-lists")))
        known = book.classify(probe).drop_nulls("ip_country")
        servers = known.filter(pl.col("ip_class") == "hosting").head(SERVERS)
        homes = known.filter(pl.col("ip_class").is_in(["residential", "mobile"])).head(NETWORKS - SERVERS)
        return pl.concat([servers, homes]).select(
            prefix=pl.col("ip").str.replace(r"\.77\.13$", ""), country="ip_country"
        )

    def day(self, day: date) -> Iterator[pl.DataFrame]:
        """Make a day's clicks block by block in the order of time: canonical columns, and what conversions need."""
        number = self.span.index(day)
        today = self.clicks * (number + 1) // self.days - self.clicks * number // self.days
        blocks = max(1, -(-today // BLOCK))
        for block in range(blocks):
            rows = today * (block + 1) // blocks - today * block // blocks
            draw = np.random.default_rng([self.seed, number, block])
            within = np.sort((block + draw.random(rows)) / blocks)
            hours = np.concatenate([[0.0], np.cumsum(HOURS) / HOURS.sum()])
            at = np.interp(within, hours, np.arange(25) * (DAY_US / 24)).astype(np.int64)
            yield self._block(draw, _microseconds(day) + np.minimum(at, DAY_US - 1), number * 1000 + block)

    def _block(self, draw: np.random.Generator, at: NDArray[np.int64], number: int) -> pl.DataFrame:
        rows = len(at)
        affiliate = np.searchsorted(self._weights, draw.random(rows))
        offer = (affiliate * 7 + (draw.random(rows) ** 2 * (1 + affiliate % 6)).astype(int)) % OFFERS
        sub = (draw.random(rows) ** 2 * self._subs[affiliate]).astype(int)
        fraud = (affiliate % 23 == 11) & (sub % 2 == 0)
        pool = max(1000, int(self.clicks * 0.35))
        visitor = np.where(draw.random(rows) < 0.8, draw.random(rows), draw.random(rows) ** 4)
        person = (visitor * pool).astype(np.int64)
        carrier = (unit(person, 11) ** 3 * 20_000).astype(np.int64) + (1 << 40)
        home = np.where(unit(person, 12) < 0.65, person, carrier)
        network = SERVERS + (unit(home, 13) ** 1.5 * (NETWORKS - SERVERS)).astype(int)
        network = np.where(fraud, (draw.random(rows) * SERVERS).astype(int), network)
        host = mixed(home, 14)
        agent = (unit(person, 15) ** 4 * len(self._agents)).astype(int)
        page = (draw.random(rows) ** 3 * 300).astype(int)
        place = self._networks[pl.Series(network)]
        frame = pl.DataFrame(
            {
                "number": mixed(np.arange(rows) + (number << 32), self.seed),
                "serial": np.arange(rows) + (number << 24),
                "ts": at,
                "affiliate": affiliate,
                "offer": offer,
                "sub": sub,
                "third": (host >> np.uint64(20)) % np.uint64(256),
                "fourth": (host >> np.uint64(40)) % np.uint64(256),
                "device": np.where(unit(person, 16) < 0.25, 0, mixed(person, 17) >> np.uint64(16)),
                "page": page,
                "referred": unit(person, 18) < 0.6,
                "fraud": fraud,
            }
        )
        return frame.select(
            click_id=pl.format("{}-{}", "number", "serial"),
            ts=pl.col("ts").cast(pl.Datetime("us", "UTC")),
            affiliate_id=pl.format("aff{}", "affiliate"),
            offer_id=pl.format("offer{}", "offer"),
            sub_id=pl.when(pl.col("sub") % 17 != 16).then(pl.format("s{}", "sub")),
            ip=pl.concat_str(place["prefix"], pl.format("{}.{}", "third", "fourth"), separator="."),
            user_agent=self._agents[pl.Series(agent)],
            device_id=pl.when(pl.col("device") > 0).then(pl.format("dev{}", "device")),
            country=place["country"],
            referrer=pl.when("referred").then(pl.format("https://www.site{}.example/p/{}", "affiliate", "page")),
            fraud="fraud",
        )

    def sales(self, clicks: pl.DataFrame, seed: list[int]) -> pl.DataFrame:
        """Convert some clicks of a block; conversions may fall on later days."""
        draw = np.random.default_rng(seed)
        fraud = clicks["fraud"].to_numpy()
        chosen = draw.random(clicks.height) < CONVERTING * np.where(fraud, 2.0, 0.96)
        sold = clicks.filter(pl.Series(chosen))
        rows = sold.height
        fast = sold["fraud"].to_numpy()
        seconds = np.where(fast, 3 + draw.gamma(2.0, 3.0, rows), np.exp(draw.normal(np.log(1200), 1.7, rows)))
        customer = (draw.random(rows) * self.clicks).astype(np.int64)
        number = pl.col("offer_id").str.slice(5).cast(pl.Int64)
        money = polars_schema(Kind.CONVERSIONS)["payout"]
        payout = (number % 9 * 3 + 4).cast(pl.Float64)
        return sold.with_columns(
            clicked=pl.col("ts"), lag=pl.Series((seconds * 1e6).astype(np.int64)), extra=pl.Series(draw.random(rows))
        ).select(
            conversion_id="c" + pl.col("click_id"),
            ts=pl.col("clicked") + pl.col("lag").cast(pl.Duration("us")),
            affiliate_id="affiliate_id",
            offer_id="offer_id",
            payout=payout.cast(money),
            click_id=pl.when(pl.col("extra") < 0.98).then("click_id"),
            click_ts=pl.when(pl.col("extra") < 0.9).then("clicked"),
            sub_id="sub_id",
            ip="ip",
            user_agent=pl.when(pl.col("extra") < 0.7).then("user_agent"),
            device_id="device_id",
            country="country",
            referrer=pl.lit(None, pl.String),
            customer_id=pl.format("cust{}", pl.Series(customer)),
            order_id="o" + pl.col("click_id"),
            event=pl.lit("sale"),
            revenue=(payout * (4 + 6 * pl.col("extra"))).round(2).cast(money),
            currency=pl.lit("EUR"),
            status=pl.lit("pending"),
            locks_at=(pl.col("clicked") + pl.duration(days=45)),
        )

    def partners(self) -> pl.DataFrame:
        """Return the affiliates with their approved sites."""
        number = pl.int_range(self.affiliates)
        frame = pl.select(
            affiliate_id=pl.format("aff{}", number),
            approved_sites=pl.concat_list(pl.format("https://www.site{}.example", number)),
            status=pl.lit("active"),
        )
        schema = polars_schema(Kind.AFFILIATES)
        return frame.select(pl.lit(None, kind).alias(name) if name not in frame.columns else pl.col(name).cast(kind)
                            for name, kind in schema.items())  # fmt: skip


def write_events(programme: Programme, folder: Path) -> None:
    """Write clicks/DATE-NN.parquet, conversions/DATE.parquet and affiliates.parquet below the folder."""
    pending: list[pl.DataFrame] = []
    for kind in (Kind.CLICKS, Kind.CONVERSIONS):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    programme.partners().write_parquet(folder / "affiliates.parquet")
    for number, day in enumerate(programme.span):
        for block, clicks in enumerate(programme.day(day)):
            pending.append(programme.sales(clicks, [programme.seed, number, block, 1]))
            clicks.drop("fraud").write_parquet(folder / Kind.CLICKS / f"{day}-{block:02d}.parquet")
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        due = pl.concat(pending)
        due.filter(pl.col("ts") < end).sort("ts").write_parquet(folder / Kind.CONVERSIONS / f"{day}.parquet")
        pending = [due.filter(pl.col("ts") >= end)]


def load_lake(events: Path, workspace: Workspace) -> None:
    """Put written events into the workspace's empty lake as its parts: the lake's own writer, without ingest."""
    now = datetime.now(UTC)
    lake = Lake(workspace.lake)
    with writing(lake, command="benchmark", now=now, wait_seconds=1, waiting=lambda _: None) as writer:
        parts = []
        files = [(Kind.AFFILIATES, None, events / "affiliates.parquet")]
        for kind in (Kind.CLICKS, Kind.CONVERSIONS):
            files += [(kind, date.fromisoformat(path.name[:10]), path) for path in sorted((events / kind).iterdir())]
        for number, (kind, day, path) in enumerate(files):
            os.link(path, writer.staged(kind, day, number))
            parts.append(writer.part(kind, day, number, pl.scan_parquet(path).select(pl.len()).collect().item()))
        writer.commit(parts)
    load_book(workspace.folder("lists"))


def _microseconds(day: date) -> int:
    return int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1_000_000


def count_of(text: str) -> int:
    """Read `10M`, `250k` or a plain number."""
    units = {"k": 1_000, "M": 1_000_000}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--clicks", type=count_of, default=count_of("1M"))
    options.add_argument("--days", type=int, default=DAYS)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    began = time.perf_counter()
    events, workspace = chosen.folder / "events", chosen.folder / "workspace"
    workspace.mkdir(parents=True)
    write_events(Programme(chosen.clicks, chosen.days, chosen.seed), events)
    written = time.perf_counter()
    load_lake(events, open_workspace(workspace, {}))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"events {written - began:.1f} s, lake {time.perf_counter() - written:.1f} s, peak {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
