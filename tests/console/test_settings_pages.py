"""The settings as an admin changes them: checked, with a trace, by one person at a time, and secrets never shown."""

from __future__ import annotations

import html
import re
import stat
from dataclasses import replace
from io import BytesIO

import pytest
import yaml
from page_markup import HOSTILE, Markup

from screening.errors import BusyError, ConflictError
from screening.jobs import settings_change
from screening.jobs.connections import KINDS
from screening.jobs.lists import Upload, show_lists, upload_list
from screening.jobs.progress import silent_progress
from screening.jobs.settings_change import values_of
from screening.jobs.users import version_of
from screening.jobs.views.lists import list_ages
from screening.traffic.lakelock import holding_lock

OURS = """# Nimbus: ask Ann before you change this
policy:
  brands: [Nimbus] # the shop
retention:
  log_days: 77 # short, by contract
"""
ALARM = re.compile(r'role="alert">(.*?)</section>', re.S)
SECRET = "ef-K3y-that-nobody-reads"


@pytest.fixture
def programme(make_scene):
    scene = make_scene()
    (scene.root / "config.yaml").write_text(OURS, encoding="utf-8")
    return scene


def seen_on(browser, path, number=0):
    return re.findall(r'name="seen" value="(\w*)"', browser.get(path).text)[number]


def alarm(answer):
    found = ALARM.search(answer.text)
    return html.unescape(re.sub(r"<[^>]+>", " ", found[1])) if found else ""


def trace(scene, subject):
    return [(event.actor, event.action, dict(event.details)) for _, event in scene.store.audit.events(subject)]


def clauses_on(browser):
    """The form of the policy as a browser would send it untouched."""
    areas = re.findall(r'<textarea id="(\w+)"[^>]*>(.*?)</textarea>', browser.get("/settings/policy").text, re.S)
    return {"seen": seen_on(browser, "/settings/policy"), **{name: html.unescape(text) for name, text in areas}}


def post_policy(browser, **clauses):
    return browser.post("/settings/policy", {**clauses_on(browser), **clauses})


class TestPolicy:
    def test_a_changed_clause_holds_at_once_and_leaves_what_a_person_wrote(self, programme):
        browser = programme.signed_in("admin")
        answer = post_policy(browser, brands="Nimbus", allowed_countries="no\nUK\n", allowed_methods="on\nBlog")
        assert answer.status_code == 303
        assert (
            "Changed in the policy: allowed countries, allowed methods" in browser.get(answer.headers["location"]).text
        )
        text = (programme.root / "config.yaml").read_text("utf-8")
        assert "# Nimbus: ask Ann before you change this" in text
        assert "log_days: 77 # short, by contract" in text
        assert yaml.safe_load(text)["policy"] == {
            "brands": ["Nimbus"],
            "allowed_countries": ["NO", "GB"],
            "allowed_methods": ["on", "content"],
        }
        assert programme.console.workspace.settings.policy.allowed_countries == ("NO", "GB")
        assert trace(programme, "policy") == [
            (
                "admin",
                "change settings",
                {
                    "policy.allowed_countries": {"before": [], "after": ["NO", "GB"]},
                    "policy.allowed_methods": {"before": [], "after": ["on", "content"]},
                },
            )
        ]

    @pytest.mark.parametrize(("suffix", "text"), [("json", '{"brands": ["A1"]}'), ("yaml", "brands: [A1] # ours\n")])
    def test_a_policy_file_is_changed_where_it_is(self, programme, suffix, text):
        file = programme.root / f"policy.{suffix}"
        file.write_text(text, encoding="utf-8")
        (programme.root / "config.yaml").write_text(f"policy: {{file: {file.name}}}\n", encoding="utf-8")
        browser = programme.signed_in("admin")
        assert post_policy(browser, brands="A1", required_disclosure="any").status_code == 303
        stored = yaml.safe_load(file.read_text("utf-8"))
        assert stored == {"brands": ["A1"], "required_disclosure": ["any"]}
        assert (programme.root / "config.yaml").read_text("utf-8") == f"policy: {{file: {file.name}}}\n"
        assert ("# ours" in file.read_text("utf-8")) is (suffix == "yaml")

    def test_what_cannot_be_changes_nothing_and_keeps_what_was_typed(self, programme):
        browser = programme.signed_in("admin")
        answer = post_policy(browser, brands="Nimbus\nZalmora", allowed_countries="Germany")
        assert answer.status_code == 422
        assert "not a two-letter country code" in alarm(answer)
        assert "Zalmora" in answer.text
        assert "Stored now: Nimbus" in answer.text
        assert (programme.root / "config.yaml").read_text("utf-8") == OURS
        assert trace(programme, "policy") == []

    def test_two_people_cannot_overwrite_each_other(self, programme):
        browser = programme.signed_in("admin")
        form = clauses_on(browser)
        assert browser.post("/settings/policy", {**form, "brands": "Nimbus\nFirst"}).status_code == 303
        second = browser.post("/settings/policy", {**form, "brands": "Nimbus\nSecond"})
        assert second.status_code == 409
        assert "Somebody changed the policy meanwhile" in alarm(second)
        assert "Stored now: Nimbus, First" in second.text
        assert "Second" not in (programme.root / "config.yaml").read_text("utf-8")

    @pytest.mark.parametrize("clause", ["prohibited_categories", "allowed_countries", "required_disclosure"])
    def test_a_clause_that_was_not_sent_is_not_an_empty_one(self, programme, clause):
        browser = programme.signed_in("admin")
        full = {"prohibited_categories": "adult", "allowed_countries": "NO", "required_disclosure": "any"}
        assert post_policy(browser, **full).status_code == 303
        form = clauses_on(browser)
        del form[clause]
        refused = browser.post("/settings/policy", form)
        assert refused.status_code == 422
        assert f"without {clause}" in alarm(refused)
        held = programme.console.workspace.settings.policy
        assert (held.prohibited_categories, held.allowed_countries) == (("adult",), ("NO",))
        assert held.required_disclosure == ("any",)

    def test_what_a_variable_sets_cannot_be_changed_here(self, make_scene):
        scene = make_scene(POLICY__BRANDS="[Nimbus]")
        browser = scene.signed_in("admin")
        assert "WINNOW__POLICY__BRANDS" in browser.get("/settings/policy").text
        refused = post_policy(browser, brands="Other")
        assert refused.status_code == 422
        assert "set by the variable WINNOW__POLICY__BRANDS" in alarm(refused)

    def test_hostile_entries_are_text_everywhere(self, programme):
        browser = programme.signed_in("admin")
        for text in HOSTILE:
            answer = post_policy(browser, brands=text, required_disclosure=text)
            pages = [answer.text, browser.get("/settings/policy").text, browser.get("/audit?subject=policy").text]
            assert answer.status_code < 500
            assert [danger for page in pages for danger in Markup(page).dangers()] == []
        assert programme.console.fault is None

    def test_a_trace_that_cannot_be_written_leaves_the_file_as_it_was(self, programme, monkeypatch):
        browser = programme.signed_in("admin")
        monkeypatch.setattr("screening.store.audit.Audit.append", _no_room)
        answer = post_policy(browser, brands="Other")
        assert answer.status_code == 503
        assert (programme.root / "config.yaml").read_text("utf-8") == OURS
        assert not list(programme.root.glob(".draft-*"))


def _no_room(*_):
    raise OSError(28, "No space left on device")


class TestRetention:
    def post(self, browser, **days):
        page = browser.get("/settings/retention").text
        now = dict(re.findall(r'name="(retention\.\w+)"[^>]* value="(\d+)"', page))
        return browser.post("/settings/retention", {**now, "seen": seen_on(browser, "/settings/retention"), **days})

    def test_days_are_changed_and_an_impossible_number_is_named(self, programme):
        browser = programme.signed_in("admin")
        assert self.post(browser, **{"retention.evidence_days": "400"}).status_code == 303
        assert programme.console.workspace.settings.retention.evidence_days == 400
        assert programme.console.workspace.settings.retention.log_days == 77
        said = trace(programme, "retention")[0][2]
        assert said == {"retention.evidence_days": {"before": 730, "after": 400}}
        for text in ("2", "-5", "many", "1e3", "9" * 30, "", "\u0664\u0662"):
            refused = self.post(browser, **{"retention.click_details_days": text})
            assert refused.status_code == 422
            assert "from 60 to 36500 days" in alarm(refused)
        assert programme.console.workspace.settings.retention.click_details_days == 180


EVERFLOW = {"networks.everflow.url": "https://api.eflow.team/v1", "networks.push.to": "none"}
TO_EVERFLOW = "/settings/connections/everflow"


class TestConnections:
    def post(self, browser, **fields):
        return browser.post(TO_EVERFLOW, {**EVERFLOW, "seen": seen_on(browser, "/settings/connections"), **fields})

    def test_a_secret_is_kept_apart_and_shown_to_nobody(self, programme):
        browser = programme.signed_in("admin")
        answer = self.post(browser, secret=SECRET)
        assert answer.status_code == 303
        file = programme.root / "secrets" / "everflow.key"
        assert file.read_text("utf-8").strip() == SECRET
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        page = browser.get(answer.headers["location"]).text
        assert re.search(r"Set on \d{4}-\d\d-\d\d \d\d:\d\d UTC", page)
        programme.store.close()
        elsewhere = [path for path in programme.root.rglob("*") if path.is_file() and path != file]
        assert not [path for path in elsewhere if SECRET.encode() in path.read_bytes()]
        shown = [page, browser.get("/audit").text, browser.get("/settings/connections").text]
        assert not any(SECRET in text for text in shown)

    def test_another_address_loses_the_secret_unless_it_is_given_again(self, programme):
        browser = programme.signed_in("admin")
        self.post(browser, secret=SECRET)
        moved = self.post(browser, **{"networks.everflow.url": "https://elsewhere.example/v1"})
        assert moved.headers["location"].endswith("done=networks.everflow.url,secret")
        assert not (programme.root / "secrets" / "everflow.key").exists()
        assert programme.console.workspace.settings.networks.everflow.key_file == ""
        assert trace(programme, "connection Everflow")[-1][2]["secret"] == "removed"

    def test_a_secret_of_a_variable_is_not_sent_to_another_address(self, make_scene):
        scene = make_scene()
        scene.console.live.environment["WINNOW_EVERFLOW_API_KEY"] = SECRET
        browser = scene.signed_in("admin")
        assert "WINNOW_EVERFLOW_API_KEY" in browser.get("/settings/connections").text
        refused = self.post(browser, **{"networks.everflow.url": "https://elsewhere.example/v1"})
        assert refused.status_code == 422
        assert "would go to the new address" in alarm(refused)

    @pytest.mark.parametrize(
        ("name", "variable", "lead", "elsewhere"),
        [
            ("everflow", "WINNOW_EVERFLOW_API_KEY", "networks.everflow.url", "https://elsewhere.example/v1"),
            ("mail", "WINNOW_SMTP_PASSWORD", "notices.smtp.host", "mail.elsewhere.example"),
        ],
    )
    def test_a_secret_typed_beside_the_address_does_not_lead_that_of_a_variable_there(
        self, make_scene, name, variable, lead, elsewhere
    ):
        scene = make_scene()
        scene.console.live.environment[variable] = SECRET
        browser = scene.signed_in("admin")
        place = list(KINDS).index(name)
        now = values_of(scene.console.workspace.loaded, KINDS[name].keys)
        form = {key: str(value) for key, value in now.items() if value is not False}
        form |= {"seen": seen_on(browser, "/settings/connections", place), lead: elsewhere, "secret": "dummy"}
        refused = browser.post(f"/settings/connections/{name}", form)
        assert refused.status_code == 422
        assert "would go to the new address" in alarm(refused)
        assert values_of(scene.console.workspace.loaded, (lead,))[lead] == now[lead]
        assert not list(scene.root.glob("secrets/*.key")) + list(scene.root.glob("secrets/*password"))

    def test_a_secret_set_while_another_admin_moves_the_address_stays_at_its_own(self, programme, monkeypatch):
        browser, second, real = programme.signed_in("admin"), programme.signed_in("admin"), settings_change.holding_lock
        seen = seen_on(browser, "/settings/connections")

        def beaten(*args, **options):
            # the other admin gets the lock first, after this one's form was sent
            monkeypatch.setattr(settings_change, "holding_lock", real)
            assert self.post(second, secret=SECRET).status_code == 303
            return real(*args, **options)

        monkeypatch.setattr(settings_change, "holding_lock", beaten)
        moved = {**EVERFLOW, "networks.everflow.url": "https://elsewhere.example/v1", "seen": seen}
        assert browser.post(TO_EVERFLOW, moved).status_code == 409
        everflow = programme.console.workspace.settings.networks.everflow
        assert (everflow.url, bool(everflow.key_file)) == (EVERFLOW["networks.everflow.url"], True)

    def test_a_secret_is_removed_on_demand_and_stays_otherwise(self, programme):
        browser = programme.signed_in("admin")
        self.post(browser, secret=SECRET)
        assert self.post(browser).headers["location"].endswith("done=nothing")
        assert (programme.root / "secrets" / "everflow.key").exists()
        assert self.post(browser, remove="yes").headers["location"].endswith("done=secret")
        assert not (programme.root / "secrets" / "everflow.key").exists()

    def test_a_switch_that_a_variable_sets_stays_and_the_rest_can_be_saved(self, make_scene):
        # browsers do not send a box that is disabled
        scene = make_scene(NETWORKS__EVERFLOW__PULL="true")
        browser = scene.signed_in("admin")
        page = browser.get("/settings/connections").text
        box = re.search(r'<input type="checkbox"[^>]*everflow\.pull[^>]*>', page)
        assert box
        assert "checked disabled" in box[0]
        saved = self.post(browser, **{"networks.push.to": "file"})
        assert saved.headers["location"].endswith("done=networks.push.to")
        assert scene.console.workspace.settings.networks.everflow.pull
        refused = self.post(browser, **{"networks.everflow.url": "http://plain.example"})
        assert box[0] in refused.text

    def test_what_a_variable_sets_is_not_changed_by_a_form_that_says_otherwise(self, make_scene):
        browser = make_scene(NETWORKS__PUSH__TO="file").signed_in("admin")
        assert "set by the variable WINNOW__NETWORKS__PUSH__TO" in alarm(self.post(browser))

    def test_a_stale_form_changes_nothing(self, programme):
        browser = programme.signed_in("admin")
        seen = seen_on(browser, "/settings/connections")
        self.post(browser, secret=SECRET)
        stale = browser.post(TO_EVERFLOW, {**EVERFLOW, "seen": seen, "remove": "yes"})
        assert stale.status_code == 409
        assert (programme.root / "secrets" / "everflow.key").exists()

    def test_an_address_that_cannot_be_is_refused_and_shown_as_text(self, programme):
        browser = programme.signed_in("admin")
        for url in ("http://plain.example", "javascript:alert(1)", "", *HOSTILE):
            answer = self.post(browser, **{"networks.everflow.url": url})
            assert answer.status_code == 422
            assert list(Markup(answer.text).dangers()) == []
        assert (programme.root / "config.yaml").read_text("utf-8") == OURS
        self.post(browser, **{"networks.everflow.url": f"https://x.example/{HOSTILE[1]}"})
        assert list(Markup(browser.get("/settings/connections").text).dangers()) == []


class TestPeople:
    def act(self, browser, name, act, **fields):
        page = browser.get("/settings").text
        row = re.search(rf'<th scope="row">{name}.*?</tr>', page, re.S)[0]
        seen = re.search(r'name="seen" value="(\w+)"', row)[1]
        return browser.post("/settings/people/change", {"name": name, "act": act, "seen": seen, **fields})

    def test_a_new_person_gets_a_password_once_and_must_choose_another(self, programme):
        browser = programme.signed_in("admin")
        page = browser.post("/settings/people", {"name": "Zoe", "role": "analyst"}).text
        password = re.search(r'<input readonly value="([^"]+)"', page)[1]
        assert password not in browser.get("/settings").text
        assert password not in str(programme.store.audit.events())
        zoe = programme.browser()
        assert zoe.sign_in("zoe", password).status_code == 303
        for path in ("/", "/review/applicants", "/settings"):
            assert zoe.get(path).headers["location"] == "/account"
        assert zoe.post("/cases/1/note", {"note": "x"}).headers["location"] == "/account"
        assert "Choose your own password" in zoe.get("/account").text
        same = zoe.post("/account/password", {"password": password, "new": password, "again": password})
        assert same.status_code == 422
        assert zoe.get("/").headers["location"] == "/account"
        own = "a walk of my own"
        assert zoe.post("/account/password", {"password": password, "new": own, "again": own}).status_code == 303
        assert zoe.sign_in("zoe", password).status_code == 401
        assert zoe.sign_in("zoe", own).status_code == 303
        assert zoe.get("/").status_code == 200

    def test_a_given_password_ends(self, programme):
        page = self.act(programme.signed_in("admin"), "viewer", "password").text
        password = re.search(r'<input readonly value="([^"]+)"', page)[1]
        programme.clock.forward(hours=49)
        assert programme.browser().sign_in("viewer", password).status_code == 401

    def test_roles_doors_and_codes_with_a_trace(self, programme):
        browser = programme.signed_in("admin")
        assert self.act(browser, "viewer", "role", role="manager").status_code == 303
        assert self.act(browser, "viewer", "disable").status_code == 303
        assert self.act(browser, "viewer", "enable").status_code == 303
        programme.store.users.change(_with_codes(programme.store.users.one("viewer"), programme.console.vault))
        assert self.act(browser, "viewer", "codes").status_code == 303
        assert programme.store.users.one("viewer").totp_secret is None
        acts = [action for _, action, _ in trace(programme, "user viewer")]
        assert acts == ["set role", "disable user", "enable user", "remove second factor"]
        assert {actor for actor, *_ in trace(programme, "user viewer")} == {"admin"}

    def test_nobody_gets_around_their_own_password(self, programme):
        browser = programme.signed_in("admin")
        for act in ("password", "codes"):
            form = {"name": " Admin", "act": act, "seen": version_of(programme.store.users.one("admin"))}
            refused = browser.post("/settings/people/change", form)
            assert refused.status_code == 422
            assert "under Account" in alarm(refused)
        assert trace(programme, "user admin")[-1][1] == "sign in"
        assert browser.get("/settings").status_code == 200

    def test_a_person_changed_meanwhile_is_not_changed_again(self, programme):
        browser = programme.signed_in("admin")
        page = browser.get("/settings").text
        seen = re.search(r'<th scope="row">viewer.*?name="seen" value="(\w+)"', page, re.S)[1]
        form = {"name": "viewer", "act": "role", "seen": seen}
        assert browser.post("/settings/people/change", {**form, "role": "analyst"}).status_code == 303
        stale = browser.post("/settings/people/change", {**form, "role": "admin"})
        assert stale.status_code == 409
        assert programme.store.users.one("viewer").role == "analyst"

    def test_the_last_admin_cannot_be_kept_out(self, programme):
        browser = programme.signed_in("admin")
        page = browser.get("/settings").text
        seen = re.search(r'<th scope="row">admin.*?name="seen" value="(\w+)"', page, re.S)[1]
        refused = browser.post(
            "/settings/people/change", {"name": "admin", "act": "role", "role": "viewer", "seen": seen}
        )
        assert "last admin" in alarm(refused)

    def test_a_name_that_cannot_be_is_shown_as_text(self, programme):
        browser = programme.signed_in("admin")
        for name in (*HOSTILE, "", "x" * 300):
            answer = browser.post("/settings/people", {"name": name, "role": "viewer"})
            assert answer.status_code == 422
            assert list(Markup(answer.text).dangers()) == []


def _with_codes(user, vault):
    return replace(user, totp_secret=vault.seal("A" * 32, "one-time codes of viewer"))


class TestLists:
    def send(self, browser, content, filename="tor.lst", **fields):
        form = {"name": "tor", "seen": "", **fields}
        token = re.search(r'name="csrf" value="(\w+)"', browser.get("/settings/lists").text)[1]
        files = {"file": (filename, content, "text/plain")}
        return browser.client.post("/settings/lists", data={"csrf": token, **form}, files=files)

    def test_an_uploaded_list_is_imported_with_its_age_and_the_lines_that_were_no_good(self, programme):
        browser = programme.signed_in("admin")
        lines = [f"198.51.100.{number}" for number in range(40)]
        answer = self.send(browser, "\n".join([*lines, "<b>no address</b>"]), "../../<i>tor.lst")
        assert answer.status_code == 200
        assert "40</span>" in answer.text or "40 addresses" in answer.text
        assert "tor.lst:41" in answer.text
        assert list(Markup(answer.text).dangers()) == []
        assert "imported" in browser.get("/settings/lists").text
        (actor, action, said) = trace(programme, "list tor")[0]
        assert (actor, action, said["rows"], said["refused"]) == ("admin", "import list", 40, 1)
        assert not any("/" in name for name in said["from"])

    def test_an_uploaded_text_list_is_of_unknown_age_and_never_recent(self, programme):
        # the browser sends no date: this one may be of 2009
        browser = programme.signed_in("admin")
        assert "of unknown age" in self.send(browser, "# 2009\n198.51.100.1\n").text
        row = re.search(r'<tr><th scope="row">tor</th>.*?</tr>', browser.get("/settings/lists").text, re.S)[0]
        assert "age not known" in row
        assert "the data do not say" in row
        assert ("recent" in row, "stale" in row) == (False, False)
        now = programme.clock()
        shown = next(state for state in show_lists(programme.console.workspace, now).lists if state.name == "tor")
        assert (shown.dated, shown.age_days, shown.stale) == (None, None, None)
        listed = next(age for age in list_ages(programme.console.workspace, now) if age.name == "tor")
        assert (listed.dated, listed.stale) == (None, None)

    def test_bad_files_are_refused_with_file_and_line_and_nothing_changes(self, programme):
        browser = programme.signed_in("admin")
        for content, cause in (
            ("what is this\n" * 9, "no list of addresses"),
            ("198.51.100.1\nnonsense\n" * 9, "lines cannot be used"),
            (b"\xff\xfe\x00binary", "cannot be read as text"),
            ("", "holds no entries"),
        ):
            answer = self.send(browser, content)
            assert answer.status_code == 422
            assert cause in alarm(answer)
            assert "/tmp" not in answer.text
        assert self.send(browser, "198.51.100.1\n", name="../evil").status_code == 422
        assert trace(programme, "list tor") == []

    def test_a_file_that_is_too_large_is_refused(self, make_scene):
        scene = make_scene(LISTS__UPLOAD_BYTES_MAX="1024")
        answer = self.send(scene.signed_in("admin"), "198.51.100.1\n" * 100)
        assert "more than 1,024 bytes" in alarm(answer)

    def test_a_list_that_somebody_replaced_meanwhile_stays(self, programme):
        browser = programme.signed_in("admin")
        self.send(browser, "198.51.100.1\n")
        assert self.send(browser, "198.51.100.2\n").status_code == 409
        digest = re.search(r'name="seen" value="(\w{64})"', browser.get("/settings/lists").text)[1]
        assert self.send(browser, "198.51.100.2\n", seen=digest).status_code == 200

    def test_a_list_that_somebody_replaces_during_the_upload_stays(self, programme):
        workspace, now, progress = programme.console.workspace, programme.clock(), silent_progress()

        class Slow(BytesIO):
            def read(self, size=-1):
                if self.tell() == 0:
                    first = Upload("tor", BytesIO(b"198.51.100.1\n"), "tor.lst", seen="")
                    upload_list(workspace, first, "first", now, progress)
                return super().read(size)

        with pytest.raises(ConflictError):
            upload_list(workspace, Upload("tor", Slow(b"198.51.100.2\n"), "tor.lst", seen=""), "second", now, progress)
        assert [actor for actor, *_ in trace(programme, "list tor")] == ["first"]

    def test_lists_are_imported_one_at_a_time(self, programme, monkeypatch):
        workspace, now, progress = programme.console.workspace, programme.clock(), silent_progress()
        monkeypatch.setattr("screening.jobs.lists._WAIT_SECONDS", 0.0, raising=False)
        upload = Upload("tor", BytesIO(b"198.51.100.1\n"), "tor.lst", seen="")
        waits = {"wait_seconds": 0.0, "waiting": lambda _: None}
        with holding_lock(workspace.root / "locks" / "lists", command="another", now=now, **waits):
            with pytest.raises(BusyError, match="A list is being imported"):
                upload_list(workspace, upload, "second", now, progress)
            assert trace(programme, "list tor") == []


class TestFollowing:
    def test_a_settings_file_that_cannot_be_used_is_loud_and_changes_nothing(self, programme):
        browser = programme.signed_in("admin")
        (programme.root / "config.yaml").write_text("retention: {log_days: soon}\n", encoding="utf-8")
        page = browser.get("/").text
        assert "The settings file cannot be used" in page
        assert browser.get("/settings/retention").status_code == 200
        (programme.root / "config.yaml").write_text(OURS, encoding="utf-8")
        assert "cannot be used" not in browser.get("/").text

    def test_a_settings_file_that_is_gone_is_loud_and_changes_nothing(self, programme):
        browser = programme.signed_in("admin")
        assert "cannot be used" not in browser.get("/").text
        config = programme.root / "config.yaml"
        config.rename(programme.root / "away.yaml")
        assert "The settings file is gone" in browser.get("/").text
        assert programme.console.workspace.settings.policy.brands == ("Nimbus",)
        assert programme.console.workspace.settings.retention.log_days == 77
        connection = {**EVERFLOW, "networks.push.to": "file", "seen": seen_on(browser, "/settings/connections")}
        refused = browser.post(TO_EVERFLOW, connection)
        assert "The settings file is gone" in alarm(refused)
        assert not config.exists()
        (programme.root / "away.yaml").rename(config)
        assert "cannot be used" not in browser.get("/").text
        assert programme.console.fault is None

    def test_viewers_read_and_cannot_write(self, programme):
        viewer = programme.signed_in("viewer")
        for path in ("/settings", "/settings/policy", "/settings/lists", "/settings/retention"):
            page = viewer.get(path)
            assert page.status_code == 200
            forms = re.findall(r'<form method="post" action="(/settings[^"]*)"', page.text)
            assert forms == []
