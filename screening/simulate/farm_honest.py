"""Honest sites of the farm, in the variety that makes screening hard: each has something that looks like a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from screening.simulate.farm_answers import PORT, Answer, Visit, redirect
from screening.simulate.farm_ground import Ground, Planted, site
from screening.simulate.farm_pages import Article, pages

MERCHANT = "https%3A%2F%2Fshop-floor.example%2F"

_SENSITIVE = (
    (
        "Leaving the online casino behind",
        "Problem gambling begins with free spins. Gamblers anonymous meets on Tuesdays; the help line is "
        "free. No jackpot pays for gambling addiction, and a casino bonus is no present.",
    ),
    (
        "How to spot a fake watch",
        "Customs seized replica watches again. A fake rolex is light; learn how to spot the weight, and use an "
        "authentication service before you pay.",
    ),
    (
        "Is your name taken? When a domain is for sale",
        "If this domain is for sale, ask who owns it. Buy this domain only through an escrow service; a parked domain "
        "can cost more than a kettle.",
    ),
)


def click_urls(ground: Ground) -> tuple[str, ...]:
    """Return click URLs of networks that carry this publisher's own ids."""
    return (
        f"https://www.awin1.com/cread.php?awinmid={ground.digits(4)}&awinaffid={ground.digits(6)}&ued={MERCHANT}",
        f"https://www.amazon.com/dp/B0{ground.digits(8)}?tag=tag{ground.digits(8)}-21",
        f"https://www.anrdoezrs.net/click-{ground.digits(8)}-{ground.digits(8)}",
        f"https://clk.tradedoubler.com/click?p={ground.digits(5)}&a={ground.digits(7)}",
        f"https://brand.pxf.io/c/{ground.digits(7)}/{ground.digits(6)}/{ground.digits(5)}",
        f"https://www.shareasale.com/r.cfm?b={ground.digits(6)}&u={ground.digits(7)}&m={ground.digits(5)}",
        f"https://tc.tradetracker.net/?c={ground.digits(5)}&m=1&a={ground.digits(6)}&r=&u=",
        f"https://prf.hn/click/camref:1{ground.digits(8)}/destination:{MERCHANT}",
    )


def blog(ground: Ground) -> Planted:
    """A blog with disclosed affiliate links."""
    email = ground.email()
    draft = ground.draft(tuple(ground.rng.sample(click_urls(ground), 3)), email)
    return ground.planted("honest blog", ground.application(email=email), site(draft), honest=True)


def measured(ground: Ground) -> Planted:
    """A blog with advertising, analytics, and banner pictures that networks mean to be loaded."""
    email = ground.email()
    draft = ground.draft(tuple(ground.rng.sample(click_urls(ground), 2)), email)
    publisher, analytics = ground.digits(16), ground.digits(8)
    loader = "https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js"
    head = (
        f'<script async src="{loader}?client=ca-pub-{publisher}"></script>'
        f"<script>gtag('config', 'G-{analytics}AB'); (adsbygoogle = window.adsbygoogle || []).push({{}});</script>"
        f'<link rel="preconnect" href="https://clk.tradedoubler.com/click?a={ground.digits(6)}">'
    )
    foot = (
        f'<img src="https://www.awin1.com/cshow.php?s={ground.digits(6)}&r={ground.digits(6)}" width="1" height="1">'
        f'<img src="https://www.ftjcfx.com/image-{ground.digits(8)}-{ground.digits(8)}" width="1" height="1">'
        '<iframe src="https://www.youtube-nocookie.com/embed/abc" width="560" height="315"></iframe>'
        '<div style="display:none" id="menu-small"><a href="/about">…</a></div>'
    )
    draft = replace(draft, look=replace(draft.look, head=head, foot=foot))
    return ground.planted("honest blog with advertising", ground.application(email=email), site(draft), honest=True)


def buttons(ground: Ground) -> Planted:
    """A review site whose buttons lead to shops by script when they are pressed."""
    email = ground.email()
    draft = ground.draft((), email)
    link = ground.rng.choice(click_urls(ground))
    disclosure = ground.writer.word("disclosure")
    script = (
        f'<p>{disclosure}</p><button id="buy">{ground.writer.word("shop")}</button>'
        "<script>document.getElementById('buy').addEventListener('click', function () {"
        f" window.location.href = '{link}'; }});\n"
        f"function goToShop() {{ window.open('{link}', '_blank'); }}</script>"
        f'<button onclick="goToShop()">{ground.writer.word("shop")}</button>'
    )
    written = tuple(replace(item, after=script) for item in draft.articles)
    return ground.planted(
        "honest reviews with buttons",
        ground.application(email=email),
        site(replace(draft, articles=written)),
        honest=True,
    )


def own_redirects(ground: Ground) -> Planted:
    """A blog that leads to shops over addresses of its own, /go/..., as link managers do."""
    email = ground.email()
    target = ground.rng.choice(click_urls(ground))
    draft = ground.draft(("/go/shop", "/go/offer"), email)
    extra = {"/go/shop": redirect(target), "/go/offer": redirect(target, 301)}
    return ground.planted(
        "honest blog with own redirects", ground.application(email=email), site(draft, extra), honest=True
    )


def coupons(ground: Ground) -> Planted:
    """A coupon site that says so."""
    email = ground.email()
    draft = ground.draft(tuple(ground.rng.sample(click_urls(ground), 3)), email)
    offers = "".join(
        f"<li>{ground.writer.thing(ground.rng)}, {percent} %: coupon code SAVE{percent}</li>"
        for percent in range(5, 40, 5)
    )
    draft = replace(draft, home_after=f"<h2>Coupons, Gutscheine, codes promo</h2><ul>{offers}</ul>")
    application = ground.application(email=email, promo_methods=["content", "coupon"])
    return ground.planted("honest coupon site", application, site(draft), honest=True)


def cashback(ground: Ground) -> Planted:
    """A cashback site that says so."""
    email = ground.email()
    draft = ground.draft(tuple(ground.rng.sample(click_urls(ground), 3)), email)
    rates = "".join(
        f"<li>{ground.writer.thing(ground.rng)}: {rate} % cashback, earn points</li>" for rate in range(1, 12)
    )
    draft = replace(draft, home_after=f"<h2>Cashback</h2><ul>{rates}</ul>")
    application = ground.application(email=email, promo_methods=["cashback", "content"])
    return ground.planted("honest cashback site", application, site(draft), honest=True)


def free_host(ground: Ground) -> Planted:
    """A blog on a free host, applied for from a free mailbox that stands on its contact page."""
    ground.host = f"{ground.host.removesuffix('.example')}.blogspot.com"
    email = f"{ground.person.name.split()[0].lower()}{ground.digits(5)}@gmail.com"
    draft = ground.draft(click_urls(ground)[:2], email)
    return ground.planted("honest blog on a free host", ground.application(email=email), site(draft), honest=True)


def sensitive_subject(ground: Ground) -> Planted:
    """A site that writes about what others sell: gambling addiction, counterfeits, domains for sale."""
    email = ground.email()
    draft = ground.draft(click_urls(ground)[:1], email)
    title, text = ground.rng.choice(_SENSITIVE)
    story = Article("/story", title, (text, *(ground.writer.paragraph(ground.rng) for _ in range(4))))
    return ground.planted(
        "honest site on a sensitive subject",
        ground.application(email=email),
        site(replace(draft, articles=(*draft.articles, story))),
        honest=True,
    )


def restless(ground: Ground) -> Planted:
    """A site whose pages change a little at every visit: quotes of the day, rotating advertising."""
    email = ground.email()
    draft = ground.draft(click_urls(ground)[:2], email)
    home = pages(draft)["/"]

    def rotating(_: Visit) -> Answer:
        quote = f"<blockquote>{ground.writer.sentence(ground.rng)}</blockquote></body>"
        return replace(home, body=home.body.replace(b"</body>", quote.encode()))

    served = site(draft, {"/": rotating})
    return ground.planted("honest site that changes", ground.application(email=email), served, honest=True)


def two_sites(ground: Ground) -> Planted:
    """A publisher with two sites that share analytics, as they should."""
    email = ground.email()
    head = f"<script>gtag('config', 'UA-{ground.digits(7)}-1');</script>"
    first = ground.draft(click_urls(ground)[:2], email)
    first = replace(first, look=replace(first.look, head=head))
    second_host = f"second-{ground.host}"
    second = ground.draft(click_urls(ground)[:2], email)
    second = replace(second, look=replace(second.look, head=head, host=second_host, name=f"{ground.site_name} 2"))
    application = ground.application(ground.host, second_host, email=email)
    return ground.planted("honest publisher with two sites", application, site(first), site(second), honest=True)


def community(ground: Ground) -> Planted:
    """A site with profiles elsewhere that link back, which are served by the farm as well."""
    email = f"{ground.person.name.split()[0].lower()}{ground.digits(5)}@outlook.com"
    profile_host = f"people-{ground.host}"
    profile = f"http://{profile_host}:{PORT}/@{ground.host.split('.')[0]}"
    draft = ground.draft(click_urls(ground)[:2])
    draft = replace(draft, look=replace(draft.look, social=(profile,)))
    followers = '<meta property="og:description" content="2,431 Followers, 310 Following, 88 Posts">'
    own = (f"http://{ground.host}:{PORT}/",)
    name = f"{ground.person.name} on People"
    back = ground.draft()
    back = replace(back, look=replace(back.look, host=profile_host, name=name, social=own, head=followers))
    served = site(back)
    served = replace(served, pages={**served.pages, f"/@{ground.host.split('.')[0]}": served.pages["/"]})
    application = ground.application(email=email, social_profiles=[profile])
    return ground.planted("honest site with profiles", application, site(draft), served, honest=True)


HONEST: tuple[Callable[[Ground], Planted], ...] = (
    blog,
    measured,
    buttons,
    own_redirects,
    coupons,
    cashback,
    free_host,
    sensitive_subject,
    restless,
    two_sites,
    community,
)
