"""Applications that belong together: rings that share ids, copies of honest sites, friends of banned affiliates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from screening.simulate.farm_answers import Answer, Site
from screening.simulate.farm_ground import Ground, Planted, site
from screening.simulate.farm_honest import click_urls

_SHARED = (
    "<script async src='https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=ca-pub-{long}'></script>",
    "<script>gtag('config', 'UA-{short}-1');</script>",
    "<script>fbq('init', '{pixel}');</script>",
    "<script>ym({short}, 'init', {{}});</script>",
    "<script>(function(w,d,s,l,i){{}})(window,document,'script','dataLayer','GTM-{tag}');</script>",
)


def ring(grounds: list[Ground]) -> Iterator[Planted]:
    """Applicants with different names whose sites carry the same id."""
    first = grounds[0]
    markup = first.rng.choice(_SHARED).format(
        long=first.digits(16), short=first.digits(8), pixel=first.digits(15), tag=f"W{first.digits(6)}"
    )
    for ground in grounds:
        email = ground.email()
        draft = ground.draft(click_urls(ground)[:1], email)
        draft = replace(draft, look=replace(draft.look, head=markup))
        yield ground.planted(
            "ring by id", ground.application(email=email), site(draft), faults=("ring", "shared_identifier")
        )


def ring_by_account(grounds: list[Ground]) -> Iterator[Planted]:
    """Applicants with different names and sites who want their money on the same account."""
    account = grounds[0].person.account
    for ground in grounds:
        email = ground.email()
        draft = ground.draft(click_urls(ground)[:1], email)
        application = ground.application(email=email, payout_account=account)
        yield ground.planted("ring by account", application, site(draft), faults=("duplicate_application", "ring"))


def copy(ground: Ground, original: Planted) -> Planted:
    """A site that took all pages of an honest one, names, ids and all."""
    taken = original.sites[0]
    answers = {path: answer for path, answer in taken.pages.items() if isinstance(answer, Answer)}
    application = ground.application(email=f"{ground.person.name.split()[0].lower()}{ground.digits(6)}@gmail.com")
    return ground.planted(
        "pirated copy", application, Site(ground.host, answers), faults=("copied_content", "same_content")
    )


def friend_of_banned(ground: Ground) -> tuple[Planted, Mapping[str, object]]:
    """An application that shares an identity with a banned affiliate; and that affiliate's record."""
    email = ground.email()
    draft = ground.draft((), email)
    record: dict[str, object] = {
        "affiliate_id": f"AFF-{ground.number:04d}",
        "name": f"{ground.person.name.split()[0]} Formerly",
        "email": f"banned{ground.digits(6)}@outlook.com",
        "phone": None,
        "payout_account": None,
        "approved_sites": [f"https://closed-{ground.host}/"],
        "promo_methods": ["content"],
        "country": ground.person.country,
        "joined_at": "2025-03-01T00:00:00Z",
        "status": "banned",
    }
    shared = ground.rng.choice(("email", "phone", "payout_account"))
    record[shared] = {"email": email, "phone": ground.person.phone, "payout_account": ground.person.account}[shared]
    planted = ground.planted(
        "linked to a banned affiliate",
        ground.application(email=email),
        site(draft),
        faults=("linked_to_banned_twice", "linked_to_banned"),
    )
    return planted, record
