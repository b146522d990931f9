"""What people decided, at the payout gate: a release is paid once, confirmed fraud never, and new facts speak again."""

from __future__ import annotations

import csv
import dataclasses
from datetime import timedelta

import pytest
from review_scene import ANN, NOW, SOURCE_CASE, act, seen

from screening.jobs import payout as job
from screening.review import cases as review
from screening.store import CaseEvent

LINES = "conversion_id,payout\nc7,7\nc8,8\nc9,9\n"
CASE = dataclasses.replace(SOURCE_CASE, run_id=None)


def decide(programme, decision, *, at=NOW):
    with programme.store() as store:
        case = store.cases.open(CASE, CaseEvent(NOW, "scan", "opened"))
        return review.decide(store, seen(case), decision, act(ANN, at=at), programme.workspace.settings.review).case


def gate(programme, lines=LINES, **options):
    gated = programme.gate(programme.write("in.csv", lines), **options)
    with gated.out.open(newline="", encoding="utf-8") as out:
        return {row["conversion_id"]: (row["decision"], row["reasons"]) for row in csv.DictReader(out)}


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        ("clean", {"c7": ("pay", ""), "c8": ("pay", ""), "c9": ("reject", "ctct_short")}),
        (
            "fraud",
            {
                "c7": ("reject", "review_fraud"),
                "c8": ("reject", "review_fraud;ctct_short"),
                "c9": ("reject", "ctct_short"),
            },
        ),
        (
            "hold",
            {"c7": ("pay", ""), "c8": ("hold", "review_hold;ctct_short"), "c9": ("reject", "ctct_short")},
        ),
    ],
)
def test_the_next_gate_obeys_a_person(programme, decision, expected):
    decide(programme, decision)
    assert gate(programme) == expected


def test_what_a_person_released_is_paid_once(programme):
    decide(programme, "clean")
    assert gate(programme)["c8"] == ("pay", "")
    assert gate(programme, LINES + "c6,6\n")["c8"] == ("hold", "already_paid")
    assert programme.released()["c8"] == 8


def test_a_release_outlives_the_next_scan_but_not_a_new_fact(programme):
    decide(programme, "clean")
    programme.judge("scan-2", *["pay"] * 7, "hold", "hold")
    assert gate(programme)["c8"] == ("pay", "")
    assert gate(programme, LINES + "c6,6\n")["c7"] == ("hold", "ctct_short")  # nobody released this one


def test_a_fact_found_after_the_release_holds_again(programme):
    decide(programme, "clean")
    programme.judge("scan-2", *["pay"] * 8, "hold", reason="charged_back")
    assert gate(programme)["c8"] == ("hold", "charged_back")


def test_a_release_counts_as_a_judgement_of_its_day(programme):
    days = programme.workspace.settings.payout.scan_age_days_max
    decide(programme, "clean", at=NOW + timedelta(days=days))
    late = gate(programme, now=NOW + timedelta(days=days))
    assert late["c8"] == ("pay", "")
    assert late["c7"] == ("hold", "scan_stale")


def test_an_undone_release_is_held_again(programme):
    case = decide(programme, "clean")
    with programme.store() as store:
        review.undo(store, seen(case), act(ANN, at=NOW + timedelta(minutes=1)))
    assert gate(programme)["c8"] == ("hold", "ctct_short")


def test_a_person_who_decides_while_the_gate_works_is_obeyed(programme, monkeypatch):
    case = decide(programme, "clean")
    write, undone = job.write_payout, []

    def undo_then_write(*arguments):
        if not undone:
            with programme.store() as store:
                undone.append(review.undo(store, seen(case), act(ANN, at=NOW + timedelta(minutes=1))))
        write(*arguments)

    monkeypatch.setattr(job, "write_payout", undo_then_write)
    assert gate(programme)["c8"] == ("hold", "ctct_short")
    assert "c8" not in programme.released()
