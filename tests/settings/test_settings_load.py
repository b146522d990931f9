"""Settings come from three places, later ones win, and whatever is wrong is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from screening.errors import ExitCode, SettingsError
from screening.settings import Loaded, load_settings, without_passwords
from screening.settings.load import shipped_config


@pytest.fixture
def overrides(tmp_path):
    """Return a function that loads the settings with this text as the workspace's config.yaml."""

    def load(text: str, **environment: str) -> Loaded:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path, environment)

    return load


def refusal(load, *arguments, **environment) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(*arguments, **environment)
    assert caught.value.exit_code is ExitCode.UNUSABLE
    return caught.value


def test_without_overrides_the_shipped_defaults_hold():
    loaded = load_settings(None, {})
    assert loaded.settings.engine == "polars"
    assert loaded.sources["engine"].name == str(shipped_config())


def test_a_workspace_without_config_has_the_defaults(tmp_path):
    assert load_settings(tmp_path / "config.yaml", {}).settings == load_settings(None, {}).settings


def test_an_override_changes_one_value_and_leaves_its_neighbours(overrides, tmp_path):
    loaded = overrides("# ours\ncrawl:\n\n  fetch:\n    redirects: 3\n")
    assert loaded.settings.crawl.fetch.redirects == 3
    assert loaded.settings.crawl.fetch.attempts == load_settings(None, {}).settings.crawl.fetch.attempts
    assert str(loaded.sources["crawl.fetch.redirects"]) == f"{tmp_path / 'config.yaml'}:5"
    assert loaded.overridden("crawl.fetch.redirects")
    assert not loaded.overridden("crawl.fetch.attempts")


def test_a_source_names_the_line_of_its_key_in_the_shipped_file():
    source = load_settings(None, {}).sources["store.url"]
    line = Path(source.name).read_text(encoding="utf-8").splitlines()[source.line - 1]
    assert line.strip().startswith("url:")


def test_a_variable_wins_over_the_workspace(overrides):
    loaded = overrides("crawl:\n  fetch:\n    redirects: 3\n", WINNOW__CRAWL__FETCH__REDIRECTS="7")
    assert loaded.settings.crawl.fetch.redirects == 7
    assert str(loaded.sources["crawl.fetch.redirects"]) == "WINNOW__CRAWL__FETCH__REDIRECTS"


def test_a_variable_may_hold_a_whole_section(overrides):
    loaded = overrides("", WINNOW__CRAWL__FETCH="{redirects: 7, attempts: 2}")
    assert (loaded.settings.crawl.fetch.redirects, loaded.settings.crawl.fetch.attempts) == (7, 2)


def test_a_list_is_replaced_as_a_whole(overrides):
    loaded = overrides("crawl:\n  allow_ports: [8081, 9090]\n", WINNOW__CRAWL__ALLOW_PORTS="[81]")
    assert loaded.settings.crawl.allow_ports == (81,)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "store:\ncrawl:\n  fetch:\n"])
def test_empty_files_and_sections_override_nothing(overrides, text):
    assert overrides(text).settings == load_settings(None, {}).settings


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("enginee: spark\n", 1, ["Unknown setting `enginee`", "Did you mean `engine`?"]),
        ("engine: spark\nstore:\n  uri: x\n", 3, ["Unknown setting `store.uri`", "`store.url`"]),
        ("store.url: x\n", 1, ["Unknown setting `store.url`"]),
        ("engine: duckdb\n", 1, ["`engine` cannot be 'duckdb'", "Allowed: one of polars, spark."]),
        ("crawl:\n  fetch:\n    redirects: 21\n", 3, ["cannot be 21", "from 0 to 20 hops"]),
        ("crawl:\n  fetch:\n    redirects: many\n", 3, ["cannot be 'many'", "whole number"]),
        ("crawl:\n  fetch:\n    redirects: yes\n", 3, ["cannot be True", "a number is needed"]),
        ("crawl:\n  fetch:\n    redirects:\n", 3, ["cannot be None", "from 0 to 20 hops"]),
        ("crawl:\n  fetch:\n    total_seconds: .inf\n", 3, ["cannot be inf"]),
        ("crawl:\n  allow_ports: [80, 70000]\n", 2, ["cannot be [80, 70000]", "1 to 65535", "list of ports"]),
        ("crawl:\n  allow_networks: [10.0.0.0/33]\n", 2, ["10.0.0.0/33", "list of networks"]),
        ("store: 5\n", 1, ["`store` holds settings, not a value", "a section with url"]),
        ("crawl:\n  fetch: [1]\n", 2, ["`crawl.fetch` holds settings", "connect_seconds"]),
        ("engine:\n  name: spark\n", 1, ["`engine` cannot be {'name': 'spark'}", "one of polars, spark"]),
        ("engine: spark\nlake:\nengine: polars\n", 3, ["`engine` stands twice"]),
        ("store:\n  url: a\n  url: b\n", 3, ["`url` stands twice"]),
        ("- engine\n", 1, ["A settings file holds settings", "a section with engine"]),
        ("engine: [spark\nstore: 1\n", 2, ["not valid YAML"]),
        ("engine: !!python/name:os.system\n", 1, ["not valid YAML"]),
        ("engine: 2026-13-45\n", 1, ["not valid YAML"]),
        ("engine: a\n---\nengine: b\n", 2, ["not valid YAML"]),
        ("engine: &a [*a]\n", 1, ["not valid YAML"]),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_remedy(overrides, tmp_path, text, line, words):
    error = refusal(overrides, text)
    assert error.where == f"{tmp_path / 'config.yaml'}:{line}"
    assert [word for word in words if word not in str(error)] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("WINNOW__ENGIN", "spark", ["Unknown setting `engin`", "Did you mean `engine`?"]),
        ("WINNOW__STORE__URI", "x", ["Unknown setting `store.uri`"]),
        ("WINNOW__ENGINE__NAME", "x", ["Unknown setting `engine.name`"]),
        ("WINNOW__", "x", ["Unknown setting"]),
        ("WINNOW__STORE", "x", ["`store` holds settings"]),
        ("WINNOW__ENGINE", "duckdb", ["`engine` cannot be 'duckdb'", "one of polars, spark"]),
        ("WINNOW__ENGINE", "[", ["not valid YAML"]),
        ("WINNOW_ENGINE", "spark", ["not read under this name", "WINNOW__ENGINE"]),
        ("WINNOW_STORE_URL", "x", ["WINNOW__STORE__URL"]),
        ("winnow__store__url", "x", ["WINNOW__STORE__URL"]),
    ],
)
def test_a_wrong_variable_is_named(name, text, words):
    error = refusal(load_settings, None, {name: text})
    assert error.where == name
    assert [word for word in words if word not in str(error)] == []


def test_variables_that_are_no_settings_are_left_alone():
    kubernetes = {"WINNOW_SERVICE_HOST": "10.0.0.1", "WINNOW_PORT": "tcp://10.0.0.1:80", "WINNOW_WORKSPACE": "/srv/w"}
    assert load_settings(None, kubernetes).settings == load_settings(None, {}).settings


def test_a_workspace_config_that_cannot_be_read_is_an_error_not_an_empty_one(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "latin.yaml").write_bytes(b"engine: spark # \xe9\n")
    for name in ("folder.yaml", "dangling.yaml", "latin.yaml"):
        assert str(tmp_path / name) in str(refusal(load_settings, tmp_path / name, {}))


def test_settings_cannot_be_changed_after_loading():
    settings = load_settings(None, {}).settings
    with pytest.raises(ValueError, match="frozen"):
        settings.engine = "spark"


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(YAML_VALUES)
def test_no_document_overrides_anything_in_silence(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("any") / "config.yaml"
    path.write_text(yaml.safe_dump({"crawl": document}), encoding="utf-8")
    if document in (None, {}):
        assert load_settings(path, {}).settings == load_settings(None, {}).settings
    else:
        assert str(path) in str(refusal(load_settings, path, {}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql+psycopg://u:p:a@ss@db:5432/w", "postgresql+psycopg://u:***@db:5432/w"),
        ("sqlite:////srv/winnow.db", "sqlite:////srv/winnow.db"),
        ("https://example.org/a:b", "https://example.org/a:b"),
        ({"a": ["https://u:secret@h/"]}, {"a": ["https://u:***@h/"]}),
        (5, 5),
    ],
)
def test_passwords_in_urls_are_not_shown(value, shown):
    assert without_passwords(value) == shown


def test_an_error_does_not_show_a_password(overrides):
    error = refusal(overrides, "engine: postgresql://u:secret@h/db\n")
    assert "secret" not in str(error)
