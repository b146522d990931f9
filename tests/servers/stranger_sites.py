# ruff: noqa: E501, RUF001 - markup and words as such sites send them
"""Sites that winnow's signals were not built on: other systems, scripts and habits, and other tricks.

Each entry of HONEST and BAD makes one application: what kind it is, its pages by path, and what must come of it. The
markup follows what such systems and such fraud really send; none of it is shared with the bundled farm.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from stranger_prose import paragraphs

from screening.simulate.farm_answers import Answer, Respond, Visit, html, redirect

AWIN = "https://www.awin1.com/cread.php?awinmid=4471&awinaffid=990017&ued=https%3A%2F%2Fshop.example%2F"
CJ = "https://www.jdoqocy.com/click-7712345-10912345"
AMAZON = "https://www.amazon.com/dp/B08XYZ1234?tag=strangers-20"
IMPACT = "https://kettle.sjv.io/c/1190231/553201/9911"
RAKUTEN = "https://click.linksynergy.com/deeplink?id=Qx9ZrTtq1aE&mid=41990&murl=https%3A%2F%2Fshop.example"
PARTNERIZE = "https://prf.hn/click/camref:1100lQx7Z/destination:https%3A%2F%2Fshop.example"

Pages = dict[str, Answer | Respond]


@dataclass(frozen=True)
class Stranger:
    """One application: its kind, pages, what of `codes` must be found (none: honest), and what the form says."""

    kind: str
    pages: Pages
    codes: tuple[str, ...] = ()
    host: str = ""
    unseen: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    everywhere: Answer | None = None


def shell(title: str, body: str, *, head: str = "", lang: str = "en", attributes: str = "") -> str:
    direction = ' dir="rtl"' if lang in {"ar", "he", "fa"} else ""
    return (
        f'<!DOCTYPE html><html lang="{lang}"{direction}><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width">{head}</head><body {attributes}>{body}</body></html>'
    )


def sold(url: str = AWIN, note: str = "Contains affiliate links: we may earn a commission.") -> str:
    return f'<p><em>{note}</em> <a rel="sponsored noopener" target="_blank" href="{url}">Check the price</a></p>'


def blog(seed: str, *, lang: str = "en", head: str = "", after: str = "", wrap: str = "{}", posts: int = 4) -> Pages:
    """A plain honest site in some language: home with teasers, posts, about and contact, and privacy."""
    rng = Random(seed)
    nav = (
        '<nav><a href="/about/">About</a> <a href="/contact/">Contact</a> <a href="/privacy-policy/">Privacy</a></nav>'
    )
    names = [f"/{rng.choice(('2026/03', 'post', 'p', 'stories'))}/{seed.replace(' ', '-')}-{n}/" for n in range(posts)]
    teasers = "".join(
        f"<article><h2><a href='{p}'>{n + 1}. {seed}</a></h2>{paragraphs(lang, rng, 1)}</article>"
        for n, p in enumerate(names)
    )
    pages: Pages = {
        "/": html(shell(f"{seed.title()} journal", wrap.format(nav + teasers + after), head=head, lang=lang))
    }
    for number, path in enumerate(names):
        text = f"<h1>{number + 1} {seed}</h1>{paragraphs(lang, rng, 5)}{sold()}"
        pages[path] = html(shell(f"{number + 1} {seed}", wrap.format(nav + text + after), head=head, lang=lang))
    for name in ("about", "contact", "privacy-policy"):
        pages[f"/{name}/"] = html(
            shell(name, wrap.format(nav + paragraphs(lang, rng, 1) + after), head=head, lang=lang)
        )
    return pages


def replaced(pages: Pages, path: str, old: str, new: str) -> Pages:
    answer = pages[path]
    assert isinstance(answer, Answer)
    return {**pages, path: Answer(answer.body.replace(old.encode(), new.encode(), 1), answer.status, answer.headers)}


# --- honest ------------------------------------------------------------------------------------------------------

_GTM = (
    '<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-PX7{n}Q" height="0" width="0" '
    'style="display:none;visibility:hidden"></iframe></noscript>'
)
_PIXELS = (
    '<noscript><img height="1" width="1" style="display:none" src="https://www.facebook.com/tr?id=8812{n}&ev=PageView&noscript=1"/>'
    '<img height="1" width="1" src="https://px.ads.linkedin.com/collect/?pid=5{n}&fmt=gif"/></noscript>'
    '<iframe src="https://9{n}.fls.doubleclick.net/activityi;src=9{n};type=invmedia;cat=hom" width="1" height="1" '
    'frameborder="0" style="display:none"></iframe>'
)
_BANNERS = (
    '<img src="https://www.awin1.com/cshow.php?s=2470&v=4471&q=38&r=99{n}" border="0">'
    '<img src="https://www.lduhtrp.net/image-771{n}-10912345" width="1" height="1" border="0"/>'
    '<img src="https://ad.linksynergy.com/fs-bin/show?id=Qx9Zr{n}&bids=314&type=4&subid=0" width="1" height="1">'
    '<img src="https://impse.tradedoubler.com/imp?type(inv)g(2190)a(31{n})" width="1" height="1">'
    '<iframe src="https://rcm-na.amazon-adsystem.com/e/cm?o=1&p=12&l=ur1&category=kitchen&t=wp{n}-20" width="300" height="250"></iframe>'
    '<img src="https://images2.productserve.com/?w=200&h=200&url=ssl%3Ashop.example%2Fa.jpg">'
)
_DELEGATED = (
    '<button class="reveal" data-url="'
    + CJ
    + '">Reveal code</button><script>document.addEventListener("click", function (e) {'
    ' const b = e.target.closest(".reveal"); if (!b) return; window.open(b.dataset.url, "_blank"); b.textContent = "SAVE10"; });</script>'
)
_DELEGATED_LITERAL = (
    '<span class="deal">Show the code</span><script>document.addEventListener("click", function (event) {'
    ' if (event.target.matches(".deal")) { window.open("'
    + AWIN
    + '"); event.target.textContent = "SPRING15"; } });</script>'
)
_JQUERY_REVEAL = (
    '<a class="code">Get code</a><script>jQuery(document).on("click", ".code", function () { window.open("'
    + AWIN
    + '");'
    " location.href = '/thanks/'; });</script>"
)
_PWA = (
    '<link rel="manifest" href="/manifest.json"><link rel="prefetch" href="/about/"><link rel="preconnect" href="https://www.awin1.com">'
    '<link rel="dns-prefetch" href="//click.linksynergy.com"><script type="speculationrules">{"prefetch":[{"source":"list","urls":["/about/"]}]}</script>'
    "<script>if ('serviceWorker' in navigator) { navigator.serviceWorker.register('/sw.js'); }</script>"
)
_REWRITERS = (
    '<script src="https://s.skimresources.com/js/119{n}X16.skimlinks.js" async></script>'
    '<script>(function(){{var a=document.createElement("script");a.src="https://www.dwin2.com/pub.99{n}.min.js";document.head.appendChild(a)}})();</script>'
    '<script>document.querySelectorAll("a[href*=\'amazon.\']").forEach(function (a) {{ a.href += "&tag=mine{n}-20"; }});</script>'
)


def rotating(seed: str) -> Pages:
    """A front page that shows its posts in another order, and other teasers, with every visit."""
    pages, counter = blog(seed, posts=6), iter(range(10**9))

    def home(_: Visit) -> Answer:
        rng = Random(f"{seed}{next(counter)}")
        rows = "".join(f"<p><a href='{path}'>{path}</a></p>" for path in rng.sample(list(pages), len(pages)))
        return html(shell("Rotating", f"<h1>Today</h1>{rows}{paragraphs('en', rng, 4)}"))

    return {**pages, "/": home}


def ads_for_browsers(seed: str) -> Pages:
    """Advertising is put in by the server, but not for robots; text and links are the same."""
    pages = blog(seed)
    plain = pages["/"]
    assert isinstance(plain, Answer)
    frame = b'<iframe src="https://securepubads.g.doubleclick.net/gampad/ads?iu=/12/x" width="300" height="250"></iframe></body>'

    def home(visit: Visit) -> Answer:
        return (
            Answer(plain.body.replace(b"</body>", frame), 200, plain.headers)
            if "Mozilla" in visit.user_agent
            else plain
        )

    return {**pages, "/": home}


def consent_wall(seed: str) -> Pages:
    """A banner for the first visit only, by a cookie."""
    pages = blog(seed)
    plain = pages["/"]
    assert isinstance(plain, Answer)
    banner = f"<div id='cmp'><h2>We value your privacy</h2>{'<p>Partners store and access information on a device.</p>' * 3}</div>".encode()

    def home(visit: Visit) -> Answer:
        body = plain.body if "ok=1" in visit.cookies else plain.body.replace(b"<nav>", banner + b"<nav>")
        return Answer(body, 200, {**plain.headers, "Set-Cookie": "ok=1; Path=/"})

    return {**pages, "/": home}


def encoded(seed: str, lang: str, encoding: str) -> Pages:
    """A site in an encoding of its own, declared in its markup only."""
    made: Pages = {}
    for path, answer in blog(seed, lang=lang).items():
        assert isinstance(answer, Answer)
        text = answer.body.decode().replace("utf-8", encoding)
        made[path] = Answer(text.encode(encoding, "replace"), 200, {"Content-Type": "text/html"})
    return made


def next_application(seed: str) -> Pages:
    """Rendered by the server, with its data again as JSON beside the text."""
    rng = Random(seed)
    data = json.dumps({"props": {"pageProps": {"posts": [paragraphs("en", rng, 2) for _ in range(6)], "out": AWIN}}})
    after = f'<script id="__NEXT_DATA__" type="application/json">{data}</script><script src="/_next/static/main.js" defer></script>'
    return blog(seed, wrap='<div id="__next">{}</div>', after=after)


def forum(seed: str) -> Pages:
    """Threads by many members, as a forum's software shows them."""
    rng, pages = Random(seed), blog(seed, posts=2)
    threads = [f"/t/{seed.replace(' ', '-')}/{rng.randint(100, 999)}" for _ in range(5)]
    rows = "".join(
        f"<tr class='topic'><td><a href='{t}'>Question {n}</a></td><td>user{rng.randint(1, 900)}</td><td>{rng.randint(0, 40)} replies</td></tr>"
        for n, t in enumerate(threads)
    )
    pages["/"] = html(
        shell(
            f"{seed} community",
            f"<h1>{seed} community</h1><table>{rows}</table><a href='/about/'>About</a>{paragraphs('en', rng, 2)}",
        )
    )
    for path in threads:
        posts = "".join(
            f"<div class='post'><b>user{rng.randint(1, 900)}</b>{paragraphs('en', rng, 1)}</div>" for _ in range(5)
        )
        pages[path] = html(shell("Thread", posts))
    return pages


def podcast(seed: str) -> Pages:
    """Episodes with players of other platforms and short notes."""
    players = (
        '<iframe src="https://open.spotify.com/embed/show/4rOo" height="152" width="100%"></iframe>'
        '<iframe src="https://embed.podcasts.apple.com/us/podcast/id1" height="175"></iframe>'
        '<audio controls src="https://traffic.libsyn.com/secure/show/ep1.mp3"></audio>'
    )
    return blog(seed, after=players, posts=5)


def newsletter(seed: str) -> Pages:
    """A newsletter with its archive and a form to subscribe."""
    form = '<form action="https://newsletter.ck.page/api/v1/forms/1/subscriptions" method="post"><input name="email_address" type="email"><button>Subscribe</button></form>'
    return blog(seed, after=form, posts=5)


def photographs(seed: str) -> Pages:
    """A photographer's site: many pictures, few words, all pages of care."""
    rng = Random(seed)
    pages = dict(blog(seed, posts=0))
    albums = [f"/albums/{name}/" for name in ("coast", "harbour", "north", "faces")]
    tiles = "".join(
        f"<a href='{path}'><img src='{path}c.jpg' alt='{' '.join(paragraphs('en', rng, 1).split()[1:9])}'></a>"
        for path in albums
    )
    pages["/"] = html(
        shell(
            "Photographs",
            f"<h1>Photographs by Maren Holt</h1><nav><a href='/about/'>About</a><a href='/contact/'>Contact</a><a href='/privacy-policy/'>Privacy</a></nav>{tiles}{paragraphs('en', rng, 1)}",
        )
    )
    for path in albums:
        figures = "".join(
            f"<figure><img src='{path}{n}.jpg'><figcaption>{' '.join(paragraphs('en', rng, 1)[3:].split()[:9])}</figcaption></figure>"
            for n in range(9)
        )
        pages[path] = html(shell("Album", figures))
    return pages


def shop(seed: str) -> Pages:
    """An influencer's own little shop as a shop system shows it."""
    rng = Random(seed)
    items = [f"/products/{name}" for name in ("mug", "print", "tote", "calendar")]
    ld = json.dumps(
        {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": "Mug",
            "offers": {"@type": "Offer", "price": "14.00"},
        }
    )
    pages = dict(blog(seed, posts=1))
    grid = "".join(f"<li><a href='{path}'>{path[10:]}</a> $14.00</li>" for path in items)
    pages["/"] = html(
        shell(
            seed,
            f"<ul>{grid}</ul>{paragraphs('en', rng, 3)}<a href='/contact/'>Contact</a>",
            head=f'<script type="application/ld+json">{ld}</script><script src="https://cdn.shopify.com/s/x.js"></script>',
        )
    )
    for path in items:
        pages[path] = html(
            shell(
                path[10:],
                f"<h1>{path[10:]}</h1>{paragraphs('en', rng, 2)}<form action='/cart/add' method='post'><button>Add</button></form>",
            )
        )
    return pages


def writing_about(seed: str, title: str, text: str) -> Pages:
    """A blog one post of which is about a subject that others sell."""
    pages = blog(seed)
    path = next(path for path in pages if path.count("/") > 2)
    pages = replaced(pages, path, "<h1>", f"<h1>{title}</h1><p>{text}</p><h2>")
    return replaced(pages, path, "</h1><p><p>", "</h1><p>")


HONEST: tuple[Stranger, ...] = (
    Stranger(
        "block editor blog with tag manager and pixels",
        blog("kiln notes", after=_GTM.format(n=1) + _PIXELS.format(n=101)),
    ),
    Stranger("blog with banners of networks", blog("plum orchard", after=_BANNERS.format(n=7301))),
    Stranger("blog with link rewriters", blog("tin whistle", head=_REWRITERS.format(n=5521))),
    Stranger(
        "coupons revealed by a delegated listener",
        blog("voucher desk", after=_DELEGATED),
        fields={"promo_methods": ["coupon", "content"]},
    ),
    Stranger(
        "coupons revealed, address in the script",
        blog("saver corner", after=_DELEGATED_LITERAL),
        fields={"promo_methods": ["coupon", "content"]},
    ),
    Stranger(
        "coupons revealed by a library",
        blog("penny shelf", after=_JQUERY_REVEAL),
        fields={"promo_methods": ["coupon", "content"]},
    ),
    Stranger("progressive application", blog("slate roof", head=_PWA)),
    Stranger("front page that rotates", rotating("moving shelf")),
    Stranger("advertising for browsers only", ads_for_browsers("copper pot")),
    Stranger("consent banner by cookie", consent_wall("glass lamp")),
    Stranger("application rendered by the server", next_application("loom diary")),
    Stranger("forum", forum("beekeeping")),
    Stranger("podcast", podcast("harbour talks")),
    Stranger("newsletter", newsletter("monday letter")),
    Stranger("photographer", photographs("north light")),
    Stranger("shop of an influencer", shop("clay studio")),
    *(
        Stranger(f"blog in {lang}", blog(f"journal {lang}", lang=lang))
        for lang in ("ar", "he", "fa", "ru", "pl", "tr", "el", "hi", "ko", "ja", "zh", "th", "de")
    ),
    Stranger("blog in Shift_JIS", encoded("sjis diary", "ja", "shift_jis")),
    Stranger("blog in windows-1251", encoded("cyrillic diary", "ru", "windows-1251")),
    Stranger("blog on github.io", blog("static cabin"), host="static-cabin-notes.github.io"),
    Stranger("blog on wordpress.com", blog("hosted cabin"), host="hostedcabin.wordpress.com"),
    Stranger("newsletter on substack", newsletter("quiet rivers"), host="quietrivers.substack.com"),
    Stranger(
        "writes about poker nights",
        writing_about(
            "board games",
            "A poker night with friends",
            "We played poker and roulette with buttons; no casino, no slots, no money. Texas hold'em is a fine family game.",
        ),
    ),
    Stranger(
        "writes about medicine",
        writing_about(
            "student ward",
            "What a pharmacist learns",
            "Viagra was found by accident; tramadol and xanax need a prescription. Never buy from an online pharmacy without one.",
        ),
    ),
    Stranger(
        "writes about debt",
        writing_about(
            "household books",
            "Out of a payday loan",
            "Payday loans and cash advance shops charge too much. Debt advice is free; no bad credit loans are needed.",
        ),
    ),
    Stranger(
        "writes about education of the body",
        writing_about(
            "parents evening",
            "Talking about sex",
            "Sex education, porn and what teenagers see: an adult should talk early. Breast feeding and bodies are no secret.",
        ),
    ),
    Stranger(
        "writes about video games",
        writing_about(
            "pixel attic",
            "Slots and loot boxes",
            "Free spins in a game are gambling for children, says the study. Weapons, guns and ammo in shooters are pixels.",
        ),
    ),
    Stranger(
        "writes about hunting for fakes",
        writing_about(
            "watch bench",
            "A replica is no bargain",
            "Replica watches, fake designer bags and counterfeit sneakers fund crime; how to tell and where to report.",
        ),
    ),
    Stranger("home below a path", {**blog("second door"), "/": redirect("/en/"), "/en/": blog("second door")["/"]}),
    Stranger(
        "two posts of a news agency",
        {
            **blog("news desk"),
            "/agency/": html(
                shell(
                    "Agency",
                    "<p>"
                    + "The ministry said on Monday that the bridge will open in June after the last inspection. " * 9
                    + "</p>",
                )
            ),
        },
    ),
    Stranger(
        "other paper with the agency's text",
        {
            **blog("village paper"),
            "/agency/": html(
                shell(
                    "Agency",
                    "<p>"
                    + "The ministry said on Monday that the bridge will open in June after the last inspection. " * 9
                    + "</p>",
                )
            ),
        },
    ),
    Stranger(
        "menus hidden until opened",
        blog(
            "brass bell",
            head="<style>.menu,.modal{display:none}.sr-only{position:absolute;left:-9999px}</style>",
            after=f'<div class="menu"><a href="{AWIN}">Shop</a></div><div class="modal"><iframe src="https://www.youtube.com/embed/x"></iframe><iframe src="https://form.typeform.com/to/aB3"></iframe></div>',
        ),
    ),
    Stranger(
        "pictures that load late",
        blog(
            "late ferry",
            after='<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="/p.jpg" width="1" height="1"><img src="/t.gif" width="1" height="1">',
        ),
    ),
    Stranger(
        "maps and comments",
        blog(
            "ridge walk",
            after='<div id="disqus_thread"></div><iframe src="https://www.google.com/maps/embed?pb=1" width="600"></iframe><iframe src="https://td.doubleclick.net/td/rul/1" style="display:none;visibility:hidden" height="0" width="0"></iframe>',
        ),
    ),
    Stranger(
        "scroll and key listeners",
        blog(
            "stone path",
            after='<script>document.addEventListener("scroll", function(){ document.body.classList.add("s"); }); document.addEventListener("keydown", function (e) { if (e.key === "/") { location.href = "/about/"; } });</script>',
        ),
    ),
    Stranger("redirects to its www name", {**blog("www house")}),
)

# --- not honest --------------------------------------------------------------------------------------------------

_ENCODED = base64.b64encode(AWIN.encode()).decode()
_HEX = "".join(f"\\x{ord(mark):02x}" for mark in AWIN)
_ESCAPED = "".join(f"%{ord(mark):02x}" for mark in f"<iframe src='{AWIN}' width=1></iframe>")
_CHARACTERS = ",".join(str(ord(mark)) for mark in AWIN)
STUFFED: Mapping[str, str] = {
    "picture with a network's address": f'<img src="{AMAZON}" width="1" height="1">',
    "picture in a set": f'<img src="/a.jpg" srcset="{CJ} 2x">',
    "picture element": f'<picture><source srcset="{IMPACT}"><img src="/a.jpg"></picture>',
    "picture of a vector graphic": f'<svg width="1" height="1"><image href="{CJ}"/></svg>',
    "frame from markup": f"<iframe srcdoc=\"<meta http-equiv='refresh' content='0;url={CJ}'>\" width=0 height=0></iframe>",
    "frame of zero opacity": f'<div style="opacity:0;pointer-events:none"><iframe src="{RAKUTEN}"></iframe></div>',
    "frame under a class": f'<style>.zz{{position:fixed;top:-3000px}}</style><div class="zz"><iframe src="{PARTNERIZE}"></iframe></div>',
    "frame with late source": f'<iframe id="f9" data-src="{CJ}" width="1"></iframe><script>var f = document.getElementById("f9"); f.src = f.dataset.src;</script>',
    "frame from an object": f'<object type="text/html" data="{IMPACT}" width="1" height="1"></object>',
    "video poster": f'<video poster="{CJ}" width="1" height="1"></video>',
    "audio": f'<audio src="{CJ}" autoplay></audio>',
    "input picture": f'<form><input type="image" src="{AWIN}" width="1"></form>',
    "style import": f'<style>@import url("{AWIN}");</style>',
    "style import without url": f'<style>@import "{AWIN}";</style>',
    "style content": f'<style>.x::after{{content:url({CJ})}}</style><i class="x"></i>',
    "list style": f'<ul style="list-style-image:url({CJ})"><li>a</li></ul>',
    "style sheet link": f'<link rel="stylesheet" href="{CJ}">',
    "icon": f'<link rel="icon" href="{AWIN}">',
    "prerender rules": f'<script type="speculationrules">{{"prerender":[{{"source":"list","urls":["{CJ}"]}}]}}</script>',
    "prefetch rules": f'<script type="speculationrules">{{"prefetch":[{{"urls":["{IMPACT}"]}}]}}</script>',
    "refresh": f'<meta http-equiv="Refresh" content="2; URL={PARTNERIZE}">',
    "refresh in noscript": f'<noscript><meta http-equiv="refresh" content="0;url={CJ}"></noscript>',
    "picture by script": f'<script>new Image().src = "{CJ}";</script>',
    "request": f'<script>fetch("{AWIN}", {{mode: "no-cors", credentials: "include"}});</script>',
    "old request": f'<script>var x = new XMLHttpRequest(); x.open("GET", "{AWIN}", true); x.withCredentials = true; x.send();</script>',
    "beacon": f'<script>navigator.sendBeacon("{CJ}");</script>',
    "module import": f'<script type="module">import("{CJ}");</script>',
    "worker": f'<script>importScripts("{CJ}"); </script>',
    "written frame": f"<script>document.write('<iframe src=\"{CJ}\" width=1 height=1></iframe>');</script>",
    "inserted markup": f"<script>document.body.insertAdjacentHTML('beforeend', '<img src=\"{CJ}\" width=1>');</script>",
    "base64": f'<script>var u = atob("{_ENCODED}"); var i = document.createElement("iframe"); i.src = u; document.body.appendChild(i);</script>',
    "hexadecimal": f'<script>var i = new Image(); i.src = "{_HEX}";</script>',
    "escaped markup": f'<script>document.write(unescape("{_ESCAPED}"));</script>',
    "character codes": f"<script>location.href = String.fromCharCode({_CHARACTERS});</script>",
    "joined pieces": '<script>var i = new Image(); i.src = "https://www.awin1" + ".com/cread.php?awinmid=4471" + "&awinaffid=990017";</script>',
    "reversed": f'<script>location = "{AWIN[::-1]}".split("").reverse().join("");</script>',
    "string timer": f"<script>setTimeout(\"window.location='{CJ}'\", 1500);</script>",
    "top location": f'<script>top.location.href = "{AWIN}";</script>',
    "location in brackets": f'<script>window["location"]["href"] = "{AWIN}";</script>',
    "history and reload": f'<script>window.location.assign("{CJ}");</script>',
    "first click anywhere": f'<script>document.onclick = function () {{ window.open("{CJ}"); document.onclick = null; }};</script>',
    "first touch": f'<script>document.body.addEventListener("touchstart", () => {{ window.open("{AWIN}", "_blank"); }}, {{once: true}});</script>',
    "first mouse press, library": f'<script>$(document).one("mousedown", function () {{ window.open("{AWIN}"); }});</script>',
    "body attribute": f'<div onclick="window.open(\'{CJ}\')" style="position:fixed;inset:0;z-index:9999"></div>',
    "mouse over": f"<div onmouseover=\"new Image().src='{CJ}'\">{'text ' * 20}</div>",
    "error of a picture": f'<img src="/none.png" onerror="this.src=\'{CJ}\'">',
    "scroll": f'<script>window.addEventListener("scroll", function () {{ new Image().src = "{CJ}"; }}, {{once: true}});</script>',
    "form sent": f'<form id="q" action="{IMPACT}" method="get" target="z"></form><iframe name="z" width=0 height=0></iframe><script>document.forms[0].submit();</script>',
    "form sent by name": f'<form id="q7" action="{IMPACT}"></form><script>document.getElementById("q7").submit();</script>',
    "link pressed": f'<a id="go1" href="{CJ}"></a><script>document.getElementById("go1").click();</script>',
    "link pressed by selector": f'<a class="hid" href="{CJ}"></a><script>document.querySelector("a.hid").click();</script>',
    "link made and pressed": f'<script>var a = document.createElement("a"); a.href = "{CJ}"; a.click();</script>',
    "link that pings": f'<a href="/about/" ping="{CJ}">About us</a>',
    "own redirect in a picture": '<img src="/t/p.gif" width="1" height="1">',
    "own redirect in a style": '<style>.h{background:url(/t/p.gif)}</style><div class="h"></div>',
    "own redirect in a script": '<script src="/t/p.gif"></script>',
    "own page in a frame": '<iframe src="/t/inner.html" width="1" height="1"></iframe>',
    "own script file": '<script src="/t/track.js"></script>',
    "own style file": '<link rel="stylesheet" href="/t/extra.css">',
}
"""Ways to force a click by what stands in the page; `/t/...` are answers of the site itself, see `_OWN`."""
_OWN: Mapping[str, Answer] = {
    "/t/p.gif": redirect(AWIN),
    "/t/inner.html": html(f"<html><body><iframe src='{CJ}'></iframe></body></html>"),
    "/t/track.js": Answer(
        f"(function () {{ var i = new Image(); i.src = '{CJ}'; }})();".encode(),
        200,
        {"Content-Type": "text/javascript"},
    ),
    "/t/extra.css": Answer(f"body {{ background: url('{AWIN}') }}".encode(), 200, {"Content-Type": "text/css"}),
}


def stuffed(way: str, markup: str) -> Stranger:
    pages = blog(f"s {way}", after=markup)
    return Stranger(f"stuffed: {way}", {**pages, **_OWN}, ("forced_click", "hidden_frame"))


def by_header(name: str, value: str) -> Stranger:
    pages = blog(f"h {name}")
    home = pages["/"]
    assert isinstance(home, Answer)
    pages["/"] = Answer(home.body, 200, {**home.headers, name: value})
    return Stranger(f"stuffed: header {name}", pages, ("forced_click",))


def only_for(kind: str, needle: Callable[[Visit], bool], shown: Answer) -> Stranger:
    pages = blog(f"c {kind}")
    plain = pages["/"]
    assert isinstance(plain, Answer)
    clean = Answer(plain.body, 200, {**plain.headers, "Set-Cookie": "v=1; Path=/"})

    def home(visit: Visit) -> Answer:
        return shown if needle(visit) else clean

    return Stranger(
        f"cloaked: {kind}",
        {**pages, "/": home},
        ("cloaking", "forced_click", "prohibited_category", "category_suspected"),
    )


_CASINO = html(
    shell(
        "Casino 777",
        "<h1>Casino bonus</h1>"
        + "<p>Online casino, free spins, slots, jackpot, sports betting and roulette for real money today.</p>" * 9,
    )
)
_PARKED: Mapping[str, tuple[str, str]] = {
    "afternic": ("{host}", "<h1>{host}</h1><p>Get this domain. Listed on Afternic. Request price.</p>"),
    "dan": (
        "{host} is for sale",
        "<p>The domain name {host} is for sale. Buyer protection program. Fast and easy transfers. Lease to own.</p>",
    ),
    "hugedomains": (
        "HugeDomains",
        "<p>{host} is for sale. Pay $89.63 monthly. 30-day money back guarantee. Take immediate ownership.</p>",
    ),
    "godaddy": ("{host}", "<p>This domain is registered, but may still be available. Get this domain</p>"),
    "namecheap": (
        "{host} - Registered at Namecheap.com",
        "<p>{host} was recently registered at Namecheap. Please check back later!</p>",
    ),
    "porkbun": ("{host}", "<p>A Brand New Domain! Congratulations on your new domain from Porkbun.</p>"),
    "gandi": ("{host}", "<p>This domain name has been registered with Gandi.net. View the WHOIS results.</p>"),
    "sedo": (
        "{host} - Informationen zum Thema",
        "<p>{host} ist die beste Quelle für alle Informationen die Sie suchen. Diese Domain kaufen.</p><a href='https://sedo.com/search/details/?domain={host}'>Sedo</a>",
    ),
    "bodis script": (
        "{host}",
        "<script>window.park = 'eyJ1dWlkIjoiNzE';</script><script src='https://parking.bodiscdn.com/x.js'></script><div id='target'></div>",
    ),
    "ionos": ("{host}", "<h1>Hier entsteht eine neue Internetpräsenz.</h1>"),
    "strato": ("STRATO", "<p>Diese Website ist noch nicht verfügbar. Der Domainname wurde bei STRATO registriert.</p>"),
    "ovh": ("{host}", "<h1>Félicitations ! Votre domaine a bien été créé chez OVHcloud !</h1>"),
    "aruba": ("{host}", "<p>Il dominio {host} è stato registrato. Sito in costruzione. Hosting Aruba.</p>"),
    "onamae": ("お名前.com", "<p>このドメインはお名前.comで取得されています。</p>"),
    "reg.ru": ("{host}", "<p>Домен {host} припаркован в REG.RU. Домен зарегистрирован, сайт ещё не создан.</p>"),
    "aliyun": ("{host}", "<p>该域名正在出售，如需购买请联系我们。您正在访问的域名可以转让！</p>"),
    "home.pl": ("{host}", "<p>Domena {host} jest utrzymywana na serwerach home.pl. Ta domena jest na sprzedaż.</p>"),
    "natro": ("{host}", "<p>Bu alan adı Natro adına park edilmiştir. Bu alan adı satılıktır.</p>"),
    "loopia": (
        "Parkerad hos Loopia",
        "<p>Domänen är parkerad hos Loopia. Denna domän har registrerats av en kund.</p>",
    ),
    "registro": ("{host}", "<p>Este domínio está reservado. Domínio registrado, site em construção.</p>"),
    "expired": ("Expired", "<p>{host} expired on 11/02/2026 and is pending renewal or deletion.</p>"),
    "plesk": (
        "Web Server's Default Page",
        "<h1>Web Server's Default Page</h1><p>This page is generated by Plesk, the leading hosting automation software.</p>",
    ),
    "hostinger": (
        "Default page",
        "<h1>You Are All Set to Go!</h1><p>All you have to do now is upload your website files and start your journey.</p>",
    ),
    "cpanel": (
        "Default Web Site Page",
        "<h1>Sorry!</h1><p>If you are the owner of this website, please contact your hosting provider.</p>",
    ),
    "first post": (
        "Just another WordPress site",
        "<h1>Hello world!</h1><p>Welcome to WordPress. This is your first post. Edit or delete it, then start writing!</p>",
    ),
    "coming soon": ("Coming soon", "<h1>Coming soon</h1><p>Our new site is on its way. Leave your e-mail.</p>"),
    "maintenance": ("Under construction", "<h1>Site under construction</h1>"),
    "opening soon": (
        "Opening soon",
        "<h1>Opening soon</h1><p>Be the first to know when we launch. Enter using password</p>",
    ),
    "unlinked": (
        "Error",
        "<p>Looks like this domain isn't connected to a website yet. Is this your domain? Connect it to your site in just a few clicks.</p>",
    ),
    "nginx": (
        "Welcome to nginx!",
        "<h1>Welcome to nginx!</h1><p>If you see this page, the nginx web server is successfully installed and working. Further configuration is required.</p>",
    ),
    "litespeed": ("Congratulations", "<p>Congratulations! Your LiteSpeed web server is installed.</p>"),
}
_CASINOS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "id": (
        "Situs slot gacor terpercaya",
        ("slot gacor", "judi online", "slot online", "bandar togel", "taruhan bola", "rtp slot", "deposit pulsa"),
    ),
    "th": ("สล็อตเว็บตรง คาสิโนออนไลน์", ("สล็อตเว็บตรง", "คาสิโนออนไลน์", "บาคาร่า", "แทงบอลออนไลน์", "เครดิตฟรี", "สล็อตแตกง่าย")),
    "vi": ("Nhà cái uy tín", ("nhà cái", "cá cược bóng đá", "sòng bạc trực tuyến", "xổ số online", "tài xỉu", "nổ hũ")),
    "tr": (
        "Canlı bahis ve casino",
        ("canlı bahis", "bahis siteleri", "casino siteleri", "deneme bonusu", "kaçak iddaa", "slot oyunları"),
    ),
    "ru": (
        "Казино онлайн",
        (
            "казино онлайн",
            "игровые автоматы",
            "фриспины",
            "букмекерская контора",
            "ставки на спорт",
            "бонус за депозит",
        ),
    ),
    "zh": ("博彩网站", ("博彩", "在线赌场", "真人娱乐", "体育投注", "老虎机", "百家乐")),
    "ja": (
        "オンラインカジノ",
        ("オンラインカジノ", "スロット", "入金不要ボーナス", "フリースピン", "ブックメーカー", "バカラ"),
    ),
    "ko": ("카지노사이트", ("카지노사이트", "토토사이트", "바카라사이트", "슬롯사이트", "먹튀검증", "스포츠토토")),
    "pt": (
        "Cassino online",
        (
            "cassino online",
            "apostas esportivas",
            "caça-níqueis",
            "rodadas grátis",
            "jogo do tigrinho",
            "bônus de depósito",
        ),
    ),
    "de": (
        "Online Casino ohne Lizenz",
        ("online casino", "freispiele", "sportwetten", "spielautomaten", "casino bonus", "wettanbieter"),
    ),
    "fr": (
        "Casino en ligne",
        ("casino en ligne", "machines à sous", "paris sportifs", "tours gratuits", "bonus sans dépôt", "bookmaker"),
    ),
    "es": (
        "Casino en línea",
        (
            "casino en línea",
            "tragaperras",
            "apuestas deportivas",
            "giros gratis",
            "bono sin depósito",
            "casas de apuestas",
        ),
    ),
}


def casino(lang: str) -> Stranger:
    """An expired domain of a blog on which there is a casino now."""
    title, terms = _CASINOS[lang]
    rng = Random(lang)
    rows = "".join(
        f"<p>{' '.join(rng.sample(terms, 4))} {rng.choice(terms)}. {rng.choice(terms)}!</p>" for _ in range(12)
    )
    pages: Pages = {
        "/": html(shell(title, f"<h1>{title}</h1>{rows}<a href='/a/'>1</a> <a href='/b/'>2</a>", lang=lang))
    }
    pages |= {path: html(shell(title, f"<h1>{title}</h1>{rows}", lang=lang)) for path in ("/a/", "/b/")}
    return Stranger(f"casino in {lang}", pages, ("prohibited_category", "category_suspected"))


def parked(name: str) -> Stranger:
    title, body = _PARKED[name]
    host = f"{name.replace(' ', '').replace('.', '')}-domain-x.example"
    page = html(shell(title.format(host=host), body.format(host=host)))
    return Stranger(
        f"parked: {name}",
        {"/": page},
        ("parked", "host_default", "no_content", "scant_content", "site_needs_script"),
        host,
        everywhere=page,
    )


_SPAM = "buy viagra online|cheap cialis|levitra generic|online casino bonus|payday loans|xanax without prescription|replica rolex|kamagra shop"
_HIDINGS: Mapping[str, str] = {
    "off the page": '<div style="position:absolute;top:-4444px">{links}</div>',
    "without a size": '<div style="height:0;overflow:hidden">{links}</div>',
    "tiny letters": '<span style="font-size:0px">{links}</span>',
    "running": '<marquee width="1" height="1" scrollamount="9999">{links}</marquee>',
    "in sight, in the footer": "<footer>{links}</footer>",
    "Japanese": '<div style="display:none">{japanese}</div>',
}
_JAPANESE = "ルイヴィトン 偽物|ロレックス コピー|バイアグラ 通販|オンラインカジノ|スーパーコピー 財布|シアリス 通販"


def hacked(way: str) -> Stranger:
    links = " ".join(f'<a href="https://spam{n}.example/">{text}</a>' for n, text in enumerate(_SPAM.split("|")))
    japanese = " ".join(f'<a href="https://jp{n}.example/">{text}</a>' for n, text in enumerate(_JAPANESE.split("|")))
    pages = blog(f"victim {way}", after=_HIDINGS[way].format(links=links, japanese=japanese))
    return Stranger(f"hacked: {way}", pages, ("injected_links", "hidden_frame", "category_suspected"))


def doorways(seed: str) -> Stranger:
    """The same page for every town, with the town's name put in."""
    towns = ("Ashford", "Barnsley", "Crewe", "Dover", "Exeter", "Fleet", "Goole", "Hythe", "Ilford")
    rng = Random(seed)
    text = paragraphs("en", rng, 1)[:260]
    links = "".join(f"<a href='/plumber-{town.lower()}/'>Best plumber {town}</a> " for town in towns)
    pages: Pages = {"/": html(shell("Best plumbers", links + text))}
    for town in towns:
        page = shell(
            f"Best plumber {town}",
            f"<h1>Best plumber {town}</h1><p>Looking for the best plumber in {town}?</p>{text}<a href='{AWIN}'>Call</a>",
        )
        pages[f"/plumber-{town.lower()}/"] = html(page)
    return Stranger("doorways", pages, ("scant_content", "thin_content", "link_page", "same_content"))


def scraped(original: Stranger, share: float) -> Stranger:
    """The posts of another applicant under another name, some paragraphs left out."""
    rng, pages = Random("scraped"), {}
    for path, answer in original.pages.items():
        if isinstance(answer, Answer):
            parts = answer.body.decode().split("<p>")
            kept = [parts[0], *(part for part in parts[1:] if rng.random() < share)]
            pages[path] = html("<p>".join(kept).replace("kiln notes", "clay world").replace("<title>", "<title>Fresh "))
    return Stranger(f"scraped copy of {share:.0%}", pages, ("copied_content", "same_content"))


LOOKALIKES = (
    "zalm0ra.example",
    "zalrnora.example",
    "zalmorra.example",
    "zalmora-deals.example",
    "official-zalmora.example",
    "zalmora-shop24.example",
    "my-zalmora.example",
    "zalmoraoutlet.example",
    "xn--zlmora-3nf.example",
    "zalmora.sale-days.example",
    "za1mora-store.example",
    "zalmroa.example",
    "nordvik-outdoor.example",
    "nordvlk-outdoor.example",
    "nordvikoutdoor-sale.example",
)

BAD: tuple[Stranger, ...] = (
    *(stuffed(way, markup) for way, markup in STUFFED.items()),
    by_header("Refresh", f"3; url={CJ}"),
    by_header("Link", f"<{CJ}>; rel=prefetch"),
    only_for("by agent", lambda visit: "Mozilla" in visit.user_agent, _CASINO),
    only_for("by referrer", lambda visit: "google" in visit.referrer, redirect("https://lucky-spin-77.example/")),
    only_for("by cookie", lambda visit: "v=1" in visit.cookies, _CASINO),
    only_for(
        "stuffing for readers",
        lambda visit: "Mozilla" in visit.user_agent,
        html(shell("c", f"<iframe src='{CJ}' width=1></iframe>")),
    ),
    *(parked(name) for name in _PARKED),
    *(casino(lang) for lang in _CASINOS),
    *(hacked(way) for way in _HIDINGS),
    *(
        Stranger(f"lookalike {host}", blog(f"l {host}"), ("typosquat", "brand_domain", "claims_brand_site"), host)
        for host in LOOKALIKES
    ),
    doorways("doors"),
    scraped(HONEST[0], 0.9),
    scraped(HONEST[2], 0.7),
    Stranger(
        "link page on its own domain",
        {"/": html(shell("Links", "".join(f"<a href='https://x{n}.example/'>Link {n}</a>" for n in range(9))))},
        ("link_page", "scant_content"),
    ),
    Stranger(
        "link in bio",
        {"/": html(shell("@mila", "<a href='https://instagram.com/m'>Instagram</a>"))},
        ("link_in_bio",),
        "linktr.ee",
    ),
    Stranger("redirects to another site", {"/": redirect("https://elsewhere-entirely.example/", 301)}, ("redirector",)),
    Stranger(
        "leaves by script",
        {"/": html("<script>window.location.replace('https://elsewhere-entirely.example/');</script>")},
        ("redirector",),
    ),
)
UNSEEN: tuple[Stranger, ...] = (
    Stranger(
        "single-page application",
        {"/": html(shell("App", '<div id="root"></div><script src="/static/js/main.4f.js"></script>'))},
        unseen=True,
    ),
    Stranger(
        "application with a no-script note",
        {
            "/": html(
                shell(
                    "App",
                    '<noscript>You need to enable JavaScript to run this app.</noscript><div id="app"></div><script type="module" src="/a.js"></script>',
                )
            )
        },
        unseen=True,
    ),
    Stranger(
        "shield",
        {"/": html(shell("Just a moment...", "<h1>Checking your browser</h1>"), 403)},
        unseen=True,
        everywhere=html("no", 403),
    ),
    Stranger(
        "maintenance",
        {"/": html(shell("Maintenance", "<h1>Back soon</h1>"), 503)},
        unseen=True,
        everywhere=html("no", 503),
    ),
    Stranger("channel of a video platform", {}, unseen=True, host="www.youtube.com"),
    Stranger("profile as the website", {}, unseen=True, host="www.instagram.com"),
)
