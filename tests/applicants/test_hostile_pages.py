"""Pages made to confuse, stop or exhaust whoever parses them."""

from __future__ import annotations

import json

import pytest
from hostile_behaviours import page
from hostile_fixtures import crawl_settings

from screening.applicants.codes import PageFlag
from screening.applicants.page.pool import ParserPool

NESTED = 50_000


@pytest.fixture
def look(farm, crawler):
    def at(name: str, body: bytes, content_type: str | None = "text/html"):
        host = f"{name}.net"
        farm.add(host, page(body, content_type))
        return crawler.look_at(farm.url(host))

    return at


WORDS = "grüße für straße"


@pytest.mark.parametrize(
    ("name", "body", "content_type", "encoding"),
    [
        ("utf8header", WORDS.encode(), "text/html; charset=utf-8", "utf-8"),
        ("latin", WORDS.encode("latin-1"), "text/html; charset=iso-8859-1", "windows-1252"),
        ("nothing", WORDS.encode("cp1252"), "text/html", "windows-1252"),
        ("unlabelled", WORDS.encode(), "text/html", "utf-8"),
        ("mark", WORDS.encode("utf-16"), "text/html", "utf-16le"),
        ("markwins", b"\xef\xbb\xbf" + WORDS.encode(), "text/html; charset=latin1", "utf-8"),
        ("utf16nomark", WORDS.encode("utf-16-le"), "text/html; charset=utf-16le", "utf-16le"),
        ("conflict", b"<meta charset=koi8-r>" + WORDS.encode(), "text/html; charset=utf-8", "utf-8"),
        ("meta", b"<meta charset=utf-8>" + WORDS.encode(), "text/html; charset=nonsense", "utf-8"),
        ("utf7", WORDS.encode(), "text/html; charset=utf-7", "utf-8"),
    ],
)
def test_encodings_are_found_as_browsers_do(look, name, body, content_type, encoding):
    got = look(
        name, b"<p>" + body if not body.startswith((b"\xff", b"\xef")) and b"\x00" not in body else body, content_type
    )
    assert got.facts.encoding == encoding
    assert got.facts.text == WORDS


@pytest.mark.parametrize(
    "body",
    [
        b"<p>one\x00two three\x00\x00four five",
        b"<p>lone \xed\xa0\x80 surrogate and more words",
        b"\xff\xfe\xfd<p>broken \xc3\x28 bytes in here",
        bytes(range(256)) * 20,
        b"<p>\xf0\x9f\x98 cut in the middle of a character \xf0\x9f",
        b"<![CDATA[<p>x]]><!--[if IE]><p>y<![endif]--><svg><p>z",
    ],
)
def test_broken_bytes_never_raise(look, body):
    got = look(f"broken{len(body)}{body[3]}", body)
    assert got.facts is not None
    json.dumps(got.facts.text, ensure_ascii=False).encode()


@pytest.mark.parametrize("depth", [5_000, NESTED])
def test_deep_nesting_loses_no_text(look, depth):
    got = look(
        f"deep{depth}", b"<div>" * depth + b"words at the very bottom <a href=/deep>link</a>" + b"</div>" * depth
    )
    assert "words at the very bottom" in got.facts.text
    assert [link.text for link in got.facts.links] == ["link"]


def test_a_hundred_thousand_attributes_are_stripped(look):
    got = look(
        "attributes", b"<div " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">seen all the same</div>"
    )
    assert got.facts.text == "seen all the same"
    assert PageFlag.TAG_STRIPPED in got.facts.flags
    assert got.facts.parser == "lexbor"


def test_fifty_thousand_options_are_dropped(look):
    got = look("options", b"<p>before</p><select>" + b"<option>x" * 50_000 + b"</select><p>after all")
    assert PageFlag.OPTIONS_DROPPED in got.facts.flags
    assert got.facts.text.startswith("before")
    assert got.facts.text.endswith("after all")


def test_three_hundred_thousand_links_are_cut(look):
    got = look("links", b"<a href=/x>y</a>" * 300_000)
    assert len(got.facts.links) == 5000
    assert PageFlag.LINKS_CUT in got.facts.flags


def test_a_page_that_stops_the_fast_parser_is_read_by_the_other(look):
    got = look("bold", b"<p>first words here</p>" + b"<b>" * 100_000 + b"x")
    assert got.flags == (PageFlag.FALLBACK,)
    assert got.facts.parser == "soup"
    assert got.facts.text.startswith("first words here")


def test_a_page_that_stops_both_parsers_is_said_to_be_unparseable(farm, trust):
    settings = crawl_settings(farm).parse
    with ParserPool(settings) as pool:
        # nested formatting and links: quadratic for both
        body = b"<a href=/x><b><i><u><s>" * 60_000
        reading = pool.read("http://a.net/", body, None)
        assert reading.facts is None
        assert reading.flags == (PageFlag.UNPARSEABLE,)
        assert pool.read("http://a.net/", b"<p>still here", None).facts.text == "still here"


BLOCKS = {
    "huge": b'{"@type":"Thing","name":"' + b"x" * 1_900_000 + b'"}',
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nestedobjects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deepish": b'{"a":' * 40 + b"1" + b"}" * 40,
    "notjson": b"{name: 'x'}",
    "digits": b'{"a": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_bad_jsonld_is_contained(look, name):
    got = look(f"jsonld{name}", b'<script type="application/ld+json">' + BLOCKS[name] + b"</script><p>the page itself")
    assert got.facts.jsonld == ()
    assert got.facts.flags == (PageFlag.JSONLD_INVALID,)
    assert got.facts.text == "the page itself"


def test_odd_jsonld_is_read_like_browsers_do(look):
    block = (
        b'<!-- {"@graph": [{"@type": "Organization", "name": "first", "name": "last", "rating": NaN, "n": 1e999}]} -->'
    )
    got = look("jsonldodd", b'<script type="application/ld+json">' + block + b"</script>")
    assert got.facts.jsonld == ({"@type": "Organization", "name": "last", "rating": None, "n": None},)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, b"&lol%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10) for n in range(1, 10)
    )
    + b'<!ENTITY xxe SYSTEM "file:///etc/passwd">]>'
)


def test_entities_are_never_expanded(look):
    got = look("laughs", LAUGHS + b"<html><body><p>&lol9; &xxe; text</p></body></html>")
    assert got.facts is None or "root:" not in got.facts.text
    svg = look("laughssvg", LAUGHS + b"<svg>&lol9;&xxe;</svg>", "image/svg+xml")
    assert svg.facts is None
    assert "not_html" in svg.fetch.flags


@pytest.mark.parametrize("head", [b"%PDF-1.7 ", b"PK\x03\x04", b"MZ\x90\x00", b"\x89PNG\r\n\x1a\n", b"\x7fELF"])
def test_files_that_claim_to_be_html_are_not_parsed(look, head):
    got = look(f"file{head[1]}", head + b"<html><p>no page</p></html>" * 50)
    assert got.facts is None
    assert "not_html" in got.fetch.flags


def test_html_without_a_type_is_recognised(look):
    got = look("untyped", b"<!-- note --><!DOCTYPE html><title>Found</title><p>text", None)
    assert got.facts.title == "Found"
    assert "type_sniffed" in got.fetch.flags
    assert look("plaintext", b"just words, no markup", None).facts is None
