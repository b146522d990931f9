"""Descriptions of kinds of settings that a tree may hold: tables, choices, optional values."""

from __future__ import annotations

from decimal import Decimal

from screening.settings.describe import Place, allowed_at, descriptions, place_of
from screening.settings.section import Section, setting


class Row(Section):
    """One row."""

    weight: float = setting("how much it counts", unit="points", ge=0)


class Tree(Section):
    """A tree for these tests."""

    weights: dict[str, float] = setting("points of each reason", unit="points")
    rows: dict[str, Row] = setting("rows by name", unit="rows")
    money: Decimal = setting("an amount", unit="currency units", ge=0, le=10)
    maybe: int | None = setting("may be unknown", unit="days", ge=1, le=9)
    words: tuple[str, ...] = setting("some words", unit="words")


def test_each_kind_in_words():
    assert {item.key: item.allowed for item in descriptions(Tree)} == {
        "weights": "table of text to number (points)",
        "rows": "table of text to a section with weight (rows)",
        "money": "decimal number from 0 to 10 currency units",
        "maybe": "whole number or null from 1 to 9 days",
        "words": "list of words",
    }


def test_paths_lead_through_tables():
    assert place_of(Tree, ("weights",)) is Place.TABLE
    assert place_of(Tree, ("weights", "any.name")) is Place.VALUE
    assert place_of(Tree, ("rows", "one")) is Place.SECTION
    assert place_of(Tree, ("rows", "one", "weight")) is Place.VALUE
    assert place_of(Tree, ("rows", "one", "wait")) is Place.NOTHING
    assert allowed_at(Tree, ("rows", "one", "weight")) == "number of at least 0 points"
