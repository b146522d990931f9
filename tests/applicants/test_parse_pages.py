"""Facts of ordinary pages: what is extracted, from where, and that both parsers agree."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.applicants.codes import PageFlag
from screening.applicants.page.collect import hidden_selectors, hides, refresh_target, size
from screening.applicants.page.encoding import decode_page
from screening.applicants.page.lexbor import read_with_lexbor
from screening.applicants.page.limits import PageLimits, strip_traps
from screening.applicants.page.pool import ParserPool
from screening.applicants.page.simhash import distance, simhash
from screening.applicants.page.soup import read_with_soup
from screening.settings import load_settings

PAGES = Path(__file__).parents[2].parent / "shared" / "data" / "screening" / "publisher_pages"
LIMITS = PageLimits(5000, 400_000, 400_000, 400_000, 24)
BLOG = """<!doctype html>
<html lang="en-GB"><head>
<title> Anna's
 kitchen </title>
<base href="/blog/">
<meta name="Description" content="Honest reviews">
<meta property="og:site_name" content="Anna">
<link rel="shortcut icon" href="/icon.png"><link rel="canonical" href="https://anna.org/blog/">
<link rel="stylesheet" href="style.css">
<style>.gone, #away { display : none } .shown { color: red } @media print { .paper { display:none } }
body { background: url(bg.png) }</style>
<script type="application/ld+json">{"@graph":[{"@type":"Person","name":"Anna"},{"@type":"WebSite"}]}</script>
<script src="https://cdn.net/a.js"></script>
<script>var x = 1; if (x == location.href) {} window.location = "/inside"; window.open('https://pop.net/x');
xhr.open("/not-a-popup");</script>
</head><body>
<header><a href="/" rel="Home NoFollow">Home</a></header>
<nav><a href="about">About <b>us</b></a><a href="#top">Top</a></nav>
<main><h1>Pans</h1><p>Good   pans.</p><a href="https://shop.com/p?id=1#x" rel="sponsored">Buy</a>
<a href="mailto:anna@anna.org">Mail</a><a href="/pic"><img src="p.jpg" alt="A pan" width="300" height="200px"></a>
<img src="pixel.gif" width=1 height="1"><img src="data:image/png;base64,AAAA">
<div class="gone"><iframe src="https://net.com/click?id=7" style="width:0px; height: 0"></iframe></div>
<iframe srcdoc="<img src='https://net.com/doc'>" hidden></iframe>
<form action="/search" method="POST"><input name="q" type="search"><button>Go</button></form>
</main><section id="comments"><a href="https://spam.net/">x</a></section>
<footer><a href="/privacy">Privacy</a></footer><noscript><img src="https://ns.net/p"></noscript>
<template><a href="/never">never</a></template>
</body></html>"""
READERS = pytest.mark.parametrize("read", [read_with_lexbor, read_with_soup])


@READERS
def test_what_a_page_says(read):
    facts = read(BLOG, "https://anna.org/", LIMITS)
    assert facts["title"] == "Anna's kitchen"
    assert facts["language"] == "en-gb"
    assert facts["favicon_url"] == "https://anna.org/icon.png"
    assert facts["canonical_url"] == "https://anna.org/blog/"
    assert ("description", "Honest reviews") in facts["metas"]
    assert ("og:site_name", "Anna") in facts["metas"]
    assert facts["headings"] == [(1, "Pans")]
    assert facts["jsonld"] == [{"@type": "Person", "name": "Anna"}, {"@type": "WebSite"}]
    fields = [("q", "search"), ("", "button")]
    assert facts["forms"] == [{"action": "https://anna.org/search", "method": "post", "fields": fields}]
    assert "Good pans." in facts["text"]
    assert "var x" not in facts["text"]
    assert facts["words"] == len(facts["text"].split())


@READERS
def test_links_with_their_place_and_relation(read):
    links = {link["url"]: link for link in read(BLOG, "https://anna.org/", LIMITS)["links"]}
    assert links["https://anna.org/"]["position"] == "header"
    assert links["https://anna.org/"]["rel"] == ["home", "nofollow"]
    assert (links["https://anna.org/blog/about"]["position"], links["https://anna.org/blog/about"]["text"]) == (
        "nav",
        "About us",
    )
    assert links["https://shop.com/p?id=1"]["position"] == "main"
    assert links["https://spam.net/"]["position"] == "comment"
    assert links["https://anna.org/privacy"]["position"] == "footer"
    assert "mailto:anna@anna.org" in links


def test_the_text_of_a_link_around_an_image_is_its_alternative():
    links = {link["url"]: link["text"] for link in read_with_lexbor(BLOG, "https://anna.org/", LIMITS)["links"]}
    assert links["https://anna.org/pic"] == "A pan"


@READERS
def test_what_a_page_loads_and_where_it_goes(read):
    found = {
        (one["tag"], one["attribute"], one["url"]): one for one in read(BLOG, "https://anna.org/", LIMITS)["resources"]
    }
    assert ("script", "src", "https://cdn.net/a.js") in found
    assert ("link", "href", "https://anna.org/blog/style.css") in found
    assert ("style", "url", "https://anna.org/blog/bg.png") in found
    assert ("script", "location", "https://anna.org/inside") in found
    assert ("script", "open", "https://pop.net/x") in found
    assert ("iframe", "srcdoc", "https://net.com/doc") in found
    assert ("img", "src", "https://ns.net/p") in found
    assert not [key for key in found if "not-a-popup" in key[2] or key[2].startswith("data:")]
    picture = found["img", "src", "https://anna.org/blog/p.jpg"]
    assert (picture["width"], picture["height"], picture["hidden"]) == (300, 200, False)
    pixel = found["img", "src", "https://anna.org/blog/pixel.gif"]
    assert (pixel["width"], pixel["height"]) == (1, 1)
    frame = found["iframe", "src", "https://net.com/click?id=7"]
    assert (frame["width"], frame["height"]) == (0, 0)
    assert "https://net.com/click?id=7" in frame["snippet"]
    assert found["iframe", "srcdoc", "https://net.com/doc"]["hidden"]


def test_hiding_by_a_style_sheet_reaches_what_is_inside():
    found = {one["url"]: one["hidden"] for one in read_with_lexbor(BLOG, "https://anna.org/", LIMITS)["resources"]}
    assert found["https://net.com/click?id=7"]
    assert hidden_selectors(".gone, #away { display : none } .shown { color: red }") == [".gone", "#away"]


@pytest.mark.parametrize(
    ("style", "hidden"),
    [
        ("display:none", True), ("DISPLAY : none !important", True), ("visibility: hidden", True), ("opacity:0", True),
        ("opacity: 0.0;", True), ("opacity:0.5", False), ("position:absolute;left:-9999px", True),
        ("text-indent:-10px", False), ("clip: rect(0,0,0,0)", True), ("display:block", False), ("", False),
        (None, False),
    ],
)  # fmt: skip
def test_what_hides(style, hidden):
    assert hides(style) is hidden


def test_sizes_in_pixels_only():
    assert size("120", "", "width") == 120
    assert size("100%", "", "width") is None
    assert size("100", "width: 1px", "width") == 1
    assert size(None, "max-width: 5px", "width") is None
    assert size(None, "border-width:2px;width:7.5px;", "width") == 7


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=https://a.com/x", "https://a.com/x"), ("5;URL='/next'", "/next"), ("3, /next", "/next"), ("30", None),
        ("0;", None), ("", None), ("0.5; url = /y ", "/y"),
    ],
)  # fmt: skip
def test_where_a_refresh_leads(content, target):
    assert refresh_target(content) == target


@given(st.text(max_size=400))
def test_no_text_upsets_the_readers(text):
    markup, _ = strip_traps(text)
    assert isinstance(read_with_lexbor(markup, "https://a.com/", LIMITS)["words"], int)


@given(
    st.binary(max_size=300), st.sampled_from([None, "utf-8", "utf-16le", "shift_jis", "utf-7", "x", "gb18030", "\x00"])
)
def test_any_bytes_are_decoded(body, charset):
    text, name = decode_page(body, charset)
    assert name
    text.encode("utf-8")


def test_ordinary_pages_are_not_stripped():
    assert strip_traps(BLOG) == (BLOG, [])
    image = f'<p>before<img alt="x" src="data:image/png;base64,{"A" * 70_000}">after<p>'
    stripped, flags = strip_traps(image)
    assert (stripped, flags) == ("<p>before<img>after<p>", [PageFlag.TAG_STRIPPED])


# --- simhash ---------------------------------------------------------------------------------------------------------


def test_simhash_is_near_for_near_copies_and_far_for_others():
    words = [f"w{number % 211}x{number % 97}" for number in range(3000)]
    changed = words.copy()
    changed[400] = "other"
    mine = simhash(" ".join(words))
    assert distance(mine, simhash(" ".join(changed))) <= 3
    assert distance(mine, simhash(" ".join(reversed(words)))) > 15
    assert distance(mine, simhash(" ".join(f"z{number * 7 % 401}" for number in range(800)))) > 15
    assert simhash("only three words") is None
    assert simhash("") is None
    assert simhash("  a b c d ") == simhash("a b c d")


def test_simhash_is_the_same_everywhere():
    assert simhash("the quick brown fox jumps over the lazy dog") == 4620736040306083049


@given(st.text(alphabet=st.sampled_from("ab c"), max_size=200))
def test_simhash_is_a_64_bit_number_or_unknown(text):
    found = simhash(text)
    if len(text.split(" ")) - text.split(" ").count("") < 4:
        assert found is None
    else:
        assert 0 <= found < 1 << 64


def test_what_looks_like_an_overlong_tag_in_scripts_and_texts_is_kept():
    words = " ".join(f"w{number}" for number in range(5_000))
    for markup in (
        f"<p>before<script>if (i<t) {{ x = '{words}'; f.src = 'https://www.awin1.com/cread.php' }}</script><p>after",
        f"<STYLE>a<b {words}</Style><p>after",
        f'<meta name="body" content="{words}"><p>after',
        f"<svg><path d='{words}'/></svg><script>",
    ):
        assert strip_traps(markup) == (markup, [])
    unclosed = f"<script>a</script><div {words}>text"
    assert strip_traps(unclosed) == ("<script>a</script><div>text", [PageFlag.TAG_STRIPPED])


# --- real pages ------------------------------------------------------------------------------------------------------


def test_real_pages_give_the_same_facts_by_both_parsers():
    if not PAGES.exists():
        pytest.skip("the shared data are not here")
    same = 0
    sample = sorted(PAGES.glob("*.html.gz"))[:30]
    for path in sample:
        markup, flags = strip_traps(decode_page(gzip.decompress(path.read_bytes()), None)[0])
        fast, tough = (read(markup, "https://a.com/x", LIMITS) for read in (read_with_lexbor, read_with_soup))
        assert not flags
        assert fast["title"] == tough["title"]
        assert abs(len(fast["links"]) - len(tough["links"])) <= 3
        same += abs(fast["words"] - tough["words"]) <= 0.02 * tough["words"] + 5
    assert same >= len(sample) - 2


def test_a_pool_is_gone_when_it_is_closed():
    with ParserPool(load_settings(None, {}).settings.crawl.parse) as pool:
        assert pool.read("https://a.com/", b"<p>some words to read", None).facts.words == 4
        processes = [worker._process for worker in pool._idle]
        assert [one.poll() for one in processes] == [None]
    assert all(one.poll() is not None for one in processes)
