"""Bodies that are too large, wrongly encoded or wrongly announced."""

from __future__ import annotations

import resource

import pytest
from hostile_behaviours import (
    bomb,
    chunk_extensions,
    declares_ten_gigabytes,
    endless_chunks,
    fifty_megabytes,
    gzip_members,
    gzip_six_times,
    length_too_large,
    length_too_small,
    plain_announced_as_gzip,
    reset_in_body,
)
from hostile_wire import article

CAP = 2 * 1024 * 1024


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("kind", ["gzip", "br", "zstd"])
def test_bombs_stop_at_the_cap_without_taking_memory(farm, fetch, kind):
    farm.add(f"{kind}bomb.net", bomb(kind))
    before = _peak_kib()
    got = fetch(f"{kind}bomb.net")
    assert len(got.body) == CAP
    assert {"size_cap", "truncated"} <= set(got.flags)
    assert got.error is None
    assert _peak_kib() - before < 32 * 1024


def test_encodings_laid_over_each_other_are_an_error(farm, fetch):
    farm.add("six.net", gzip_six_times)
    got = fetch("six.net")
    assert got.error == "content_encoding"
    assert got.body.startswith(b"\x1f\x8b")


def test_thousands_of_gzip_members_are_not_all_read(farm, fetch):
    farm.add("members.net", gzip_members)
    got = fetch("members.net")
    assert got.body == b""
    assert "truncated" in got.flags
    assert got.elapsed_seconds < 1


def test_a_declared_length_beyond_the_cap_is_said_before_reading(farm, fetch):
    farm.add("ten.net", declares_ten_gigabytes)
    got = fetch("ten.net")
    assert len(got.body) == CAP
    assert {"size_declared", "size_cap", "truncated"} <= set(got.flags)


def test_endless_chunks_stop_at_the_cap(farm, fetch):
    farm.add("chunks.net", endless_chunks)
    got = fetch("chunks.net")
    assert (len(got.body), got.error) == (CAP, None)
    assert "size_cap" in got.flags


def test_a_flood_of_chunk_extensions_ends(farm, fetch):
    farm.add("extensions.net", chunk_extensions)
    got = fetch("extensions.net")
    assert got.error == "deadline"
    assert got.elapsed_seconds < 2.5
    assert len(got.body) <= CAP


def test_fifty_megabytes_of_text_are_cut(farm, fetch):
    farm.add("fifty.net", fifty_megabytes)
    got = fetch("fifty.net")
    assert len(got.body) == CAP
    assert "truncated" in got.flags
    assert got.ok


@pytest.mark.parametrize("behaviour", [length_too_small, length_too_large])
def test_a_body_that_is_not_as_long_as_announced_is_flagged(farm, fetch, behaviour):
    host = f"{behaviour.__name__.replace('_', '')}.net"
    farm.add(host, behaviour)
    got = fetch(host)
    assert {"length_wrong", "truncated"} <= set(got.flags)
    assert got.status == 200
    assert got.body == article()[: len(got.body)] != b""


def test_a_plain_body_announced_as_gzip_is_kept_as_it_came(farm, fetch):
    farm.add("notgzip.net", plain_announced_as_gzip)
    got = fetch("notgzip.net")
    assert got.body == article()
    assert got.flags == ("encoding_wrong",)


def test_a_reset_inside_the_body_keeps_what_came(farm, fetch):
    farm.add("reset.net", reset_in_body)
    got = fetch("reset.net")
    assert got.body == article()
    assert {"reset", "truncated"} <= set(got.flags)
