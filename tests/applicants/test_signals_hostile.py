"""Pages made to keep the signals busy cost a bounded time, and what they hide is still found."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from screening.applicants.intake_fields import application
from screening.applicants.policy import Policy
from screening.applicants.records import ApplicationCrawl
from screening.applicants.study import Looked, study

LENGTH = 400_000
"""Characters that the parser keeps of a page's scripts and text, as shipped."""
SECONDS = 4
"""Processor time that all signals may take for one page; an ordinary one takes about 0.01 s."""
CLICK = "https://www.awin1.com/cread.php?awinaffid=1"


def repeated(text):
    return (text * (LENGTH // len(text) + 1))[:LENGTH]


HOSTILE = {
    "open functions": f"<script>{repeated('function a( ')}</script>",
    "many navigations": "<script>" + repeated(f"'{CLICK}' location=") + "</script>",
    "half an id": f"<script>{repeated('facebook.com/tr?')}</script>",
    "trackers": "<script>" + repeated('setTrackerUrl",') + "setSiteId',1" * 1000 + "</script>",
    "pressed links": "<script>" + "".join(f"getElementById('a{n}').click();" for n in range(10_000)) + "</script>",
    "links with long paths": "".join(f'<a href="/{"%41" * 600}">x</a>' for _ in range(3000)),
    "mail addresses": "".join(f'<a href="mailto:{"a" * 60}{n}@x.com">x</a>' for n in range(5000)),
    "one long word": f"<p>{'a' * LENGTH}</p>",
    "copyright lines": f"<p>{repeated('(c) 2000 2001 ')}</p>",
    "frames": "".join(f'<iframe src="{CLICK}&x={n}" width=1></iframe>' for n in range(2000)),
    "spaces": f"<script>location{' ' * (LENGTH - 100)}='{CLICK}'</script>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_costs_a_bounded_time(crawl_of, shipped, name):
    crawl = crawl_of([("https://kettle-notes.com/", HOSTILE[name])])
    given = {"application_id": "A1", "name": "Jane", "email": "j@gmail.com", "websites": "https://kettle-notes.com/"}
    person = application(given, shipped.screening.intake, datetime(2026, 11, 22, tzinfo=UTC))
    policy = Policy(brands=["Zalmora"], prohibited_categories=["adult", "gambling"], required_disclosure=True)
    looked = Looked(person, ApplicationCrawl("A1", (crawl,), (), (), (), None))
    begun = time.process_time()
    found = study(looked, policy, shipped.screening.signals)
    assert time.process_time() - begun < SECONDS
    assert found.findings
    if name in {"many navigations", "frames"}:
        assert "forced_click" in {finding.code for finding in found.findings if finding.found}
