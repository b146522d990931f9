"""Whether a referrer lies outside the approved sites, and what cannot be told."""

from __future__ import annotations

import polars as pl
import pytest

from features.lookups import referrals, site_hosts

SITES = pl.DataFrame({"affiliate_id": ["a", "a"], "host": ["blog.example", "shop.test"]})


def off_site(referrer, affiliate="a"):
    pairs = pl.DataFrame({"affiliate_id": [affiliate], "referrer": [referrer]})
    return referrals(pairs, SITES)["off_site"].item()


@pytest.mark.parametrize(
    "referrer",
    [
        "https://blog.example/a?b=c",
        "http://www.blog.example",
        "HTTPS://WWW.Blog.Example/",
        "https://deep.sub.blog.example/x",
        "https://blog.example:8443/",
        "//blog.example/x",
        "blog.example",
        "blog.example/path",
        "https://me:secret@blog.example/",
        "https://shop.test/#x",
    ],
)
def test_an_approved_site_and_its_subdomains_are_inside(referrer):
    assert off_site(referrer) == 0


@pytest.mark.parametrize(
    "referrer",
    [
        "https://evil.example/",
        "https://notblog.example/",
        "https://blog.example.evil.test/",
        "https://evil.test/blog.example",
        "https://evil.test/?u=https://blog.example/",
        "https://evil.test/#//blog.example/",
        "https://blog.example@evil.test/",
        "https://evil.test\\@blog.example/",
        "https://blog.example:pass@evil.test/",
        "https://example/",
        "android-app://com.evil.app/",
    ],
)
def test_a_host_that_only_looks_approved_is_outside(referrer):
    assert off_site(referrer) == 1


@pytest.mark.parametrize("referrer", ["", "-", "direct", "null", "/path/only"])
def test_a_referrer_without_a_host_tells_nothing(referrer):
    assert off_site(referrer) is None


def test_an_affiliate_without_approved_sites_on_record_tells_nothing():
    assert off_site("https://blog.example/", affiliate="b") is None


def test_approved_sites_are_read_however_they_are_written():
    affiliates = pl.DataFrame(
        {
            "affiliate_id": ["a", "b", "c"],
            "approved_sites": [
                ["https://www.Blog.example/path", " blog.example ", "http://shop.test:8080"],
                None,
                [],
            ],
        },
        schema={"affiliate_id": pl.String, "approved_sites": pl.List(pl.String)},
    )
    assert sorted(site_hosts(affiliates).rows()) == [("a", "blog.example"), ("a", "shop.test")]


def test_each_pair_gets_one_answer():
    pairs = pl.DataFrame({"affiliate_id": ["a"], "referrer": ["https://x.blog.example/"]})
    both = pl.concat([SITES, pl.DataFrame({"affiliate_id": ["a"], "host": ["x.blog.example"]})])
    assert referrals(pairs, both).height == 1
