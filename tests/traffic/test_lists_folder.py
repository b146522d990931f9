"""Imported lists are kept whole or not at all, answer before packaged ones, and are refused when tampered with."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path

import polars as pl
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from screening.errors import InputError, IntegrityError
from screening.traffic import lists
from screening.traffic.lists import ListFolder, ListKind, load_book
from screening.traffic.lists_import import Order, import_list
from screening.traffic.lists_mmdb import read_mmdb
from screening.traffic.lists_packages import PACKAGED

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REPO = Path(__file__).resolve().parents[2]
NETWORK_DATA = REPO.parent / "shared" / "data" / "network"


@pytest.fixture
def folder(tmp_path) -> ListFolder:
    return ListFolder(tmp_path / "lists")


def _import(folder: ListFolder, tmp_path: Path, name: str, text: str, named_class: str | None = None):
    path = tmp_path / f"{name}.txt"
    path.write_text(text)
    return import_list(folder, Order(name, (path,), "auto", named_class), 0.5, NOW)


def _classes(folder: ListFolder, *addresses: str) -> list[str]:
    book, _, _ = load_book(folder.root, packages=())
    return book.classify(pl.Series(addresses))["ip_class"].to_list()


def test_an_imported_list_answers(folder, tmp_path):
    imported = _import(folder, tmp_path, "tor", "20.1.1.1\n20.1.1.2\n")
    assert (imported.version.kind, imported.version.rows, imported.changed) == (ListKind.ADDRESSES, 2, True)
    assert _classes(folder, "20.1.1.1", "20.1.1.3") == ["tor", "unknown"]


def test_the_class_comes_from_the_option_then_from_the_name(folder, tmp_path):
    _import(folder, tmp_path, "own-servers", "20.1.1.1\n", "hosting")
    _import(folder, tmp_path, "vpn", "20.1.2.0/24\n")
    assert _classes(folder, "20.1.1.1", "20.1.2.2") == ["hosting", "vpn"]
    with pytest.raises(InputError, match="--class"):
        _import(folder, tmp_path, "something", "20.1.1.1\n")


def test_a_newer_version_replaces_the_older_which_is_kept_once(folder, tmp_path):
    first = _import(folder, tmp_path, "tor", "20.1.1.1\n").version
    second = _import(folder, tmp_path, "tor", "20.1.1.2\n").version
    assert second.previous == first.digest
    assert _classes(folder, "20.1.1.1", "20.1.1.2") == ["unknown", "tor"]
    assert len(list((folder.root / "tor").glob("*.parquet"))) == 2
    again = _import(folder, tmp_path, "tor", "20.1.1.2\n")
    assert (again.changed, again.version.previous) == (False, first.digest)
    _import(folder, tmp_path, "tor", "20.1.1.3\n")
    assert len(list((folder.root / "tor").glob("*.parquet"))) == 2


def test_a_file_with_too_many_bad_lines_leaves_the_list_as_it_was(folder, tmp_path):
    _import(folder, tmp_path, "tor", "20.1.1.1\n")
    with pytest.raises(InputError, match="cannot be used"):
        _import(folder, tmp_path, "tor", "20.1.1.2\nx y\n20.1.1.400\n1.2.3/24\n20.1.1\n5.5.5.5\n6.6.6.6\n8.8.8.888\n")
    assert _classes(folder, "20.1.1.1") == ["tor"]


def test_a_killed_import_leaves_the_list_as_it_was(folder, tmp_path, monkeypatch):
    _import(folder, tmp_path, "tor", "20.1.1.1\n")
    write = lists._put

    def dies_at_the_manifest(path, content):
        if path.name == "manifest.json":
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(lists, "_put", dies_at_the_manifest)
    with pytest.raises(KeyboardInterrupt):
        _import(folder, tmp_path, "tor", "20.1.1.2\n")
    monkeypatch.undo()
    assert _classes(folder, "20.1.1.1", "20.1.1.2") == ["tor", "unknown"]


def test_a_tampered_list_is_refused(folder, tmp_path):
    version = _import(folder, tmp_path, "tor", "20.1.1.1\n").version
    stored = folder.root / "tor" / f"{version.digest[:16]}.parquet"
    pl.read_parquet(stored).head(0).write_parquet(stored)
    with pytest.raises(IntegrityError, match="not what was imported"):
        load_book(folder.root, packages=())
    stored.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        load_book(folder.root, packages=())


def test_a_broken_manifest_is_refused(folder, tmp_path):
    _import(folder, tmp_path, "tor", "20.1.1.1\n")
    (folder.root / "tor" / "manifest.json").write_text(json.dumps({"name": "tor"}))
    with pytest.raises(IntegrityError):
        load_book(folder.root, packages=())


@pytest.mark.parametrize("name", ["Tor", "../tor", "packages", "iporigin", "", "a b"])
def test_names_that_cannot_be_folders_are_refused(folder, tmp_path, name):
    path = tmp_path / "x.txt"
    path.write_text("20.1.1.1\n")
    with pytest.raises(InputError, match="cannot be called"):
        import_list(folder, Order(name, (path,), "auto", "tor"), 0.5, NOW)


def test_files_of_different_kinds_are_not_mixed(folder, tmp_path):
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("20.1.1.1\n")
    two.write_text("AS64500 Rack\n")
    with pytest.raises(InputError, match="different kinds"):
        import_list(folder, Order("hosting", (one, two), "auto", None), 0.5, NOW)


def test_operator_lists_class_the_networks_that_they_name(folder, tmp_path):
    _import(folder, tmp_path, "networks", "20.1.0.0/16,64500,Rack Co\n20.2.0.0/16,64501,Other Co\n")
    _import(folder, tmp_path, "bad-operators", "ASN,Entity\n64500,Rack Co\n", "hosting")
    assert _classes(folder, "20.1.1.1", "20.2.1.1") == ["hosting", "residential"]


def test_versions_name_every_list_and_change_with_it(folder, tmp_path):
    _import(folder, tmp_path, "tor", "20.1.1.1\n")
    first = load_book(folder.root, packages=())[2]
    _import(folder, tmp_path, "tor", "20.1.1.2\n")
    second = load_book(folder.root, packages=())[2]
    assert {"tor", "carried-facts", "crawler-user-agents"} <= set(first)
    assert {name for name in first if first[name] != second[name]} == {"tor"}


def test_packaged_lists_work_offline_and_are_converted_once(folder):
    book, agents, versions = load_book(folder.root)
    assert not book.lacks
    assert {package.name for package in PACKAGED} <= set(versions)
    rows = book.classify(pl.Series(["8.8.8.8", "52.95.110.1", "2600:1f18::1", "192.168.1.1"]))
    assert rows["ip_class"].to_list() == ["hosting", "hosting", "hosting", "private"]
    copies = {path: path.stat().st_mtime_ns for path in (folder.root / "packages").iterdir()}
    assert load_book(folder.root)[2] == versions
    assert copies == {path: path.stat().st_mtime_ns for path in (folder.root / "packages").iterdir()}
    assert agents.classify(pl.Series(["Googlebot/2.1"]), NOW.date())["agent_class"].to_list() == ["declared_bot"]


def test_a_damaged_copy_of_a_package_is_made_again(folder):
    load_book(folder.root)
    for copy in (folder.root / "packages").iterdir():
        copy.write_bytes(b"not parquet")
    assert not load_book(folder.root)[0].lacks


def _mmdb(path: Path, kind: str, entries: dict[str, dict[str, object]]) -> Path:
    writer = MMDBWriter(6, kind, languages=["en"], ipv4_compatible=True)
    for network, record in entries.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        ("GeoLite2-Country", {"country": {"iso_code": "NO"}}, ("NO", None, None, None)),
        (
            "GeoLite2-ASN",
            {"autonomous_system_number": 64500, "autonomous_system_organization": "Rack Co"},
            (None, 64500, "Rack Co", None),
        ),
        ("GeoIP2-Anonymous-IP", {"is_anonymous": True, "is_hosting_provider": True}, (None, None, None, "hosting")),
        ("GeoIP2-Anonymous-IP", {"is_tor_exit_node": True, "is_hosting_provider": True}, (None, None, None, "tor")),
        ("GeoIP2-Connection-Type", {"connection_type": "Cellular"}, (None, None, None, "mobile")),
        ("ipinfo lite", {"country_code": "NO", "asn": "AS64500", "as_name": "Rack Co"}, ("NO", 64500, "Rack Co", None)),
        ("ipinfo privacy", {"vpn": "true", "hosting": "true", "tor": ""}, (None, None, None, "vpn")),
        ("ipinfo asn", {"asn": "AS64500", "name": "Rack Co", "type": "hosting"}, (None, 64500, "Rack Co", "hosting")),
    ],
)
def test_binary_databases_are_read_by_what_they_say(tmp_path, kind, record, expected):
    path = _mmdb(tmp_path / "test.mmdb", kind, {"20.1.0.0/16": record, "2a00:5::/32": record})
    rows, named, built = read_mmdb(path)
    assert named == kind
    assert built == date.today() or abs((built - date.today()).days) <= 1  # noqa: DTZ011
    assert rows.select("country", "asn", "as_name", "ip_class").unique().rows() == [expected]
    bounds = {(row["version"], row["start_high"] << 64 | row["start_low"]) for row in rows.iter_rows(named=True)}
    assert bounds == {(4, int(ip_network("20.1.0.0/16")[0])), (6, int(ip_network("2a00:5::/32")[0]))}


def test_a_binary_database_is_recognised_and_imported(folder, tmp_path):
    path = _mmdb(tmp_path / "anything.bin", "GeoIP2-Anonymous-IP", {"20.1.0.0/16": {"is_tor_exit_node": True}})
    imported = import_list(folder, Order("anonymous", (path,), "auto", None), 0.5, NOW)
    assert imported.version.file_format == "mmdb GeoIP2-Anonymous-IP"
    assert _classes(folder, "20.1.2.3", "20.2.2.3") == ["tor", "unknown"]


def test_a_database_that_says_nothing_useful_is_refused(tmp_path):
    with pytest.raises(InputError, match="neither country"):
        read_mmdb(_mmdb(tmp_path / "x.mmdb", "GeoIP2-Domain", {"20.1.0.0/16": {"domain": "example.com"}}))
    (tmp_path / "y.mmdb").write_bytes(b"junk" * 100)
    with pytest.raises(InputError, match="not a readable"):
        read_mmdb(tmp_path / "y.mmdb")


@pytest.mark.skipif(not NETWORK_DATA.is_dir(), reason="the reference lists are not beside the checkout")
def test_public_lists_are_taken_whole(folder):
    for name, file, named_class, rows in (
        ("tor", "tor-exit-nodes.lst", None, 1746),
        ("hosting", "datacenters-ipcat.csv.gz", None, 3429),
        ("operators", "bad-asn-list.csv", "hosting", 723),
    ):
        imported = import_list(folder, Order(name, (NETWORK_DATA / file,), "auto", named_class), 0.0, NOW)
        assert (imported.version.rows, imported.refused) == (rows, ())
