"""People's decisions teach a judge of applicants: in the shadow first, within limits once promoted.

Screenings here are real ones from the findings on: only the crawl, which has tests of its own, is replaced by findings.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from screening.applicants.reasons import Tier, reasons
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, unknown
from screening.applicants.site_facts import MEASURED, SITE_FACTS
from screening.applicants.study import Studied
from screening.cli.app import app
from screening.errors import InputError, IntegrityError
from screening.jobs import screen as screen_job
from screening.jobs.applicant_models import decisions_of_people
from screening.jobs.models import list_models, promote_model, retire_model, shadow_of_applicants
from screening.jobs.progress import silent_progress
from screening.jobs.review import whats_waiting
from screening.jobs.screen import screen_file
from screening.jobs.train_applicants import train_applicants
from screening.review import cases as review
from screening.review.act import Act, Person
from screening.store import open_store
from screening.store.observations import SHADOW
from screening.store.registry import CHALLENGER, CHAMPION
from screening.traffic.champion import model_path
from screening.workspace import open_workspace

ANN = Person("ann", "admin")
QUIET = silent_progress()
CODES = ("link_page", "redirector", "thin_content", "method_undeclared", "contact_missing", "privacy_missing")
"""Alone, the first two ask for a person and the others do not."""
SETTINGS = {
    "training": {
        "applicants": {"decided_min": 60, "each_min": 20, "trees": 30, "leaf_rows": 5, "rate": 0.2},
        "sites": {"members": 1, "trees": 10},
    },
    "screening": {"audit_share": 0.3, "learned": {"ask_share": 0.05, "spare_below": 0.25, "doubt_from": 0.5}},
}


def nature(rng):
    """Draw an applicant: whether it is bad, and what a screening finds. `link_page` harms nobody here."""
    bad = rng.random() < 0.45
    shares = (0.5, 0.8, 0.5, 0.9, 0.6, 0.5) if bad else (0.6, 0.1, 0.3, 0.05, 0.3, 0.3)
    return bad, [code for code, share in zip(CODES, shares, strict=True) if rng.random() < share]


class AnyNumbers(dict):
    """Numbers for any explanation."""

    def __missing__(self, name):
        return 1


def finding(code):
    return Finding(code, State.FOUND, "site.example", (Exhibit("https://site.example/", "seen"),), AnyNumbers(pages=3))


def measures(bad, rng):
    facts = {name: round(rng.random(), 4) for name in SITE_FACTS}
    return {**facts, "pages": 4, "words_per_page": 200 if bad else 900, "links_out_share": 0.7 if bad else 0.1}


class Programme:
    """A workspace with applicants that come in numbers, each with its nature."""

    def __init__(self, root, patch):
        root.mkdir(parents=True, exist_ok=True)
        (root / "config.yaml").write_text(json.dumps(SETTINGS))
        self.workspace = open_workspace(root, {})
        self.rng = random.Random(4)
        self.bad: dict[str, bool] = {}
        self.patch = patch

    def screen(self, findings_of):
        """Screen applicants with the given findings, by name, and return the outcomes by name."""
        path = self.workspace.root / "applications.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["application_id", "name", "email", "websites", "country", "promo_methods"])
            for name in findings_of:
                word = (
                    hashlib.sha256(name.encode()).hexdigest()[:12].translate(str.maketrans("0123456789", "ghijklmnop"))
                )
                rows.writerow(
                    [name, f"{word} {word[::-1]}", f"{word}@{word}.example", f"https://{word}.example", "", ""]
                )

        def gather(applications, how, progress):
            return {
                item.application_id: Studied(
                    item, (absent("parked", "site.example"), *findings_of[item.application_id]), (), (), (), ()
                )
                for item in applications
            }

        with self.patch.context() as patch:
            patch.setattr(screen_job, "gather", gather)
            screened = screen_file(self.workspace, path, datetime.now(UTC), QUIET)
        return screened.run_id, {outcome.application_id: outcome for outcome in screened.outcomes}

    def month(self, number, applicants):
        """Let applicants come and people decide what waits; five in a hundred decisions are mistakes."""
        findings_of = {}
        for place in range(applicants):
            bad, codes = nature(self.rng)
            measured = Finding(MEASURED, State.FOUND, "site.example", (), measures(bad, self.rng))
            self.bad[f"M{number}-{place}"] = bad
            findings_of[f"M{number}-{place}"] = (*map(finding, codes), measured)
        answer = self.screen(findings_of)
        self.decide()
        return answer

    def decide(self):
        with open_store(self.workspace.store_url) as store:
            for case in store.cases.waiting("application"):
                if case.subject in self.bad:
                    reject = self.bad[case.subject] != (self.rng.random() < 0.05)
                    act = Act(ANN, datetime.now(UTC))
                    seen = review.Seen(case.case_id, case.version)
                    review.decide(store, seen, "reject" if reject else "approve", act, self.workspace.settings.review)

    def train(self):
        return train_applicants(self.workspace, datetime.now(UTC), QUIET)


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def lived(tmp_path_factory, patch):
    """Screened for two months and taught; then another month with the judge in the shadow."""
    programme = Programme(tmp_path_factory.mktemp("people"), patch)
    programme.month(1, 90)
    programme.month(2, 90)
    trained = programme.train()
    run_id, outcomes = programme.month(3, 60)
    return programme, trained, run_id, outcomes


@pytest.fixture
def copy(lived, tmp_path, patch):
    shutil.copytree(lived[0].workspace.root, tmp_path / "copy")
    programme = Programme(tmp_path / "copy", patch)
    programme.bad = dict(lived[0].bad)
    return programme


def test_too_few_decisions_teach_nothing_and_say_how_many_it_takes(tmp_path, patch):
    programme = Programme(tmp_path / "young", patch)
    programme.month(1, 20)
    with pytest.raises(InputError, match="too few to learn") as refused:
        programme.train()
    assert "at least 20 of either kind" in str(refused.value)
    assert list_models(programme.workspace) == []


def test_a_judge_and_a_site_model_are_registered_with_their_origin_and_how_good_they_are(lived):
    programme, trained, _, _ = lived
    record = trained.judge.record
    roles = {model.name: (model.version, model.role) for model in list_models(programme.workspace)}
    site = trained.sites.record
    assert roles == {"applicants": (record.version, CHALLENGER), "sites": (site.version, CHALLENGER)}
    for model in (record, site):
        content = model_path(programme.workspace.root / "models", model.digest).read_bytes()
        assert hashlib.sha256(content).hexdigest() == model.digest
    assert record.metrics["decisions"] >= 60
    told = record.metrics["held_out"]
    assert told["judge"]["average_precision"] > told["scorecard"]["average_precision"]
    assert 0 < told["decisions"] < record.metrics["decisions"] / 2
    with open_store(programme.workspace.store_url) as store:
        events = store.audit.events(f"model applicants {record.version}")
        assert store.run(record.metrics["run_id"], "train").counts["decisions"] == record.metrics["decisions"]
    assert [event.action for _, event in events] == ["model trained"]


def test_the_same_decisions_give_the_same_models(copy):
    before = {model.version for model in list_models(copy.workspace)}
    first = copy.train()  # the month in the shadow was decided since
    assert not first.judge.known_before
    assert set(first.judge.replaced) < before
    again = copy.train()
    assert again.judge.known_before
    assert again.sites.known_before
    assert again.judge.record == first.judge.record


def test_in_the_shadow_it_changes_no_decision_and_is_written_down(lived):
    programme, trained, run_id, outcomes = lived
    with open_store(programme.workspace.store_url) as store:
        (shadow,) = [one for one in store.observations.of_run(run_id) if one.kind == SHADOW]
        screened = {row["application_id"]: row for row in store.screenings(run_id).to_dicts()}
    assert shadow.subject == trained.judge.record.version
    told = shadow.details
    assert set(told["chances"]) == set(outcomes)
    assert told["spared"]
    assert all(0 <= low <= high <= 1 for low, high in told["chances"].values())
    for row in screened.values():
        codes = {item["code"] for item in json.loads(row["reason_details"])}
        assert not codes & {"rejected_alike", "approved_alike"}
        if "model_unsure" in codes:  # marked for order, and a person was asked anyway
            points = sum(item["points"] for item in json.loads(row["reason_details"]))
            assert points >= programme.workspace.settings.screening.review_from_points or "audit_sample" in codes
    marked = [name for name, row in screened.items() if "model_unsure" in row["reasons"]]
    assert 1 <= len(marked) <= 3  # 5 % of 60
    seen = shadow_of_applicants(programme.workspace, trained.judge.record.version)
    assert (seen.runs, seen.screened, seen.spared) == (1, 60, len(told["spared"]))
    assert seen.spared_decided > 0
    assert seen.spared_rejected <= seen.spared_decided / 2


def test_promoted_it_spares_what_people_always_approve_and_doubts_what_they_reject(lived, copy):
    promote_model(copy.workspace, lived[1].judge.record.version, "Ann", datetime.now(UTC))
    harmless, worse = (
        (finding("link_page"),),
        (*map(finding, ("method_undeclared", "thin_content", "contact_missing")),),
    )
    run_id, outcomes = copy.screen(
        {f"L{number}": harmless for number in range(12)} | {f"D{number}": worse for number in range(6)}
    )
    decided = [outcomes[f"L{number}"] for number in range(12)]
    approved = [outcome for outcome in decided if outcome.decision == "approve"]
    assert len(approved) >= 4  # without the judge all are reviews
    assert all(
        outcome.decision == "review" and "audit_sample" in outcome.reasons
        for outcome in decided
        if outcome not in approved
    )
    with open_store(copy.workspace.store_url) as store:
        rows = {row["application_id"]: row for row in store.screenings(run_id).to_dicts()}
        assert store.run(run_id, "screen").versions["applicants"] == lived[1].judge.record.version
    told = {item["code"]: item for item in json.loads(rows[approved[0].application_id]["reason_details"])}
    assert told["approved_alike"]["numbers"][0]["chance"] < 0.25
    page = (copy.workspace.root / approved[0].evidence / "report.html").read_text()
    assert reasons()["approved_alike"].title in page
    doubted = [outcomes[f"D{number}"] for number in range(6)]
    assert {outcome.decision for outcome in doubted} == {"review"}
    # those that chance sends to a person anyway need no doubt
    assert all(("rejected_alike" in one.reasons) != ("audit_sample" in one.reasons) for one in doubted)
    assert any("rejected_alike" in one.reasons for one in doubted)


def test_it_never_rejects_nor_lets_through_what_a_fact_or_an_unknown_speaks_against(lived, copy):
    promote_model(copy.workspace, lived[1].judge.record.version, "Ann", datetime.now(UTC))
    harmless = finding("link_page")
    always = {
        "policy": (harmless, finding("country_unknown")),
        "unseen": (harmless, finding("site_slow")),
        "decisive": (harmless, finding("cloaking")),
        "rejects": (finding("prohibited_category"),),
        "many": (harmless, *map(finding, ("redirector", "scant_content"))),
    }
    _, outcomes = copy.screen(always)
    assert {name: outcome.decision for name, outcome in outcomes.items()} == {
        "policy": "review",
        "unseen": "review",
        "decisive": "review",
        "rejects": "reject",
        "many": "review",
    }
    # everything bad at once, of what only counts points: still a person's decision
    points = [code for code, one in reasons().items() if one.tier in {Tier.SUPPORTING, Tier.WEAK} and code in CODES]
    _, outcomes = copy.screen({"worst": tuple(map(finding, points))})
    assert outcomes["worst"].decision == "review"


def test_what_teaches_most_waits_first_and_only_one_of_each_sort(lived, copy):
    sorts = [(), ("thin_content",), ("contact_missing", "privacy_missing"), ("method_undeclared",)]
    applicants = {
        f"Q{number}": tuple(map(finding, ("link_page", *sorts[number % 4]))) for number in range(60)
    }  # all of them are reviews
    _, outcomes = copy.screen(applicants)
    marked = {name for name, outcome in outcomes.items() if "model_unsure" in outcome.reasons}
    assert len(marked) == 3  # 5 % of 60
    assert len({tuple(outcomes[name].reasons) for name in marked}) == 3
    waiting = whats_waiting(copy.workspace, datetime.now(UTC), "application").cases
    assert len(waiting) == 60
    assert {case.subject for case in waiting[:3]} == marked


def test_what_is_not_known_spares_no_review(lived, copy):
    promote_model(copy.workspace, lived[1].judge.record.version, "Ann", datetime.now(UTC))
    hidden = (finding("link_page"), *(unknown(code, "site.example", "off") for code in CODES[1:]))
    _, outcomes = copy.screen({f"H{number}": hidden for number in range(6)})
    assert {outcome.decision for outcome in outcomes.values()} == {"review"}


def test_only_closed_decisions_count_with_what_was_known_when_they_were_given(tmp_path, patch):
    programme = Programme(tmp_path / "later", patch)
    programme.screen({"A": (finding("redirector"),), "B": (finding("redirector"),), "C": (finding("redirector"),)})
    with open_store(programme.workspace.store_url) as store:
        waiting = {case.subject: case for case in store.cases.waiting("application")}
        settings = programme.workspace.settings.review
        acts = {}
        for name, decision in (("A", "reject"), ("B", "ask"), ("C", "approve")):
            act = Act(ANN, datetime.now(UTC))
            acts[name] = review.decide(
                store, review.Seen(waiting[name].case_id, waiting[name].version), decision, act, settings
            )
        again = acts["C"].case
        review.undo(store, review.Seen(again.case_id, again.version), Act(ANN, datetime.now(UTC)))
    # screened anew afterwards: what is found now was not known then
    programme.screen({"A": (finding("link_page"),)})
    with open_store(programme.workspace.store_url) as store:
        (known,) = decisions_of_people(store)
    assert (known.applicant, known.rejected, known.proposed) == ("A", True, "review")
    assert "redirector" in known.found
    assert "link_page" not in known.found


def test_a_damaged_champion_stops_the_screening_and_a_damaged_challenger_is_noted(lived, copy):
    record = lived[1].judge.record
    path = model_path(copy.workspace.root / "models", record.digest)
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    run_id, outcomes = copy.screen({"X": (finding("redirector"),)})
    assert outcomes["X"].decision == "review"
    with open_store(copy.workspace.store_url) as store:
        (noted,) = [one for one in store.observations.of_run(run_id) if one.kind == SHADOW]
    assert "not what was recorded" in noted.details["error"]
    with pytest.raises(IntegrityError):
        promote_model(copy.workspace, record.version, "Ann", datetime.now(UTC))
    path.write_bytes(content)
    promote_model(copy.workspace, record.version, "Ann", datetime.now(UTC))
    path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        copy.screen({"Y": (finding("redirector"),)})


def test_retired_the_points_decide_alone_again(lived, copy):
    record = lived[1].judge.record
    assert promote_model(copy.workspace, record.version, "Ann", datetime.now(UTC)).before == "none"
    changed = retire_model(copy.workspace, record.version, "Ann", datetime.now(UTC))
    assert (changed.before, changed.after) == (record.version, "none")
    _, outcomes = copy.screen({f"R{number}": (finding("link_page"),) for number in range(4)})
    assert {outcome.decision for outcome in outcomes.values()} == {"review"}
    assert CHAMPION not in {model.role for model in list_models(copy.workspace)}


def test_the_commands_say_it_in_words_and_as_data(lived, copy):
    root = str(copy.workspace.root)
    listed = CliRunner().invoke(app, ["models", "list", "--workspace", root])
    assert "It would spare" in listed.stdout
    assert "shipped judges." in listed.stdout
    taught = CliRunner().invoke(app, ["train", "--what", "applicants", "--workspace", root])
    assert taught.exit_code == 0, taught.output
    assert "average precision" in taught.stdout
    assert "winnow models promote" in taught.stdout
    data = json.loads(CliRunner().invoke(app, ["models", "list", "--json", "--workspace", root]).stdout)
    (seen,) = data["applicants"].values()
    assert seen["runs"] == 0  # the new judge has seen nothing yet
    assert {model["name"] for model in data["models"]} == {"applicants", "sites"}
    assert data["champion"] == "shipped"
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(data["models"][0]["created_at"])
