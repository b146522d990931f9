"""Sites that the signals were not built on: every planted fault is found with evidence, honest strangers are spared."""

from __future__ import annotations

import json

from stranger_farm import judged
from stranger_sites import BAD, HONEST, UNSEEN

from screening.applicants.reasons import Tier, reasons

_TO_REVIEW_MAX = 0.05
"""Share of honest applicants that may go to a person."""


def test_a_farm_of_strangers(tmp_path):
    with judged(tmp_path, (*HONEST, *BAD, *UNSEEN)) as found:
        honest = [item for item in found if not item.stranger.codes and not item.stranger.unseen]
        assert [item.stranger.kind for item in honest if item.outcome.decision == "reject"] == []
        reviewed = [(item.stranger.kind, item.outcome.reasons) for item in honest if item.outcome.decision == "review"]
        assert len(reviewed) <= _TO_REVIEW_MAX * len(honest), reviewed
        missed = [(item.stranger.kind, item.outcome) for item in found if item.stranger.codes and not item.right]
        assert missed == []
        for item in found:
            if item.stranger.codes:
                data = json.loads((item.folder / "decision.json").read_text())
                shown = next(reason for reason in data["reasons"] if reason["code"] in item.stranger.codes)
                exhibits = [exhibit for finding in shown["findings"] for exhibit in finding["exhibits"]]
                assert exhibits, item.stranger.kind
                assert all(exhibit["url"] and exhibit["snippet"] for exhibit in exhibits), item.stranger.kind
            if item.stranger.unseen:
                codes = [code for code in item.outcome.reasons if reasons()[code].tier is Tier.UNSEEN]
                assert item.outcome.decision == "review", item
                assert codes, item
