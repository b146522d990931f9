"""Signals about what a site is: reachable, parked, prohibited, cloaked, thin, hacked, somebody's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from screening.applicants.codes import Failure, SiteFlag, Stop
from screening.applicants.intake_fields import application
from screening.applicants.policy import Policy
from screening.applicants.records import Unusable
from screening.applicants.signals.access import access, unusable_site
from screening.applicants.signals.brands import brand_domains
from screening.applicants.signals.category import prohibited, unworded
from screening.applicants.signals.cloaking import cloaking
from screening.applicants.signals.content import content
from screening.applicants.signals.finding import State
from screening.applicants.signals.hacked import hidden_frame, injected_links
from screening.applicants.signals.lookalikes import lookalike
from screening.applicants.signals.methods import methods
from screening.applicants.signals.ownership import ownership
from screening.applicants.signals.pages import care, disclosure, domain_shape
from screening.applicants.signals.parked import parked
from screening.settings import load_settings

HOME = "https://kettle-notes.com/"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def prose(count, seed=0):
    """Text of that many different words."""
    return " ".join(f"word{seed}x{number}" for number in range(count))


def found_codes(findings):
    return {finding.code for finding in findings if finding.found}


def applicant(**fields):
    given = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": HOME, **fields}
    return application(given, load_settings(None, {}).settings.screening.intake, NOW)


@pytest.mark.parametrize(
    ("status", "error", "stops", "code"),
    [
        (None, Failure.CONNECT_REFUSED, (), "site_unreachable"),
        (None, Failure.DNS_NOT_FOUND, (), "site_unreachable"),
        (None, Failure.DEADLINE, (), "site_slow"),
        (None, Failure.ADDRESS_REFUSED, (), "site_refused"),
        (302, Failure.SSRF_REDIRECT, (), "site_refused"),
        (500, None, (), "site_error"),
        (403, None, (), "site_blocks"),
        (None, Failure.ROBOTS, (), "site_robots"),
        (200, None, (), "site_unparseable"),
        (None, None, (Stop.ROBOTS_DISALLOWED,), "site_robots"),
    ],
)
def test_a_site_that_cannot_be_seen_says_why(crawl_of, page_of, shipped, status, error, stops, code):  # noqa: PLR0917
    crawl = crawl_of([page_of(HOME, "", status=status, error=error)], stops=stops or (Stop.HOME_FAILED,))
    findings = access(crawl, shipped.screening.signals)
    assert found_codes(findings) == {code}
    assert findings[0].numbers["why"]
    assert findings[0].exhibits


def test_a_declared_address_that_cannot_be_crawled_is_told_apart():
    assert unusable_site(Unusable("http://10.0.0.1/", Failure.ADDRESS_REFUSED)).code == "site_refused"
    assert unusable_site(Unusable("nonsense", Failure.URL_INVALID)).code == "website_unusable"


def test_an_unfinished_crawl_and_a_page_of_scripts_go_to_a_person(crawl_of, shipped):
    signals = shipped.screening.signals
    cut = crawl_of([(HOME, f"<p>{prose(300)}</p>")], flags=(SiteFlag.PARTIAL,), stops=(Stop.SECONDS,))
    assert found_codes(access(cut, signals)) == {"site_partial"}
    app = crawl_of([(HOME, "<div id=root></div><script src='/app.js'></script>")])
    assert found_codes(access(app, signals)) == {"site_needs_script"}
    assert "no_content" not in found_codes(parked(app, signals))


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<title>kettle.com is for sale</title><h1>This domain is for sale</h1>", "parked"),
        ("<h1>Diese Domain steht zum Verkauf</h1><p>Jetzt kaufen.</p>", "parked"),
        ("<h1>このドメインは販売中です</h1>", "parked"),
        ("<p>Results</p><script src='https://www.sedoparking.com/p.js'></script>", "parked"),
        ("<title>Welcome to nginx!</title><h1>Welcome to nginx!</h1><p>Thank you for using nginx.</p>", "host_default"),
        ("<title>Index of /</title><h1>Index of /</h1>", "host_default"),
        ("<h1>Site en construction</h1>", "host_default"),
        ("<p>Hello.</p>", "no_content"),
    ],
)
def test_sites_on_which_nobody_publishes(crawl_of, shipped, html, code):
    assert found_codes(parked(crawl_of([(HOME, html)]), shipped.screening.signals)) == {code}


def test_an_article_about_parked_domains_is_not_one(crawl_of, shipped):
    html = f"<title>When a domain is for sale</title><h1>This domain is for sale: what now?</h1><p>{prose(400)}</p>"
    assert found_codes(parked(crawl_of([(HOME, html)]), shipped.screening.signals)) == set()


CASINO = "online casino free spins no deposit bonus roulette blackjack jackpot slot machines sportsbook"


def test_a_prohibited_category_needs_two_pages_and_a_title_to_be_certain(crawl_of, shipped):
    signals, policy = shipped.screening.signals, Policy(prohibited_categories=["gambling"])
    page = f"<title>Best online casino</title><h1>Casino bonus</h1><p>{CASINO}</p><p>{prose(60)}</p>"
    two = prohibited(crawl_of([(HOME, page), (f"{HOME}b", page, "random")]), policy, signals)
    assert found_codes(two) == {"prohibited_category"}
    assert two[0].clause == "prohibited_categories/gambling"
    assert len(two[0].exhibits) == 2
    one = prohibited(crawl_of([(HOME, page)]), policy, signals)
    assert found_codes(one) == {"category_suspected"}


def test_writing_about_a_category_is_not_selling_it(crawl_of, shipped):
    signals = shipped.screening.signals
    policy = Policy(prohibited_categories=["gambling", "adult", "drugs", "piracy", "counterfeit"])
    news = (
        f"<title>Council debates casino licence</title><h1>A casino for the harbour?</h1><p>The casino {prose(400)}</p>"
    )
    help_ = f"<title>Leaving the casino</title><p>{CASINO} gambling addiction gamblers anonymous problem gambling</p>"
    crawl = crawl_of([(HOME, news), (f"{HOME}b", news, "random"), (f"{HOME}c", help_, "random")])
    assert found_codes(prohibited(crawl, policy, signals)) == set()


def test_an_unknown_category_is_looked_for_by_its_name_and_never_certain(crawl_of, shipped):
    policy = Policy(prohibited_categories=["time shares", "porn"])
    assert unworded(policy) == ("time_shares",)
    page = f"<title>Time shares in Spain</title><p>time shares time shares {prose(50)}</p>"
    crawl = crawl_of([(HOME, page), (f"{HOME}b", page, "random")])
    assert found_codes(prohibited(crawl, policy, shipped.screening.signals)) == {"category_suspected"}


def test_cloaking_is_a_difference_beyond_the_noise(crawl_of, page_of, shipped):
    signals = shipped.screening.signals
    shown = f"<p>{prose(200)}</p>"
    restless = [f"<p>{prose(150)} {prose(60, seed)}</p>" for seed in (1, 2, 3)]
    hidden = f"<p>{prose(200, 9)}</p>"

    def views(again, browser):
        return [("again", page_of(HOME, again)), ("browser", page_of(HOME, browser))]

    found = cloaking(crawl_of([(HOME, shown)], views=views(shown, hidden)), signals)
    assert found.found
    assert len(found.exhibits) == 2
    assert cloaking(crawl_of([(HOME, restless[0])], views=views(*restless[1:])), signals).state is State.ABSENT
    wild = [f"<p>{prose(200, seed)}</p>" for seed in (1, 2, 3)]
    assert cloaking(crawl_of([(HOME, wild[0])], views=views(*wild[1:])), signals).state is State.ABSENT
    assert cloaking(crawl_of([(HOME, shown)]), signals).state is State.UNKNOWN
    gone = page_of("https://win.example/", "", status=302, hops=((HOME, 302, "https://win.example/"),))
    led_away = crawl_of([(HOME, shown)], views=[("again", page_of(HOME, shown)), ("referred", gone)])
    assert cloaking(led_away, signals).found


def test_how_much_a_site_says(crawl_of, shipped):
    signals = shipped.screening.signals
    menu = "home about contact " * 30
    assert "scant_content" in found_codes(content(crawl_of([(HOME, f"<p>{menu} {prose(50)}</p>")]), signals))
    assert "thin_content" in found_codes(content(crawl_of([(HOME, f"<p>{prose(200)}</p>")]), signals))
    assert not {"thin_content", "scant_content"} & found_codes(
        content(crawl_of([(HOME, f"<p>{prose(400)}</p>")]), signals)
    )
    japanese = "<p>" + "".join(chr(0x4E00 + 37 * place % 2000) for place in range(1000)) + "</p>"
    assert not {"thin_content", "scant_content"} & found_codes(content(crawl_of([(HOME, japanese)]), signals))


@pytest.mark.parametrize(
    ("url", "html", "code"),
    [
        ("https://linktr.ee/jane", f"<p>{prose(400)}</p>", "link_in_bio"),
        ("https://bit.ly/x", f"<p>{prose(400)}</p>", "short_address"),
        ("https://www.instagram.com/jane", f"<p>{prose(400)}</p>", "social_as_site"),
        ("https://jane.blogspot.com/", f"<p>{prose(400)}</p>", "free_subdomain"),
        (HOME, '<meta http-equiv="refresh" content="0;url=https://other.com/">go', "redirector"),
        (HOME, "".join(f'<a href="https://s{n}.com/">shop {n}</a>' for n in range(9)), "link_page"),
    ],
)
def test_places_that_are_no_site_of_the_applicants(crawl_of, shipped, url, html, code):
    assert code in found_codes(content(crawl_of([(url, html)]), shipped.screening.signals))


def test_planted_links_on_a_page_about_something_else(crawl_of, shipped):
    links = "".join(
        f'<a href="https://p{n}.com/">{text}</a>'
        for n, text in enumerate(["buy viagra", "cheap cialis no prescription", "kamagra", "levitra", "viagra online"])
    )
    html = f"<title>Kettle notes</title><h1>Kettles</h1><p>{prose(100)}</p><div style='display:none'>{links}</div>"
    found = injected_links(crawl_of([(HOME, html)]), shipped.screening.signals)
    assert found.found
    assert found.numbers["category"] == "drugs"
    seller = f"<title>Buy viagra online</title>{links}"
    assert injected_links(crawl_of([(HOME, seller)]), shipped.screening.signals).state is State.ABSENT


@pytest.mark.parametrize(
    ("frame", "state"),
    [
        ('<iframe src="https://counter-stats.net/in.php" width="1"></iframe>', State.FOUND),
        ('<div style="display:none"><iframe src="https://counter-stats.net/"></iframe></div>', State.FOUND),
        ('<iframe src="https://counter-stats.net/" width="400"></iframe>', State.ABSENT),
        (
            '<iframe src="https://www.googletagmanager.com/ns.html?id=GTM-X" style="display:none"></iframe>',
            State.ABSENT,
        ),
        ('<iframe src="/own" width="1"></iframe><iframe src="about:blank" width="1"></iframe>', State.ABSENT),
    ],
)
def test_hidden_frames_of_strangers(crawl_of, frame, state):
    assert hidden_frame(crawl_of([(HOME, f"<p>{prose(50)}</p>{frame}")])).state is state


@pytest.mark.parametrize(
    ("label", "brand", "exact"),
    [
        ("paypa1", "PayPal", False),
        ("paypall", "PayPal", False),
        ("payapl", "PayPal", False),
        ("xn--pypal-4ve", "PayPal", False),
        ("nlke", "Nike", False),
        ("acrneshoes", "Acme Shoes", False),
        ("mircosofft", "Microsoft", False),
        ("paypal", "PayPal", True),
        ("nikeoutlet", "Nike", True),
        ("nike-fans", "Nike", True),
        ("zalando-gutscheine", "Zalando", True),
    ],
)
def test_domains_that_pass_for_a_brands(label, brand, exact):
    like = lookalike(label, "", brand)
    assert like is not None
    assert like.exact is exact


@pytest.mark.parametrize(
    ("label", "brand"),
    [
        ("bike", "Nike"),
        ("mike", "Nike"),
        ("maple", "Apple"),
        ("pineapple", "Apple"),
        ("amazing", "Amazon"),
        ("kettle-notes", "Zalando"),
        ("turtle", "Turkle Co"),
    ],
)
def test_other_words_do_not(label, brand):
    assert lookalike(label, "", brand) is None


def test_brands_of_the_policy(shipped):
    policy = Policy(brands=["Zalmora"], brand_domains=["zalmora.com"])
    assert found_codes(brand_domains("https://zalmora-deals.net/", policy)) == {"brand_domain"}
    assert found_codes(brand_domains("https://zalmora.evil.net/", policy)) == {"brand_domain"}
    assert found_codes(brand_domains("https://za1mora.net/", policy)) == {"typosquat"}
    assert found_codes(brand_domains("https://shop.zalmora.com/", policy)) == {"claims_brand_site"}
    assert found_codes(brand_domains("https://kettle-notes.com/zalmora", policy)) == set()
    assert brand_domains(HOME, Policy()) == ()


def test_methods_on_the_site_are_held_against_what_was_declared(crawl_of, shipped):
    signals = shipped.screening.signals
    html = f"<title>Coupon codes</title><h1>Promo codes</h1><p>{'coupon code SAVE20 ' * 12}{prose(60)}</p>"
    crawl = crawl_of([(HOME, html)])
    allowed = Policy(allowed_methods=["content"])
    assert found_codes(methods(applicant(promo_methods=["blog"]), crawl, allowed, signals)) == {"method_on_site"}
    assert found_codes(methods(applicant(promo_methods=["blog"]), crawl, Policy(), signals)) == {"method_undeclared"}
    assert found_codes(methods(applicant(promo_methods=["coupons"]), crawl, allowed, signals)) == set()
    once = crawl_of([(HOME, f"<p>use the coupon code KETTLE at the till {prose(300)}</p>")])
    assert found_codes(methods(applicant(promo_methods=["blog"]), once, allowed, signals)) == set()


@pytest.mark.parametrize(
    ("fields", "html", "shown"),
    [
        ({"email": "jane@kettle-notes.com"}, "<p>x</p>", True),
        ({}, "<p>Write to jane@gmail.com</p>", True),
        ({}, "<p>by Jane Doe</p>", True),
        ({"social_profiles": ["https://people.example/@jane"]}, '<a href="https://people.example/@jane/">me</a>', True),
        ({}, "<p>Written by Janet Doering</p>", False),
    ],
)
def test_ties_between_applicant_and_site(crawl_of, fields, html, shown):
    found = ownership(applicant(**fields), crawl_of([(HOME, html)]))
    assert found.code == ("ownership_shown" if shown else "ownership_unverified")


def test_disclosure_is_asked_for_only_beside_affiliate_links(crawl_of):
    link = '<a href="https://www.awin1.com/cread.php?awinmid=1&awinaffid=2">shop</a>'
    duty = Policy(required_disclosure=True)
    assert disclosure(crawl_of([(HOME, link)]), duty).code == "disclosure_required"
    assert disclosure(crawl_of([(HOME, link)]), duty).clause == "required_disclosure"
    assert disclosure(crawl_of([(HOME, link)]), Policy()).code == "disclosure_missing"
    told = "<p>Diese Seite enthält Affiliate-Links.</p>"
    assert disclosure(crawl_of([(HOME, told + link)]), duty).state is State.ABSENT
    apart = crawl_of([(HOME, link), (f"{HOME}about", told, "about")])
    assert disclosure(apart, duty).code == "disclosure_apart"
    assert disclosure(crawl_of([(HOME, "<p>no links</p>")]), duty).state is State.ABSENT
    own = Policy(required_disclosure=["Anzeige gemäß Vertrag"])
    assert disclosure(crawl_of([(HOME, told + link)]), own).code == "disclosure_required"


def test_care_is_seen_in_several_languages(crawl_of):
    for menu in (
        '<a href="/x">Impressum</a><a href="/d">Datenschutz</a><a href="/u">Über uns</a>',
        '<a href="/contact">c</a><a href="/privacy-policy">p</a><a href="/about-us">a</a>',
        '<a href="/1">お問い合わせ</a><a href="/2">プライバシー</a><a href="/3">運営者情報</a>',
    ):
        assert found_codes(care(crawl_of([(HOME, menu)]))) == set(), menu
    assert found_codes(care(crawl_of([(HOME, "<p>hello</p>")]))) == {
        "contact_missing",
        "privacy_missing",
        "about_missing",
    }


def test_shape_of_the_domain(crawl_of):
    assert found_codes(domain_shape(crawl_of([("https://best-deals-4-you-2024.xyz/", "<p>x</p>")]))) == {
        "domain_generated",
        "suffix_abused",
    }
    assert found_codes(domain_shape(crawl_of([(HOME, "<p>x</p>")]))) == set()
