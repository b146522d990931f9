"""docs/metrics.md and docs/letters.md name what there is, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from screening.jobs.kpis import Key
from screening.jobs.letters import Occasion
from screening.jobs.outbox import Choice
from screening.jobs.scorecard_figures import BUCKETS
from screening.jobs.scorecards import COLUMNS, COMPARED
from screening.notices.letter import LetterKind
from screening.settings.kpis import KpiTargets
from screening.store import LetterStatus

DOCS = Path(__file__).resolve().parents[2] / "docs"


def section(name, heading):
    text = (DOCS / name).read_text("utf-8")
    return re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], flags=re.MULTILINE)[0]


def firsts(text):
    """The names in the first column of a section's table, in order."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_every_column_of_a_scorecard_is_defined_and_no_other():
    cards = section("metrics.md", "Scorecards")
    assert sorted(firsts(cards)) == sorted(COLUMNS)
    ending = cards.split("`_before`:")[1].split("\n\n")[0]
    assert tuple(re.findall(r"`(\w+)`", ending)) == COMPARED


def test_every_place_where_payout_may_stand_is_defined():
    assert set(firsts(section("metrics.md", "Where a conversion's payout stands"))) == set(BUCKETS)


def test_every_key_figure_is_defined_and_its_target_is_met_from_the_side_that_the_page_says():
    text = section("metrics.md", "Key figures")
    assert firsts(text) == [str(key) for key in Key]
    assert [name for name in KpiTargets.model_fields if not name.endswith("_min")] == ["return_rate_max"]
    assert {name.rsplit("_", 1)[0] for name in KpiTargets.model_fields} == {str(key) for key in Key}


def test_every_letter_status_and_choice_is_explained():
    text = (DOCS / "letters.md").read_text("utf-8")
    assert set(firsts(section("letters.md", "Sending"))) == {str(status) for status in LetterStatus}
    assert all(str(choice) in text for choice in Choice)
    assert all(str(occasion) in text for occasion in Occasion)


def test_every_kind_of_letter_is_described():
    rows = [line for line in section("letters.md", "What a partner reads").splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows[1:]] == ["hold", "cap", "appeal", "application", "scorecard"]
    assert {row.split("|")[1].strip() for row in rows[1:]} == {str(kind) for kind in LetterKind}
