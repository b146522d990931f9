"""The countries that simulated visitors live in, and when they are awake.

Shares of telephones, iOS and IPv6 are rounded from what public statistics of 2023-2025 show; clocks are standard time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Region(StrEnum):
    """A market that offers and partners work in."""

    NORTH_AMERICA = "north america"
    BRITAIN = "britain"
    DACH = "dach"
    FRANCE = "france"
    SOUTH_EUROPE = "south europe"
    NORTH_EUROPE = "north europe"
    AUSTRALIA = "australia"
    LATIN_AMERICA = "latin america"
    INDIA = "india"


@dataclass(frozen=True, slots=True)
class Country:
    """A country: its share of the people of its region (0: no customers there), its clocks and its habits.

    offsets: hours ahead of UTC, each with its share of people. mobile, ios, ipv6: shares of visits by telephone, of
    telephones with iOS, of homes with IPv6.
    """

    code: str
    region: Region | None
    share: float
    offsets: tuple[tuple[float, float], ...]
    mobile: float
    ios: float
    ipv6: float


_R = Region
COUNTRIES = (
    Country("US", _R.NORTH_AMERICA, 0.86, ((-5, 0.48), (-6, 0.29), (-7, 0.07), (-8, 0.16)), 0.56, 0.58, 0.52),
    Country("CA", _R.NORTH_AMERICA, 0.14, ((-5, 0.60), (-7, 0.25), (-8, 0.15)), 0.54, 0.59, 0.40),
    Country("GB", _R.BRITAIN, 0.91, ((0, 1),), 0.58, 0.52, 0.48),
    Country("IE", _R.BRITAIN, 0.09, ((0, 1),), 0.58, 0.50, 0.25),
    Country("DE", _R.DACH, 0.80, ((1, 1),), 0.52, 0.38, 0.68),
    Country("AT", _R.DACH, 0.11, ((1, 1),), 0.53, 0.38, 0.35),
    Country("CH", _R.DACH, 0.09, ((1, 1),), 0.54, 0.55, 0.40),
    Country("FR", _R.FRANCE, 1.0, ((1, 1),), 0.55, 0.34, 0.75),
    Country("ES", _R.SOUTH_EUROPE, 0.46, ((1, 1),), 0.60, 0.25, 0.0),
    Country("IT", _R.SOUTH_EUROPE, 0.54, ((1, 1),), 0.61, 0.29, 0.0),
    Country("NL", _R.NORTH_EUROPE, 0.56, ((1, 1),), 0.54, 0.42, 0.40),
    Country("PL", _R.NORTH_EUROPE, 0.44, ((1, 1),), 0.62, 0.12, 0.20),
    Country("AU", _R.AUSTRALIA, 1.0, ((10, 0.78), (8, 0.10), (9.5, 0.12)), 0.55, 0.57, 0.30),
    Country("BR", _R.LATIN_AMERICA, 0.62, ((-3, 1),), 0.66, 0.18, 0.45),
    Country("MX", _R.LATIN_AMERICA, 0.38, ((-6, 1),), 0.64, 0.24, 0.35),
    Country("IN", _R.INDIA, 1.0, ((5.5, 1),), 0.80, 0.05, 0.65),
    Country("VN", None, 0.0, ((7, 1),), 0.75, 0.2, 0.0),
    Country("ID", None, 0.0, ((7, 1),), 0.8, 0.1, 0.0),
    Country("PH", None, 0.0, ((8, 1),), 0.75, 0.15, 0.0),
    Country("NG", None, 0.0, ((1, 1),), 0.85, 0.1, 0.0),
    Country("PK", None, 0.0, ((5, 1),), 0.8, 0.06, 0.0),
    Country("BD", None, 0.0, ((6, 1),), 0.8, 0.05, 0.0),
    Country("UA", None, 0.0, ((2, 1),), 0.5, 0.25, 0.0),
    Country("RO", None, 0.0, ((2, 1),), 0.6, 0.2, 0.0),
)
"""Customers live in the countries with a region; from the others come hired labour and spoofed visits."""

CODES = tuple(country.code for country in COUNTRIES)
LABOUR = tuple(index for index, country in enumerate(COUNTRIES) if country.region is None)

REGION_WEIGHTS = {
    _R.NORTH_AMERICA: 0.40,
    _R.BRITAIN: 0.19,
    _R.DACH: 0.14,
    _R.FRANCE: 0.06,
    _R.SOUTH_EUROPE: 0.05,
    _R.NORTH_EUROPE: 0.05,
    _R.AUSTRALIA: 0.04,
    _R.LATIN_AMERICA: 0.04,
    _R.INDIA: 0.03,
}
"""How a programme's business is spread."""

CURRENCY = {_R.BRITAIN: "GBP", _R.DACH: "EUR", _R.FRANCE: "EUR", _R.SOUTH_EUROPE: "EUR", _R.NORTH_EUROPE: "EUR"}
"""A region's own currency; networks settle the others in US dollars."""


def members(region: Region) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of a region's countries and their shares of its people."""
    found = [(index, country.share) for index, country in enumerate(COUNTRIES) if country.region is region]
    return np.array([index for index, _ in found]), np.array([share for _, share in found])
