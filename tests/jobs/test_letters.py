"""From a programme's records to letters that are sent once, whatever dies on the way, and that leak nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email import message_from_bytes
from email.policy import default

import polars as pl
import pytest
import store_writer as writer
from mail_server import mail_server
from small_programme import OCTOBER, small_programme
from typer.testing import CliRunner

from models.evidence import PartnerCategory
from models.reasons import CODES
from screening.applicants.reasons import reasons
from screening.cli.app import app
from screening.errors import BusyError, ExitCode, InputError, SettingsError, UnavailableError
from screening.jobs.letter_facts import categories_of
from screening.jobs.letters import NIGHTLY, Occasion, partner_links, write_letters
from screening.jobs.outbox import Choice, send_letters, settle_letter
from screening.jobs.progress import silent_progress
from screening.jobs.span import Span
from screening.jobs.views.letters import letter_preview
from screening.jobs.views.partner import affiliate_of
from screening.notices.mail import SmtpTransport
from screening.store import Answer, Appeal, Case, CaseEvent, LetterStatus, Outcome, StoredLetter

NOW = OCTOBER + timedelta(days=1)
SPAN = Span(OCTOBER.date().replace(day=1), OCTOBER.date().replace(day=31))
PLANTED = ("PLANTED-EXPLANATION", "0.987654", "within 15 seconds", "threshold 0.5", "ctct_short", "secret-note")
RIVAL = "Rival Media"


@pytest.fixture
def programme(tmp_path):
    made = small_programme(tmp_path / "ws", "notices: {programme: Nimbus, from_address: p@nimbus.example}")
    made.affiliate("a1", name="Zoë", email="zoe@blog.example")
    made.affiliate("a2", name=RIVAL, email="rival@media.example")
    made.affiliate("a3", name="No Mail", email="none")
    return made


def letters_of(programme, *occasions, now=NOW, span=None, links=None):
    return write_letters(programme.workspace, occasions or NIGHTLY, now, silent_progress(), span=span, links=links)


def outbox(programme, status=None):
    with programme.store() as store:
        return store.outbox.all(status)


def hold(programme, affiliate="a1", payout="10", **more):
    return programme.conversion(affiliate, payout, "hold", sub_id="s1", score=0.987654, **more)


def screened(programme, application_id, decision, *codes):
    folder = programme.workspace.root / "evidence" / application_id
    folder.mkdir(parents=True)
    told = [
        {"code": code, "against": True, "fixable": reasons()[code].fixable, "advice": "PLANTED-EXPLANATION",
         "partner": reasons()[code].partner, "findings": [{"explanation": "PLANTED-EXPLANATION"}]}
        for code in codes
    ]  # fmt: skip
    who = {"application_id": application_id, "name": "Ann", "email": "ann@site.example", "company": RIVAL}
    body = {"application": who, "reasons": told}
    (folder / "decision.json").write_text(json.dumps(body))
    row = {"application_id": application_id, "decision": decision, "score": 0.987654, "reasons": list(codes)}
    row |= {"missing": [], "evidence": f"evidence/{application_id}", "reason_details": '["PLANTED-EXPLANATION"]'}
    schema = dict.fromkeys(("application_id", "decision", "evidence", "reason_details"), pl.String)
    schema |= {"score": pl.Float64, "reasons": pl.List(pl.String), "missing": pl.List(pl.String)}
    with programme.store() as store:
        run = writer.run_record(f"screen-{application_id}", command="screen")
        store.record_screenings(run, pl.DataFrame([row], schema=schema))


def everything(programme):
    """One of each: a hold, a pushed cap, an answered appeal, a decided application, and scorecards."""
    programme.clicks("a1", 10)
    for _ in range(3):
        hold(programme, reasons=["ctct_short", "address_repeated"])
    programme.conversion("a1", "7")
    hold(programme, "a2")
    programme.build()
    details = json.dumps(
        [{"code": "ctct_short", "numbers": {"what": "within 15 seconds", "seen": "PLANTED-EXPLANATION"}}]
    )
    cap = writer.caps(1).with_columns(
        affiliate_id=pl.lit("a1"), action=pl.lit("lower"), current=pl.lit(Decimal(500)).cast(pl.Decimal(18, 4)),
        recommended=pl.lit(Decimal(300)).cast(pl.Decimal(18, 4)), expires_at=pl.lit(NOW + timedelta(days=9)),
        reasons=pl.lit(["PLANTED-EXPLANATION threshold 0.5"]), reason_details=pl.lit(details),
    )  # fmt: skip
    with programme.store() as store:
        store.record_scan(writer.run_record("caps-1", finished_at=OCTOBER), writer.decisions(0), writer.sources(0), cap)
        [cap_id] = store.recommendations.of_status("proposed")["cap_id"]
        store.recommendations.move([cap_id], before="proposed", after="approved")
        store.recommendations.move([cap_id], before="approved", after="pushed")
        opened = store.appeals.open(
            Appeal("conversion", "c0", "a1", OCTOBER, "zoe", "secret-note of the partner", NOW + timedelta(days=5))
        )
        store.appeals.answer(opened.appeal_id, Answer("upheld", OCTOBER, "bob", "We could not see the orders."))
    screened(programme, "APP-1", "reject", "prohibited_category", "cloaking")


def test_nothing_internal_and_nothing_of_others_is_in_any_letter(programme):
    everything(programme)
    letters_of(programme, *Occasion, span=SPAN)
    found = outbox(programme)
    assert {letter.kind for letter in found} == {"hold", "cap", "appeal", "application", "scorecard"}
    codes = {*CODES, *reasons()}
    for letter in found:
        body = f"{letter.subject}\n{letter.text}\n{letter.html}"
        assert [planted for planted in PLANTED if planted in body] == []
        assert [code for code in codes if "_" in code and code in body] == []
        assert (RIVAL in body) == (letter.about == "a2")
        assert ("rival@media.example" in body) is False
        assert "bob" not in body


def test_each_letter_says_what_its_occasion_is(programme):
    everything(programme)
    done = letters_of(programme, *Occasion, span=SPAN)
    assert done.written == {"holds": 2, "caps": 1, "appeals": 1, "applications": 1, "scorecards": 2}
    texts = {(letter.kind, letter.about): letter.text for letter in outbox(programme)}
    assert "3 conversions, 10 October 2026, 30.00 USD" in texts["hold", "a1"]
    assert "We could not confirm the quality of this traffic." in texts["hold", "a1"]
    assert "before 25 October 2026, 12:00 UTC" in texts["hold", "a1"]
    assert "500 payout a day" in texts["cap", "a1"]
    assert "From now:  300 payout a day" in texts["cap", "a1"]
    assert "The hold stays." in texts["appeal", "a1"]
    assert "We could not see the orders." in texts["appeal", "a1"]
    assert reasons()["prohibited_category"].advice in texts["application", "APP-1"]
    assert "Approved payout      7.00 USD" in texts["scorecard", "a1"]
    assert "On hold              30.00 USD" in texts["scorecard", "a1"]


def test_nobody_is_told_the_same_twice_and_everybody_of_what_is_new(programme):
    hold(programme)
    programme.build()
    assert letters_of(programme, Occasion.HOLDS).written == {"holds": 1}
    assert letters_of(programme, Occasion.HOLDS, now=NOW + timedelta(days=1)).written == {"holds": 0}
    hold(programme, payout="99")
    programme.judge("scan-2", programme.judged, NOW)
    assert letters_of(programme, Occasion.HOLDS, now=NOW + timedelta(days=2)).written == {"holds": 1}
    newest = outbox(programme)[0]
    assert "1 conversion " in newest.subject
    assert "99.00 USD" in newest.text
    assert "10.00 USD" not in newest.text


def test_what_a_person_released_or_a_later_scan_cleared_is_not_called_held(programme):
    released, cleared = hold(programme), hold(programme)
    programme.build()
    programme.verdict(released, "clean")
    later = [{**row, "decision": "pay", "reasons": []} for row in programme.judged if row["conversion_id"] == cleared]
    programme.judge("scan-2", later, NOW)
    assert letters_of(programme, Occasion.HOLDS).written == {"holds": 0}


def test_what_was_paid_before_a_scan_held_it_is_not_called_held(programme):
    paid = hold(programme)
    programme.build()
    programme.release(paid, "10")
    assert letters_of(programme, Occasion.HOLDS).written == {"holds": 0}


def test_whoever_was_written_to_and_has_no_address_any_more_is_not_called_unreachable(programme):
    everything(programme)
    letters_of(programme)
    programme.rows.clear()
    for affiliate in ("a1", "a2"):
        programme.affiliate(affiliate, email="none")
    programme.build("scan-2", NOW)
    again = letters_of(programme)
    assert (sum(again.written.values()), again.unreachable) == (0, ())


def test_somebody_without_an_address_is_named_and_told_once_there_is_one(programme):
    hold(programme, "a3")
    hold(programme, "stranger")
    programme.build()
    done = letters_of(programme, Occasion.HOLDS)
    assert (done.written, done.unreachable) == ({"holds": 0}, ("a3", "stranger"))
    programme.rows.clear()
    programme.affiliate("a3", email="a3@blog.example")
    programme.build("scan-2", NOW)
    assert letters_of(programme, Occasion.HOLDS).written == {"holds": 1}


def test_partners_get_their_own_link_and_applicants_none(programme):
    everything(programme)
    letters_of(programme, *NIGHTLY, links=lambda affiliate: f"https://console.example/p/{affiliate}")
    for letter in outbox(programme):
        assert ("https://console.example/p/" in letter.text) == (letter.kind != "application")
        if letter.kind == "hold":
            assert f"https://console.example/p/{letter.about}" in letter.text


def test_the_link_opens_the_partners_own_page_and_is_there_only_where_the_console_can_be_reached(programme):
    hold(programme)
    programme.build()
    assert partner_links(programme.workspace, NOW)("a1") is None
    config = "console: {public_url: https://console.example}"
    workspace = small_programme(programme.workspace.root, config).workspace
    links = partner_links(workspace, NOW)
    write_letters(workspace, [Occasion.HOLDS], NOW, silent_progress(), links=links)
    [token] = re.findall(r"https://console\.example/partner/(\S+)", outbox(programme)[0].text)
    assert affiliate_of(workspace, token, NOW) == "a1"


def test_an_application_gets_the_decision_of_the_person_who_looked(programme):
    programme.build()
    screened(programme, "APP-1", "review", "cloaking")
    assert letters_of(programme, Occasion.APPLICATIONS).written == {"applications": 0}
    screened(programme, "affiliate:a1", "reject", "cloaking")
    screened(programme, "APP-2", "approve")
    assert letters_of(programme, Occasion.APPLICATIONS).written == {"applications": 1}
    assert outbox(programme)[0].subject == "Welcome to Nimbus"
    screened(programme, "APP-3", "review", "cloaking", "contact_missing")
    with programme.store() as store:
        case = store.cases.open(Case("application", "APP-3", NOW, ("cloaking",)), CaseEvent(NOW, "screen", "opened"))
        assert letters_of(programme, Occasion.APPLICATIONS).written == {"applications": 0}
        asked = store.cases.change(replace(case, status="snoozed", decision="ask"), CaseEvent(NOW, "ann", "ask"))
        assert letters_of(programme, Occasion.APPLICATIONS).written == {"applications": 1}
        store.cases.change(replace(asked, status="closed", decision="approve"), CaseEvent(NOW, "ann", "approve"))
        assert letters_of(programme, Occasion.APPLICATIONS).written == {"applications": 1}
    welcome, fix = outbox(programme)[:2]
    assert (welcome.about, welcome.subject) == ("APP-3", "Welcome to Nimbus")
    assert "needs something from you" in fix.subject
    assert reasons()["contact_missing"].advice in fix.text
    assert reasons()["cloaking"].advice not in fix.text or reasons()["cloaking"].fixable


def test_the_preview_is_the_letter_that_is_sent(programme):
    programme.build()
    screened(programme, "APP-4", "reject", "cloaking", "contact_missing")
    letters_of(programme, Occasion.APPLICATIONS)
    (sent,) = outbox(programme)
    with programme.store() as store:
        evidence = store.screenings("latest")["evidence"][0]
    dossier = json.loads((programme.workspace.root / evidence / "decision.json").read_text("utf-8"))
    shown = letter_preview(programme.workspace, dossier, "reject")
    assert (shown.subject, shown.text, shown.html) == (sent.subject, sent.text, sent.html)
    nothing = {**dossier, "reasons": [reason for reason in dossier["reasons"] if not reason["fixable"]]}
    assert "we will tell you what it needs" in letter_preview(programme.workspace, nothing, "ask").text


def test_codes_become_categories_and_an_unknown_one_says_nothing():
    assert categories_of(["ctct_short", "rate_low"]) == (PartnerCategory.TRAFFIC_QUALITY,)
    assert categories_of(["no_such_code"]) == (PartnerCategory.UNDER_REVIEW,)


def queue(programme, count=1):
    with programme.store() as store:
        for number in range(count):
            store.outbox.add(
                StoredLetter(f"k{number}", "hold", "a1", f"a{number}@b.example", "S", "text", "<p>html</p>", NOW, NOW)
            )


def smtp(programme, port, **more):
    notices = {"transport": "smtp", "from_address": "p@nimbus.example", **more}
    notices["smtp"] = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 5}
    return small_programme(programme.workspace.root, json.dumps({"notices": notices})).workspace


def statuses(programme):
    return [letter.status for letter in reversed(outbox(programme))]


def test_files_are_the_default_and_each_letter_becomes_one(programme):
    queue(programme, 2)
    posted = send_letters(programme.workspace, NOW, {}, silent_progress())
    files = sorted(posted.folder.iterdir())
    assert len(files) == 2
    assert {message_from_bytes(file.read_bytes(), policy=default)["To"] for file in files} == {
        "a0@b.example",
        "a1@b.example",
    }
    assert send_letters(programme.workspace, NOW, {}, silent_progress()).ended["sent"] == 0
    assert statuses(programme) == ["sent", "sent"]


def test_what_the_server_puts_off_is_tried_again_later_and_later_until_a_person_must_look(programme):
    queue(programme)
    with mail_server() as server:
        workspace = smtp(programme, server.port, attempts_max=3, retry_minutes=10)
        server.at_rcpt += ["451 come back"] * 3
        tried = []
        for minutes in range(0, 120, 5):
            posted = send_letters(workspace, NOW + timedelta(minutes=minutes), {}, silent_progress())
            if sum(posted.ended.values()):
                tried.append(minutes)
    assert tried == [0, 10, 30]
    assert statuses(programme) == ["failed"]
    assert posted.needs_a_person == 1
    assert outbox(programme)[0].note == "451 come back"


def test_a_refused_letter_fails_at_once_and_the_others_go_out(programme):
    queue(programme, 3)
    with mail_server() as server:
        server.at_rcpt += ["250 OK", "550 no such user"]
        posted = send_letters(smtp(programme, server.port), NOW, {}, silent_progress())
    assert posted.ended == {"sent": 2, "later": 0, "refused": 1, "unsure": 0}
    assert statuses(programme) == ["sent", "failed", "sent"]


def test_a_letter_whose_fate_nobody_knows_is_never_sent_again_unless_a_person_says_so(programme):
    queue(programme)
    with mail_server() as server:
        workspace = smtp(programme, server.port)
        server.at_data.append("cut")
        send_letters(workspace, NOW, {}, silent_progress())
        for days in range(5):
            send_letters(workspace, NOW + timedelta(days=days), {}, silent_progress())
        assert statuses(programme) == ["unsure"]
        assert len(server.taken) == 1
        settle_letter(workspace, 1, Choice.AGAIN, "ann", NOW)
        send_letters(workspace, NOW, {}, silent_progress())
    assert statuses(programme) == ["sent"]
    assert len({message["Message-ID"] for message in server.taken}) == 1
    with programme.store() as store:
        [event] = [event for _, event in store.audit.events() if event.action == "letter again"]
    assert (event.actor, event.subject, event.details["before"]) == ("ann", "letter 1", "unsure")


def test_killed_while_sending_the_letter_is_unsure_and_killed_before_it_waits(programme, monkeypatch):
    queue(programme, 2)
    with mail_server() as server:
        workspace = smtp(programme, server.port)

        def dies(self, envelope):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(SmtpTransport, "send", dies)
            with pytest.raises(KeyboardInterrupt):
                send_letters(workspace, NOW, {}, silent_progress())
        assert statuses(programme) == ["sending", "queued"]
        posted = send_letters(workspace, NOW + timedelta(hours=1), {}, silent_progress())
    assert posted.stranded == 1
    assert statuses(programme) == ["unsure", "sent"]
    assert server.recipients == ["a1@b.example"]


def test_without_a_server_all_letters_wait_and_none_counts_as_refused(programme):
    queue(programme, 3)
    with mail_server() as server:
        port = server.port
    posted = send_letters(smtp(programme, port), NOW, {}, silent_progress())
    assert isinstance(posted.stopped, UnavailableError)
    assert statuses(programme) == ["queued"] * 3
    assert sum(posted.ended.values()) == 0


def test_wrong_settings_are_said_before_a_letter_is_touched(programme):
    queue(programme)
    workspace = smtp(programme, 25, from_address="nobody")
    with pytest.raises(SettingsError, match=r"notices\.from_address"):
        send_letters(workspace, NOW, {}, silent_progress())
    assert outbox(programme)[0].attempts == 0


def test_two_senders_never_take_the_same_letter(programme):
    queue(programme)
    with programme.store() as store:
        first, second = store.outbox.begin(1, NOW), store.outbox.begin(1, NOW)
        assert (first.status, second) == ("sending", None)
        assert store.outbox.strand(NOW + timedelta(seconds=1)) == 1
        # the first was only slow: what it knows is better than a guess
        store.outbox.settle(first, Outcome(LetterStatus.SENT, NOW, "250"))
        assert store.outbox.one(1).status == "sent"


def test_a_letter_and_what_it_tells_of_are_stored_together_or_not_at_all(programme):
    with programme.store() as store:
        letter = StoredLetter("k", "hold", "a1", "a@b.example", "S", "t", "h", NOW, NOW)
        assert store.outbox.add(letter, ["hold/c1", "hold/c2"]).letter_id == 1
        assert store.outbox.add(letter, ["hold/c3"]) is None
        with pytest.raises(BusyError):
            store.outbox.add(StoredLetter("k2", "hold", "a1", "a@b.example", "S", "t", "h", NOW, NOW), ["hold/c2"])
        told = store.outbox.told(pl.Series(["hold/c1", "hold/c2", "hold/c3"]))
        assert (told.to_list(), len(store.outbox.all())) == (["hold/c1", "hold/c2"], 1)


@pytest.mark.parametrize("choice", [Choice.AGAIN, Choice.SENT])
def test_only_what_is_unsure_or_failed_needs_a_decision(programme, choice):
    queue(programme)
    with pytest.raises(InputError, match="is queued"):
        settle_letter(programme.workspace, 1, choice, "ann", NOW)
    assert settle_letter(programme.workspace, 1, Choice.DROP, "ann", NOW).status == "dropped"
    with pytest.raises(InputError, match="is dropped"):
        settle_letter(programme.workspace, 1, choice, "ann", NOW)
    with pytest.raises(InputError, match="no letter 9"):
        settle_letter(programme.workspace, 9, choice, "ann", NOW)


def test_the_commands(programme):
    hold(programme)
    hold(programme, "a3")
    programme.build()

    def run(*words):
        done = CliRunner().invoke(app, ["letters", *words, "--workspace", str(programme.workspace.root)])
        return done.exit_code, done.stdout

    code, said = run("write", "holds")
    assert code == ExitCode.INCOMPLETE
    assert "No usable address: a3" in said
    assert json.loads(run("write", "holds", "--json")[1]) == {"written": {"holds": 0}, "unreachable": ["a3"]}
    code, said = run("send")
    assert (code, said.splitlines()[0]) == (0, "1 sent, 0 later, 0 refused, 0 unsure")
    assert "sent" in run("list", "--status", "sent")[1]
    assert "Hello Zoë," in run("show", "1")[1]
    assert run("settle", "1", "again")[0] == ExitCode.UNUSABLE
