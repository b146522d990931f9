"""The night's letters: where they go by the settings, once, whatever dies on the way."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from mail_server import mail_server
from small_programme import OCTOBER, small_programme

from screening.jobs.night_letters import plan_tell_partners, tell_partners
from screening.jobs.night_stages import Night
from screening.jobs.nightly import STAGES
from screening.jobs.progress import silent_progress
from screening.notices.mail import SmtpTransport
from screening.store import Store

NOW = OCTOBER + timedelta(days=1)


@pytest.fixture
def programme(tmp_path):
    made = small_programme(tmp_path / "ws")
    for affiliate in ("a1", "a2"):
        made.affiliate(affiliate, email=f"{affiliate}@site.example")
        made.conversion(affiliate, "10", "hold")
    made.build()
    return made


def night_of(programme, now=NOW, **settings):
    config = json.dumps(settings) if settings else ""
    return Night(small_programme(programme.workspace.root, config).workspace, now.date(), now)


def mailing(port, letters="send"):
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 5}
    notices = {"transport": "smtp", "from_address": "p@nimbus.example", "smtp": smtp}
    return {"nightly": {"letters": letters}, "notices": notices}


def tell(programme, now=NOW, **settings):
    return tell_partners(night_of(programme, now, **settings), silent_progress())


def statuses(programme):
    with programme.store() as store:
        return dict(store.outbox.counts())


def test_by_default_letters_wait_in_the_outbox_and_nothing_leaves_the_house(programme):
    done = tell(programme)
    assert done.message == "2 letters written; 2 wait for `winnow letters send`"
    assert not done.incomplete
    assert statuses(programme) == {"queued": 2}
    assert not list((programme.workspace.root / "reports").glob("letters/*"))
    with mail_server() as server:
        assert tell(programme, **mailing(server.port, "write")).counts["written_holds"] == 0
    assert server.taken == []


def test_what_this_night_itself_held_is_told_this_night(programme):
    began = OCTOBER - timedelta(minutes=10)
    done = tell(programme, now=began)
    assert done.counts["written_holds"] == 2


def test_a_night_that_sends_mails_each_letter_once(programme):
    with mail_server() as server:
        first = tell(programme, **mailing(server.port))
        again = tell(programme, **mailing(server.port))
    assert (first.counts["written_holds"], first.counts["sent"]) == (2, 2)
    assert (again.counts["written_holds"], again.counts["sent"]) == (0, 0)
    assert sorted(message["To"] for message in server.taken) == ["a1@site.example", "a2@site.example"]


def test_without_a_mail_server_sent_letters_are_files(programme):
    done = tell(programme, nightly={"letters": "send"})
    assert "2 written to reports/letters/" in done.message
    assert len(list((programme.workspace.root / "reports" / "letters").iterdir())) == 2


def test_no_letters_where_nobody_wants_them(programme):
    tell(programme, nightly={"letters": "none"})
    assert statuses(programme) == {}


def test_a_night_killed_while_it_sends_tells_nobody_twice(programme, monkeypatch):
    send = SmtpTransport.send
    tries = []

    def dies_at_the_second(self, envelope):
        tries.append(envelope.recipient)
        if len(tries) == 2:
            raise KeyboardInterrupt
        return send(self, envelope)

    with mail_server() as server:
        with monkeypatch.context() as patched:
            patched.setattr(SmtpTransport, "send", dies_at_the_second)
            with pytest.raises(KeyboardInterrupt):
                tell(programme, **mailing(server.port))
        done = tell(programme, now=NOW + timedelta(hours=1), **mailing(server.port))
    assert len(server.taken) == 1
    assert statuses(programme) == {"sent": 1, "unsure": 1}
    assert done.incomplete
    assert "1 need a person" in done.message


def test_a_backlog_goes_past_a_person(programme):
    tell(programme)
    later = NOW + timedelta(days=8)
    with mail_server() as server:
        done = tell(programme, now=later, **mailing(server.port))
    assert server.taken == []
    assert done.incomplete
    assert "2 waited too long" in done.message


def test_a_mail_server_that_is_away_costs_no_letter(programme):
    with mail_server() as server:
        away = server.port
    done = tell(programme, **mailing(away))
    assert done.incomplete
    assert "the rest waits in the outbox" in done.message
    assert statuses(programme) == {"queued": 2}


def test_a_limit_that_all_partners_share_is_told_to_each_who_sends_traffic(programme):
    cap = writer.caps(1).with_columns(
        affiliate_id=pl.lit(None, pl.String), offer_id=pl.lit("o1"), action=pl.lit("lower"),
        current=pl.lit(Decimal(500)).cast(pl.Decimal(18, 4)), recommended=pl.lit(Decimal(300)).cast(pl.Decimal(18, 4)),
        expires_at=pl.lit(NOW + timedelta(days=9)),
    )  # fmt: skip
    sources = writer.sources(3).with_columns(
        affiliate_id=pl.Series(["a1", "a2", "a1"]), offer_id=pl.Series(["o1", "o1", "o2"])
    )
    with programme.store() as store:
        store.record_scan(writer.run_record("caps-1", finished_at=OCTOBER), writer.decisions(0), sources, cap)
        [cap_id] = store.recommendations.of_status("proposed")["cap_id"]
        store.recommendations.move([cap_id], before="proposed", after="approved")
        store.recommendations.move([cap_id], before="approved", after="pushed")
    assert tell(programme).counts["written_caps"] == 2
    assert tell(programme).counts["written_caps"] == 0
    with programme.store() as store:
        letters = [letter for letter in store.outbox.all() if letter.kind == "cap"]
    assert {letter.about for letter in letters} == {"a1", "a2"}
    for letter in letters:
        assert "we have lowered the cap that all partners share for offer o1." in letter.text
        assert "From now:  300" in letter.text


def test_the_sources_of_a_run_are_read_once_for_all_its_shared_limits(programme, monkeypatch):
    read = []
    sources_of = Store.sources
    monkeypatch.setattr(Store, "sources", lambda store, run_id: read.append(run_id) or sources_of(store, run_id))
    caps = writer.caps(2).with_columns(
        affiliate_id=pl.lit(None, pl.String), offer_id=pl.Series(["o1", "o2"]), action=pl.lit("pause"),
        expires_at=pl.lit(NOW + timedelta(days=9)),
    )  # fmt: skip
    sources = writer.sources(3).with_columns(
        affiliate_id=pl.Series(["a1", "a2", "a1"]), offer_id=pl.Series(["o1", "o1", "o2"])
    )
    with programme.store() as store:
        store.record_scan(writer.run_record("caps-1", finished_at=OCTOBER), writer.decisions(0), sources, caps)
        proposed = store.recommendations.of_status("proposed")["cap_id"].to_list()
        store.recommendations.move(proposed, before="proposed", after="approved")
        store.recommendations.move(proposed, before="approved", after="pushed")
    assert tell(programme).counts["written_caps"] == 3
    assert read == ["caps-1"]


def test_it_is_a_stage_before_the_digest_and_says_what_it_would_do(programme):
    names = [stage.name for stage in STAGES]
    assert names.index("letters") < names.index("purge") < names.index("digest")
    assert plan_tell_partners(night_of(programme)) == "write the letters that are due into the outbox"
    plan = plan_tell_partners(night_of(programme, nightly={"letters": "send"}))
    assert "reports/letters/" in plan
