"""Whether a site is on the threat lists of Safe Browsing, version 5: only the first four bytes of hashes are sent.

Sources: the method hashes:search and "URLs and Hashing" in Google's description of version 5.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from ada_url import URL

from screening.applicants.identity import registered_domain
from screening.applicants.lookups.service import NoAnswerError, Question, Services, read_json
from screening.settings.lookups import SafeBrowsingSettings

SERVICE = "Safe Browsing"
PREFIX_BYTES = 4
_HOSTS_MAX, _PATHS_MAX = 5, 6
"""Host suffixes and path prefixes of one address that are looked up."""
_PREFIXES_MAX = 30
"""Prefixes of one question, as the service asks."""
_THREATS = frozenset({"MALWARE", "SOCIAL_ENGINEERING", "UNWANTED_SOFTWARE", "POTENTIALLY_HARMFUL_APPLICATION"})
_NOT_FOR_ACTION = "CANARY"
"""Attribute of entries that are there to be measured and must not be acted on."""
_KEPT_AT_MOST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Threat:
    """An address expression that is listed, and as what."""

    expression: str
    kind: str


def threats(
    urls: Iterable[str], key: str, services: Services, settings: SafeBrowsingSettings, left: float
) -> tuple[Threat, ...]:
    """Return what of the addresses is listed. Raises NoAnswerError with the reason when that is not known."""
    hashes = {hashlib.sha256(text.encode()).digest(): text for url in urls for text in expressions(url)}
    prefixes = sorted({full[:PREFIX_BYTES] for full in hashes})
    filed = {prefix: services.filed(SERVICE, prefix.hex()) for prefix in prefixes}
    listed: dict[bytes, frozenset[str]] = {}
    for answer in filter(None, filed.values()):
        listed.update(_listed(read_json(answer, SERVICE)))
    missing = [prefix for prefix, answer in filed.items() if answer is None]
    for start in range(0, len(missing), _PREFIXES_MAX):
        batch = missing[start : start + _PREFIXES_MAX]
        data = read_json(services.ask(_question(batch, key, settings), left), SERVICE)
        listed.update(_listed(data))
        _file(data, batch, services)
    found = ((text, kind) for full, text in hashes.items() for kind in sorted(listed.get(full, ())))
    return tuple(Threat(text, kind) for text, kind in found)


def expressions(url: str) -> tuple[str, ...]:
    """Return the host and path combinations of a canonical address under which a list may hold it."""
    parsed = URL(url)
    host = str(parsed.hostname).strip("[]").rstrip(".")
    return tuple(dict.fromkeys(f"{name}{path}" for name in _hosts(host) for path in _paths(parsed)))


def _hosts(host: str) -> Iterator[str]:
    yield host
    domain = registered_domain(host)
    if domain is None or ":" in host or host.rpartition(".")[2].isdigit():
        return
    labels = host.split(".")
    own = len(domain.split("."))
    for kept in range(min(len(labels) - 1, own + _HOSTS_MAX - 2), own - 1, -1):
        yield ".".join(labels[-kept:])


def _paths(url: URL) -> Iterator[str]:
    path, query = str(url.pathname) or "/", str(url.search)
    if query:
        yield f"{path}{query}"
    yield path
    parts = [part for part in path.split("/")[:-1] if part]
    for depth in range(min(len(parts) + 1, _PATHS_MAX - 2)):
        yield "/" + "".join(f"{part}/" for part in parts[:depth])


def _question(batch: Sequence[bytes], key: str, settings: SafeBrowsingSettings) -> Question:
    wanted = [("hashPrefixes", base64.b64encode(prefix).decode()) for prefix in batch]
    return Question(
        service=SERVICE,
        filed_as="",
        url=f"{settings.url}?{urlencode([*wanted, ('alt', 'json')])}",
        server=settings.url,
        seconds=settings.seconds,
        pause_seconds=settings.pause_seconds,
        keep=None,  # answers are filed by prefix, for as long as the service says
        headers={"X-Goog-Api-Key": key, "Accept": "application/json"},
        redirects=False,
    )


def _listed(data: Any) -> dict[bytes, frozenset[str]]:  # noqa: ANN401 - JSON of others
    """Return full hash to threats. Raises NoAnswerError when the answer has another shape."""
    try:
        found = {}
        for entry in data.get("fullHashes", []):
            full = base64.b64decode(entry["fullHash"], validate=True)
            kinds = {
                str(detail.get("threatType"))
                for detail in entry.get("fullHashDetails", [])
                if _NOT_FOR_ACTION not in detail.get("attributes", [])
            }
            found[full] = frozenset(kinds & _THREATS)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoAnswerError(f"{SERVICE} answered in another form than version 5 has") from error
    return found


def _file(data: Any, batch: Sequence[bytes], services: Services) -> None:  # noqa: ANN401
    """File what is known of each prefix, those with nothing listed too, for as long as the service says."""
    text = str(data.get("cacheDuration", "0s")).removesuffix("s")
    try:
        keep = min(timedelta(seconds=float(text)), _KEPT_AT_MOST)
    except (ValueError, OverflowError) as error:
        raise NoAnswerError(f"{SERVICE} answered with the duration {text[:20]!r}, which is none") from error
    for prefix in batch:
        own = [
            item for item in data.get("fullHashes", []) if base64.b64decode(item["fullHash"])[:PREFIX_BYTES] == prefix
        ]
        services.file(SERVICE, prefix.hex(), json.dumps({"fullHashes": own}).encode(), keep)
