"""docs/caps.md and the codes of cap recommendations say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screening.caps.codes import CAP_CODES, sentences

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "caps.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in (REPO / "screening" / "caps").glob("*.py") if path.name != "codes.py"
)


@pytest.mark.parametrize("code", CAP_CODES.values(), ids=lambda code: code.code)
def test_the_page_says_what_the_code_says(code):
    entry = f"### `{code.code}`\n\n{code.title}. Partner category: {code.partner}.\n\n> {code.explanation}\n"
    assert entry in PAGE, f"docs/caps.md should have:\n\n{entry}"
    assert f'"{code.code}"' in SOURCES


def test_the_page_lists_no_other_code():
    assert re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE) == list(CAP_CODES)


def test_what_another_version_stored_is_said_as_far_as_it_can_be():
    stored = [{"code": "of_later", "numbers": {}}, {"code": "used_so_far", "numbers": {}}]
    assert sentences(stored) == ("of_later.", "Used so far.")
