"""Sites with faults other than forced clicks, one builder for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from screening.simulate.farm_answers import Answer, Manner, Site, Visit, html, redirect
from screening.simulate.farm_ground import Ground, Planted, site
from screening.simulate.farm_honest import click_urls
from screening.simulate.farm_pages import Article, pages

BRANDS = ("Nordvik Outdoor", "Zalmora", "Kettlewick")
BRAND_DOMAINS = ("nordvikoutdoor.example", "zalmora.example", "kettlewick.example")
_LOOKALIKES = (
    ("zalrnora.example", "typosquat"),
    ("zalmoora.example", "typosquat"),
    ("zlamora.example", "typosquat"),
    ("za1mora.example", "typosquat"),
    ("xn--zalmra-l0e.example", "typosquat"),
    ("kettlewlck.example", "typosquat"),
    ("ketlewick.example", "typosquat"),
    ("kettlewick-outlet.example", "brand_domain"),
    ("zalmoradeals.example", "brand_domain"),
    ("nordvik-outdoor-shop.example", "brand_domain"),
    ("official-nordvikoutdoor.example", "brand_domain"),
    ("kettlewick.bargain-hall.example", "brand_domain"),
)
_PARKED = (
    (
        "{host}",
        "<h1>This domain is for sale!</h1><p>Buy this domain now. The owner of {host} is offering it for sale.</p>",
    ),
    ("{host} steht zum Verkauf", "<h1>{host}</h1><p>Diese Domain steht zum Verkauf. Jetzt anfragen.</p>"),
    ("{host}", "<h2>Ce nom de domaine est à vendre</h2><p>Faites une offre pour {host}.</p>"),
    ("{host} - este dominio está en venta", "<p>Este dominio está en venta. Contacte con el propietario.</p>"),
    (
        "{host}",
        "<p>Related searches</p><ul><li>Loans</li><li>Hotels</li></ul><script src='https://www.sedoparking.com/frmpark.js'></script>",
    ),
    ("Te koop: {host}", "<h1>Deze domeinnaam is te koop</h1>"),
    ("{host}", "<h1>このドメインは販売中です</h1>"),
    ("Parked", "<p>This web page is parked free, courtesy of a registrar.</p>"),
)
_DEFAULTS = (
    (
        "Welcome to nginx!",
        "<h1>Welcome to nginx!</h1><p>If you see this page, the web server is successfully installed and working.</p>",
    ),
    ("Apache2 Ubuntu Default Page: It works", "<h1>Apache2 Default Page</h1><p>It works!</p>"),
    ("Index of /", "<h1>Index of /</h1><ul><li>cgi-bin/</li></ul>"),
    ("Coming soon", "<h1>Coming soon</h1><p>We are working on it.</p>"),
    ("Account suspended", "<h1>This Account has been suspended.</h1><p>Contact your hosting provider.</p>"),
    ("Hier entsteht eine neue Website", "<h1>Hier entsteht eine neue Website</h1>"),
    ("Site en construction", "<h1>Ce site est en construction</h1><p>Revenez bientôt.</p>"),
)
_PROHIBITED = {
    "gambling": (
        "online casino",
        "free spins",
        "no deposit bonus",
        "live dealer",
        "roulette",
        "slot machines",
        "jackpot",
        "sportsbook",
    ),
    "gambling in German": (
        "online casino",
        "Freispiele",
        "Spielautomaten",
        "Wettbonus",
        "Sportwetten",
        "jackpot",
        "roulette",
        "blackjack",
    ),
    "adult": ("porn", "milf", "sex videos", "live cams", "hardcore sex", "naked girls", "camgirls", "xxx"),
    "piracy": (
        "torrent download",
        "keygen",
        "cracked software",
        "free movies online",
        "magnet links",
        "warez",
        "nulled",
        "dvdrip",
    ),
    "drugs": (
        "buy viagra",
        "no prescription",
        "online pharmacy",
        "cialis",
        "kamagra",
        "buy tramadol",
        "discreet shipping",
        "buy xanax",
    ),
    "counterfeit": (
        "replica watches",
        "fake rolex",
        "aaa quality",
        "replica handbags",
        "mirror quality",
        "superclone",
        "swiss replica",
    ),
    "gambling in Spanish": (
        "casino en línea",
        "tragaperras",
        "tiradas gratis",
        "apuestas deportivas",
        "casa de apuestas",
        "ruleta",
        "jackpot",
    ),
}
_INJECTED = (
    "buy viagra online",
    "cheap cialis no prescription",
    "kamagra oral jelly",
    "levitra generic",
    "canadian pharmacy",
    "viagra kaufen",
)


def thin(ground: Ground) -> Planted:
    """A site with a few sentences."""
    draft = ground.draft(click_urls(ground)[:3])
    stubs = tuple(replace(item, paragraphs=(ground.writer.sentence(ground.rng),)) for item in draft.articles[:2])
    draft = replace(draft, articles=stubs, look=replace(draft.look, care=()))
    return ground.planted(
        "thin", ground.application(), site(draft), faults=("scant_content", "thin_content", "link_page")
    )


def parked(ground: Ground) -> Planted:
    """A domain that is parked or for sale, in one of several languages."""
    title, body = (part.format(host=ground.host) for part in ground.rng.choice(_PARKED))
    answer = html(f"<!doctype html><title>{title}</title><body>{body}</body>")
    return ground.planted("parked", ground.application(), Site(ground.host, {}, answer), faults="parked")


def unpublished(ground: Ground) -> Planted:
    """A server's or host's default page."""
    title, body = ground.rng.choice(_DEFAULTS)
    answer = html(f"<!doctype html><title>{title}</title><body>{body}</body>")
    return ground.planted(
        "default page", ground.application(), Site(ground.host, {"/": answer}), faults=("host_default", "parked")
    )


def cloaked(key: str, ground: Ground) -> Planted:
    """A site that shows readers another page than crawlers: by user agent, referrer or cookie."""
    clean = ground.draft()
    shown = replace(ground.draft(), articles=())
    terms = ground.rng.choice(list(_PROHIBITED.values()))
    sales = "".join(f"<p>{term}: {ground.writer.sentence(ground.rng)}</p>" for term in terms)
    readers = pages(replace(shown, home_after=f"<h2>{terms[0]}</h2>{sales}"))["/"]
    crawlers = replace(
        pages(clean)["/"], headers={"Content-Type": "text/html; charset=utf-8", "Set-Cookie": "seen=1; Path=/"}
    )

    def home(visit: Visit) -> Answer:
        reader = {
            "agent": "Mozilla" in visit.user_agent,
            "referrer": "google" in visit.referrer,
            "cookie": "seen=1" in visit.cookies,
        }
        return readers if reader[key] else crawlers

    return ground.planted(f"cloaked by {key}", ground.application(), site(clean, {"/": home}), faults="cloaking")


def cloaked_redirect(ground: Ground) -> Planted:
    """A site that sends readers from search results elsewhere."""
    clean = ground.draft()
    home = pages(clean)["/"]

    def answer(visit: Visit) -> Answer:
        return redirect("https://win-big-now.example/") if "google" in visit.referrer else home

    return ground.planted("cloaked by redirect", ground.application(), site(clean, {"/": answer}), faults="cloaking")


def lookalike(number: int, ground: Ground) -> Planted:
    """A domain that passes for a brand's."""
    ground.host, code = _LOOKALIKES[number % len(_LOOKALIKES)]
    draft = ground.draft(click_urls(ground)[:2])
    return ground.planted(
        "brand lookalike", ground.application(email=f"seller{ground.digits(6)}@gmail.com"), site(draft), faults=code
    )


def prohibited(category: str, ground: Ground) -> Planted:
    """A site of a category that the policy prohibits."""
    terms = _PROHIBITED[category]
    ground.site_name = f"{terms[0]} {ground.site_name}"
    draft = ground.draft()
    written = tuple(
        Article(
            item.path,
            f"{ground.rng.choice(terms)} {item.title}",
            tuple(f"{ground.rng.choice(terms)}, {ground.rng.choice(terms)}: {text}" for text in item.paragraphs),
        )
        for item in draft.articles
    )
    offers = " ".join(f"<p>{term}</p>" for term in terms)
    draft = replace(draft, articles=written, home_after=offers)
    return ground.planted(
        f"prohibited: {category}",
        ground.application(),
        site(draft),
        faults=("prohibited_category", "category_suspected"),
    )


def hacked(ground: Ground) -> Planted:
    """An honest site on which somebody has hidden links for pharmacies."""
    draft = ground.draft(click_urls(ground)[:1])
    links = "".join(f'<a href="https://pills-{place}.example/">{text}</a> ' for place, text in enumerate(_INJECTED))
    draft = replace(draft, look=replace(draft.look, foot=f'<div style="position:absolute;left:-5000px">{links}</div>'))
    return ground.planted("hacked", ground.application(), site(draft), faults="injected_links")


def framed(ground: Ground) -> Planted:
    """An honest site in which somebody has hidden a frame of a strange site."""
    draft = ground.draft(click_urls(ground)[:1])
    frame = '<iframe src="https://counter-stats.example/in.php?t=1" style="visibility:hidden" width="1"></iframe>'
    draft = replace(draft, look=replace(draft.look, foot=frame))
    return ground.planted("hacked by a frame", ground.application(), site(draft), faults="hidden_frame")


def elsewhere(ground: Ground) -> Planted:
    """An address that only leads to another site."""
    target = f"https://other-{ground.host}/"
    kinds = (
        redirect(target, 301),
        html(f'<title>…</title><meta http-equiv="refresh" content="0;url={target}"><p>Moved.</p>'),
    )
    return ground.planted(
        "redirector", ground.application(), Site(ground.host, {"/": ground.rng.choice(kinds)}), faults="redirector"
    )


def undeclared_method(ground: Ground) -> Planted:
    """An incentive site that applied as a blog."""
    draft = ground.draft()
    tasks = "".join(
        f"<li>{ground.writer.thing(ground.rng)}: paid surveys, complete offers, earn gift cards</li>" for _ in range(8)
    )
    draft = replace(draft, home_after=f"<h2>Get paid to shop</h2><ul>{tasks}</ul>")
    return ground.planted("undeclared incentive", ground.application(), site(draft), faults="method_on_site")


def disposable(ground: Ground) -> Planted:
    """A decent site applied for from a throw-away mailbox."""
    draft = ground.draft()
    application = ground.application(email=f"x{ground.digits(6)}@mailinator.com")
    return ground.planted("disposable mail", application, site(draft), faults="disposable_email")


def foreign(ground: Ground) -> Planted:
    """A decent site from a country that the policy does not allow."""
    application = ground.application(country="KP", phone=None)
    return ground.planted("country not allowed", application, site(ground.draft()), faults="country_not_allowed")


def trouble(manner: str, ground: Ground) -> Planted:
    """A site that cannot be seen: slow, silent, broken, closed to crawlers, or hostile."""
    answers = {
        "slow": Answer(b"<h1>" + b"slow " * 200, manner=Manner.SLOW),
        "silent": Answer(b"", manner=Manner.SILENT),
        "reset": Answer(b"", manner=Manner.RESET),
        "garbage": Answer(b"\xff" * 200, manner=Manner.GARBAGE),
        "error 500": html("<h1>500 Internal Server Error</h1>", 500),
        "blocked": html("<h1>403 Forbidden</h1>", 403),
        "redirect loop": redirect("/"),
        "metadata redirect": redirect("http://169.254.169.254/latest/meta-data/"),
        "loopback redirect": redirect("http://10.0.0.1/admin"),
        "not html": Answer(b"%PDF-1.7 nothing to read", 200, {"Content-Type": "application/pdf"}),
    }
    robots = Answer(b"User-agent: *\nDisallow: /\n" if manner == "robots" else b"", 200, {"Content-Type": "text/plain"})
    home = answers.get(manner) or html("<h1>Private</h1>")
    made = Site(ground.host, {"/robots.txt": robots}, home)
    return ground.planted(f"unseen: {manner}", ground.application(), made, unseen=True)


def scripted(ground: Ground) -> Planted:
    """An honest site that shows nothing without running its scripts."""
    page = html("<!doctype html><title>App</title><div id=root></div><script src='/app.js'></script>")
    made = Site(ground.host, {"/app.js": Answer(b"", 200, {"Content-Type": "text/javascript"})}, page)
    return ground.planted("unseen: needs scripts", ground.application(), made, unseen=True)


PROHIBITED_CATEGORIES = ("adult", "gambling", "piracy", "drugs", "counterfeit")
_TROUBLES = (
    "slow",
    "silent",
    "reset",
    "garbage",
    "error 500",
    "blocked",
    "redirect loop",
    "metadata redirect",
    "loopback redirect",
    "not html",
    "robots",
)
FAULTS: tuple[Callable[[Ground], Planted], ...] = (
    thin,
    parked,
    unpublished,
    *(partial(cloaked, key) for key in ("agent", "referrer", "cookie")),
    cloaked_redirect,
    *(partial(prohibited, category) for category in _PROHIBITED),
    hacked,
    framed,
    elsewhere,
    undeclared_method,
    disposable,
    foreign,
    *(partial(trouble, manner) for manner in _TROUBLES),
    scripted,
)
LOOKALIKES: tuple[Callable[[Ground], Planted], ...] = tuple(
    partial(lookalike, place) for place in range(len(_LOOKALIKES))
)
