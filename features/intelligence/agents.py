"""What a user agent says of itself: a person's browser, a declared bot, a tool, or something no browser sends.

A class other than `person` and `unknown` needs a positive sign. Agents that say too little (an app's own name, a bare
`device=1`) are unknown, never bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote_plus

import polars as pl
from ua_parser import Domain
from ua_parser import parser as shared_parser

from features.intelligence.agent_rules import (
    APP_CLIENT,
    AUTOMATION,
    DECLARED,
    LIBRARY,
    MISSING,
    NOT_A_BROWSER,
    SAYS_BOT,
    WHOLE_BROWSER,
    impossible,
    is_malformed,
)
from features.intelligence.releases import AGEING, ENGINES, OWN_PACE, newest_majors

_CHUNK = 50
"""Patterns per combined regular expression; larger ones are slower than several of this size (measured)."""
_REMEMBERED = 50_000
"""Agents whose reading is kept, some 25 MB: the same ones come every day."""


class AgentClass(StrEnum):
    """What kind of software a user agent names."""

    PERSON = "person"
    """A browser or an in-app view of a phone or computer."""
    DECLARED_BOT = "declared_bot"
    AUTOMATION = "automation"
    """A browser driven by a program, which says so."""
    LIBRARY = "library"
    """A programming library or command-line client."""
    IMPOSSIBLE = "impossible"
    """Well formed, but a combination that no browser has or had at that date."""
    MALFORMED = "malformed"
    """Not a user agent: an unfilled placeholder, program text, a bare `Mozilla/5.0`."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AgentPattern:
    """A regular expression (case-sensitive) for agents of one class.

    `preview` says that the name is also that of an app whose built-in browser people use (messengers, feed readers): it
    counts only where the rest of the agent is no whole browser.
    """

    pattern: str
    agent_class: AgentClass
    preview: bool = False


@dataclass(frozen=True, slots=True)
class AgentBook:
    """Patterns of non-human agents, combined for searching. Build it with `AgentBook.of`."""

    combined: tuple[tuple[AgentClass, bool, tuple[str, ...]], ...]

    @classmethod
    def of(cls, patterns: Sequence[AgentPattern]) -> AgentBook:
        """Build a book from pattern lists."""
        groups: dict[tuple[AgentClass, bool], list[str]] = {}
        for entry in patterns:
            groups.setdefault((entry.agent_class, entry.preview), []).append(f"(?:{entry.pattern})")
        return cls(
            tuple(
                (agent_class, preview, tuple("|".join(own[at : at + _CHUNK]) for at in range(0, len(own), _CHUNK)))
                for (agent_class, preview), own in groups.items()
            )
        )

    def classify(self, agents: pl.Series, on: date) -> pl.DataFrame:
        """Classify the distinct user agents of a column, as seen on a date (versions of the future are impossible).

        Returns one row per distinct agent that is not null, to be joined back on `user_agent`: `user_agent` as given;
        `agent_class` (an `AgentClass`); `agent_os`, `agent_browser`, each null where not recognised; `agent_major`,
        the browser's major version or null; `agent_mobile`, true for phones and tablets, null where the system is not
        recognised; `agent_age`, how many majors the engine is behind the newest one expected at that date (0 or more),
        null where no release calendar is carried for it.
        """
        given = agents.drop_nulls().unique(maintain_order=True).cast(pl.String)
        frame = pl.DataFrame({"user_agent": given, "text": _readable(given)})
        frame = frame.with_columns(_parsed(frame["text"]))
        frame = frame.with_columns(_versions())
        newest = newest_majors(on)
        return frame.select(
            "user_agent",
            agent_class=self._class(impossible(newest)),
            agent_os="os",
            agent_browser="browser",
            agent_major="major",
            agent_mobile=_mobile(),
            agent_age=_age({engine: pace.expected for engine, pace in newest.items()}),
        )

    def _class(self, is_impossible: pl.Expr) -> pl.Expr:
        text = pl.col("text")
        whole = text.str.contains(WHOLE_BROWSER) & ~text.str.contains(SAYS_BOT)
        listed = {
            agent_class: pl.any_horizontal(
                pl.lit(value=False),
                *(
                    text.str.contains(chunk) & (~whole if preview else pl.lit(value=True))
                    for own_class, preview, chunks in self.combined
                    if own_class is agent_class
                    for chunk in chunks
                ),
            )
            for agent_class in (AgentClass.AUTOMATION, AgentClass.DECLARED_BOT, AgentClass.LIBRARY)
        }
        program = text.str.contains(NOT_A_BROWSER) & ~text.str.contains(r"^(?:Mozilla|Opera)/\d")
        recognised = pl.col("os").is_not_null() & pl.col("browser").is_not_null()
        person = recognised & text.str.contains(r"^(Mozilla/\d|Opera/\d)")
        return (
            pl.when(text.str.contains(MISSING))
            .then(pl.lit(AgentClass.UNKNOWN.value))
            .when(is_malformed())
            .then(pl.lit(AgentClass.MALFORMED.value))
            .when(text.str.contains(APP_CLIENT) & ~text.str.contains(SAYS_BOT))
            .then(pl.lit(AgentClass.UNKNOWN.value))
            .when(text.str.contains(AUTOMATION) | listed[AgentClass.AUTOMATION])
            .then(pl.lit(AgentClass.AUTOMATION.value))
            .when(text.str.contains(LIBRARY) | listed[AgentClass.LIBRARY])
            .then(pl.lit(AgentClass.LIBRARY.value))
            .when(text.str.contains(DECLARED) | listed[AgentClass.DECLARED_BOT] | program)
            .then(pl.lit(AgentClass.DECLARED_BOT.value))
            .when(is_impossible)
            .then(pl.lit(AgentClass.IMPOSSIBLE.value))
            .when(person)
            .then(pl.lit(AgentClass.PERSON.value))
            .otherwise(pl.lit(AgentClass.UNKNOWN.value))
        )


def _readable(agents: pl.Series) -> pl.Series:
    """Undo the percent encoding that some trackers leave, and surrounding space and quotes."""
    encoded = agents.filter(agents.str.contains(r"(?i)%2f|%20|%28"))
    decoded = pl.DataFrame(
        {"given": encoded, "plain": [unquote_plus(text) for text in encoded]}, schema=["given", "plain"]
    )
    frame = pl.DataFrame({"given": agents}).join(
        decoded.with_columns(pl.all().cast(pl.String)), on="given", how="left", maintain_order="left"
    )
    return frame.select(pl.coalesce("plain", "given").str.strip_chars(" \t\r\n\"'"))["plain"]


def _parsed(agents: pl.Series) -> list[pl.Series]:
    """Return `os`, `os_major`, `browser`, `major` as the ua-parser rules read them."""
    columns = list(zip(*map(_read, agents), strict=True)) or [()] * 4
    systems, system_majors, browsers, majors = (pl.Series(values, dtype=pl.String) for values in columns)
    return [
        systems.alias("os"),
        system_majors.cast(pl.Int64, strict=False).alias("os_major"),
        browsers.alias("browser"),
        majors.cast(pl.Int64, strict=False).alias("major"),
    ]


@lru_cache(_REMEMBERED)
def _read(agent: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Read one agent: its system, that one's major, its browser, that one's major. The same on any day."""
    read = shared_parser(agent, Domain.OS | Domain.USER_AGENT)
    os_name, os_major = (read.os.family, read.os.major) if read.os else (None, None)
    browser, major = (read.user_agent.family, read.user_agent.major) if read.user_agent else (None, None)
    return os_name, os_major, browser, major


def _versions() -> list[pl.Expr]:
    return [
        pl.col("text").str.extract(pattern).cast(pl.Int64, strict=False).alias(engine)
        for engine, pattern in ENGINES.items()
    ]


def _mobile() -> pl.Expr:
    phones = ("Android", "iOS", "Windows Phone", "KaiOS", "BlackBerry OS", "Tizen", "Symbian OS", "Windows Mobile")
    television = pl.col("text").str.contains(r"(?i)smart-?tv|\bAFT[A-Z]|GoogleTV|BRAVIA|\bTV\b")
    is_phone = pl.col("os").is_in(phones) & ~television
    return pl.when(pl.col("os").is_not_null()).then(is_phone)


def _age(newest: dict[str, int]) -> pl.Expr:
    # the first engine named decides: every browser built on Chromium also names Chrome, Chrome on iOS only CriOS
    behind = pl.coalesce(*(pl.lit(newest[engine]) - pl.col(engine) for engine in AGEING)).clip(lower_bound=0)
    return pl.when(~pl.col("text").str.contains(OWN_PACE)).then(behind)
