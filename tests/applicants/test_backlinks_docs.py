"""The page on backlinks and lookups says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from screening.applicants.reasons import reasons
from screening.jobs.backlinks import Format

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "backlinks.md").read_text(encoding="utf-8")


def test_settings_that_the_page_names_exist(shipped):
    named = re.findall(r"`((?:screening|backlinks|lookups)\.[a-z_.]+)`", TEXT)
    assert len(named) > 15
    for name in named:
        value = shipped
        for part in name.split("."):
            value = getattr(value, part)


def test_every_lookup_is_off_as_shipped(shipped):
    switches = (shipped.lookups.rdap, shipped.lookups.archive, shipped.lookups.safe_browsing)
    assert [switch.enabled for switch in switches] == [False, False, False]


def test_codes_that_the_page_names_exist_and_those_there_are_are_named():
    named = set(re.findall(r"`((?:backlinks|domain|archive|popularity|visits|listed)_[a-z_]+)`", TEXT))
    there = {code for code in reasons() if code.startswith(("backlinks_", "domain_", "visits_", "listed_"))}
    there -= {"domain_generated", "backlinks_known", "backlinks_checked"}
    assert named - set(reasons()) == set()
    assert there - named == set()


def test_every_format_is_named():
    assert [kind.value for kind in Format if kind.value not in TEXT] == []
