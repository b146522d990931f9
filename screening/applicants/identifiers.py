"""Identifiers that a site carries of its owner: advertising and analytics accounts, affiliate ids, verification marks.

Kinds fall into groups that a person obtains independently of each other; two groups in common are two independent
ties. An id may also be copied along with a page, so a copy's ids are not held against the site it was copied from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from urllib.parse import unquote

import mmh3

from screening.applicants.identity import account_key, host_of, label_of, mail_address, name_key, site_of, telephone
from screening.applicants.intake_fields import Application
from screening.applicants.records import Page, SiteCrawl
from screening.applicants.signals.networks import Action, affiliate_url


class Group(StrEnum):
    """Where identifiers come from; members of one group are not independent of each other."""

    PERSON = "person"
    SITE = "site"
    EARNINGS = "earnings"
    MEASUREMENT = "measurement"
    VERIFICATION = "verification"
    CONTACT = "contact"
    LOOK = "look"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """A kind of identifier: its group, and how surely one value means one owner (0-1) when few have it."""

    name: str
    group: Group
    weight: float


KINDS = {
    kind.name: kind
    for kind in (
        IdentifierKind("email", Group.PERSON, 1.0),
        IdentifierKind("phone", Group.PERSON, 1.0),
        IdentifierKind("payout_account", Group.PERSON, 1.0),
        IdentifierKind("site", Group.SITE, 1.0),
        IdentifierKind("site_label", Group.NAME, 0.3),
        IdentifierKind("adsense", Group.EARNINGS, 0.9),
        IdentifierKind("affiliate_id", Group.EARNINGS, 0.9),
        IdentifierKind("google_ads", Group.EARNINGS, 0.8),
        IdentifierKind("analytics", Group.MEASUREMENT, 0.8),
        IdentifierKind("tag_manager", Group.MEASUREMENT, 0.6),
        IdentifierKind("pixel", Group.MEASUREMENT, 0.7),
        IdentifierKind("metrika", Group.MEASUREMENT, 0.8),
        IdentifierKind("hotjar", Group.MEASUREMENT, 0.7),
        IdentifierKind("clarity", Group.MEASUREMENT, 0.7),
        IdentifierKind("matomo", Group.MEASUREMENT, 0.7),
        IdentifierKind("disqus", Group.MEASUREMENT, 0.7),
        IdentifierKind("verification", Group.VERIFICATION, 0.9),
        IdentifierKind("contact_email", Group.CONTACT, 0.7),
        IdentifierKind("contact_phone", Group.CONTACT, 0.7),
        IdentifierKind("favicon", Group.LOOK, 0.3),
        IdentifierKind("template", Group.LOOK, 0.3),
    )
}
"""Weights are expert values in the order of the published evidence: what pays the owner ties best, looks tie least."""

_PATTERNS = (
    ("adsense", re.compile(r"\bca-(?:app-)?(pub-\d{16})\b")),
    ("google_ads", re.compile(r"\b(AW-\d{8,12})\b")),
    ("analytics", re.compile(r"\b(UA-\d{4,10})-\d{1,4}\b")),
    ("analytics", re.compile(r"\b(G-[A-Z0-9]{6,12})\b")),
    ("tag_manager", re.compile(r"\b(GTM-[A-Z0-9]{4,9})\b")),
    ("pixel", re.compile(r"""fbq\(\s{0,5}['"]init['"]\s{0,5},\s{0,5}['"](\d{14,17})['"]""")),
    ("pixel", re.compile(r"facebook\.com/tr\?[^\"'\s]{0,200}?\bid=(\d{14,17})")),
    ("metrika", re.compile(r"\bym\(\s{0,5}(\d{6,10})\s{0,5},|mc\.yandex\.ru/watch/(\d{6,10})")),
    ("hotjar", re.compile(r"\bhjid\s{0,5}[:=]\s{0,5}(\d{5,8})")),
    (
        "clarity",
        re.compile(r"clarity\.ms/tag/(\w{8,12})|[\"']clarity[\"']\s*,\s*[\"']script[\"']\s*,\s*[\"'](\w{8,12})[\"']"),
    ),
    ("disqus", re.compile(r"disqus_shortname\s*=\s*['\"]([\w-]{3,40})|//([\w-]{3,40})\.disqus\.com/embed\.js")),
)
_VERIFICATION_METAS = frozenset(
    {
        "google-site-verification",
        "msvalidate.01",
        "yandex-verification",
        "p:domain_verify",
        "facebook-domain-verification",
    }
)
_MATOMO_NUMBER = re.compile(r"setSiteId['\"]\s{0,5},\s{0,5}['\"]?(\d{1,6})")
_MATOMO_SERVER = re.compile(
    r"setTrackerUrl['\"]\s{0,5},[^)/]{0,80}//([\w.-]{4,253})|\bu\s{0,5}=\s{0,5}['\"](?:https?:)?//([\w.-]{4,253})"
)
IDS_MAX = 100
"""Ids of one kind read from one text; no page that people made has as many."""
CONTACTS_MAX = 30
"""Addresses and telephones read from one page."""
MARKUP_SEARCHED = 500_000
"""Bytes of a page's markup that are searched: ids also stand in attributes and comments."""
LABEL_LENGTH_MIN = 6
"""Letters of a domain's label from which the same label under another suffix may be the same owner's."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier: kind (a key of KINDS), value, the site that carries it (None: the form) and where it stood."""

    kind: str
    value: str
    site: str | None
    url: str


def of_application(application: Application) -> tuple[Identifier, ...]:
    """Return the identifiers that the form holds."""
    found = [Identifier("email", application.email.key, None, "application")]
    if application.phone is not None:
        found.append(Identifier("phone", application.phone.e164, None, "application"))
    if application.payout_account is not None:
        found.append(Identifier("payout_account", application.payout_account, None, "application"))
    for url in application.websites:
        found.extend(of_address(url))
    return tuple(found)


def of_address(url: str) -> tuple[Identifier, ...]:
    """Return the identifiers of an address alone: the site, and its label where that is long enough to be a name."""
    site = site_of(url)
    label = label_of(host_of(url))
    found = [Identifier("site", site, site, url)]
    if len(label) >= LABEL_LENGTH_MIN and label != site:
        found.append(Identifier("site_label", label.replace("-", ""), site, url))
    return tuple(found)


def of_person(email: str | None, phone: str | None, account: str | None) -> tuple[Identifier, ...]:
    """Return the identifiers of a person from canonical keys; None: not known."""
    pairs = (("email", email), ("phone", phone), ("payout_account", account_key(account) if account else None))
    return tuple(Identifier(kind, value, None, "record") for kind, value in pairs if value)


def of_site(crawl: SiteCrawl) -> tuple[Identifier, ...]:
    """Return what the pages of a site carry, each value once, with the first page that shows it."""
    found: dict[tuple[str, str], Identifier] = {}
    for page in (*crawl.pages, *crawl.others):
        for kind, value in _of_page(page):
            found.setdefault((kind, value), Identifier(kind, value, crawl.site, page.fetch.final_url))
    return tuple(found.values())


def owner_ids(page: Page) -> tuple[tuple[str, str], ...]:
    """Return (kind, value) of its owner's accounts that a page carries: earnings, measurement, verification marks."""
    owned = {Group.EARNINGS, Group.MEASUREMENT, Group.VERIFICATION}
    return tuple(dict.fromkeys(pair for pair in _of_page(page) if KINDS[pair[0]].group in owned))


_CONTACTS: dict[str, tuple[Callable[[str], str], str]] = {
    "mailto": (lambda text: mail_address(text).key, "contact_email"),
    "tel": (lambda text: telephone(text, None).e164, "contact_phone"),
}


def _of_page(page: Page) -> Iterator[tuple[str, str]]:
    if page.role == "favicon" and page.fetch.ok and page.fetch.body:
        yield "favicon", f"{mmh3.hash128(page.fetch.body):032x}"
    facts = page.facts
    if facts is None:
        return
    loaded = [resource.url for resource in facts.resources]
    yield from _in_text(page.fetch.body[:MARKUP_SEARCHED].decode("utf-8", "replace"))
    for text in (*facts.scripts, *loaded):
        yield from _in_text(text)
    for url in (*(link.url for link in facts.links), *loaded):
        yield from _in_address(url)
    contacts = (link.url for link in facts.links if link.url.startswith(("mailto:", "tel:")))
    for url in islice(contacts, CONTACTS_MAX):
        yield from _contact(url)
    yield from (
        ("verification", f"{name}/{value}") for name, value in facts.metas if name in _VERIFICATION_METAS and value
    )
    if facts.template_simhash is not None and page.role in {"home", "declared"}:
        yield "template", f"{facts.template_simhash:016x}"


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    for kind, expression in _PATTERNS:
        for match in islice(expression.finditer(text), IDS_MAX):
            yield kind, next(filter(None, match.groups()))
    number = _MATOMO_NUMBER.search(text)
    server = _MATOMO_SERVER.search(text) if number is not None else None
    if number is not None and server is not None:
        yield "matomo", f"{next(filter(None, server.groups()))}/{number.group(1)}"


def _in_address(url: str) -> Iterator[tuple[str, str]]:
    match = affiliate_url(url)
    if match is not None and match.publisher and match.action is not Action.HINT:
        yield "affiliate_id", f"{name_key(match.network)}/{match.publisher}"


def _contact(url: str) -> Iterator[tuple[str, str]]:
    scheme, _, rest = url.partition(":")
    read, kind = _CONTACTS[scheme]
    try:
        yield kind, read(unquote(rest.split("?", 1)[0]))
    except ValueError:
        return
