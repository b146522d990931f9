"""Invented names and contacts. Domains end in .example (RFC 2606) and telephone numbers are reserved for fiction,
so that nothing here is anybody's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FIRST = (
    "amber", "bright", "cedar", "clear", "coral", "daily", "ember", "fair", "fern", "first", "golden", "green",
    "harbor", "hazel", "honest", "island", "juniper", "kind", "lunar", "maple", "merry", "misty", "north", "olive",
    "open", "pearl", "pine", "prime", "quiet", "rapid", "river", "royal", "sage", "silver", "simple", "smart",
    "solar", "stone", "summit", "sunny", "swift", "true", "urban", "velvet", "violet", "vivid", "west", "wild",
    "willow", "young",
)  # fmt: skip
_SECOND = (
    "basket", "beacon", "bridge", "cart", "compass", "corner", "deals", "desk", "digest", "finder", "garden", "guide",
    "hub", "journal", "kitchen", "lane", "lantern", "ledger", "market", "meadow", "mill", "notes", "orchard",
    "outlet", "path", "picks", "planet", "point", "post", "press", "quest", "radar", "review", "saver", "scout",
    "shelf", "shop", "signal", "spot", "store", "street", "studio", "table", "trail", "vault", "verdict", "view",
    "village", "wallet", "works",
)  # fmt: skip
_PEOPLE = (
    "alex", "anna", "ben", "carla", "dan", "elena", "emma", "felix", "hana", "ivan", "jana", "jonas", "kim", "lara",
    "leo", "lucas", "maria", "mark", "mia", "nina", "noah", "olga", "omar", "paul", "petra", "ravi", "rosa", "sam",
    "sara", "tom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registration:
    """What a partner wrote when it joined. phone None: not given."""

    name: str
    email: str
    phone: str | None
    payout_account: str
    methods: tuple[str, ...]
    country: str


def site_domains(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Invent that many domains of one owner."""
    number = f"{int(rng.integers(10, 999))}" if rng.random() < 0.3 else ""
    return tuple(f"{_word(_FIRST, rng)}{_word(_SECOND, rng)}{number}.example" for _ in range(count))


def register(domain: str, country: str, methods: tuple[str, ...], rng: np.random.Generator) -> Registration:
    """Invent a registration for the owner of a domain."""
    label = domain.split(".", maxsplit=1)[0]
    return Registration(
        name=f"{label.capitalize()} {('Media', 'Digital', 'Ltd', 'Group', 'Online')[int(rng.integers(5))]}",
        email=f"{_word(_PEOPLE, rng)}@{domain}"
        if rng.random() < 0.7
        else f"{_word(_PEOPLE, rng)}.{label}@mail.example",
        phone=_phone(country, rng),
        payout_account=f"acct-{int(rng.integers(10**9, 10**10))}",
        methods=methods[: 1 + int(rng.integers(len(methods)))],
        country=country,
    )


def _phone(country: str, rng: np.random.Generator) -> str | None:
    last = int(rng.integers(100))
    if country in ("US", "CA"):
        return f"+1{int(rng.choice([202, 312, 415, 646]))}55501{last:02d}"
    if country == "GB":
        return f"+447700900{int(rng.integers(1000)):03d}"
    return None


def _word(words: tuple[str, ...], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
