"""What every simulated site starts from: an invented publisher, a host name and a draft of an honest site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from screening.simulate.farm_answers import PORT, Answer, Respond, Site
from screening.simulate.farm_pages import LAYOUTS, Draft, Look, articles, pages
from screening.simulate.farm_text import LANGUAGES, TOPICS, Writer

_COUNTRIES = {"en": "GB", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL"}
_PREFIXES = {
    "GB": "+44207946",
    "DE": "+493023125",
    "FR": "+3319900",
    "ES": "+3491117",
    "IT": "+3906555",
    "NL": "+3120679",
}
"""Beginnings of telephone numbers; four digits follow."""
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwxyz"[:20], "aeiou"
_FIRST = (
    "Ada",
    "Bram",
    "Carla",
    "Dilan",
    "Edda",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Jorin",
    "Kaja",
    "Luca",
    "Mina",
    "Nils",
)
_LAST = (
    "Abendroth",
    "Brennan",
    "Castell",
    "Dunmore",
    "Eskola",
    "Farrow",
    "Galvani",
    "Hartwig",
    "Iversen",
    "Jansson",
    "Kessler",
)
_SECOND = (
    "Lindqvist",
    "Marchetti",
    "Norwood",
    "Okafor",
    "Pellerin",
    "Quintana",
    "Rosander",
    "Sandoval",
    "Thorne",
    "Urbina",
)
_SITE = (
    "amber",
    "bramble",
    "copper",
    "drift",
    "ember",
    "fallow",
    "gable",
    "heron",
    "juniper",
    "kindling",
    "lantern",
    "meadow",
)
_KIND = (
    "notes",
    "diary",
    "almanac",
    "ledger",
    "corner",
    "bench",
    "journal",
    "shed",
    "field",
    "table",
    "letters",
    "atlas",
)


@dataclass(frozen=True, slots=True)
class Person:
    """An invented applicant."""

    name: str
    country: str
    phone: str
    account: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a simulated application.

    `kind` names how it was made; `honest` says that it must not be rejected; `faults` are the reason codes of which at
    least one must be found (none for honest ones); `unseen` says that nobody can tell, so a person has to look.
    """

    application_id: str
    kind: str
    honest: bool
    faults: tuple[str, ...] = ()
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Planted:
    """One simulated application, its sites, and the truth about it."""

    application: Mapping[str, object]
    sites: tuple[Site, ...]
    truth: Truth


@dataclass(slots=True)
class Ground:
    """Where one application grows: its number and everything drawn for it, the same for the same seed."""

    number: int
    rng: Random
    person: Person = field(init=False)
    writer: Writer = field(init=False)
    host: str = field(init=False)
    site_name: str = field(init=False)

    def __post_init__(self) -> None:
        rng = self.rng
        self.writer = Writer(rng.choice(LANGUAGES), rng.choice(TOPICS))
        country = _COUNTRIES[self.writer.language]
        name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}-{rng.choice(_SECOND)}"
        digits = f"{rng.randint(0, 9999):04d}"
        self.person = Person(name, country, _PREFIXES[country] + digits, f"{country}{rng.randint(10**15, 10**16 - 1)}")
        first, second = rng.choice(_SITE), rng.choice(_KIND)
        mark = _letters(self.number)
        self.site_name = f"{first.title()} {mark.title()} {second.title()}"
        self.host = f"{first}{rng.choice(('-', ''))}{mark}{rng.choice(('-', ''))}{second}.example"

    @property
    def application_id(self) -> str:
        """Id of the application."""
        return f"APP-{self.number:04d}"

    def email(self) -> str:
        """Return an address at the site's domain, or of a large provider with a name nobody else has."""
        local = f"{self.person.name.split()[0].lower()}.{_letters(self.number)}"
        provider = self.rng.choice(("gmail.com", "outlook.com", "gmx.net", "proton.me"))
        return f"{local}@{self.host}" if self.rng.random() < 0.5 else f"{local}@{provider}"

    def digits(self, count: int) -> str:
        """Return a number of that many digits that no other site of the farm has."""
        return str(self.rng.randint(10 ** (count - 1), 10**count - 1))

    def draft(self, links: tuple[str, ...] = (), email: str | None = None) -> Draft:
        """Return an honest site with 3-5 articles."""
        look = Look(self.host, self.site_name, self.person.name, email, self.writer, self.rng.choice(LAYOUTS))
        return Draft(look, articles(self.writer, self.rng, self.rng.randint(3, 5), links))

    def application(self, *hosts: str, email: str | None = None, **fields: object) -> dict[str, object]:
        """Return the application for the hosts given, or for the own one."""
        return {
            "application_id": self.application_id,
            "name": self.person.name,
            "email": email or self.email(),
            "websites": [f"http://{host}:{PORT}/" for host in hosts or (self.host,)],
            "company": self.site_name if self.rng.random() < 0.3 else None,
            "country": self.person.country,
            "phone": self.person.phone,
            "promo_methods": ["content"],
            "claimed_monthly_visits": self.rng.choice((800, 5_000, 40_000, 250_000)),
            "payout_account": self.person.account,
            "applied_at": "2026-11-20T08:00:00Z",
            **fields,
        }

    def planted(self, kind: str, application: Mapping[str, object], *sites: Site, **truth: object) -> Planted:
        """Return the application with its sites; `truth` as Truth, `faults` may be one code."""
        faults = truth.pop("faults", ())
        named = (faults,) if isinstance(faults, str) else tuple(faults)  # type: ignore[arg-type]
        unseen = bool(truth.pop("unseen", False))
        honest = bool(truth.pop("honest", False))
        return Planted(application, sites, Truth(self.application_id, kind, honest, named, unseen))


def site(draft: Draft, extra: Mapping[str, Answer | Respond] | None = None, host: str | None = None) -> Site:
    """Lay a draft out as a site."""
    return Site(host or draft.look.host, {**pages(draft), **(extra or {})})


def _letters(number: int) -> str:
    """Write a number below 10,000 as two syllables, so that hosts and mailboxes differ without looking generated."""
    mixed = number * 7919 % 10_000  # 7919 is prime: every number below 10,000 gets syllables of its own
    return "".join(f"{_CONSONANTS[part % 20]}{_VOWELS[part // 20]}" for part in divmod(mixed, 100))
