"""Social profiles, reviews, the dossier, and re-screening."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from screening.applicants.batch import judge
from screening.applicants.dossier import dossier, earlier_of, page, write_dossier
from screening.applicants.intake_fields import application
from screening.applicants.policy import Policy, checked_policy, clauses, programme_policy, read_policy
from screening.applicants.records import ApplicationCrawl
from screening.applicants.rescreen import due_affiliates
from screening.applicants.reviews import review_findings
from screening.applicants.signals.applicant import applicant as applicant_findings
from screening.applicants.social import followers_of, handle_of, profile_findings, profiles_to_visit
from screening.applicants.study import Looked, study
from screening.errors import InputError
from screening.settings.screening import PolicySettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOME = "https://kettle-notes.com/"
PROFILE = "https://people.example/@kettle.notes"


@pytest.fixture
def jane(shipped):
    def make(**fields):
        given = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": HOME, **fields}
        return application(given, shipped.screening.intake, NOW)

    return make


def by_code(findings):
    return {finding.code: finding for finding in findings}


def test_profiles_behind_a_login_stay_unknown(jane):
    person = jane(social_profiles=["https://www.instagram.com/jane", PROFILE])
    assert profiles_to_visit(person, 5) == (PROFILE,)
    findings = profile_findings(person, {})
    assert {finding.state.value for finding in findings} == {"unknown"}
    assert "logged-in" in findings[0].why


def test_a_profile_is_read_and_its_link_back_counts(jane, page_of):
    person = jane(social_profiles=[PROFILE])
    counts = '<meta property="og:description" content="12.4K Followers, 310 Following">'
    html = f'<title>Jane Doe (@kettle.notes)</title>{counts}<a rel="me" href="{HOME}about">site</a>'
    found = by_code(profile_findings(person, {PROFILE: page_of(PROFILE, html, "single")}))
    assert found["profile_seen"].numbers["followers"] == 12_400
    assert found["profile_seen"].numbers["name_likeness"] == 100
    assert (
        "rel" in found["profile_links_back"].exhibits[0].snippet
        or "me" in found["profile_links_back"].exhibits[0].snippet
    )
    same_as = '<script type="application/ld+json">{"@type":"Person","sameAs":["https://kettle-notes.com"]}</script>'
    assert "profile_links_back" in by_code(profile_findings(person, {PROFILE: page_of(PROFILE, same_as, "single")}))
    stranger = page_of(PROFILE, "<title>Somebody</title><a href='https://else.com/'>x</a>", "single")
    assert "profile_links_back" not in by_code(profile_findings(person, {PROFILE: stranger}))


def test_a_missing_profile_is_told_from_an_unreadable_one(jane, page_of):
    person = jane(social_profiles=[PROFILE])
    gone = profile_findings(person, {PROFILE: page_of(PROFILE, "<p>gone</p>", "single", status=404)})
    assert by_code(gone)["profile_absent"].found
    walled = profile_findings(person, {PROFILE: page_of(PROFILE, "", "single", status=999)})
    assert [finding.state.value for finding in walled] == ["unknown"]


@pytest.mark.parametrize(
    ("text", "followers"),
    [
        ("1,234 followers", 1234),
        ("1.2M subscribers", 1_200_000),
        ("12,5 mil seguidores", 12_500),
        ("3 400 abonnés", 3400),
        ("12 тыс. подписчиков", 12_000),
        ("follow us", None),
        ("....k followers", None),
    ],
)
def test_counts_are_read_in_several_languages(page_of, text, followers):
    assert followers_of(page_of(PROFILE, f"<p>{text}</p>").facts) == followers


def test_handles():
    assert handle_of("https://people.example/@jane.doe/") == "janedoe"
    assert handle_of("https://people.example/") == ""


def rated(page_of, **rating):
    body = json.dumps({"@type": "Organization", "name": "Kettle", "aggregateRating": rating})
    return page_of("https://reviews.example/kettle", f'<script type="application/ld+json">{body}</script>', "single")


def test_ratings_are_shrunk_and_few_reviews_say_nothing(page_of, shipped):
    signals = shipped.screening.signals
    poor = review_findings([rated(page_of, ratingValue="1.3", reviewCount="900")], signals)
    assert poor[0].code == "reviews_poor"
    few = review_findings([rated(page_of, ratingValue=1.0, reviewCount=3)], signals)
    assert (few[0].code, few[0].numbers["mean"]) == ("reviews_seen", pytest.approx(3.26, abs=0.01))
    ten = review_findings([rated(page_of, ratingValue=9, bestRating=10, ratingCount=500)], signals)
    assert ten[0].numbers["mean"] == pytest.approx(4.46, abs=0.01)
    for absurd in ({"ratingValue": "nan", "reviewCount": 9}, {"ratingValue": 7, "reviewCount": 9}, {"ratingValue": 4}):
        assert not any(finding.found for finding in review_findings([rated(page_of, **absurd)], signals))


def test_the_form_against_the_policy(jane):
    policy = Policy(allowed_countries=["GB", "DE"], allowed_methods=["content", "email"])
    codes = {
        finding.code
        for finding in applicant_findings(jane(country="US", promo_methods=["ppc"]), policy)
        if finding.found
    }
    assert codes == {"country_not_allowed", "method_not_allowed"}
    codes = {finding.code for finding in applicant_findings(jane(), policy) if finding.found}
    assert codes == {"country_unknown", "methods_unknown"}
    fine = jane(country="uk", promo_methods=["Blog", "E-Mail"], phone="020 7946 0018")
    assert not any(finding.found for finding in applicant_findings(fine, policy))
    cited = {finding.clause for finding in applicant_findings(jane(country="US", promo_methods=["ppc"]), policy)}
    assert {"allowed_countries", "allowed_methods"} <= cited


def test_policy_files_are_typed_and_unknown_clauses_are_errors(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(
        "brands: [Zalmora]\nallowed_countries: [NO, de, UK]\nallowed_methods: Blog; PPC\nrequired_disclosure: true\n"
    )
    policy = read_policy(path)
    assert policy.allowed_countries == ("NO", "DE", "GB")
    assert policy.allowed_methods == ("content", "search")
    assert policy.required_disclosure == ("any",)
    assert clauses(policy) == ("brands/zalmora", "allowed_countries", "allowed_methods", "required_disclosure")
    for text, named in (
        ("brandz: [x]", "brandz"),
        ("allowed_countries: [Germany]", "allowed_countries"),
        ("- a", "mapping"),
        ("a: [", "neither"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=named) as caught:
            read_policy(path)
        assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path / "absent.json")


def test_a_policy_stands_in_one_place(tmp_path):
    empty = {name: () for name in PolicySettings.model_fields if name != "file"}
    section = PolicySettings(file="", **{**empty, "brands": ("Zalmora",)})
    assert programme_policy(section, tmp_path).brands == ("Zalmora",)
    (tmp_path / "p.json").write_text('{"brands": ["Nordvik"]}')
    assert programme_policy(PolicySettings(file="p.json", **empty), tmp_path).brands == ("Nordvik",)
    with pytest.raises(InputError, match="as well"):
        programme_policy(PolicySettings(file="p.json", **{**empty, "brands": ("Zalmora",)}), tmp_path)
    assert checked_policy({}, where="x") == Policy()


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_the_report_escapes_everything_an_applicant_writes(jane, crawl_of, shipped, tmp_path):
    person = jane(
        name=f"Jane {HOSTILE}", company=HOSTILE, social_profiles=["https://x.example/<script>"], country="Nowhere<b>"
    )
    html = f'<title>{HOSTILE.replace("<", "&lt;")}</title><h1>x</h1><iframe src="https://www.awin1.com/cread.php?awinaffid=1&x={HOSTILE}"></iframe>'
    crawl = ApplicationCrawl("A1", (crawl_of([(HOME, html)]),), (), (), ("crawl.hosts <b>",), None)
    (judged,) = judge([study(Looked(person, crawl), Policy(), shipped.screening.signals)], {}, [], shipped.screening)
    text = page(dossier(judged, "run-1", NOW, None))
    assert "<script" not in text
    assert "<img" not in text
    assert "<a " not in text
    assert "href" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{7*7}}" in text
    assert "49" not in text.split("Reasons")[0].replace("2026", "")
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    write_dossier(tmp_path / "A1", dossier(judged, "run-1", NOW, None))
    assert {path.name for path in (tmp_path / "A1").iterdir()} == {"decision.json", "report.html", "history.jsonl"}


def test_a_second_screening_says_what_changed(jane, crawl_of, shipped, tmp_path):
    def screened(html, run, at):
        crawl = ApplicationCrawl("A1", (crawl_of([(HOME, html)]),), (), (), (), None)
        (judged,) = judge(
            [study(Looked(jane(), crawl), Policy(), shipped.screening.signals)], {}, [], shipped.screening
        )
        data = dossier(judged, run, at, earlier_of(tmp_path))
        write_dossier(tmp_path, data)
        return data

    text = "<p>" + " ".join(f"word{number}" for number in range(400)) + "</p>"
    first = screened(text, "run-1", NOW)
    assert first["changes"] is None
    stuffed = f'{text}<iframe src="https://www.awin1.com/cread.php?awinaffid=1" width="1"></iframe>'
    second = screened(stuffed, "run-2", NOW + timedelta(days=31))
    assert second["changes"]["run_id"] == "run-1"
    assert second["changes"]["new"] == ["forced_click"]
    assert second["decision"] == "review"
    assert "forced_click" in (tmp_path / "report.html").read_text()
    assert earlier_of(tmp_path).run_id == "run-2"


def test_affiliates_come_again_when_it_is_their_turn(shipped):
    def record(number, **fields):
        base = {
            "affiliate_id": str(number),
            "name": "X",
            "email": f"x{number}@gmail.com",
            "approved_sites": [HOME],
            "status": "active",
        }
        return {**base, "joined_at": NOW, **fields}

    class Last:
        def __init__(self, days):
            self.judged_at = (NOW - timedelta(days=days)).isoformat()

    earlier = {"affiliate:1": Last(40), "affiliate:2": Last(3), "affiliate:3": None, "affiliate:6": Last(90)}
    records = [record(1), record(2), record(3), record(4, status="banned"), record(5, email=None), record(6)]
    intake = due_affiliates(records, earlier.get, shipped.screening, NOW)
    assert [item.application_id for item in intake.applications] == ["affiliate:3", "affiliate:6", "affiliate:1"]
    assert [(row.application_id, row.problem.field) for row in intake.quarantined] == [("affiliate:5", "email")]
