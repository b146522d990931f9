"""The table of claims beside measurements: every row is a measurement or says why there is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from screening.applicants.intake_fields import application
from screening.applicants.measured import NOT_KNOWN, measured
from screening.applicants.signals.finding import Finding, State, absent, unknown

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = "kettle-notes.com"


@pytest.fixture
def table(shipped):
    """Return the rows for findings: what -> (claimed, measured)."""

    def rows(*findings, **fields):
        given = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": f"https://{SITE}/"}
        person = application({**given, **fields}, shipped.screening.intake, NOW)
        return {row["what"]: (row["claimed"], row["measured"]) for row in measured(person, findings)}

    return rows


def found(code, site=SITE, **numbers):
    return Finding(code, State.FOUND, site, (), numbers)


def test_without_findings_nothing_is_claimed_to_be_measured(table):
    assert table() == {"Visits a month": ("", NOT_KNOWN)}


def test_claims_stand_beside_what_was_measured(table):
    rows = table(
        found("visits_overclaimed", None, claimed="5,000,000", domains=1_000_000),
        found("domain_young", days=70, since="2026-09-13", claimed="5,000,000"),
        found("archive_seen", first="2015-01-01", last="2026-01-01", months="30"),
        found("backlinks_known", sites=40, links=90, followed="80%", largest="a.org (2%)", concentration=0.1),
        found("graph_rank", linking=12, release="r", harmonic="7", pagerank="9", domains=100),
        found("backlinks_checked", None, declared_there=1, declared_lacking=2, declared_unseen=0),
        claimed_monthly_visits="5,000,000",
        backlinks="https://a.org/1 https://b.org/2 https://c.org/3",
    )
    assert rows["Visits a month"] == ("5,000,000", "not among the 1000000 most visited sites")
    assert rows["Domain registered"] == ("", "2026-09-13")
    assert rows["In the web archive"][1] == "2015-01-01 to 2026-01-01, 30 months"
    assert rows["Linking sites"][1] == "40 known; links followed: 80%"
    assert rows["Domain graph"][1] == "12 linking domains; position 7 of 100"
    assert rows["Declared links"] == ("3", "1 there, 2 not there, 0 not seen")


def test_what_is_not_known_says_why(table):
    rows = table(
        unknown("domain_new", SITE, "the registry of this suffix has no RDAP"),
        unknown("domain_reused", SITE, "the web archive is busy"),
        absent("visits_overclaimed"),
    )
    assert rows["Domain registered"][1] == f"{NOT_KNOWN}: the registry of this suffix has no RDAP"
    assert rows["In the web archive"][1] == f"{NOT_KNOWN}: the web archive is busy"
    assert rows["Visits a month"][1] == "among the most visited sites"


def test_several_sites_are_told_apart(table):
    rows = table(found("domain_since", since="2001-01-01"), found("domain_since", "b.org", since="2002-02-02"))
    assert rows[f"Domain registered, {SITE}"][1] == "2001-01-01"
    assert rows["Domain registered, b.org"][1] == "2002-02-02"


def test_an_old_domain_whose_past_is_clean_is_told_by_its_archive(table):
    rows = table(
        found("archive_seen", first="2015-01-01", last="2026-01-01", months="30"), absent("domain_reused", SITE)
    )
    assert rows["In the web archive"][1].startswith("2015")
