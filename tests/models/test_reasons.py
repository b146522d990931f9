"""docs/reasons.md and the code say the same, and every code can be given."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from models.explain import SHARE_CODES
from models.reasons import CODES, NUMBERS, PROCEDURE, RULES, SHARES

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "reasons.md").read_text(encoding="utf-8")


def entry(reason):
    return (
        f"### `{reason.code}`\n\n{reason.title}. Severity: {reason.severity.name.lower()}. Class: {reason.invalid}. "
        f"Partner category: {reason.partner}.\n\n> {reason.explanation}\n"
    )


@pytest.mark.parametrize("reason", CODES.values(), ids=lambda reason: reason.code)
def test_the_page_says_of_a_code_what_the_code_says(reason):
    assert entry(reason) in PAGE, f"docs/reasons.md should have:\n\n{entry(reason)}"


def test_the_page_lists_no_other_code():
    assert re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE) == list(CODES)


def test_no_code_is_listed_twice():
    assert len(CODES) == len(RULES) + len(SHARES) + len(NUMBERS) + len(PROCEDURE)


def test_every_code_is_given_somewhere():
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("models", "screening")
        for path in (REPO / folder).rglob("*.py")
        if path.name != "reasons.py"
    ]
    text = "\n".join(sources).replace('f"affiliate_{status}"', '"affiliate_banned" "affiliate_paused"')
    assert [code for code in CODES if f'"{code}"' not in text] == []


def test_shares_speak_only_for_codes_of_shares():
    assert {code for code, _ in SHARE_CODES.values()} == {reason.code for reason in SHARES}


@pytest.mark.parametrize("reason", CODES.values(), ids=lambda reason: reason.code)
def test_a_partner_is_told_nothing_that_the_explanation_names(reason):
    names = [name for _, name, _, _ in Formatter().parse(reason.explanation) if name]
    assert "{" not in reason.partner
    assert all(name.isidentifier() for name in names)
    assert reason.title
    assert not reason.title.endswith(".")
