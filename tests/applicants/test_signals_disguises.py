"""Constant spellings of an address are read; what is no disguise stays as it was."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.applicants.signals.disguises import in_the_clear
from screening.applicants.signals.scripts import loads

URL = "https://www.awin1.com/cread.php?awinmid=1&awinaffid=2"
CODES = ",".join(str(ord(mark)) for mark in URL)
PIECES = '"https://www." + "awin1.com" + "/cread.php?awinmid=1" + "&awinaffid=2"'


@pytest.mark.parametrize(
    "spelt",
    [
        f'atob("{base64.b64encode(URL.encode()).decode()}")',
        '"' + "".join(f"\\x{ord(mark):02x}" for mark in URL) + '"',
        '"' + "".join(f"\\u{ord(mark):04x}" for mark in URL) + '"',
        f"String.fromCharCode({CODES})",
        'decodeURIComponent("' + "".join(f"%{ord(mark):02x}" for mark in URL) + '")',
        f'"{URL[::-1]}".split("").reverse().join("")',
        PIECES,
        f"'{URL[:20]}' + '{URL[20:]}'",
        f'atob("{base64.b64encode(URL[:24].encode()).decode()}") + "{URL[24:]}"',
    ],
)
def test_a_disguised_address_is_loaded_all_the_same(spelt):
    (load,) = loads(f"new Image().src = {spelt};", "https://site.example/")
    assert (load.url, load.kind) == (URL, "source")


def test_members_named_in_brackets():
    (load,) = loads(f'window["location"]["href"] = "{URL}";', "https://site.example/")
    assert load.kind == "navigation"


@given(st.text(alphabet="abc XYZ09.,:;(){}=<>/-_", max_size=300))
def test_a_script_without_disguises_stays_as_it_is(script):
    assert in_the_clear(script) == script


@given(st.text(max_size=200))
def test_no_script_stops_it(script):
    in_the_clear(f'atob("{script}") + "\\x41" + String.fromCharCode(1,{len(script)}) + unescape("%zz{script}")')


@pytest.mark.parametrize(
    "script",
    [
        f'document.addEventListener("click", (e) => {{ if (e.target.closest(".deal")) window.open("{URL}"); }});',
        f'document.addEventListener("click", function (e) {{ if (e.target.matches("#a")) window.open("{URL}"); }});',
        f'$(document).on("click", ".code", function () {{ window.open("{URL}"); }});',
        f'el({{ onClick: () => window.open("{URL}") }});',
    ],
)
def test_a_click_on_a_thing_made_for_it_is_the_readers_own(script):
    assert list(loads(script, "https://site.example/")) == []


@pytest.mark.parametrize(
    "script",
    [
        f'document.addEventListener("click", (e) => {{ if (e.target.closest("body")) window.open("{URL}"); }});',
        f'$(document).on("click", "*", function () {{ window.open("{URL}"); }});',
        f'$(document).one("mousedown", function () {{ window.open("{URL}"); }});',
        f'document.addEventListener("click", function () {{ window.open("{URL}"); }});',
        f'var a = document.createElement("a"); a.href = "{URL}"; a.click();',
    ],
)
def test_a_click_on_anything_is_none(script):
    assert [load.url for load in loads(script, "https://site.example/")] == [URL]
