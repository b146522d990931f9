"""config.yaml holds every default, nothing else, and its comments say what the settings say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from screening.settings import Settings, descriptions, load_settings
from screening.settings.describe import Place, allowed_at, place_of, section_meanings

REPO = Path(__file__).resolve().parents[2]


def test_every_setting_has_its_default_in_config_yaml_and_every_default_is_a_setting():
    # loading refuses a setting without a value and a value without a setting; here the line of each must exist too
    loaded = load_settings(None, {})
    settings = [item.key for item in descriptions(Settings)]
    assert len(settings) > 3
    assert [key for key in settings if not loaded.sources_of(key)] == []
    assert [key for key in loaded.sources if not any(key == s or key.startswith(f"{s}.") for s in settings)] == []


def test_no_setting_has_a_default_in_code():
    def defaults(section, prefix=""):
        for name, field in section.model_fields.items():
            if not field.is_required():
                yield f"{prefix}{name}"
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                yield from defaults(field.annotation, f"{prefix}{name}.")

    assert list(defaults(Settings)) == []


def test_every_number_has_a_range_and_a_unit_and_everything_a_meaning():
    incomplete = [
        item.key
        for item in descriptions(Settings)
        if not item.meaning
        or ("number" in item.allowed and not item.allowed.startswith(("list", "table")) and not bounded(item.allowed))
    ]
    assert incomplete == []


def bounded(allowed: str) -> bool:
    return " from " in allowed or " of at least " in allowed or " of at most " in allowed


def test_every_section_says_what_it_is_about():
    assert [key for key, meaning in section_meanings(Settings) if len(meaning) < 10] == []


def test_the_comments_of_config_yaml_are_those_of_the_settings():
    checked = subprocess.run(
        [sys.executable, REPO / "tools" / "comment_config.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_stale_comment_is_noticed(tmp_path):
    (tmp_path / "tools").mkdir()
    tool = tmp_path / "tools" / "comment_config.py"
    tool.write_text((REPO / "tools" / "comment_config.py").read_text(encoding="utf-8"), encoding="utf-8")
    text = (REPO / "config.yaml").read_text(encoding="utf-8")
    assert "polars # what computes features" in text
    (tmp_path / "config.yaml").write_text(text.replace("what computes features", "something else"), encoding="utf-8")
    command = [sys.executable, tool]
    assert subprocess.run([*command, "--check"], capture_output=True, check=False).returncode == 1
    subprocess.run(command, check=True)
    assert (tmp_path / "config.yaml").read_text(encoding="utf-8") == text


def test_words_for_what_may_stand_at_a_path():
    assert allowed_at(Settings, ("engine",)) == "one of polars, spark"
    assert allowed_at(Settings, ("crawl", "fetch", "redirects")) == "whole number from 0 to 20 hops"
    assert allowed_at(Settings, ("crawl", "allow_ports", "0")) == "list of ports"
    assert allowed_at(Settings, ("store",)) == "a section with url"
    assert allowed_at(Settings, ("store", "nothing")) == "a section with url"
    assert place_of(Settings, ()) is Place.SECTION
    assert place_of(Settings, ("store", "nothing")) is Place.NOTHING
    assert place_of(Settings, ("engine", "deeper")) is Place.NOTHING
