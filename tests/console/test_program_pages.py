"""Keys and webhooks by the settings page: shown once, bounded by scopes, ended for good, and in the audit trail."""

from __future__ import annotations

import html
import re

import pytest

from screening.console.pages.settings_programs import EVENT_MEANINGS, SCOPE_MEANINGS
from screening.jobs.keys import Scope
from screening.jobs.webhooks import deliver_due
from screening.store.webhooks import EVENTS

PAGE = "/settings/programs"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def own(make_scene):
    return make_scene(CONSOLE__API__KEY_SECONDS="0")


@pytest.fixture
def admin(own):
    return own.signed_in("admin")


@pytest.fixture(scope="module")
def shared_admin(scene):
    """An admin of the console that all refusals share: they change nothing."""
    return scene.signed_in("admin")


def make_key(admin, *scopes, name="payout step", days="30"):
    return admin.post(f"{PAGE}/keys", {"name": name, "scopes": list(scopes), "days": days})


def token_in(answer):
    (found,) = re.findall(r"wnw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", answer.text)
    return found


def calls(scene, token, path):
    return scene.browser().client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def acts(scene):
    return [(event.actor, event.action) for event in scene.store.browse.trail.trail(10)]


def test_every_scope_and_event_says_what_it_means():
    assert set(SCOPE_MEANINGS) == set(Scope)
    assert set(EVENT_MEANINGS) == set(EVENTS)


class TestKeys:
    def test_a_key_is_shown_once_and_opens_what_its_scopes_say(self, own, admin):
        token = token_in(make_key(admin, "runs:read"))
        assert calls(own, token, "/v1/runs") == 200
        assert calls(own, token, "/v1/sources") == 403
        listed = admin.get(PAGE).text
        assert "payout step" in listed
        assert token not in listed
        assert ("admin", "issue key") in acts(own)

    def test_a_revoked_key_opens_nothing_and_cannot_be_revoked_again(self, own, admin):
        token = token_in(make_key(admin, "runs:read"))
        revoke = f"{PAGE}/keys/{token.split('_')[1]}/revoke"
        assert admin.post(revoke).headers["location"].startswith(PAGE)
        assert calls(own, token, "/v1/runs") == 401
        assert "1 revoked or expired" in admin.get(PAGE).text
        assert admin.post(revoke).status_code == 404
        assert [act for act in acts(own) if act[1] == "revoke key"] == [("admin", "revoke key")]

    def test_a_key_ends_when_it_was_said_to(self, own, admin):
        token = token_in(make_key(admin, "runs:read", days="1"))
        own.clock.forward(hours=23)
        assert calls(own, token, "/v1/runs") == 200
        own.clock.forward(hours=2)
        assert calls(own, token, "/v1/runs") == 401

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"name": "k"}, "needs a scope"),
            ({"name": "k", "scopes": ["everything"]}, "no scope"),
            ({"name": "k", "scopes": ["runs:read", "*"]}, "no scope"),
            ({"name": " ", "scopes": ["runs:read"]}, "needs a name"),
            *(
                ({"name": "k", "scopes": ["runs:read"], "days": days}, "number of days")
                for days in ("0", "-1", "9999", "1e3", "²", "99999999999999999999")
            ),
        ],
    )
    def test_what_cannot_be_is_refused_and_stays_typed(self, scene, shared_admin, form, said):
        answer = shared_admin.post(f"{PAGE}/keys", form)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{form["name"]}"' in answer.text
        assert scene.store.keys.all() == []

    def test_a_session_that_is_no_admin_makes_and_ends_nothing(self, own, admin):
        key_id = token_in(make_key(admin, "runs:read")).split("_")[1]
        for role in ("viewer", "analyst", "manager"):
            browser = own.signed_in(role)
            assert '<form method="post" action="/settings/programs' not in browser.get(PAGE).text
            assert make_key(browser, "payouts:decide").status_code == 403
            assert browser.post(f"{PAGE}/keys/{key_id}/revoke").status_code == 403
        assert [key.revoked_at for key in own.store.keys.all()] == [None]

    def test_a_name_is_text_and_nothing_else(self, admin):
        made = make_key(admin, "runs:read", name=SCRIPT)
        for answer in (made, admin.get(PAGE)):
            assert SCRIPT not in answer.text
            assert html.escape(SCRIPT) in answer.text


class TestWebhooks:
    def test_a_webhook_shows_its_secret_once_and_what_became_of_its_messages(self, own, admin):
        form = {"url": "http://127.0.0.1:9/hook/a-secret-path", "events": ["case.changed", "case.opened"]}
        added = admin.post(f"{PAGE}/webhooks", form)
        (secret,) = re.findall(r'value="([A-Za-z0-9_-]{43})"', added.text)
        own.store.webhooks.announce("case.opened", own.clock(), {"case_id": 1})
        settings = own.console.settings.webhooks
        done = deliver_due(own.store, settings, own.clock, own.console.vault)
        assert (done.delivered, done.postponed) == (0, 1)
        page = admin.get(PAGE).text
        assert secret not in page
        # the inner network is never reached, and the page says so
        assert "127.0.0.1 is not allowed" in page
        assert ("admin", "add webhook") in acts(own)

    def test_only_who_may_change_it_sees_the_whole_address(self, own, admin):
        admin.post(f"{PAGE}/webhooks", {"url": "https://hooks.example.com/a-secret-path", "events": ["case.opened"]})
        assert "a-secret-path" in admin.get(PAGE).text
        seen = own.signed_in("manager").get(PAGE).text
        assert "hooks.example.com" in seen
        assert "a-secret-path" not in seen

    def test_a_removed_webhook_is_told_nothing_more(self, own, admin):
        admin.post(f"{PAGE}/webhooks", {"url": "https://hooks.example.com/", "events": ["case.opened"]})
        (hook,) = own.store.webhooks.all()
        own.store.webhooks.announce("case.opened", own.clock(), {"case_id": 1})
        assert admin.post(f"{PAGE}/webhooks/{hook.hook_id}/remove").status_code == 303
        assert own.store.webhooks.all() == []
        assert own.store.webhooks.due(own.clock(), 9) == []
        assert admin.post(f"{PAGE}/webhooks/{hook.hook_id}/remove").status_code == 404
        assert ("admin", "remove webhook") in acts(own)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://ann:pass@hooks.example.com/",
            "https://hooks.example.com/a b",
            "https://hooks.example.com/\r\nHost: inside",
            "https://hooks.example.com:99999/",
        ],
    )
    def test_what_is_no_address_for_messages_is_refused(self, scene, shared_admin, url):
        answer = shared_admin.post(f"{PAGE}/webhooks", {"url": url, "events": ["case.opened"]})
        assert answer.status_code == 422
        assert scene.store.webhooks.all() == []

    def test_a_webhook_needs_an_event_that_exists(self, scene, shared_admin):
        for events in ([], ["everything"]):
            answer = shared_admin.post(f"{PAGE}/webhooks", {"url": "https://hooks.example.com/", "events": events})
            assert answer.status_code == 422
        assert scene.store.webhooks.all() == []
