"""How new a browser can be at a date: release calendars of the engines, carried on beyond their last known release.

Beyond the last release we carry, two paces bound the truth: the slow one says which major is certainly out (so that
nobody's browser looks older than it is), the fast one which major can be out at all, with the channels that run ahead
of the stable one. A calendar that is years old so becomes blunt, never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

import polars as pl

ENGINES = {
    "chrome_ios": r"\bCriOS/(\d+)",
    "firefox_ios": r"\bFxiOS/(\d+)",
    "chrome": r"\b(?:Chrome|Chromium|HeadlessChrome)/(\d+)",
    "firefox": r"\bFirefox/(\d+)",
    "safari": r"\bVersion/(\d+)[\d.]* (?:Mobile/\S+ )?Safari/",
    "android": r"\bAndroid (\d+)",
}
"""Where each engine's major stands in a user agent, most telling first."""
_AGED_BY = {"chrome_ios": "chrome", "firefox_ios": "firefox"}
"""Browsers on iOS keep the version numbers of their siblings."""
AGEING = tuple(engine for engine in ENGINES if engine != "android")
"""Engines that update themselves, so that an old one says something; a phone keeps its Android for years."""
OWN_PACE = (
    r"SamsungBrowser|UCBrowser|UBrowser|MiuiBrowser|HuaweiBrowser|HeyTapBrowser|VivoBrowser|QQBrowser|MQQBrowser|Quark/|"
    r"Opera Mini|Puffin|Whale/|SmartTV|SMART-TV|Web0S|Tizen|CrKey|PlayStation|Nintendo|Xbox"
)
"""Browsers whose makers keep an engine for long: its age says nothing of the one who uses it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The newest major of an engine at a date: `expected` to be out at least, and the highest `possible`."""

    expected: int
    possible: int


@cache
def newest_majors(on: date) -> dict[str, Pace]:
    """Return the newest majors of each engine in `ENGINES` at a date."""
    calendar = _calendar()
    return {engine: _pace(calendar.filter(engine=_AGED_BY.get(engine, engine)), on) for engine in ENGINES}


def _pace(releases: pl.DataFrame, on: date) -> Pace:
    ordered = releases.sort("released")
    out = ordered.filter(pl.col("released") <= on)
    last = (out.tail(1) if len(out) else ordered.head(1)).row(0, named=True)
    days = max((on - last["released"]).days, 0)
    expected = last["major"] + days // last["slow_days"]
    possible = last["major"] + days // last["fast_days"] + 1
    following = ordered.filter(pl.col("released") > on).head(1)
    if len(following):
        expected, possible = min(expected, following["major"][0] - 1), min(possible, following["major"][0])
    return Pace(expected, possible + last["ahead"])


@cache
def _calendar() -> pl.DataFrame:
    content = resources.files("features.intelligence.data").joinpath("releases.csv").read_bytes()
    return pl.read_csv(content, infer_schema=False).with_columns(
        pl.col("released").str.to_date(), pl.col("major", "slow_days", "fast_days", "ahead").cast(pl.Int64)
    )
