"""A click URL that loads by itself is found in every way; the same URL behind a reader's act never is."""

from __future__ import annotations

import base64

import pytest

from screening.applicants.signals.finding import State
from screening.applicants.signals.forced_clicks import forced_clicks, own_addresses_loaded
from screening.applicants.signals.networks import patterns
from screening.simulate.farm_stuffed import MARKUP

HOME = "https://kettle-notes.com/"
CLICK = "https://www.awin1.com/cread.php?awinmid=1&awinaffid=4711&ued=https%3A%2F%2Fshop.example"
TEXT = "<p>We compared kettles for three weeks and wrote down what boiled first.</p>"


def judged(crawl_of, markup, url=HOME):
    return forced_clicks(crawl_of([(url, f"<html><body>{TEXT}{markup}</body></html>")]))


@pytest.mark.parametrize("way", MARKUP)
def test_every_way_of_forcing_a_click_is_found_with_its_markup(crawl_of, way):
    found = judged(crawl_of, MARKUP[way].format(url=CLICK))
    assert found.found
    assert found.numbers["networks"] == "Awin"
    assert any("awin1.com" in shown.snippet for shown in found.exhibits)
    assert found.exhibits[0].url == HOME


DISGUISES = {
    "created frame": "<script>var f = document.createElement('iframe'); f.src = '{url}'; b.append(f);</script>",
    "image object": '<script>new Image().src = "{url}";</script>',
    "written markup": "<script>document.write('<iframe src=\"{url}\" width=1></iframe>');</script>",
    "escaped markup": '<script>el.innerHTML = "<img src=\\"{url}\\">";</script>',
    "request": "<script>fetch('{url}', {{mode: 'no-cors'}});</script>",
    "beacon": "<script>navigator.sendBeacon('{url}');</script>",
    "old request": "<script>var x = new XMLHttpRequest(); x.open('GET', '{url}'); x.send();</script>",
    "variable": "<script>const goal = '{url}'; setTimeout(() => {{ window.location.href = goal; }}, 500);</script>",
    "property": "<script>var cfg = {{target: '{url}'}}; top.location = cfg.target;</script>",
    "set attribute": "<script>f.setAttribute('src', '{url}');</script>",
    "base64": "<script>location.replace(atob('{base64}'));</script>",
    "form": "<form action='{url}' method='post'></form><script>document.forms[0].submit();</script>",
    "pressed link": "<a id='deal' href='{url}'>deal</a><script>document.getElementById('deal').click();</script>",
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguises_in_scripts_are_found(crawl_of, disguise):
    encoded = base64.b64encode(CLICK.encode()).decode()
    markup = DISGUISES[disguise].format(url=CLICK, base64=encoded)
    assert judged(crawl_of, markup).found
    inside = markup.replace("<script>", "<script>button.addEventListener('click', function () {").replace(
        "</script>", "});</script>"
    )
    assert judged(crawl_of, inside).state is State.ABSENT


CLICK_URLS = [pattern for pattern in patterns() if pattern.action in ("click", "tag")]


@pytest.mark.parametrize("pattern", CLICK_URLS, ids=lambda pattern: f"{pattern.network}-{pattern.host}")
def test_every_network_is_found_in_a_hidden_frame_and_never_in_a_link(crawl_of, pattern):
    url = pattern.example.replace("&", "&amp;")
    assert judged(crawl_of, f'<iframe src="{url}" style="display:none"></iframe>').found
    link = f'<a href="{url}"><img src="/banner.png" alt="shop"></a><a href="{url}" style="display:none">shop</a>'
    assert judged(crawl_of, link).state is State.ABSENT


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://www.awin1.com/cshow.php?s=1&v=2&q=3&r=4711" width="1" height="1">',
        '<img src="https://www.ftjcfx.com/image-8104572-13854217" width="1" height="1">',
        '<script src="https://www.dwin1.com/4711.js"></script>',
        '<link rel="dns-prefetch" href="//www.awin1.com"><link rel="preconnect" href="https://prf.hn">',
        f'<link rel="canonical" href="{CLICK}">',
        f"<button onclick=\"window.open('{CLICK}')\">shop</button>",
        f"<script>b.addEventListener('click', function () {{ location.href = '{CLICK}'; }});</script>",
        f"<script>function go() {{ window.open('{CLICK}'); }}</script><button onclick='go()'>shop</button>",
        f"<script>function go() {{ location = '{CLICK}'; }} document.querySelector('.b').onclick = go;</script>",
        f"<script>\n  $('.buy')\n  .on('click', () => {{ window.location.assign('{CLICK}'); }});</script>",
        f"<script>var offers = [{{url: '{CLICK}', price: 3}}];</script>",
        f"<script>document.querySelector('a.buy').href = '{CLICK}';</script>",
        f"<script>track('{CLICK}');</script>",
        f"<form action='{CLICK}'><button>shop</button></form>",
        f"<a id='deal' href='{CLICK}'>deal</a><script>document.getElementById('menu').click();</script>",
        f'<iframe srcdoc="&lt;a href={CLICK}&gt;shop&lt;/a&gt;"></iframe>',
        '<iframe src="https://www.youtube.com/embed/x?ref=jane" width="1" height="1"></iframe>',
        '<form action="https://www.amazon.com/s?tag=jane-21"><input name="q"></form>',
    ],
)
def test_what_readers_start_themselves_and_what_networks_mean_to_be_loaded_never_counts(crawl_of, markup):
    assert judged(crawl_of, markup).state is State.ABSENT


def test_a_first_click_anywhere_is_no_choice_of_the_reader(crawl_of):
    for target in ("document", "window", "document.body", "$(document)"):
        script = f"<script>{target}.addEventListener('click', function () {{ window.open('{CLICK}'); }});</script>"
        assert judged(crawl_of, script).found, target


def test_a_redirect_over_a_network_counts_on_entry_and_not_behind_a_link(crawl_of, page_of):
    hops = ((HOME, 302, CLICK),)
    entered = forced_clicks(crawl_of([page_of("https://shop.example/", TEXT, "home", hops=hops)]))
    assert entered.found
    assert "302" in entered.exhibits[0].snippet
    behind = page_of("https://shop.example/", TEXT, "random", hops=((f"{HOME}go/shop", 302, CLICK),))
    assert forced_clicks(crawl_of([(HOME, TEXT), behind])).state is State.ABSENT


def test_what_only_some_visitors_get_is_found(crawl_of, page_of):
    stuffed = page_of(HOME, TEXT + MARKUP["hidden frame"].format(url=CLICK))
    assert forced_clicks(crawl_of([(HOME, TEXT)], views=[("referred", stuffed)])).found


def test_own_addresses_that_load_unseen_are_followed(crawl_of, page_of):
    crawl = crawl_of(
        [(HOME, f'{TEXT}<iframe src="/out/a" width="1" height="1"></iframe><img src="/pixel.php" width="1">')]
    )
    assert own_addresses_loaded(crawl) == (f"{HOME}out/a", f"{HOME}pixel.php")
    later = "setTimeout(function () { location.href = '/out/b'; }, 9);"
    script = f"<script>{later} b.onclick = function () {{ location = '/go/c'; }};</script>"
    assert own_addresses_loaded(crawl_of([(HOME, TEXT + script)])) == (f"{HOME}out/b",)
    followed = page_of(f"{HOME}out/a", "", "single", hops=((f"{HOME}out/a", 302, CLICK),))
    assert forced_clicks(crawl, [followed]).found
    ordinary = crawl_of([(HOME, f'{TEXT}<img src="/kettle.jpg" width="600"><script src="/site.js"></script>')])
    assert own_addresses_loaded(ordinary) == ()


def test_an_unread_site_is_unknown_never_clean(crawl_of, page_of):
    crawl = crawl_of([page_of(HOME, "", status=None, error="connect_refused")])
    assert forced_clicks(crawl).state is State.UNKNOWN


def test_a_place_that_several_visitors_were_shown_is_one_place(crawl_of, page_of):
    markup = f"<html><body>{TEXT}<iframe src='{CLICK}' width=1></iframe></body></html>"
    home = page_of(HOME, markup)
    found = forced_clicks(crawl_of([home], views=[("again", home), ("browser", page_of(HOME, markup))]))
    assert found.numbers["places"] == 1
    assert len(found.exhibits) == 1
