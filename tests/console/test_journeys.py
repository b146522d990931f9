"""Whole journeys through the console in Debian's Chromium, as the people do them who use it."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
import uvicorn
from console_applicants import screen
from console_scene import JUDGED, PASSWORD, Scene

from screening.store import Case, CaseEvent

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
REPO = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("WINNOW_AXE", REPO / ".venv/node/node_modules/axe-core/axe.min.js"))
WAIT_MS = 60_000
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class Served:
    """A console served on a free port of this machine."""

    def __init__(self, root: Path) -> None:
        self.scene = Scene(root)
        config = uvicorn.Config(self.scene.app, port=0, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        ends = time.monotonic() + 30
        while not self.server.started and time.monotonic() < ends:
            time.sleep(0.05)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=20)
        self.scene.close()


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("served"))
    screen(made.scene, [f"Applicant {number}" for number in range(1, 15)])
    judged = Case("source", "a1/o1/", JUDGED, ("ctct_short",), "a1", "o1", Decimal(3), "USD")
    made.case_id = made.scene.store.cases.open(judged, CaseEvent(JUDGED, "scan", "opened")).case_id
    yield made
    made.close()


@pytest.fixture
def visit(chromium, served):
    """Open a page for somebody: signed in by the form as a person would, or not at all. No page may log an error."""
    opened, errors = [], []

    def open_page(name=None, **options):
        context = chromium.new_context(base_url=served.url, **options)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        if name is not None:
            page.goto("/login")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{served.url}/")
        return page

    yield open_page
    for context in opened:
        context.close()
    assert errors == []


def test_first_login_leads_to_the_page_that_was_asked_for(visit, served):
    page = visit()
    page.goto("/caps")
    assert "/login" in page.url
    page.get_by_label("Name").fill("analyst")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").is_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{served.url}/caps")
    assert page.get_by_role("heading", level=1).inner_text() == "Caps"


def test_ten_applicants_are_cleared_by_keyboard_alone(visit, served):
    page = visit("analyst")
    page.goto("/review/applicants")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(re.compile(r"/applicant\?"))
    before = served.scene.store.browse.cases.totals()
    for key in "aaraqaraaa":
        where = page.url
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press(key)
        assert page.url != where
        assert page.locator(".said").is_visible()
    left = {total.kind: total.cases for total in served.scene.store.browse.cases.totals()}
    assert left["application"] == {total.kind: total.cases for total in before}["application"] - 10
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("u")
    assert "decision taken back" in page.locator(".said").inner_text()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()


def test_a_key_typed_into_a_note_decides_nothing(visit, served):
    page = visit("analyst")
    case = served.scene.store.cases.waiting("source")[0]
    page.goto(f"/cases/{case.case_id}")
    page.get_by_label("Note", exact=True).fill("")
    page.get_by_label("Note", exact=True).press_sequentially("arqs")
    assert served.scene.store.cases.one(case.case_id) == case


def test_a_source_is_investigated_from_the_digests_link(visit, served):
    page = visit("analyst")
    page.goto(f"/cases/{served.case_id}")
    assert page.get_by_role("heading", name="Why").is_visible()
    page.get_by_label("Note", exact=True).fill("Asked the partner for its placements.")
    page.get_by_role("button", name="Keep holding").click()
    page.wait_for_url(re.compile("done="))
    assert "kept on hold by analyst" in page.locator(".said").inner_text()
    assert page.get_by_text("Asked the partner for its placements.").first.is_visible()


def test_a_cap_is_approved(visit, served):
    page = visit("manager")
    page.goto("/caps")
    first = page.locator("article[data-cap]").first
    number = int(first.get_attribute("data-cap"))
    first.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile("done="))
    assert served.scene.store.recommendations.of_ids([number])["status"].to_list() == ["approved"]


def test_a_payout_file_is_gated_and_downloaded(visit, tmp_path):
    file = tmp_path / "payout.csv"
    file.write_text("conversion_id,amount\nc0,1\nc19,20\nunheard,5\n", encoding="utf-8")
    page = visit("manager")
    page.goto("/payouts")
    page.get_by_label("Payout file").set_input_files(file)
    page.get_by_role("button", name="Gate the file").click()
    page.wait_for_url(re.compile("/payouts/payout-"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the answer").click()
    answer = Path(download.value.path()).read_text("utf-8")
    assert "unheard,5,hold,unknown_conversion" in answer or "unheard,5,hold" in answer


def test_an_appeal_goes_from_the_partners_page_to_its_outcome(visit):
    manager, partner = visit("manager"), visit()
    manager.goto("/affiliate?id=a1")
    manager.get_by_role("button", name="Make a link").click()
    link = manager.get_by_label("Link to the partner's page").input_value()
    partner.goto(link)
    partner.get_by_text("Contest this").first.click()
    partner.get_by_label("Why this should be paid").first.fill("A newsletter went out that night.")
    partner.get_by_role("button", name="Send the appeal").first.click()
    assert "Your appeal was received" in partner.locator(".said").inner_text()
    manager.goto("/appeals")
    assert manager.get_by_text("A newsletter went out that night.").is_visible()
    manager.get_by_label("Reason that the partner gets").fill("The newsletter explains the short times.")
    manager.get_by_role("button", name="Overturn").click()
    manager.wait_for_url(re.compile("done="))
    partner.goto(link)
    assert partner.get_by_text("The newsletter explains the short times.").first.is_visible()


def test_a_viewer_is_refused(visit):
    page = visit("viewer")
    page.goto("/cases/2")
    assert page.get_by_role("button", name="Confirm fraud").count() == 0
    assert page.goto("/audit").status == 403


def test_two_analysts_on_one_case_do_not_overwrite_each_other(visit, served):
    one, other = visit("analyst"), visit("manager")
    for page in (one, other):
        page.goto("/cases/3")
    one.get_by_role("button", name="Release as clean").click()
    one.wait_for_load_state()
    other.get_by_role("button", name="Confirm fraud").click()
    other.wait_for_load_state()
    assert "analyst" in other.get_by_role("main").inner_text()
    assert served.scene.store.cases.one(3).decision == "clean"


def test_an_admin_adds_a_person_and_a_country_and_the_person_chooses_a_password(visit, served):
    admin, zoe = visit("admin", java_script_enabled=False), visit()
    admin.goto("/settings")
    admin.get_by_label("Name", exact=True).fill("zoe")
    admin.get_by_role("button", name="Add", exact=True).click()
    given = admin.get_by_label("Password of zoe").input_value()
    admin.get_by_role("link", name="Policy").click()
    admin.get_by_label("Allowed countries").fill("de\nAT")
    admin.get_by_role("button", name="Save the policy").click()
    assert "Changed in the policy: allowed countries" in admin.locator(".said").inner_text()
    assert served.scene.console.workspace.settings.policy.allowed_countries == ("DE", "AT")
    zoe.goto("/login")
    zoe.get_by_label("Name").fill("zoe")
    zoe.get_by_label("Password").fill(given)
    zoe.get_by_role("button", name="Sign in").click()
    zoe.wait_for_url(f"{served.url}/account")
    own = "a walk of my own"
    zoe.get_by_label("Your password now").fill(given)
    zoe.get_by_label("New password").fill(own)
    zoe.get_by_label("The same again").fill(own)
    zoe.get_by_role("button", name="Change the password").click()
    zoe.wait_for_url(f"{served.url}/login")
    zoe.get_by_label("Name").fill("zoe")
    zoe.get_by_label("Password").fill(own)
    zoe.get_by_role("button", name="Sign in").click()
    zoe.wait_for_url(f"{served.url}/")
    assert zoe.get_by_role("heading", level=1).inner_text() == "Today"


def test_everything_works_without_javascript(visit, served):
    page = visit("analyst", java_script_enabled=False)
    page.goto("/review/applicants")
    page.get_by_role("link", name="Applicant").last.click()
    page.get_by_role("button", name="Approve").click()
    page.wait_for_load_state()
    assert "approved by analyst" in page.locator(".said").inner_text()
    page.get_by_role("button", name="Undo").click()
    assert "decision taken back" in page.locator(".said").inner_text()
    page.goto("/")
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Set").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert served.scene.store is not None


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed (make test fetches it from the npm registry)")
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_nothing_against_wcag_2_2_aa(visit, look):
    size = {"viewport": {"width": 390, "height": 844}} if look == "phone" else {}
    page = visit("admin", color_scheme="dark" if look == "dark" else "light", **size)
    found = []
    paths = ("/", "/review/applicants", "/review/sources", "/applicant?id=APP-1", "/cases/2", "/caps", "/payouts")
    paths += ("/appeals", "/affiliates", "/rings", "/runs", "/runs/latest", "/audit", "/apply")
    paths += ("/settings", "/settings/policy", "/settings/lists", "/settings/retention")
    paths += ("/settings/connections", "/settings/programs", "/login", "/nowhere", "/account")
    for path in paths:
        page.goto(path)
        page.evaluate(AXE.read_text("utf-8"))
        result = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        found += [f"{path} {rule['id']}: {node['target']}" for rule in result["violations"] for node in rule["nodes"]]
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        found += [f"{path} is {wider} px wider than its window"] if wider > 0 else []
    assert found == []
