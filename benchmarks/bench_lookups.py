"""Classifying addresses and user agents, beside a call of geoip2fast and of ua-parser for every row.

    python benchmarks/bench_lookups.py --size 200k

Both sides see the same column, values repeating as they do in clicks. The calls a row give the country alone, and the
browser, system and device; winnow gives class, country and operator of each address, and class, age and kind of each
agent. `once a value` calls the same libraries for distinct values only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
from large_programme import Programme
from measuring import Bench, Way, run

from screening.traffic.lists import load_book

ON = date(2026, 3, 2)


def prepare(folder: Path, rows: int) -> None:
    """Write the addresses and agents of some clicks, and convert the lists once."""
    blocks = Programme(rows, days=1).day(ON)
    pl.concat([block.select("ip", "user_agent") for block in blocks]).write_parquet(folder / "clicks.parquet")
    load_book(folder / "lists")


def column(folder: Path, name: str) -> pl.Series:
    return pl.read_parquet(folder / "clicks.parquet", columns=[name])[name]


def addresses(folder: Path) -> int:
    """Load the lists, class every address, give each row its class."""
    book, _, _ = load_book(folder / "lists")
    given = column(folder, "ip")
    return given.to_frame().join(book.classify(given), on="ip", how="left")["ip_class"].count()


def agents(folder: Path) -> int:
    """Load the patterns, class every agent, give each row its class."""
    _, book, _ = load_book(folder / "lists")
    given = column(folder, "user_agent")
    return given.to_frame().join(book.classify(given, ON), on="user_agent", how="left")["agent_class"].count()


def geoip(folder: Path, apply: Callable[[Callable[[str], str], pl.Series], list[str]]) -> int:
    from geoip2fast import GeoIP2Fast  # noqa: PLC0415 - only this way needs it

    lookup = GeoIP2Fast().lookup
    return len(apply(lambda address: lookup(address).country_code, column(folder, "ip")))


def ua_parser(folder: Path, apply: Callable[[Callable[[str], object], pl.Series], list[object]]) -> int:
    from ua_parser import parse  # noqa: PLC0415 - only this way needs it

    return len(apply(parse, column(folder, "user_agent")))


def each_row(call: Callable[[str], object], values: pl.Series) -> list[object]:
    return [call(value) for value in values]


def each_value(call: Callable[[str], object], values: pl.Series) -> list[object]:
    known = {value: call(value) for value in values.unique()}
    return [known[value] for value in values]


BENCH = Bench(
    name="lookups",
    title="Lookups: what kind of address, what kind of agent",
    prepare=prepare,
    size=200_000,
    unit="clicks",
    ways={
        "winnow, addresses": Way(addresses),
        "geoip2fast, each row": Way(lambda folder: geoip(folder, each_row)),
        "geoip2fast, once a value": Way(lambda folder: geoip(folder, each_value)),
        "winnow, agents": Way(agents, against="winnow, agents"),
        "ua-parser, each row": Way(lambda folder: ua_parser(folder, each_row), against="winnow, agents"),
        "ua-parser, once a value": Way(lambda folder: ua_parser(folder, each_value), against="winnow, agents"),
    },
    against="winnow, addresses",
    notes=("Loading the lists and libraries counts on both sides.",),
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
