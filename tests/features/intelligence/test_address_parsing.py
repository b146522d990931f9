"""Reading addresses as numbers agrees with Python's own `ipaddress`, for everything that it reads and refuses."""

from __future__ import annotations

import ipaddress

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.intelligence.addresses import ranges_of_networks
from features.intelligence.parsing import networks_of, parse_addresses

_IPV4 = st.ip_addresses(v=4)
_IPV6 = st.ip_addresses(v=6)


def _number(row: dict[str, int]) -> int:
    return row["high"] << 64 | row["low"]


@given(st.lists(st.one_of(_IPV4, _IPV6), min_size=1, max_size=30))
def test_every_address_has_its_number(addresses):
    rows = parse_addresses(pl.Series([str(address) for address in addresses])).rows(named=True)
    for address, row in zip(addresses, rows, strict=True):
        mapped = address.ipv4_mapped if address.version == 6 else None
        expected = mapped or address
        assert (row["version"], _number(row)) == (expected.version, int(expected))


@given(_IPV6)
def test_the_long_form_and_capitals_read_alike(address):
    rows = parse_addresses(pl.Series([str(address), address.exploded, str(address).upper()])).rows(named=True)
    assert len({(row["version"], _number(row)) for row in rows}) == 1


@given(st.text(alphabet="0123456789abcdf:./% g", max_size=24))
def test_what_is_no_address_is_refused_as_ipaddress_refuses_it(text):
    row = parse_addresses(pl.Series([text])).row(0, named=True)
    bare = text.strip(" ").split("%")[0]
    try:
        expected = ipaddress.ip_address(bare)
    except ValueError:
        assert row["version"] is None
        return
    expected = getattr(expected, "ipv4_mapped", None) or expected
    assert (row["version"], _number(row)) == (expected.version, int(expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "010.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4:443",
        "::1::",
        "1:2:3:4:5:6:7:8:9",
        "::g",
        "null",
    ],
)
def test_broken_addresses_are_no_addresses(text):
    assert parse_addresses(pl.Series([text]))["version"].to_list() == [None]


def test_null_stays_null():
    assert parse_addresses(pl.Series([None, "1.1.1.1"], dtype=pl.String))["version"].to_list() == [None, 4]


@given(st.one_of(_IPV4, _IPV6))
def test_an_address_lies_in_its_network(address):
    parsed = parse_addresses(pl.Series([str(address)]))
    network = ipaddress.ip_network(networks_of(parsed)[0])
    expected = getattr(address, "ipv4_mapped", None) or address
    assert expected in network
    assert network.prefixlen == (24 if expected.version == 4 else 48)
    assert str(network) == networks_of(parsed)[0]


@given(st.one_of(_IPV4, _IPV6), st.integers(0, 128))
def test_networks_become_their_first_and_last_address(address, bits):
    bits = min(bits, address.max_prefixlen)
    if address.version == 6 and address.ipv4_mapped:
        return
    network = ipaddress.ip_network((address, bits), strict=False)
    row = ranges_of_networks([f"{address}/{bits}"]).row(0, named=True)
    assert row["start_high"] << 64 | row["start_low"] == int(network.network_address)
    assert row["end_high"] << 64 | row["end_low"] == int(network.broadcast_address)


@pytest.mark.parametrize("text", ["1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/x", "::/129", "1.2.3.4/", "example.com/24"])
def test_broken_networks_are_none(text):
    assert ranges_of_networks([text])["version"].to_list() == [None]
