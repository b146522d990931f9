"""The parts of the simulator that carry facts about the world: addresses, agents, identifiers."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from importlib.resources import files
from pathlib import Path

import geoip2fast
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.simulate.addresses import Net, draw_v4, draw_v6, subnet
from screening.simulate.agents import FAMILIES, INDEX, AgentBook
from screening.simulate.columns import scramble
from screening.simulate.markets import CODES
from screening.simulate.text import addresses, hexadecimal, looked_up


def ranges():
    return pl.read_csv(files("screening.simulate").joinpath("address_ranges.csv").read_bytes(), comment_prefix="#")


def test_address_ranges_lie_in_the_country_they_claim():
    folder = Path(geoip2fast.__file__).parent
    lookup = geoip2fast.GeoIP2Fast(geoip2fast_data_file=str(folder / "geoip2fast-ipv6.dat.gz")).lookup
    rng = np.random.default_rng(4)
    for row in ranges().iter_rows(named=True):
        network = ipaddress.ip_network(row["network"])
        for _ in range(5):
            address = network[int(rng.integers(min(network.num_addresses, 2**62)))]
            assert lookup(str(address)).country_code == row["country"], row


@pytest.mark.parametrize("net", list(Net))
def test_drawn_addresses_lie_in_a_range_of_their_class(net):
    rng = np.random.default_rng(1)
    table = ranges().filter(pl.col("class") == net)
    networks = [ipaddress.ip_network(text) for text in table["network"]]
    countries = rng.integers(len(CODES), size=60)
    for v4 in draw_v4(net, countries, rng):
        assert any(ipaddress.ip_address(int(v4)) in network for network in networks if network.version == 4)
    for high in draw_v6(net, countries, 64, rng):
        if high:
            address = ipaddress.IPv6Address(int(high) << 64)
            assert any(address in network for network in networks if network.version == 6)


def test_addresses_of_a_subnet_are_different_and_close():
    drawn = subnet(int(ipaddress.ip_address("73.28.4.200")), 5, 32, np.random.default_rng(2))
    assert len(set(drawn)) == 5
    assert {int(address) // 32 for address in drawn} == {int(ipaddress.ip_address("73.28.4.200")) // 32}


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_addresses_are_written_as_everybody_reads_them(v4, high, low):
    both = addresses(pl.Series([v4, v4]), pl.Series([0, high], dtype=pl.UInt64), pl.Series([low, low], dtype=pl.UInt64))
    assert ipaddress.ip_address(both[0]) == ipaddress.IPv4Address(v4)
    assert ipaddress.ip_address(both[1]) == ipaddress.IPv6Address((high << 64) + low)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_hexadecimal_is_exact_and_zero_is_null(numbers):
    texts = hexadecimal(np.array(numbers, np.uint64)).to_list()
    assert texts == [f"{number:016x}" if number else None for number in numbers]


@given(st.sets(st.integers(0, 2**64 - 1), max_size=50))
def test_scrambling_keeps_numbers_apart(numbers):
    assert len(set(scramble(np.array(sorted(numbers), np.uint64)).tolist())) == len(numbers)


def test_unknown_codes_are_null():
    assert looked_up(pl.Series([1, -1, 0]), ["a", "b"]).to_list() == ["b", None, "a"]


def test_newer_releases_appear_as_time_goes_by():
    book = AgentBook(date(2025, 1, 1), 60)
    family = np.array([INDEX["chrome windows"]] * 3)
    zero = np.zeros(3, np.int64)
    codes = book.codes(family, zero, np.array([0, 0, 4]), np.array([0.0, 60.0, 60.0]))
    early, late, stale = (int(re.search(r"Chrome/(\d+)", book.texts[code])[1]) for code in codes)
    assert early + 2 <= late
    assert stale == late - 4


def test_agents_are_complete_and_told_apart():
    book = AgentBook(date(2025, 6, 1), 10)
    assert not [text for text in book.texts if re.search(r"[{}]|\(Linux; ;|U; \)", text)]
    last = [
        book.codes(np.array([i]), np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([1.0]))[0]
        for i in range(len(FAMILIES))
    ]
    assert len({book.texts[code] for code in last}) == len(FAMILIES)
