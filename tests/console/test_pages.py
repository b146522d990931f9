"""The pages as a person of each kind meets them: what they say, what they hide, and what they refuse."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from console_applicants import dossier, screen
from page_markup import HOSTILE, Markup

from screening.jobs.night_journal import Journal, StageReport, StageStatus, stamp
from screening.jobs.views.partner import token_for
from screening.store import SCREENINGS

JUDGED = datetime(2026, 3, 1, 2, tzinfo=UTC)
EVERY_PAGE = (
    "/",
    "/review/applicants",
    "/review/sources",
    "/caps",
    "/payouts",
    "/appeals",
    "/affiliates",
    "/rings",
    "/runs",
    "/runs/latest",
    "/audit",
    "/settings",
    "/settings/policy",
    "/settings/lists",
    "/settings/retention",
    "/settings/connections",
    "/settings/programs",
)


@pytest.fixture(scope="module")
def hostile(scene):
    screen(scene, HOSTILE)
    return scene


def links(text, pattern):
    return [html.unescape(found) for found in re.findall(rf'href="({pattern}[^"]*)"', text)]


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_opens_and_names_itself(hostile, path):
    answer = hostile.signed_in("admin").get(path)
    assert answer.status_code == 200
    assert len(re.findall(r"<h1", answer.text)) == 1
    headers = [attributes for tag, attributes in Markup(answer.text).elements if tag == "th"]
    assert all(attributes.get("scope") for attributes in headers)
    assert not re.search(r"\bNone\b(?! was)", re.sub(r"<[^>]+>", " ", answer.text))


def test_what_an_applicant_wrote_is_shown_as_text_wherever_it_is_shown(hostile):
    browser = hostile.signed_in("analyst")
    pages = [browser.get("/review/applicants").text, browser.get("/rings").text]
    pages += [browser.get(f"/applicant?id=APP-{number}").text for number in range(1, len(HOSTILE) + 1)]
    for page in pages:
        assert list(Markup(page).dangers()) == []
    assert html.escape(HOSTILE[0]) in pages[2]
    assert "{{ 7 * 7 }}" in pages[6]


def test_no_page_has_a_style_or_script_of_its_own(hostile):
    browser = hostile.signed_in("admin")
    for path in (*EVERY_PAGE, "/applicant?id=APP-1", "/source?affiliate=a1&offer=o1&sub=s1", "/apply"):
        assert list(Markup(browser.get(path).text).dangers()) == [], path


def test_hostile_addresses_are_answered_with_a_page_that_holds_no_markup_of_theirs(hostile):
    browser = hostile.signed_in("viewer")
    for text in HOSTILE:
        for path in (
            "/applicant?id=",
            "/source?offer=o&affiliate=",
            "/conversions?id=",
            "/review/sources?reason=",
            "/affiliate?id=",
        ):
            answer = browser.get(path + html.escape(text).replace("#", "").replace("&", "%26"))
            assert answer.status_code < 500
            assert list(Markup(answer.text).dangers()) == []
    for path in ("/review/sources?after=!!", "/review/sources?after=AAAA", "/review/nothing", "/runs/nothing"):
        assert 400 <= browser.get(path).status_code < 500


def test_an_evidence_path_that_leads_out_of_the_workspace_is_not_followed(make_scene):
    scene = make_scene()
    (scene.root.parent / "decision.json").write_text(json.dumps(dossier("APP-9", "secret words")), encoding="utf-8")
    schema = {name: kind for name, kind in SCREENINGS.items() if name != "run_id"}
    row = ("APP-9", "review", 0.2, ["site_blocks"], [], "evidence/../..", "[]")
    run = writer.run_record("screen-9", command="screen", started_at=JUDGED, finished_at=JUDGED)
    scene.store.record_screenings(run, pl.DataFrame([row], schema=schema, orient="row"))
    page = scene.signed_in("analyst").get("/applicant?id=APP-9").text
    assert "secret words" not in page
    assert "The evidence is gone" in page


def test_a_viewer_sees_the_case_and_no_buttons(hostile):
    page = hostile.signed_in("viewer").get("/source?affiliate=a1&offer=o1&sub=s1").text
    assert "Your role may look, not decide." in page
    assert "/decide" not in page


def test_deciding_goes_on_to_the_next_case_of_the_queue_and_can_be_undone(make_scene):
    scene = make_scene()
    screen(scene, ["Ann", "Ben", "Cleo"])
    browser = scene.signed_in("analyst")
    first = links(browser.get("/review/applicants").text, "/applicant")[0]
    page = browser.get(first).text
    assert "Ann" in page
    case, version = re.search(r"/cases/(\d+)/decide.*?name=\"version\" value=\"(\d+)\"", page, re.S).groups()
    sent = {"version": version, "decision": "approve", "note": "known to us", "queue": "applicants?order=age"}
    answer = browser.post(f"/cases/{case}/decide", sent)
    assert answer.status_code == 303
    after = browser.get(answer.headers["location"]).text
    assert "Ben" in after
    assert "APP-1: approved by analyst." in after
    fields = {"case": f"{case}:{int(version) + 1}", "filters": "order=age"}
    undone = browser.post("/review/applicants/undo", fields)
    assert "decision taken back" in browser.get(undone.headers["location"]).text
    assert scene.store.cases.one(int(case)).status == "open"


def test_two_people_on_one_case_the_second_is_told_what_the_first_did(make_scene):
    scene = make_scene()
    screen(scene, ["Ann"])
    one, other = scene.signed_in("analyst"), scene.signed_in("manager")
    case = scene.store.browse.cases.about("application", ("APP-1",))["APP-1"]
    sent = {"version": str(case.version), "decision": "approve"}
    assert one.post(f"/cases/{case.case_id}/decide", sent).status_code == 303
    refused = other.post(f"/cases/{case.case_id}/decide", {**sent, "decision": "reject"})
    assert refused.status_code == 409
    assert "analyst did `decide approve`" in html.unescape(refused.text)
    assert scene.store.cases.one(case.case_id).decision == "approve"


def test_a_bulk_decision_asks_first_and_reports_what_could_not_be_done(make_scene):
    scene = make_scene()
    screen(scene, ["Ann", "Ben"])
    browser = scene.signed_in("analyst")
    found = scene.store.browse.cases.about("application", ("APP-1", "APP-2"))
    chosen = [f"{found[name].case_id}:{found[name].version}" for name in ("APP-1", "APP-2")]
    asked = browser.post("/review/applicants/bulk", {"case": chosen, "act": "reject", "filters": "order=age"})
    assert "Reject 2 cases?" in asked.text
    assert scene.store.cases.one(found["APP-1"].case_id).status == "open"
    scene.signed_in("manager").post(f"/cases/{found['APP-1'].case_id}/assign", {"version": "1", "to": "manager"})
    done = browser.post("/review/applicants/bulk/confirmed", {"case": chosen, "act": "reject", "filters": "order=age"})
    assert "1 of 2 could not be done" in done.text
    assert scene.store.cases.one(found["APP-2"].case_id).decision == "reject"


def test_saved_views_are_ones_own(make_scene):
    scene = make_scene()
    mine, other = scene.signed_in("analyst"), scene.signed_in("manager")
    mine.post("/review/sources/views", {"view": "<b>short</b>", "filters": "order=clock&reason=ctct_short&evil=1"})
    assert "reason=ctct_short" in mine.get("/review/sources").text
    assert "&lt;b&gt;short&lt;/b&gt;" in mine.get("/review/sources").text
    assert "short&lt;/b&gt;" not in other.get("/review/sources").text
    view = scene.store.browse.trail.views("analyst", "source")[0]
    assert "evil" not in view.filters
    other.post("/review/sources/views/drop", {"view": str(view.view_id)})
    assert scene.store.browse.trail.views("analyst", "source") == (view,)


def test_a_cap_is_approved_by_a_manager_with_another_limit(make_scene):
    scene = make_scene()
    cap = scene.store.recommendations.newest().to_dicts()[0]
    browser = scene.signed_in("manager")
    assert f"/caps/{cap['cap_id']}" in browser.get("/caps").text
    refused = browser.post(f"/caps/{cap['cap_id']}", {"decision": "approve", "limit": "many"})
    assert refused.status_code == 422
    assert browser.post(f"/caps/{cap['cap_id']}", {"decision": "approve", "limit": "60"}).status_code == 303
    stored = scene.store.recommendations.of_ids([cap["cap_id"]]).to_dicts()[0]
    assert (stored["status"], stored["approved_limit"], stored["decided_by"]) == ("approved", Decimal(60), "manager")
    assert "60.00" in browser.get("/caps?status=approved").text


def test_an_uploaded_payout_file_is_gated_and_its_answer_can_be_downloaded(make_scene):
    scene = make_scene()
    browser = scene.signed_in("manager")
    lines = "conversion_id,amount,note\nc0,1,=1+1\nc19,20,held\n"
    secret = {"csrf": re.search(r'name="csrf" value="(\w+)"', browser.get("/payouts").text)[1]}
    sent = browser.client.post("/payouts", data=secret, files={"file": ("../../x.csv", lines, "text/csv")})
    assert sent.status_code == 303, sent.text
    page = browser.get(sent.headers["location"]).text
    assert "Download the answer" in page
    assert re.search(r"1 line</dt><dd>Conversions too soon after the click <code[^>]*>ctct_short</code>", page)
    assert re.search(r"1 line</dt><dd>Formula in the line", page)
    answer = browser.get(f"{sent.headers['location']}/answer").text
    assert re.search(r"^c0,1,=1\+1,(pay|hold)", answer, re.M)
    assert re.search(r"^c19,20,held,hold,ctct_short", answer, re.M)
    wrong = browser.client.post("/payouts", data=secret, files={"file": ("x.exe", lines, "text/csv")})
    assert wrong.status_code == 422


def test_the_audit_trail_is_verified_and_its_export_runs_nothing(make_scene):
    scene = make_scene()
    browser = scene.signed_in("manager")
    note = {"note": "=cmd|' /C calc'!A0", "queue": ""}
    browser.post("/cases/1/note", note)
    assert "The chain is whole" in browser.post("/audit/verify").text
    rows = browser.get("/audit/export").text
    assert "note" in rows
    assert not re.search(r'(^|,)"?=cmd', rows)


def test_an_application_from_the_form_waits_for_the_night(make_scene):
    scene = make_scene(PORTAL__APPLICATIONS_PER_HOUR="2")
    browser = scene.browser()
    form = {
        "name": HOSTILE[0],
        "email": "ann@travelnotes.com",
        "websites": "https://travelnotes.com\nhttps://b.travelnotes.com",
    }
    assert "Without your consent" in browser.post("/apply", form).text
    assert "websites" in browser.post("/apply", {**form, "websites": "", "consent": "yes"}).text
    sent = browser.post("/apply", {**form, "consent": "yes", "promo_methods": ["content", "nonsense"]})
    assert "was received" in sent.text
    (waiting,) = (scene.root / "drop" / "applications").glob("*.jsonl")
    body = json.loads(waiting.read_text("utf-8"))
    assert body["websites"] == ["https://travelnotes.com", "https://b.travelnotes.com"]
    assert body["promo_methods"] == ["content"]
    assert body["name"] == HOSTILE[0]
    assert browser.post("/apply", {**form, "consent": "yes"}).status_code == 200
    refused = browser.post("/apply", {**form, "consent": "yes"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
    assert "https://b.travelnotes.com" in refused.text  # nothing that was typed is lost
    scene.clock.forward(hours=1.1)
    assert browser.post("/apply", {**form, "consent": "yes"}).status_code == 200


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "This is missing"),
        ("email", "nope", "must have an @-sign"),
        ("websites", "travelnotes", "is no web address"),
        ("websites", "https://a.travelnotes.com\n" * 200, "too long"),
        ("country", "Germany", "is no country"),
        ("phone", "ask me", "is no telephone number"),
        ("claimed_monthly_visits", "many", "is not a number"),
        ("consent", "", "Without your consent"),
    ],
)
def test_the_form_says_at_each_field_what_is_wrong_and_keeps_what_was_typed(scene, field, typed, said):
    form = {"name": "Ann", "email": "ann@travelnotes.com", "websites": "https://travelnotes.com", "consent": "yes"}
    answer = scene.browser().post("/apply", {**form, "company": "Kept & Sons", field: typed})
    assert answer.status_code == 422
    (shown,) = re.findall(rf'id="{field}-fault">(.*?)</span>', answer.text)
    assert said in html.unescape(shown)
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text)
    assert f'href="#{field}"' in answer.text
    assert "Kept &amp; Sons" in answer.text
    assert not list((scene.root / "drop").glob("applications/*"))


def test_the_form_says_all_that_is_wrong_at_once(scene):
    form = {"name": "", "email": "nope", "country": "Germany", "phone": "x"}
    answer = scene.browser().post("/apply", form)
    faulty = re.findall(r'id="(\w+)-fault"', answer.text)
    assert sorted(faulty) == ["consent", "country", "email", "name", "phone", "websites"]


def test_a_partner_who_appeals_too_often_keeps_the_text(make_scene):
    scene = make_scene(PORTAL__APPEALS_PER_HOUR="1")
    affiliate = scene.store.decisions("latest").filter(pl.col("decision") == "hold")["affiliate_id"][0]
    browser, link = scene.browser(), f"/partner/{token_for(scene.workspace, affiliate, scene.clock())}"
    subject = html.unescape(re.search(r'name="subject" value="([^"]+)"', browser.get(link).text)[1])
    assert browser.post(f"{link}/appeal", {"subject": "a9/o9/", "statement": "x"}).status_code == 422
    answer = browser.post(f"{link}/appeal", {"subject": subject, "statement": "My <b>reasons</b>"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert "in an hour" in answer.text
    assert "My &lt;b&gt;reasons&lt;/b&gt;</textarea>" in answer.text
    assert scene.store.appeals.all() == []


@pytest.mark.parametrize(
    "path",
    [
        "/affiliate?id=x",
        "/applicant?id=x",
        "/source?affiliate=x&offer=y",
        "/conversions?id=x",
        "/payouts/x",
        "/cases/99",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(scene, path):
    answer = scene.signed_in("viewer").get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_nobody_is_led_where_they_may_not_go(scene):
    for role, led in (("viewer", False), ("analyst", False), ("manager", True)):
        assert ('href="/audit"' in scene.signed_in(role).get("/").text) is led


def test_strangers_are_led_nowhere_else(scene):
    browser = scene.browser()
    for path in ("/apply", "/partner/none"):
        assert 'href="/"' not in browser.get(path).text


def test_the_form_is_not_there_when_the_programme_takes_nobody(make_scene):
    assert make_scene(PORTAL__OPEN="false").browser().get("/apply").status_code == 404


def test_a_partner_contests_what_is_held_and_reads_the_answer_without_code_score_or_method(make_scene):
    scene = make_scene()
    partner, manager = scene.browser(), scene.signed_in("manager")
    held = scene.store.decisions("latest").filter(pl.col("decision") == "hold").to_dicts()[0]
    affiliate = held["affiliate_id"]
    link = re.search(
        r'value="http://localhost(/partner/[^"]+)"', manager.post("/affiliate/link", {"id": affiliate}).text
    )[1]
    page = partner.get(link).text
    subject = html.unescape(re.search(r'name="subject" value="([^"]+)"', page)[1])
    assert "We could not confirm the quality of this traffic." in page
    for secret in ("ctct_short", "soon after", "score", "p-value", "0.9", held["run_id"]):
        assert secret not in re.sub(r"<[^>]+>", " ", page), secret
    sent = partner.post(f"{link}/appeal", {"subject": subject, "statement": HOSTILE[0]})
    assert sent.status_code == 303
    assert "Your appeal was received" in partner.get(sent.headers["location"]).text
    again = partner.post(f"{link}/appeal", {"subject": subject, "statement": "Please."})
    assert "Your appeal was not taken" in again.text
    others = partner.post(f"{link}/appeal", {"subject": "a2/o1/s1", "statement": "Please."})
    assert "Your appeal was not taken" in others.text
    waiting = manager.get("/appeals").text
    assert html.escape(HOSTILE[0]) in waiting
    assert list(Markup(waiting).dangers()) == []
    manager.post("/appeals/1", {"outcome": "overturned", "reason": "Your placement explains it."})
    answered = partner.get(link).text
    assert "Your placement explains it." in answered
    assert "overturned" in answered


def test_a_partners_link_cannot_be_forged_and_ends(make_scene):
    scene = make_scene()
    browser = scene.browser()
    token = token_for(scene.workspace, "a1", scene.clock())
    head, _, signature = token.partition(".")
    assert browser.get(f"/partner/{token}").status_code == 200
    for forged in (f"{head}.AAAA{signature[4:]}", f"AAAA{head[4:]}.{signature}", head, "x", f"{token}x.y"):
        assert browser.get(f"/partner/{forged}").status_code == 404
    scene.clock.forward(days=91)
    assert browser.get(f"/partner/{token}").status_code == 404


PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16


def visited(folder, text, *, attempts=(), **changed):
    seen = {"url": text, "final_url": text, "attempts": [{"url": one} for one in attempts], "popups": [text]}
    body = {**seen, "downloads": [text], "error": None, **changed}
    (folder / "browser.json").write_text(json.dumps(body), encoding="utf-8")


def test_a_picture_of_a_strangers_site_is_shown_as_a_picture_and_nothing_else(make_scene):
    scene = make_scene()
    screen(scene, HOSTILE)
    browser, folder = scene.signed_in("viewer"), scene.root / "evidence" / "APP-1"
    shot = "/applicant/screenshot?id=APP-1"
    assert browser.get(shot).status_code == 404
    for text in HOSTILE:
        visited(folder, text, attempts=[f"https://click.network.example/{text}"])
        (folder / "screenshot.png").write_bytes(PNG)
        page = browser.get("/applicant?id=APP-1").text
        assert f'src="{shot}"' in page
        assert "Click hosts called without a click" in page
        assert list(Markup(page).dangers()) == []
    answer = browser.get(shot)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", PNG)
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    (folder / "screenshot.png").write_bytes(b"<html><script>alert(1)</script>")
    assert browser.get(shot).status_code == 404
    for broken in ("{", "[]", '{"url": 1}'):
        (folder / "browser.json").write_text(broken, encoding="utf-8")
        assert browser.get("/applicant?id=APP-1").status_code == 200


def test_staff_open_an_appeal_for_a_partner_and_answer_it(make_scene):
    scene = make_scene()
    analyst, manager = scene.signed_in("analyst"), scene.signed_in("manager")
    held = scene.store.decisions("latest").filter(pl.col("decision") == "hold").to_dicts()[0]
    subject = f"{held['affiliate_id']}/{held['offer_id']}/{held['sub_id'] or ''}"
    form = {"kind": "source", "subject": subject, "affiliate": held["affiliate_id"], "statement": HOSTILE[0]}
    prefilled = analyst.get(f"/appeals?kind=source&subject={subject}&affiliate={held['affiliate_id']}").text
    assert f'value="{subject}"' in prefilled
    for field, value in (("subject", "a9/o9/s9"), ("statement", " "), ("kind", "money"), ("affiliate", HOSTILE[1])):
        refused = analyst.post("/appeals", {**form, field: value})
        assert refused.status_code == 422
        assert "Nothing was changed" in refused.text
        assert list(Markup(refused.text).dangers()) == []
    done = analyst.post("/appeals", form)
    assert "Appeal 1: opened" in analyst.get(done.headers["location"]).text
    assert scene.store.appeals.one(1).opened_by == "analyst"
    again = analyst.post("/appeals", form)
    assert again.status_code in {409, 422}
    assert scene.signed_in("viewer").post("/appeals", form).status_code == 403
    manager.post("/appeals/1", {"outcome": "upheld", "reason": "The orders came from one machine."})
    assert scene.store.appeals.one(1).answer.status == "upheld"


def test_stale_scans_and_failed_runs_are_loud(make_scene):
    scene = make_scene()
    browser = scene.signed_in("viewer")
    assert 'role="alert"' not in browser.get("/").text
    failed = writer.run_record("scan-2", status="failed", started_at=JUDGED, finished_at=JUDGED)
    scene.store.record_run(failed)
    assert "The last scan failed" in browser.get("/").text
    scene.clock.forward(days=3)
    assert "The last scan is old" in scene.signed_in("viewer").get("/").text


def test_the_last_night_says_what_it_did_and_lacked(make_scene):
    scene = make_scene()
    browser, folder = scene.signed_in("viewer"), scene.root / "nights"
    assert "No night has run yet" in browser.get("/").text
    folder.mkdir()
    journal = Journal.of(folder, JUDGED.date())
    journal.record(
        StageReport("ingest", StageStatus.INCOMPLETE, f"3 rows set aside of {HOSTILE[0]}", {}, stamp(JUDGED))
    )
    page = browser.get("/").text
    assert "3 rows set aside" in page
    assert list(Markup(page).dangers()) == []
    assert 'role="alert"' not in page
    journal.record(StageReport("scan", StageStatus.FAILED, "The lake did not answer.", {}, stamp(JUDGED)))
    assert f"The night of {JUDGED.date()} failed at scan" in browser.get("/").text
    journal.path.write_text("{", encoding="utf-8")
    assert "journal of the last night cannot be read" in browser.get("/").text


def test_a_night_that_was_interrupted_and_one_that_never_came_are_loud(make_scene):
    scene = make_scene()
    folder = scene.root / "nights"
    folder.mkdir()
    (folder / "2026-13-45.json").write_text("{}", encoding="utf-8")  # no night: its name is no date
    journal = Journal.of(folder, JUDGED.date())
    journal.record(StageReport("ingest", StageStatus.DONE, "done", {}, stamp(JUDGED)))
    assert "did not end" not in scene.signed_in("viewer").get("/").text
    scene.clock.forward(days=1)
    assert f"The night of {JUDGED.date()} did not end" in scene.signed_in("viewer").get("/").text
    scene.clock.forward(days=2)
    assert f"The last night was that of {JUDGED.date()}" in scene.signed_in("viewer").get("/").text


def test_applications_that_the_last_screening_set_aside_are_told_however_many_runs_follow(make_scene):
    scene = make_scene()
    counts = {"quarantined": 37}
    scene.store.record_run(
        writer.run_record("screen-9", command="screen", started_at=JUDGED, finished_at=JUDGED, counts=counts)
    )
    for number in range(8):
        scene.store.record_run(
            writer.run_record(f"payout-{number}", command="payout", started_at=JUDGED, finished_at=JUDGED)
        )
    assert "The last screening set 37 applications aside" in scene.signed_in("viewer").get("/").text


def test_an_empty_queue_says_so(scene):
    assert "Nothing waits here" in scene.signed_in("viewer").get("/review/affiliates").text
    assert "No case fits these filters" in scene.signed_in("viewer").get("/review/sources?reason=nothing").text
