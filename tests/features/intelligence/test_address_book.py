"""An address book says what its lists say, in the documented order, and unknown where they say nothing."""

from __future__ import annotations

from importlib import resources

import polars as pl
import pytest

from features.intelligence import AddressBook, AddressList
from features.intelligence.addresses import FACTS, ranges_of_networks
from features.intelligence.networks import NetworkNames, carried_names
from features.intelligence.ranges import BOUNDS

NAMES = NetworkNames(
    pl.DataFrame(
        {
            "asn": [64500, None, 64502],
            "as_name": ["Rack Co", "Radio Co", "Exit Co"],
            "ip_class": ["hosting", "mobile", "vpn"],
        },
        schema={"asn": pl.Int64, "as_name": pl.String, "ip_class": pl.String},
    ),
    pl.DataFrame({"words": ["hosting", "wireless"], "ip_class": ["hosting", "residential"]}),
)


def _list(name: str, entries: dict[str, dict[str, object]]) -> AddressList:
    bounds = ranges_of_networks(entries).select(BOUNDS)
    facts = pl.DataFrame(list(entries.values()), strict=False)
    return AddressList(name, pl.concat([bounds, facts], how="horizontal"))


@pytest.fixture
def book() -> AddressBook:
    networks = _list(
        "networks",
        {
            "20.0.0.0/8": {"as_name": "Home Telecom", "asn": None},
            "20.1.0.0/16": {"as_name": "RACK CO, NL", "asn": None},
            "20.2.0.0/16": {"as_name": "Radio Co", "asn": None},
            "20.3.0.0/16": {"as_name": "Something", "asn": 64502},
            "20.4.0.0/16": {"as_name": "Best Hosting Ltd", "asn": None},
            "2a00::/16": {"as_name": "Home Telecom", "asn": None},
        },
    )
    countries = _list(
        "countries",
        {
            "20.0.0.0/8": {"country": "DE"},
            "20.9.0.0/16": {"country": "FR"},
            "2a00::/16": {"country": "NL"},
            "30.0.0.0/8": {"country": "US"},
        },
    )
    classes = _list(
        "classes",
        {
            "20.1.1.1": {"ip_class": "tor"},
            "20.2.1.0/24": {"ip_class": "hosting"},
            "20.1.2.0/24": {"ip_class": "relay"},
            "20.5.0.0/16": {"ip_class": "vpn"},
            "20.5.5.5/32": {"ip_class": "tor"},
            "2a00:1::/32": {"ip_class": "hosting"},
        },
    )
    return AddressBook.of([networks, countries, classes], NAMES)


def _row(book: AddressBook, ip: str) -> dict[str, object]:
    return book.classify(pl.Series([ip])).row(0, named=True)


@pytest.mark.parametrize(
    ("ip", "ip_class", "country", "shared"),
    [
        ("20.200.0.1", "residential", "DE", False),
        ("20.9.0.1", "residential", "FR", False),
        ("20.1.0.1", "hosting", "DE", False),  # by its name, case and country suffix aside
        ("20.2.0.1", "mobile", "DE", True),
        ("20.3.0.1", "vpn", "DE", False),  # by its number
        ("20.4.0.1", "hosting", "DE", False),  # by a word in its name
        ("20.1.1.1", "tor", "DE", False),
        ("20.2.1.7", "hosting", "DE", False),  # a list outranks the mobile carrier's name
        ("20.1.2.3", "residential", None, True),  # a relay inside a data centre: people, of unknown country
        ("20.5.0.1", "vpn", "DE", False),
        ("20.5.5.5", "tor", "DE", False),
        ("2a00:1::7", "hosting", "NL", False),
        ("2a00:2::7", "residential", "NL", False),
        ("::ffff:20.1.1.1", "tor", "DE", False),
        ("10.1.2.3", "private", None, False),
        ("100.64.0.1", "private", None, False),
        ("fd00::1", "private", None, False),
        ("::1", "private", None, False),
        ("30.0.0.1", "unknown", "US", None),  # a registry's country alone does not make a home
        ("40.0.0.1", "unknown", None, None),
        ("not-an-address", "unknown", None, None),
    ],
)
def test_classes_follow_the_documented_order(book, ip, ip_class, country, shared):
    row = _row(book, ip)
    assert (row["ip_class"], row["ip_country"], row["ip_shared"]) == (ip_class, country, shared)


def test_one_row_per_distinct_address_in_order_and_none_for_null(book):
    result = book.classify(pl.Series(["20.1.1.1", None, "20.0.0.9", "20.1.1.1", "x"]))
    assert result["ip"].to_list() == ["20.1.1.1", "20.0.0.9", "x"]
    assert result["network"].to_list() == ["20.1.1.0/24", "20.0.0.0/24", None]


def test_an_empty_column_gives_an_empty_frame_of_the_same_columns(book):
    empty, full = book.classify(pl.Series([], dtype=pl.String)), book.classify(pl.Series(["20.1.1.1"]))
    assert empty.schema == full.schema
    assert len(empty) == 0


def test_the_earlier_list_answers_first():
    newer = _list("newer", {"20.0.0.0/16": {"country": "AT", "as_name": "New Co"}})
    older = _list("older", {"20.0.0.0/8": {"country": "DE", "as_name": "Old Co"}})
    rows = AddressBook.of([newer, older], NAMES).classify(pl.Series(["20.0.1.1", "20.1.1.1"]))
    assert rows["ip_country"].to_list() == ["AT", "DE"]
    assert rows["as_name"].to_list() == ["New Co", "Old Co"]


def test_a_book_says_which_facts_it_lacks(book):
    assert book.lacks == frozenset()
    assert AddressBook.of([], NAMES).lacks == frozenset(FACTS)
    tor = AddressBook.of([_list("tor", {"20.1.1.1": {"ip_class": "tor"}})], NAMES)
    assert tor.lacks == frozenset(FACTS) - {"tor_list"}


def test_without_lists_nothing_is_residential():
    assert _row(AddressBook.of([], NAMES), "20.0.0.1")["ip_class"] == "unknown"


def test_own_operators_come_before_the_carried_ones():
    own = pl.DataFrame(
        {"asn": [64500], "as_name": [None], "ip_class": ["mobile"]}, schema_overrides={"as_name": pl.String}
    )
    networks = pl.DataFrame({"asn": [64500, None], "as_name": ["whatever", "Rack Co"]})
    assert NAMES.preceded_by(own).classify(networks).to_list() == ["mobile", "hosting"]
    assert NAMES.classify(networks).to_list() == ["hosting", "hosting"]


@pytest.mark.parametrize(
    ("name", "ip_class"),
    [
        ("AMAZON-02", "hosting"),
        ("Hetzner Online GmbH", "hosting"),
        ("Deutsche Telekom AG", "residential"),
        ("COMCAST-7922", None),
        ("Reliance Jio Infocomm Limited", "mobile"),
        ("T-Mobile Austria GmbH", "mobile"),
        ("Mullvad VPN AB", "vpn"),
        ("ZSCALER-SJC1", "relay"),
        ("Some Web Hosting s.r.o.", "hosting"),
        ("Afrihost", "residential"),
        ("COLOMBIA TELECOMUNICACIONES S.A. ESP", "residential"),
        ("Colorado State University", "residential"),
        ("Exxon Mobil Corporation", "residential"),
    ],
)
def test_carried_facts_know_well_known_operators(name, ip_class):
    networks = pl.DataFrame({"asn": [None], "as_name": [name]}, schema={"asn": pl.Int64, "as_name": pl.String})
    assert carried_names().classify(networks).to_list() == [ip_class]


def test_every_carried_fact_has_its_class_reason_source_and_date():
    for name in ("operators.csv", "operator_words.csv"):
        table = pl.read_csv(
            resources.files("features.intelligence.data").joinpath(name).read_bytes(), infer_schema=False
        )
        assert table.select(pl.col("why", "source").str.len_chars().min()).row(0) > (0, 0)
        assert table["date"].str.to_date().is_not_null().all()
        assert set(table["ip_class"]) <= {"vpn", "relay", "hosting", "mobile", "residential"}
