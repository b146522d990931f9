"""Forged forms, foreign hosts, headers, sizes and paths."""

from __future__ import annotations

import pytest
from console_scene import PASSWORD
from starlette.testclient import TestClient

from screening.console.csrf import FIELD, token_for

FORM = {"name": "viewer", "password": PASSWORD}


class TestForms:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:8471"},
            {"Origin": "http://localhost.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_a_form_of_another_site_is_refused_even_with_the_token(self, scene, headers):
        answer = scene.browser().post("/login", FORM, headers=headers)
        assert answer.status_code == 403
        assert "another site" in answer.text

    @pytest.mark.parametrize("token", ["", "0" * 64, "é", token_for("another session")])
    def test_a_form_without_the_right_token_is_refused(self, scene, token):
        browser = scene.browser()
        browser.get("/login")
        answer = browser.client.post("/login", data={**FORM, FIELD: token})
        assert answer.status_code == 403
        assert "out of date" in answer.text

    def test_a_token_of_one_session_is_none_for_another(self, scene):
        mine, other = scene.signed_in("viewer"), scene.signed_in("viewer")
        answer = mine.client.post("/theme", data={"theme": "dark", FIELD: token_for(other.cookie("session"))})
        assert answer.status_code == 403

    def test_a_token_without_a_cookie_is_none(self, scene):
        assert scene.browser().client.post("/theme", data={"theme": "dark", FIELD: token_for("")}).status_code == 403

    def test_a_script_of_ours_may_send_it_as_a_header(self, scene):
        browser = scene.signed_in("viewer")
        headers = {"X-CSRF-Token": token_for(browser.cookie("session")), "Origin": "http://localhost"}
        assert browser.client.post("/theme", data={"theme": "dark"}, headers=headers).status_code == 303

    def test_behind_tls_only_the_public_address_is_our_own(self, make_scene):
        scene = make_scene(CONSOLE__PUBLIC_URL="https://winnow.example.com")
        answers = {
            origin: scene.browser().post("/login", FORM, headers={"Origin": origin}).status_code
            for origin in ("https://winnow.example.com", "http://winnow.example.com", "https://winnow.example.com:444")
        }
        assert list(answers.values()) == [303, 403, 403]


class TestHosts:
    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
    def test_another_name_for_this_address_is_not_answered(self, scene, host):
        assert scene.browser().get("/login", headers={"Host": host}).status_code == 400

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8470", "[::1]:8470", "LOCALHOST"])
    def test_this_machine_is(self, scene, host):
        assert scene.browser().get("/login", headers={"Host": host}).status_code == 200

    def test_so_are_the_public_and_the_allowed_names(self, make_scene):
        scene = make_scene(
            CONSOLE__PUBLIC_URL="https://winnow.example.com", CONSOLE__ALLOWED_HOSTS='["inside.example"]'
        )
        for host in ("winnow.example.com", "inside.example"):
            assert scene.browser().get("/login", headers={"Host": host}).status_code == 200


class TestHeaders:
    @pytest.mark.parametrize("path", ["/login", "/nowhere", "/static/winnow.css", "/v1/runs", "/healthz"])
    def test_every_answer_has_them(self, scene, path):
        headers = scene.browser().get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert not any("unsafe" in value or "http" in value for value in policy.values())
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers

    def test_over_tls_browsers_are_told_to_stay_there(self, make_scene):
        scene = make_scene(CONSOLE__PUBLIC_URL="https://winnow.example.com")
        assert "max-age=31536000" in scene.browser().get("/login").headers["strict-transport-security"]

    def test_pages_and_answers_are_not_kept_but_files_are(self, scene):
        browser = scene.signed_in("viewer")
        assert browser.get("/nowhere").headers["cache-control"] == "no-store"
        assert browser.get("/v1/runs").headers["cache-control"] == "no-store"
        assert "max-age" in browser.get("/static/winnow.css").headers["cache-control"]

    def test_what_the_caller_sends_never_becomes_a_header(self, scene):
        answer = scene.browser().post("/login", {**FORM, "next": "/x\r\nSet-Cookie: a=b"})
        assert answer.headers["location"] == "/"
        assert "a=b" not in str(answer.headers)


class TestSizes:
    def test_a_large_form_is_refused_before_it_is_read(self, scene):
        answer = scene.browser().post("/login", {**FORM, "code": "1" * 2_000_000})
        assert answer.status_code == 413

    def test_so_is_one_that_does_not_say_how_large_it_is(self, scene):
        def endless():
            for _ in range(200):
                yield b"x" * 10_000

        form = {"Content-Type": "application/x-www-form-urlencoded"}
        browser = scene.browser()
        browser.get("/login")
        answer = browser.client.post("/login", content=endless(), headers=form)
        assert answer.status_code == 413

    def test_a_stranger_sends_no_files_but_a_person_may(self, make_scene):
        scene = make_scene(CONSOLE__REQUEST_BYTES_MAX="20000", CONSOLE__UPLOAD_BYTES_MAX="100000")
        files = {"file": ("payout.csv", b"x" * 50_000)}
        stranger, person = scene.browser(), scene.signed_in("viewer")
        assert stranger.post("/theme", {"theme": "dark"}, files=files).status_code == 413
        assert person.post("/theme", {"theme": "dark"}, files=files).status_code == 303
        assert person.post("/theme", {"theme": "dark"}, files={"file": ("p", b"x" * 200_000)}).status_code == 413

    def test_many_calls_in_one_are_refused(self, make_scene):
        scene = make_scene(CONSOLE__API__DECISIONS_PER_CALL="2")
        body = {"conversions": [{"conversion_id": f"c{number}", "amount": "1"} for number in range(3)]}
        headers = {**scene.key(), "Idempotency-Key": "k"}
        answer = scene.browser().client.post("/v1/payout/decisions", json=body, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["where"] == "body.conversions"


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fconfig.yaml",
            "/static//etc/passwd",
            "/static/%00",
        ],
    )
    def test_nothing_outside_the_folder_is_served(self, scene, path):
        answer = scene.browser().get(path)
        assert answer.status_code in {400, 404}
        assert "root:" not in answer.text


LARGE = "9" * 20


class TestNumbers:
    @pytest.mark.parametrize(
        "path",
        [
            f"/affiliates?start={LARGE}",
            f"/runs?below={LARGE}",
            f"/audit?below=-{LARGE}",
            f"/payouts?below={LARGE}",
            f"/cases/{LARGE}",
            f"/caps?start={LARGE}",
            f"/caps?done={LARGE}",
            f"/appeals?done={LARGE}&act=opened",
        ],
    )
    def test_a_number_that_nothing_has_is_refused_and_no_failure(self, scene, path):
        answer = scene.signed_in("admin").get(path)
        assert answer.status_code in {200, 422}
        assert "winnow failed" not in answer.text

    @pytest.mark.parametrize("path", ["/caps/{}", "/appeals/{}", "/cases/{}/note", "/cases/{}/decide"])
    def test_nor_is_one_in_a_form(self, scene, path):
        form = {"decision": "approve", "outcome": "upheld", "reason": "x", "note": "x", "version": LARGE}
        assert scene.signed_in("admin").post(path.format(LARGE), form).status_code == 422


class TestErrors:
    def test_a_page_says_what_happened_and_escapes_it(self, scene):
        answer = scene.browser().get("/<script>alert(1)</script>")
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text

    def test_what_a_stranger_typed_comes_back_escaped(self, scene):
        answer = scene.browser().sign_in('"><script>alert(1)</script>', next="/'><img>")
        assert answer.status_code == 401
        assert "<script>alert" not in answer.text
        assert "'><img>" not in answer.text

    def test_a_page_about_a_failing_database_does_not_fail(self, make_scene):
        scene = make_scene()
        browser = scene.signed_in("viewer")
        browser.client = TestClient(scene.app, base_url="http://localhost", raise_server_exceptions=False)
        scene.store.close()
        (scene.workspace.root / "winnow.db").write_bytes(b"no database" * 1000)
        answer = browser.get("/settings", headers={"Cookie": f"winnow-session={'a' * 43}"})
        assert answer.status_code in {500, 503}
        assert "<h1>" in answer.text
        assert "Traceback" not in answer.text
        assert str(scene.root) not in answer.text

    def test_a_failure_shows_no_inside(self, make_scene):
        scene = make_scene()
        scene.store.close()
        (scene.workspace.root / "winnow.db").write_bytes(b"no database" * 1000)
        answer = scene.browser().get("/healthz")
        assert answer.status_code in {500, 503}
        assert answer.headers["content-type"] == "application/problem+json"
        assert str(scene.root) not in answer.text or answer.json()["where"]
        assert "Traceback" not in answer.text
