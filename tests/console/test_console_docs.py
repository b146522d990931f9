"""The pages for people and programs name every scope, event, role and figure that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screening.jobs.gauges import gauges
from screening.jobs.keys import Scope
from screening.review.permissions import Role
from screening.store.webhooks import EVENTS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(("page", "names"), [("api.md", [*Scope, *EVENTS]), ("console.md", [*Role])])
def test_every_name_is_explained(page, names):
    text = (DOCS / page).read_text()
    assert [name for name in names if name not in text] == []


def test_every_figure_is_explained(scene):
    text = (DOCS / "api.md").read_text()
    named = {gauge.name for gauge in gauges(scene.workspace, scene.store, scene.clock())}
    assert {name for name in named if name not in text} == set()
    assert set(re.findall(r"`(winnow_\w+)`", text)) - named == {"winnow_payout_call_seconds"}


def test_every_test_that_the_threat_model_names_is_there():
    text = (DOCS / "threat-model.md").read_text()
    sources = "".join(path.read_text() for path in DOCS.parent.joinpath("tests", "console").glob("test_*.py"))
    named = re.findall(r"`([Tt]est\w+)`", text)
    assert named
    assert [name for name in named if name not in sources] == []
