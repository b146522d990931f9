"""Where a body ends: what came is kept, what is missing is said, and what is ambiguous is no good evidence."""

from __future__ import annotations

import socket
from http.client import HTTPException

import pytest
from hostile_wire import article
from hypothesis import given
from hypothesis import strategies as st

from screening.applicants.crawl.answer import MOST_HEADERS, MOST_INTERIM, Answer
from screening.applicants.crawl.receive import Received, receive
from screening.applicants.crawl.urls import read_target

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answered(content: bytes, *, ends: bool = True) -> tuple[Answer, Received]:
    """Read what a server sends that then hangs up, or (`ends` False) says no more."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.05)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        theirs.sendall(content)
        if ends:
            theirs.shutdown(socket.SHUT_WR)
        answer = Answer(ours)
        return answer, receive(answer, 1 << 20)


def in_chunks(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def test_chunks_make_a_whole_body():
    answer, got = answered(CHUNKED + in_chunks([b"one ", b"two"]) + b"0\r\n\r\n", ends=False)
    assert (got.body, got.flags, got.error) == (b"one two", (), None)
    assert answer.reusable


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=5), cut=st.integers(0, 400))
def test_a_chunked_body_cut_anywhere_keeps_what_came_and_says_so(pieces, cut):
    sent = in_chunks(pieces)
    whole = sent + b"0\r\n\r\n"
    came = whole[:cut]
    _, got = answered(CHUNKED + came)
    read, place = b"", 0
    for piece in pieces:  # the bytes of all chunks that lie before the cut, and nothing else
        start = place + len(b"%x\r\n" % len(piece))
        read += piece[: max(0, len(came) - start)]
        place = start + len(piece) + 2
    assert got.body == read
    assert ("truncated" in got.flags) == (len(came) < len(sent) + len(b"0\r\n"))


def test_a_chunk_is_kept_when_the_server_falls_silent_before_its_end():
    _, got = answered(CHUNKED + b"5\r\nwords", ends=False)
    assert (got.body, got.error) == (b"words", "silence")
    assert "truncated" in got.flags


@pytest.mark.parametrize("size", [b"0x5", b"+5", b"-5", b"0_5", b" 5", b"", b"five", b"5 words", b"1" * 16])
def test_a_chunk_size_that_is_no_hexadecimal_number_ends_the_body(size):
    _, got = answered(CHUNKED + b"3\r\nwas\r\n" + size + b"\r\nwords\r\n0\r\n\r\n")
    assert got.body == b"was"
    assert set(got.flags) == {"length_wrong", "truncated"}


@pytest.mark.parametrize("size", [b"5;name=value", b"5 ", b"5\t; q", b"005"])
def test_a_chunk_size_may_have_zeros_blanks_and_extensions(size):
    _, got = answered(CHUNKED + size + b"\r\nwords\r\n0\r\n\r\n")
    assert (got.body, got.flags) == (b"words", ())


def test_a_chunk_longer_than_its_size_ends_the_body():
    _, got = answered(CHUNKED + b"5\r\nwords and more\r\n5\r\nwords\r\n0\r\n\r\n")
    assert got.body == b"words"
    assert set(got.flags) == {"length_wrong", "truncated"}


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: Chunked\r\n",
        b"transfer-encoding:\tCHUNKED \r\n",
        b"Transfer-Encoding: identity, chunked\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
    ],
)
def test_chunks_are_announced_in_any_case_and_place(lines):
    _, got = answered(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + in_chunks([b"words"]) + b"0\r\n\r\n")
    assert (got.body, got.flags) == (b"words", ())


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
    ],
)
def test_a_body_framed_in_two_ways_is_read_as_browsers_do_and_marked(head):
    answer, got = answered(head + in_chunks([b"words"]) + b"0\r\n\r\n", ends=False)
    assert (got.body, got.flags) == (b"words", ("framing_wrong",))
    assert not answer.reusable


def test_another_transfer_coding_than_chunks_runs_to_the_end_of_the_connection():
    answer, got = answered(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\nContent-Length: 2\r\n\r\n5\r\nwords"
    )
    assert (got.body, got.flags) == (b"5\r\nwords", ("framing_wrong",))
    assert not answer.reusable


def test_interim_answers_are_passed_over_and_bounded():
    interim, final = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    answer, got = answered(interim * MOST_INTERIM + final)
    assert (answer.status, got.body) == (200, b"ok")
    with pytest.raises(HTTPException, match="interim"):
        answered(interim * (MOST_INTERIM + 1) + final)


def test_trailers_are_passed_over_and_bounded():
    body = CHUNKED + in_chunks([b"words"]) + b"0\r\n"
    answer, got = answered(body + b"X-Sum: 1\r\n" * MOST_HEADERS + b"\r\n", ends=False)
    assert (got.body, got.flags, answer.reusable) == (b"words", (), True)
    answer, got = answered(body + b"X-Sum: 1\r\n" * 10 * MOST_HEADERS, ends=False)
    assert (got.body, got.flags, answer.reusable) == (b"words", ("truncated",), False)


def test_cookies_with_control_characters_are_not_sent_back(farm, crawler):
    def sets_cookies(exchange):
        cookies = ("Set-Cookie: plain=1", "Set-Cookie: bad=1\rX-Forged: yes", "Set-Cookie: nul=a\0b")
        exchange.respond(article(links=("/next",)), headers=cookies)

    server = farm.add("cookies.net", sets_cookies)
    target = read_target(farm.url("cookies.net"))
    with crawler.fetcher.visitor(target.site, "winnow test") as visitor:
        for _ in range(2):
            crawler.fetcher.fetch(target, visitor, lambda _: None)
    sent = server.requests[-1].headers
    assert sent["cookie"] == "plain=1"
    assert "x-forged" not in sent
