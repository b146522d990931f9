"""Who belongs together: shared identifiers, copies, series of addresses, and what stays apart."""

from __future__ import annotations

from datetime import UTC, datetime

from screening.applicants.batch import affiliate_member, judge
from screening.applicants.decide import Decision
from screening.applicants.identifiers import Identifier, of_site
from screening.applicants.intake_fields import application
from screening.applicants.known import Known, load_known, remember
from screening.applicants.policy import Policy
from screening.applicants.records import ApplicationCrawl
from screening.applicants.rings import Member, ring_findings, rings, sequential_mail
from screening.applicants.study import Looked, study

AD = "pub-1234567890123456"


def member(name, *identifiers, standing="applicant"):
    found = tuple(Identifier(kind, value, f"{name}.com", f"https://{name}.com/") for kind, value in identifiers)
    return Member(name, f"Name {name}", standing, found)


def codes(name, members, shipped, copied=()):
    settings = shipped.screening.rings
    found = ring_findings(name, rings(members, copied, settings), settings)
    return {finding.code for finding in found if finding.found}


def test_one_kind_of_tie_and_two_to_a_banned_affiliate(shipped):
    banned = member("bad", ("adsense", AD), ("analytics", "UA-11111"), ("email", "x@gmail.com"), standing="banned")
    assert codes("one", [banned, member("one", ("adsense", AD))], shipped) == {"linked_to_banned"}
    both = member("two", ("adsense", AD), ("analytics", "UA-11111"))
    assert codes("two", [banned, both], shipped) == {"linked_to_banned_twice"}
    assert codes("three", [banned, member("three", ("email", "x@gmail.com"))], shipped) == {"linked_to_banned_twice"}
    assert codes("four", [banned, member("four", ("adsense", "pub-9999999999999999"))], shipped) == set()


def test_present_affiliates_and_other_applicants_are_told_apart(shipped):
    active = member("here", ("phone", "+4930123456"), standing="active")
    assert codes("again", [active, member("again", ("phone", "+4930123456"))], shipped) == {"existing_affiliate"}
    pair = [member("a", ("payout_account", "DE1")), member("b", ("payout_account", "DE1"))]
    assert codes("a", pair, shipped) == {"duplicate_application"}


def test_a_ring_needs_three_and_names_all(shipped):
    settings = shipped.screening.rings
    three = [member(name, ("analytics", "UA-11111")) for name in ("a", "b", "c")]
    assert codes("a", three, shipped) == {"ring", "shared_identifier"}
    assert codes("a", three[:2], shipped) == {"shared_identifier"}
    assert rings(three, (), settings).ring_of["b"] == ("a", "b", "c")


def test_what_many_have_and_what_themes_share_ties_nobody(shipped):
    crowd = [member(f"m{number}", ("tag_manager", "GTM-AGENCY")) for number in range(25)]
    assert codes("m1", crowd, shipped) == set()
    alike = [member(name, ("favicon", "f1"), ("template", "t1"), ("site_label", "kettle")) for name in ("a", "b", "c")]
    assert codes("a", alike, shipped) == set()


def test_a_ring_stops_growing(shipped):
    settings = shipped.screening.rings.model_copy(update={"size_max": 5})
    chain = [member(f"m{n:02d}", ("analytics", f"UA-{n}0000"), ("analytics", f"UA-{n + 1}0000")) for n in range(30)]
    sizes = {len(ring) for ring in rings(chain, (), settings).ring_of.values()}
    assert max(sizes) <= 5


def test_ids_copied_along_with_a_page_tie_nobody(shipped):
    pair = [member("origin", ("adsense", AD)), member("copy", ("adsense", AD))]
    assert codes("origin", pair, shipped, [frozenset({"origin.com", "copy.com"})]) == set()


def test_names_like_a_banned_affiliates(shipped):
    banned = Member("affiliate:1", "Jörg Müller-Hansen", "banned", ())
    assert codes("a", [banned, Member("a", "Hansen, Jorg Muller", "applicant", ())], shipped) == {"name_of_banned"}
    assert codes("b", [banned, Member("b", "Jane Doe", "applicant", ())], shipped) == set()


def test_addresses_in_series(shipped):
    settings = shipped.screening.rings
    series = [member(f"s{n}", ("email", f"jane0{n}@gmail.com")) for n in range(4)]
    years = [member("y1", ("email", "joe1984@gmail.com")), member("y2", ("email", "joe1991@gmail.com"))]
    found = sequential_mail([*series, *years], settings)
    assert set(found) == {"s0", "s1", "s2", "s3"}


def test_identifiers_are_read_from_real_markup(crawl_of):
    html = """<script async src="https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=ca-pub-1234567890123456"></script>
    <script>gtag('config', 'G-ABC123DEF4'); gtag('config', 'AW-123456789'); ga('create', 'UA-12345678-2', 'auto');
    fbq('init', '123456789012345'); ym(12345678, 'init', {}); var hjid = 1234567; h._hjSettings={hjid:1234567,hjsv:6};
    _paq.push(['setTrackerUrl', 'https://stats.kettle.com/matomo.php']); _paq.push(['setSiteId', '7']);</script>
    <script src="https://www.googletagmanager.com/gtm.js?id=GTM-ABC1234"></script>
    <meta name="google-site-verification" content="tokentoken">
    <a href="https://www.awin1.com/cread.php?awinmid=1&awinaffid=4711">shop</a>"""
    found = {(item.kind, item.value) for item in of_site(crawl_of([("https://kettle.com/", html)]))}
    assert found >= {
        ("adsense", AD),
        ("analytics", "G-ABC123DEF4"),
        ("analytics", "UA-12345678"),
        ("google_ads", "AW-123456789"),
        ("pixel", "123456789012345"),
        ("metrika", "12345678"),
        ("hotjar", "1234567"),
        ("matomo", "stats.kettle.com/7"),
        ("tag_manager", "GTM-ABC1234"),
        ("verification", "google-site-verification/tokentoken"),
        ("affiliate_id", "awin/4711"),
    }


def studied(shipped, crawl, name, email, url):
    given = {"application_id": name, "name": f"Person {name}", "email": email, "websites": url}
    read = application(given, shipped.screening.intake, datetime(2026, 11, 22, tzinfo=UTC))
    return study(Looked(read, ApplicationCrawl(name, (crawl,), (), (), (), None)), Policy(), shipped.screening.signals)


def article(seed, words=400):
    return " ".join(f"word{(seed * 7919 + number * 104729) % 100_003}" for number in range(words))


def test_the_copy_is_found_and_the_origin_is_left_alone(crawl_of, shipped):
    ids = f"<script>var client = 'ca-{AD}'; gtag('config','UA-5555555-1');</script>"
    menu = "<a href='/about'>About</a><a href='/privacy'>Privacy</a>"
    html = f"<title>Stories | Copper Kettle</title>{ids}<p>{article(1)}</p><p>© 2026 Copper Kettle</p>{menu}"
    origin = studied(
        shipped,
        crawl_of([("https://copper-kettle.com/", html)]),
        "origin",
        "jo@copper-kettle.com",
        "https://copper-kettle.com/",
    )
    thief = studied(
        shipped,
        crawl_of([("https://fast-cash-blog.net/", html)]),
        "thief",
        "x9@gmail.com",
        "https://fast-cash-blog.net/",
    )
    settings = shipped.screening.model_copy(update={"audit_share": 0.0})
    verdicts = {item.studied.application.application_id: item for item in judge([origin, thief], {}, [], settings)}
    assert verdicts["origin"].verdict.decision is Decision.APPROVE
    assert "content_was_copied" in {finding.code for finding in verdicts["origin"].findings if finding.found}
    assert "copied_content" in verdicts["thief"].verdict.reasons
    assert not {"shared_identifier", "duplicate_application"} & set(verdicts["thief"].verdict.reasons)


def test_texts_of_their_own_and_stock_sentences_are_no_copies(crawl_of, shipped):
    stock = [f"<p>{article(9, 14)}</p>", f"<p>{article(8, 14)}</p>", f"<p>{article(7, 14)}</p>"]
    one = studied(
        shipped,
        crawl_of([("https://one.com/", f"<p>{article(1)}</p>{''.join(stock)}")]),
        "one",
        "a@one.com",
        "https://one.com/",
    )
    two = studied(
        shipped,
        crawl_of([("https://two.com/", f"<p>{article(2)}</p>{''.join(reversed(stock))}")]),
        "two",
        "b@two.com",
        "https://two.com/",
    )
    for item in judge([one, two], {}, [], shipped.screening):
        assert "same_content" not in item.verdict.reasons


def test_who_was_screened_before_is_compared_with(crawl_of, shipped, tmp_path):
    html = f"<title>Copper Kettle</title><p>{article(1)}</p>"
    origin = studied(
        shipped,
        crawl_of([("https://copper-kettle.com/", html)]),
        "origin",
        "jo@copper-kettle.com",
        "https://copper-kettle.com/",
    )
    remember(tmp_path, [origin])
    remember(tmp_path, [origin])
    remember(tmp_path, [origin])
    known = load_known(tmp_path)
    assert known["origin"] == Known("origin", "Person origin", origin.identifiers, origin.sketches)
    assert len((tmp_path / "known-members.jsonl").read_text().splitlines()) == 1
    thief = studied(
        shipped, crawl_of([("https://fast-cash.net/", html)]), "thief", "x@gmail.com", "https://fast-cash.net/"
    )
    (item,) = judge([thief], known, [], shipped.screening)
    assert "copied_content" in item.verdict.reasons


def test_half_a_line_of_a_killed_run_is_forgotten(crawl_of, shipped, tmp_path):
    one = studied(shipped, crawl_of([("https://one.com/", "<p>x</p>")]), "one", "a@one.com", "https://one.com/")
    remember(tmp_path, [one])
    with (tmp_path / "known-members.jsonl").open("a") as file:
        file.write('{"member": "two", "na')
    assert set(load_known(tmp_path)) == {"one"}


def test_affiliates_of_the_lake_become_members():
    record = {
        "affiliate_id": "7",
        "name": None,
        "email": "J.Doe@googlemail.com",
        "phone": "030 123456",
        "payout_account": "DE44 5001",
        "approved_sites": ["https://www.kettle-notes.com/x", "not a site:"],
        "country": "DE",
        "status": "banned",
    }
    found = affiliate_member(record, {})
    assert (found.member, found.standing) == ("affiliate:7", "banned")
    values = {(item.kind, item.value) for item in found.identifiers}
    assert values == {
        ("email", "jdoe@gmail.com"),
        ("phone", "+4930123456"),
        ("payout_account", "DE445001"),
        ("site", "kettle-notes.com"),
        ("site_label", "kettlenotes"),
    }
