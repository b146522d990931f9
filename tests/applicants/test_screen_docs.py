"""The pages on screening and policy say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screening.applicants.policy import Policy
from screening.applicants.reasons import reasons
from screening.applicants.signals.vocabulary import categories, method_phrases

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_code_is_listed_with_its_tier_and_points(shipped):
    text = (DOCS / "screening.md").read_text(encoding="utf-8")
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows[cells[0].strip("`")] = cells[1:]
    points = shipped.screening.scorecard.points
    expected = {
        code: [
            reason.title,
            reason.tier.value,
            f"{points[code]:g}" if code in points else "",
            "yes" if reason.fixable else "",
            reason.partner.value,
        ]
        for code, reason in reasons().items()
    }
    assert rows == expected


def test_every_clause_and_category_is_described():
    text = (DOCS / "policy.md").read_text(encoding="utf-8")
    for clause in Policy.model_fields:
        assert f"| `{clause}` |" in text
    for category in categories():
        assert re.search(rf"\b{category.name}\b", text), category.name
    for method in method_phrases():
        assert re.search(rf"\b{method}\b", text), method


@pytest.mark.parametrize("page", ["screening.md", "policy.md"])
def test_settings_that_the_pages_name_exist(shipped, page):
    for name in re.findall(r"`((?:screening|policy|crawl)\.[a-z_.]+)`", (DOCS / page).read_text(encoding="utf-8")):
        value = shipped
        for part in name.split("."):
            value = getattr(value, part)
