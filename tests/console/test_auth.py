"""Signing in: passwords, one-time codes, sessions that end, and guessing that is slowed down."""

from __future__ import annotations

import re

import pyotp
import pytest
from argon2 import PasswordHasher
from console_scene import PASSWORD

from screening.errors import InputError, NotFoundError
from screening.jobs.passwords import hash_password, matches
from screening.jobs.users import People, new_secret
from screening.store import User

WRONG = "a long walk by the lake"


def people(scene):
    return People(scene.store, scene.console.settings.login, "test", scene.clock(), scene.console.vault)


def add_code(scene, name):
    """Give a person a second factor and return what makes its codes."""
    secret = new_secret()
    people(scene).enrol(name, secret)
    return pyotp.TOTP(secret)


class TestSigningIn:
    def test_the_right_password_opens_the_page_that_was_asked_for(self, scene):
        browser = scene.browser()
        asked = browser.get("/audit?page=2")
        assert asked.status_code in {303, 404}
        answer = browser.sign_in("analyst", next="/caps?x=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/caps?x=1")

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\tx", "evil"]
    )
    def test_it_never_goes_on_to_another_site(self, scene, elsewhere):
        answer = scene.browser().sign_in("viewer", next=elsewhere)
        assert answer.headers["location"] == "/"

    def test_wrong_and_unknown_names_and_disabled_people_get_the_same_words(self, make_scene):
        scene = make_scene()
        people(scene).disable("viewer")
        tries = [("analyst", WRONG), ("nobody", PASSWORD), ("viewer", PASSWORD), ("analyst", "")]
        answers = [scene.browser().sign_in(name, password) for name, password in tries[:3]]
        assert {answer.status_code for answer in answers} == {401}
        texts = {answer.text.replace(name, "?") for answer, (name, _) in zip(answers, tries, strict=False)}
        assert len({text.split("csrf")[0] for text in texts}) == 1
        assert all("Name, password or code are not right." in text for text in texts)

    def test_a_new_session_has_a_new_token_and_the_old_one_is_over(self, scene):
        browser = scene.signed_in("analyst")
        first = browser.cookie("session")
        browser.sign_in("manager")
        assert browser.cookie("session") != first
        assert scene.store.sessions.one(first) is None

    def test_only_hashes_of_tokens_are_stored(self, scene):
        browser = scene.signed_in("analyst")
        kept = scene.store.sessions.of_user("analyst")
        assert browser.cookie("session") not in {session.token_hash for session in kept}

    def test_the_audit_trail_has_who_came_went_and_was_refused_but_no_name_that_may_be_a_password(self, make_scene):
        scene = make_scene()
        browser = scene.browser()
        browser.sign_in("analyst", WRONG)
        browser.sign_in(PASSWORD, "analyst")
        browser.sign_in("analyst")
        browser.post("/logout")
        events = [(event.actor, event.action) for _, event in scene.store.audit.events()]
        assert events == [
            ("analyst", "sign in refused"),
            ("unknown person", "sign in refused"),
            ("analyst", "sign in"),
            ("analyst", "sign out"),
        ]
        assert PASSWORD not in str(scene.store.audit.events())

    def test_an_old_hash_is_made_anew(self, make_scene):
        scene = make_scene()
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        scene.store.users.add(User("old", "viewer", weak, active=True, created_at=scene.clock()))
        assert scene.browser().sign_in("old").status_code == 303
        assert scene.store.users.one("old").password_hash != weak
        assert scene.browser().sign_in("old").status_code == 303


class TestSessions:
    def test_a_session_ends_when_nobody_uses_it(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__IDLE_MINUTES="30")
        browser = scene.signed_in("viewer")
        for _ in range(3):
            scene.clock.forward(minutes=29)
            assert browser.get("/login").status_code == 303
        scene.clock.forward(minutes=31)
        assert browser.get("/login").status_code == 200

    def test_a_session_ends_after_its_hours_however_busy(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__SESSION_HOURS="1")
        browser = scene.signed_in("viewer")
        for _ in range(2):
            scene.clock.forward(minutes=29)
            assert browser.get("/login").status_code == 303
        scene.clock.forward(minutes=3)
        assert browser.get("/login").status_code == 200

    def test_logging_out_ends_it_at_the_server(self, scene):
        browser = scene.signed_in("viewer")
        token = browser.cookie("session")
        browser.post("/logout")
        assert browser.cookie("session") is None
        assert scene.store.sessions.one(token) is None

    @pytest.mark.parametrize("change", ["disable", "set_password", "set_role", "enrol"])
    def test_a_change_of_the_account_ends_its_sessions_everywhere(self, make_scene, change):
        scene = make_scene()
        browsers = [scene.signed_in("viewer") for _ in range(2)]
        details = {"set_password": ["another long walk"], "set_role": ["analyst"], "enrol": [new_secret()]}
        getattr(people(scene), change)("viewer", *details.get(change, []))
        assert [browser.get("/login").status_code for browser in browsers] == [200, 200]

    def test_cookies_are_for_this_host_and_no_script(self, make_scene):
        scene = make_scene(CONSOLE__PUBLIC_URL="https://winnow.example.com")
        answer = scene.browser().sign_in("viewer")
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 3
        for cookie in cookies:
            assert cookie.startswith("__Host-winnow-")
            assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
            assert "Domain" not in cookie


class TestCodes:
    def test_without_the_code_the_password_is_not_enough(self, make_scene):
        scene = make_scene()
        codes = add_code(scene, "admin")
        for code in ("", "000000", codes.at(scene.clock.now.replace(year=2027))):
            assert scene.browser().sign_in("admin", code=code).status_code == 401
        assert scene.browser().sign_in("admin", code=codes.at(scene.clock())).status_code == 303

    def test_a_code_is_taken_once(self, make_scene):
        scene = make_scene()
        code = add_code(scene, "admin").at(scene.clock())
        assert scene.browser().sign_in("admin", code=code).status_code == 303
        assert scene.browser().sign_in("admin", code=code).status_code == 401

    def test_clocks_may_differ_by_half_a_minute(self, make_scene):
        scene = make_scene()
        code = add_code(scene, "admin").at(scene.clock())
        scene.clock.forward(seconds=30)
        assert scene.browser().sign_in("admin", code=code).status_code == 303
        scene.clock.forward(seconds=90)
        assert scene.browser().sign_in("admin", code=code).status_code == 401


class TestGuessing:
    def test_guessing_at_an_account_is_stopped_even_with_the_right_password(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__FAILURES_PER_ACCOUNT="3")
        for number in range(3):
            assert scene.browser(f"203.0.113.{number}").sign_in("viewer", WRONG).status_code == 401
        answer = scene.browser("203.0.113.9").sign_in("viewer")
        assert answer.status_code == 429
        assert "Wait 15 min" in answer.text
        scene.clock.forward(minutes=15)
        assert scene.browser("203.0.113.9").sign_in("viewer").status_code == 303

    def test_strangers_cannot_lock_out_who_uses_a_known_browser(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__FAILURES_PER_ACCOUNT="3", CONSOLE__LOGIN__FAILURES_PER_ADDRESS="3")
        own = scene.signed_in("viewer")
        own.post("/logout")
        for _ in range(4):
            scene.browser().sign_in("viewer", WRONG)
        assert scene.browser().sign_in("viewer").status_code == 429
        assert own.sign_in("viewer").status_code == 303

    def test_a_known_browser_is_slowed_down_as_well(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__FAILURES_PER_DEVICE="2")
        own = scene.signed_in("viewer")
        own.post("/logout")
        answers = [own.sign_in("viewer", WRONG).status_code for _ in range(3)]
        assert answers == [401, 401, 429]

    def test_one_address_cannot_try_many_accounts(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__FAILURES_PER_ADDRESS="3")
        answers = [scene.browser().sign_in(f"person{number}", WRONG).status_code for number in range(4)]
        assert answers == [401, 401, 401, 429]
        assert scene.browser("198.51.100.1").sign_in("viewer").status_code == 303

    def test_an_unknown_person_costs_a_hash_too(self, monkeypatch):
        hashed = []
        real = PasswordHasher.verify
        monkeypatch.setattr(PasswordHasher, "verify", lambda *asked: hashed.append(asked[1]) or real(*asked))
        assert not matches(PASSWORD, None)
        assert not matches("x" * 10_000, hash_password(PASSWORD))
        assert len(hashed) == 2


class TestPeople:
    def test_weak_passwords_and_bad_names_are_refused(self, scene):
        for name, password in (("bob", "short"), ("bob", "b" * 20), ("bob", "bob bob bob bob"), ("bob", "x" * 1025)):
            with pytest.raises(InputError, match="password"):
                people(scene).add(name, "viewer", password)
        for name in ("", "a b", "ann\nbob", "../x", "é", "x" * 65):
            with pytest.raises(InputError, match="not a user name"):
                people(scene).add(name, "viewer", PASSWORD)
        with pytest.raises(InputError, match="no role 'root'"):
            people(scene).add("bob", "root", PASSWORD)

    def test_the_last_admin_stays(self, make_scene):
        scene = make_scene()
        for change in (lambda: people(scene).disable("admin"), lambda: people(scene).set_role("admin", "viewer")):
            with pytest.raises(InputError, match="last admin"):
                change()
        people(scene).set_role("manager", "admin")
        assert people(scene).disable("admin").active is False

    def test_changes_are_in_the_audit_trail_without_secrets(self, make_scene):
        scene = make_scene()
        people(scene).add("bob", "viewer", PASSWORD)
        people(scene).set_password("bob", WRONG)
        secret = new_secret()
        people(scene).enrol("bob", secret)
        events = str(scene.store.audit.events("user bob"))
        assert all(action in events for action in ("add user", "set password", "set second factor"))
        assert not any(hidden in events for hidden in (PASSWORD, WRONG, secret, "argon2"))

    def test_nobody_of_that_name(self, scene):
        with pytest.raises(NotFoundError, match="no user 'zoe'"):
            people(scene).disable("zoe")


class TestAccount:
    def test_a_person_changes_the_password_with_the_old_one(self, make_scene):
        scene = make_scene()
        browser = scene.signed_in("viewer")
        new = "another walk by the sea"
        wrong = browser.post("/account/password", {"password": WRONG, "new": new, "again": new})
        assert wrong.status_code == 403
        differ = browser.post("/account/password", {"password": PASSWORD, "new": new, "again": PASSWORD})
        assert differ.status_code == 422
        done = browser.post("/account/password", {"password": PASSWORD, "new": new, "again": new})
        assert done.headers["location"] == "/login"
        assert browser.get("/account").status_code == 303
        assert scene.browser().sign_in("viewer", new).status_code == 303

    def test_guessing_with_a_stolen_session_is_stopped(self, make_scene):
        scene = make_scene(CONSOLE__LOGIN__FAILURES_PER_DEVICE="2")
        browser = scene.signed_in("viewer")
        fields = {"new": PASSWORD, "again": PASSWORD}
        answers = [browser.post("/account/password", {"password": WRONG, **fields}).status_code for _ in range(3)]
        assert answers == [403, 403, 429]

    def test_codes_are_asked_for_once_one_was_shown_to_work(self, make_scene):
        scene = make_scene()
        browser = scene.signed_in("viewer")
        page = browser.post("/account/codes/begin").text
        secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)[1]
        # the code is drawn on white: on the dark colours no camera would read it
        assert re.search(r'src="data:image/svg\+xml[^"]*(%23fff|white)', page)
        bad = browser.post("/account/codes", {"password": PASSWORD, "secret": secret, "code": "000000"})
        assert bad.status_code == 422
        assert secret in bad.text  # whoever mistyped the code need not begin again
        code = pyotp.TOTP(secret).at(scene.clock())
        assert browser.post("/account/codes", {"password": PASSWORD, "secret": secret, "code": code}).status_code == 303
        assert scene.browser().sign_in("viewer").status_code == 401
        scene.clock.forward(minutes=2)
        again = scene.browser()
        assert again.sign_in("viewer", code=pyotp.TOTP(secret).at(scene.clock())).status_code == 303
        assert secret not in again.get("/account").text
        assert again.post("/account/codes/off", {"password": PASSWORD}).status_code == 303
        assert scene.browser().sign_in("viewer").status_code == 303

    def test_signing_out_everywhere_ends_all_sessions(self, make_scene):
        scene = make_scene()
        here, there = scene.signed_in("viewer"), scene.signed_in("viewer")
        assert here.get("/account").text.count("203.0.113.7") == 2
        here.post("/account/sessions/end")
        assert [browser.get("/account").status_code for browser in (here, there)] == [303, 303]
