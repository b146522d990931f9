"""Everflow's interface against a server with its documented limits: caps, statuses, events, refusals and silence."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from everflow_server import KEY, everflow_server

from features.schema import Kind
from screening.errors import SettingsError, UnavailableError
from screening.networks.adapter import NO_LIMIT, CapChange, RefusedError, Status, StatusChange
from screening.networks.choose import everflow_of

START = datetime.fromtimestamp(1_770_000_000, UTC)


def cap(limit="40", cap_type="daily_conversions", affiliate="7", offer="3"):
    return CapChange(f"cap-{limit}-{cap_type}", offer, affiliate, cap_type, Decimal(limit))


def status(conversion_id, wanted=Status.APPROVED):
    return StatusChange(f"{conversion_id}-{wanted}", conversion_id, wanted)


class TestCaps:
    def test_a_cap_is_made_read_and_changed(self, server, network):
        change = cap("40")
        assert network.read([change]) == {change.key: NO_LIMIT}
        network.apply("b1", [change])
        assert network.read([change]) == {change.key: "40"}
        network.apply("b2", [cap("25.9")])
        assert server.account.cap(7, 3)["daily_conversion_cap"] == 25
        assert network.expected(cap("25.9")) == "25"
        network.apply("b3", [cap("900", "total_payout")])
        assert len(server.account.caps) == 1
        assert server.account.cap(7, 3)["global_payout_cap"] == 900
        assert network.caps() == [
            {"offer_id": "3", "affiliate_id": "7", "cap_type": "daily_conversions", "limit": "25"},
            {"offer_id": "3", "affiliate_id": "7", "cap_type": "total_payout", "limit": "900"},
        ]

    def test_many_caps_come_in_pages(self, server, network):
        for number in range(450):
            server.account.caps[number] = {
                "network_custom_cap_setting_id": number,
                "network_affiliate_id": number,
                "network_offer_id": 3,
                "daily_click_cap": 5,
            }
        assert len(network.caps()) == 450

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (cap("0"), "no cap at all"),
            (cap("0.9"), "no cap at all"),
            (cap(affiliate=None), "for a partner only"),
            (cap(affiliate="seven"), "is no number"),
            (cap(offer="x3"), "is no number"),
            (status("c1", Status.HOLD), "no hold"),
        ],
    )
    def test_what_it_cannot_take_is_said_before(self, network, change, said):
        assert said in network.objection(change)

    def test_what_it_can_take_meets_no_objection(self, network):
        assert network.objection(cap("1")) is None
        assert network.objection(status("c1", Status.REJECTED)) is None


class TestStatuses:
    def test_statuses_are_set_and_read(self, server, network):
        server.account.add("c1")
        server.account.add("c/2 ä", "invalid")
        changes = [status("c1"), status("c/2 ä"), status("nobody")]
        assert network.read(changes) == {"c1-approved": "pending", "c/2 ä-approved": "invalid"}
        network.apply("b1", changes[:2])
        assert network.read(changes) == {"c1-approved": "approved", "c/2 ä-approved": "approved"}

    def test_a_refusal_is_an_error_that_says_so(self, server, network):
        with pytest.raises(RefusedError, match=r"answered 400: .*cannot be changed"):
            network.apply("b1", [status("poison")])
        server.account.faults = ["false"]
        with pytest.raises(RefusedError, match="'result': False"):
            network.apply("b2", [status("c1")])


class TestFailures:
    def test_429_is_waited_out(self, server, network):
        server.account.add("c1")
        server.account.refuse_next = 2
        network.apply("b1", [status("c1")])
        assert server.account.changes["c1"] == 1

    def test_429_says_how_long_to_wait(self, server, network):
        server.account.add("c1")
        server.account.refuse_next, server.account.retry_after = 1, "1"
        began = time.monotonic()
        network.apply("b1", [status("c1")])
        assert time.monotonic() - began >= 1

    def test_429_for_good_is_unavailable(self, server, network):
        server.account.refuse_next = 100
        with pytest.raises(UnavailableError, match="429"):
            network.apply("b1", [status("c1")])
        assert len(server.account.calls) == 3

    @pytest.mark.parametrize("fault", ["500", "500 after applying", "hang up", "silent after applying"])
    def test_a_change_of_unknown_effect_is_never_sent_twice_by_itself(self, server, network, fault):
        server.account.add("c1")
        server.account.faults = [fault]
        with pytest.raises(UnavailableError):
            network.apply("b1", [status("c1")])
        assert [method for method, _ in server.account.calls].count("PATCH") == 1

    def test_silence_is_not_waited_out_for_ever(self, server, everflow_settings, tmp_path):
        server.account.add("c1")
        server.account.faults, server.account.silence_seconds = ["silent after applying"], 60
        hasty = everflow_settings.model_copy(update={"read_seconds": 0.5})
        with pytest.raises(UnavailableError, match="did not answer"):
            everflow_of(hasty, tmp_path, {hasty.key_variable: KEY}).apply("b1", [status("c1")])

    def test_no_answer_at_all(self, server, everflow_settings, tmp_path):
        gone = everflow_settings.model_copy(update={"url": "https://localhost:1/v1"})
        network = everflow_of(gone, tmp_path, {gone.key_variable: KEY})
        with pytest.raises(UnavailableError, match="did not answer"):
            network.read([status("c1")])


def test_calls_are_paced(server, everflow_settings, tmp_path):
    slow = everflow_settings.model_copy(update={"requests_per_second": 10})
    network = everflow_of(slow, tmp_path, {slow.key_variable: KEY})
    began = time.monotonic()
    network.read([status(f"c{number}") for number in range(6)])
    assert time.monotonic() - began >= 0.5


class TestSecrets:
    def test_a_wrong_key_is_named_as_that_and_not_shown(self, everflow_settings, tmp_path):
        network = everflow_of(everflow_settings, tmp_path, {everflow_settings.key_variable: "some-wrong-key"})
        with pytest.raises(SettingsError, match="does not accept the API key") as caught:
            network.read([status("c1")])
        assert "some-wrong-key" not in str(caught.value) + repr(caught.value.as_data())

    def test_the_key_comes_from_a_file_where_no_variable_has_it(self, server, everflow_settings, tmp_path):
        (tmp_path / "key").write_text(f"{KEY}\n")
        server.account.add("c1")
        network = everflow_of(everflow_settings.model_copy(update={"key_file": "key"}), tmp_path, {})
        assert network.read([status("c1")]) == {"c1-approved": "pending"}

    def test_without_a_key_nothing_is_asked(self, everflow_settings, tmp_path):
        with pytest.raises(SettingsError, match="no API key"):
            everflow_of(everflow_settings, tmp_path, {})
        with pytest.raises(SettingsError, match="cannot be read"):
            everflow_of(everflow_settings.model_copy(update={"key_file": "none"}), tmp_path, {})

    def test_the_key_follows_no_redirect(self, server, network):
        with everflow_server() as stranger:
            server.account.moved_to = f"{stranger.url}/networks/reporting/conversions/c1"
            with pytest.raises(RefusedError, match="answered 302"):
                network.read([status("c1")])
            with pytest.raises(RefusedError, match="answered 302"):
                network.apply("b1", [status("c1")])
            assert stranger.account.calls == []

    def test_a_certificate_of_a_stranger_is_refused(self, server, everflow_settings, tmp_path):
        network = everflow_of(
            everflow_settings.model_copy(update={"ca_file": ""}), tmp_path, {everflow_settings.key_variable: KEY}
        )
        with pytest.raises(UnavailableError, match="SSLError"):
            network.read([status("c1")])
        assert server.account.calls == []


class TestEvents:
    def test_conversions_come_in_pages_and_windows_each_once(self, server, everflow_settings, tmp_path):
        for number in range(25):
            server.account.add(f"c{number}", at=1_770_000_000 + number * 86_400)
        small = everflow_settings.model_copy(update={"page_rows": 2, "window_days": 3})
        network = everflow_of(small, tmp_path, {small.key_variable: KEY})
        rows = [row for page in network.pull(Kind.CONVERSIONS, START, START + timedelta(days=25)) for row in page]
        assert [row["conversion_id"] for row in rows] == [f"c{number}" for number in range(25)]

    def test_a_period_of_too_many_clicks_is_halved_until_all_come(self, server, network):
        server.account.clicks = [
            {"transaction_id": f"k{number}", "unix_timestamp": 1_770_000_000 + number // 3} for number in range(12_000)
        ]
        rows = [row for page in network.pull(Kind.CLICKS, START, START + timedelta(days=30)) for row in page]
        assert len(rows) == 12_000
        assert len({row["transaction_id"] for row in rows}) == 12_000

    def test_more_clicks_in_a_second_than_it_shows_are_never_dropped_silently(self, server, network):
        server.account.clicks = [{"transaction_id": f"k{n}", "unix_timestamp": 1_770_000_000} for n in range(10_001)]
        with pytest.raises(UnavailableError, match="at most 10000 clicks"):
            list(network.pull(Kind.CLICKS, START, START + timedelta(days=1)))
