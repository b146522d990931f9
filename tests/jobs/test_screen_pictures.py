"""The look with a browser at those who go to a person: off by default, bounded, and never a reason of its own."""

from __future__ import annotations

import json

from screening.applicants.headless.browser import VISIT_NAME
from screening.jobs.progress import silent_progress
from screening.jobs.screen_pictures import watch_escalated
from screening.jobs.views.applicant import picture_of
from screening.workspace import open_workspace


def folders_of(tmp_path, count):
    folders = [tmp_path / str(number) for number in range(count)]
    for folder in folders:
        folder.mkdir()
        (folder / "screenshot.png").write_bytes(b"of an earlier screening")
    return folders


def look(tmp_path, folders, websites, **settings):
    changed = {f"WINNOW__CRAWL__BROWSER__{name}": value for name, value in settings.items()}
    workspace = open_workspace(tmp_path / "w", changed)
    return watch_escalated(workspace, folders, dict(zip(folders, websites, strict=True)), silent_progress())


def test_nobody_looks_unless_the_settings_say_so(tmp_path):
    folders = folders_of(tmp_path, 1)
    assert look(tmp_path, folders, [("https://a.example/",)]) == 0
    assert (folders[0] / "screenshot.png").exists()
    assert not (folders[0] / "browser.json").exists()


def test_without_a_browser_it_is_said_and_no_old_picture_stays(tmp_path):
    folders = folders_of(tmp_path, 4)
    websites = [("https://203.0.113.9/",), (), ("https://203.0.113.9/b",), ("https://203.0.113.9/c",)]
    settings = {"ESCALATED": "true", "PAGES_MAX": "2", "PROGRAM": "/nonexistent/chromium"}
    assert look(tmp_path, folders, websites, **settings) == 0
    looked = [folder for folder in folders if (folder / "browser.json").exists()]
    assert looked == []  # a documentation address is never public: the guard refuses before any browser starts
    assert not (folders[0] / "screenshot.png").exists()
    assert (folders[3] / "screenshot.png").exists()
    websites[0] = ("https://example.com/",)
    look(tmp_path, folders, websites, **settings)
    assert json.loads((folders[0] / "browser.json").read_text("utf-8"))["error"] == "browser_unavailable"


def test_what_a_browser_saw_and_cannot_be_read_is_not_nothing_seen(tmp_path):
    assert picture_of(None) is None
    assert picture_of(tmp_path) is None
    (tmp_path / VISIT_NAME).write_text("{", encoding="utf-8")
    unreadable = picture_of(tmp_path)
    assert unreadable is not None
    assert (unreadable.file, unreadable.error) == (None, "what_it_saw_cannot_be_read")
