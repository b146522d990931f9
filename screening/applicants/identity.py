"""Canonical forms of what identifies an applicant: e-mail, telephone, domain, payout account, name.

Two spellings that reach the same mailbox, line or owner get the same key, so that equality of keys means the same
applicant. A value that cannot be read has no key (None), never an empty one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import phonenumbers
import tldextract
import yaml
from ada_url import URL
from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email

_extract = tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=True, cache_dir=None)
"""The snapshot of the public suffix list that tldextract ships: never fetched, so a run can be repeated."""

COUNTRY_ALIASES = {"UK": "GB", "EL": "GR"}
"""Codes in common use that ISO 3166-1 gives to other or no countries (the European Union writes EL for Greece)."""


_NOT_WEB = ("javascript:", "data:", "mailto:", "file:", "about:", "tel:")


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An e-mail address that can be written to.

    `key` equals that of every other spelling of the same mailbox; `domain` is ASCII; `disposable` says that the domain
    is on the list of throw-away providers, `free` that anybody gets an address there.
    """

    written: str
    key: str
    domain: str
    disposable: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Telephone:
    """A telephone number: `e164` such as +442079460000, and the country it belongs to (None: not geographic)."""

    e164: str
    country: str | None


def mail_address(text: str) -> MailAddress:
    """Read an e-mail address. Raises ValueError with the reason when nobody could receive mail there."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    domain = checked.ascii_domain.lower()
    rules = _mail_rules()
    home = rules["home"].get(domain, domain)
    local = unicodedata.normalize("NFKC", checked.local_part).lower()
    rule = rules["rules"].get(home)
    if rule is not None:
        local = local.split(rule["separator"])[0].translate({ord(mark): None for mark in rule["ignored"]})
    registered = registered_domain(domain) or domain
    return MailAddress(
        written=checked.normalized,
        key=f"{local}@{home}",
        domain=domain,
        disposable=domain in blocklist or registered in blocklist,
        free=domain in rules["free"],
    )


def telephone(text: str, country: str | None) -> Telephone:
    """Read a telephone number; `country` (ISO 3166-1 alpha-2) is where a number without +prefix is dialled.

    Raises ValueError with the reason when the number cannot exist.
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise ValueError(str(error).rstrip(".")) from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError("the number has too few or too many digits for its country")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    region = phonenumbers.region_code_for_number(number)
    return Telephone(e164, region if region in phonenumbers.SUPPORTED_REGIONS else None)


def country_code(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code in capitals. Raises ValueError when there is no such country."""
    code = text.strip().upper()
    code = COUNTRY_ALIASES.get(code, code)
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("not a two-letter country code of ISO 3166-1")
    return str(code)


def web_address(text: str) -> str:
    """Return the canonical form of a web address; a bare domain is read as https.

    Raises ValueError with the reason when a browser could not open it as http or https.
    """
    candidate = text.strip()
    if "://" not in candidate and not candidate.lower().startswith(_NOT_WEB):
        candidate = f"https://{candidate.lstrip('/')}"
    try:
        url = URL(candidate)
    except ValueError as error:
        raise ValueError("not a web address") from error
    if url.protocol not in {"http:", "https:"}:
        raise ValueError(f"{url.protocol} addresses are not web sites")
    if not url.hostname:
        raise ValueError("the address names no host")
    if url.username or url.password:
        raise ValueError("the address carries a user name")
    return str(url.href)


def host_of(url: str) -> str:
    """Return the host of a canonical address, ASCII, without port; empty when there is none."""
    try:
        return str(URL(url).hostname).strip("[]").rstrip(".")
    except ValueError:
        return ""


def registered_domain(host: str) -> str | None:
    """Return the domain somebody registered: the label below the public suffix, `user.blogspot.com` included.

    None for addresses, single labels and public suffixes themselves.
    """
    parts = _parts(host)
    return f"{parts.label}.{parts.suffix}" if parts.label and parts.suffix else None


def site_of(url_or_host: str) -> str:
    """Return the name under which a site is judged: its registered domain, or the host where there is none."""
    host = host_of(url_or_host) if "://" in url_or_host else url_or_host.lower().rstrip(".")
    return registered_domain(host) or host


def is_free_subdomain(host: str) -> bool:
    """Say whether the host hangs below a private suffix, such as user.blogspot.com or shop.myshopify.com."""
    parts = _parts(host)
    return parts.private and bool(parts.label)


def suffix_of(host: str) -> str:
    """Return the public suffix of a host, such as `co.uk`; empty for an address."""
    return _parts(host).suffix


def label_of(host: str) -> str:
    """Return the label that was registered: `acme` of `www.acme.co.uk`; the host itself where there is none."""
    return _parts(host).label or host


@dataclass(frozen=True, slots=True)
class _Parts:
    label: str
    suffix: str
    private: bool


@lru_cache(maxsize=65_536)
def _parts(host: str) -> _Parts:
    """Split a host at its public suffix. An unlisted top-level domain is one too (the list's prevailing rule `*`)."""
    found = _extract(host)
    if found.suffix or found.ipv4 or found.ipv6 or "." not in host or host.startswith("["):
        return _Parts(str(found.domain) if found.suffix else "", str(found.suffix), bool(found.is_private))
    _, label, suffix = f".{host.rstrip('.')}".rsplit(".", 2)
    return _Parts(label, "" if suffix.isdigit() else suffix, private=False)


def account_key(text: str) -> str | None:
    """Return a payout account in capitals without separators, or None when nothing remains."""
    key = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).upper()
    if "@" in text:
        try:
            return mail_address(text).key
        except ValueError:
            return key or None
    return key or None


def name_key(text: str) -> str:
    """Return a person's or company's name folded for comparison: no accents, case, punctuation or double spaces."""
    folded = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return " ".join(re.findall(r"\w+", folded.casefold()))


@cache
def _mail_rules() -> dict[str, Any]:
    raw = yaml.safe_load((resources.files("screening.applicants") / "data" / "mail_providers.yaml").read_text("utf-8"))
    home = {other: main for main, rule in raw["rules"].items() for other in rule["same_as"]}
    return {"rules": raw["rules"], "home": home, "free": frozenset(name for line in raw["free"] for name in line)}
