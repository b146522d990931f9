"""Sites that force affiliate clicks, in the ten ways and a few disguises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from screening.simulate.farm_answers import Answer, Visit, redirect
from screening.simulate.farm_ground import Ground, Planted, site
from screening.simulate.farm_honest import click_urls
from screening.simulate.farm_pages import Draft, pages

MARKUP: dict[str, str] = {
    "frame": '<iframe src="{url}" width="600" height="80"></iframe>',
    "hidden frame": '<div style="display:none"><iframe src="{url}"></iframe></div>',
    "tiny frame": '<iframe src="{url}" width="1" height="1" frameborder="0"></iframe>',
    "frame off the screen": '<iframe src="{url}" style="position:absolute;left:-9999px;top:-9999px"></iframe>',
    "picture": '<img src="{url}" width="0" height="0" alt="">',
    "picture of full size": '<img src="{url}" alt="offer">',
    "script source": '<script src="{url}"></script>',
    "prefetch": '<link rel="prefetch" href="{url}">',
    "prerender": '<link rel="prerender" href="{url}">',
    "embed": '<embed src="{url}" width="2" height="2">',
    "object": '<object data="{url}" width="1" height="1"></object>',
    "refresh": '<meta http-equiv="refresh" content="4;url={url}">',
    "location": "<script>setTimeout(function () {{ window.location = '{url}'; }}, 3000);</script>",
    "location replace": "<script>if (!sessionStorage.getItem('s')) {{ location.replace('{url}'); }}</script>",
    "window": "<script>window.onload = function () {{ window.open('{url}', 'w', 'width=1,height=1'); }};</script>",
    "window at the first click anywhere": (
        "<script>document.addEventListener('click', function () {{ window.open('{url}'); }}, {{once: true}});</script>"
    ),
    "window at loading": "<img src='/logo.png' onload=\"window.open('{url}', '_blank')\">",
    "called function": (
        "<script>function start() {{ window.location.href = '{url}'; }}\nsetTimeout(start, 900);</script>"
    ),
    "style sheet": "<style>.promo {{ background: url('{url}'); }}</style><div class='promo'></div>",
    "style attribute": '<div style="background-image:url({url});height:1px"></div>',
}
"""Ways that stand in the page, by name; `{{url}}` is the network's click URL."""


def in_page(way: str, ground: Ground) -> Planted:
    """A site with one of the ways in its home page, or in an article."""
    email = ground.email()
    draft = ground.draft(click_urls(ground)[:1], email)
    markup = MARKUP[way].format(url=ground.rng.choice(click_urls(ground)))
    return ground.planted(
        f"stuffed: {way}", ground.application(email=email), site(_with(ground, draft, markup)), faults="forced_click"
    )


def by_redirect(ground: Ground) -> Planted:
    """A home page that sends visitors over a network without a click."""
    draft = ground.draft()
    made = site(draft, {"/": redirect("/start"), "/start": redirect(ground.rng.choice(click_urls(ground)))})
    return ground.planted("stuffed: redirect", ground.application(), made, faults="forced_click")


def by_own_path(ground: Ground) -> Planted:
    """A hidden frame of the site's own address that redirects to a network."""
    email = ground.email()
    draft = ground.draft((), email)
    markup = '<iframe src="/out/track" width="1" height="1"></iframe>'
    made = site(_with(ground, draft, markup), {"/out/track": redirect(ground.rng.choice(click_urls(ground)))})
    return ground.planted("stuffed: own path", ground.application(email=email), made, faults="forced_click")


def for_readers_only(ground: Ground) -> Planted:
    """A hidden frame that only visitors from search results get."""
    email = ground.email()
    draft = ground.draft((), email)
    clean = pages(draft)["/"]
    frame = MARKUP["hidden frame"].format(url=ground.rng.choice(click_urls(ground)))
    stuffed = replace(clean, body=clean.body.replace(b"</body>", f"{frame}</body>".encode()))

    def home(visit: Visit) -> Answer:
        return stuffed if "google" in visit.referrer else clean

    made = site(draft, {"/": home})
    return ground.planted(
        "stuffed: for readers only", ground.application(email=email), made, faults=("forced_click", "cloaking")
    )


def _with(ground: Ground, draft: Draft, markup: str) -> Draft:
    if ground.rng.random() < 0.7:
        return replace(draft, home_after=markup)
    return replace(draft, look=replace(draft.look, foot=markup))


STUFFED: tuple[Callable[[Ground], Planted], ...] = (
    *(partial(in_page, way) for way in MARKUP),
    by_redirect,
    by_own_path,
    for_readers_only,
)
