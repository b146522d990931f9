"""URLs, read once the way browsers read them; whatever is checked is exactly what is dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ada_url import URL

from screening.applicants.codes import Failure, FetchFailedError
from screening.applicants.identity import registered_domain

LONGEST_URL = 2048
"""Characters: the customary bound of browsers and servers (RFC 9110 section 4.1 asks servers for 8,000)."""

_DEFAULT_PORT = {"http:": 80, "https:": 443}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.\-_]*[a-z0-9_])?\.?")
_LABEL_LENGTH, _NAME_LENGTH = 63, 253
"""Octets (RFC 1035 section 2.3.4)."""


class UrlRefusedError(FetchFailedError):
    """The text is not a URL that may be fetched."""


@dataclass(frozen=True, slots=True)
class Target:
    """A canonical URL and where it leads: `host` is a lower-case ASCII name or an address without brackets."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Scheme, host and port: what a robots.txt and a connection belong to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def named_host(self) -> str:
        """Host as it is named to the server: with the port, unless it is the scheme's own."""
        return self.url.split("/", 3)[2]

    @property
    def path(self) -> str:
        """Path and query, as they are asked for."""
        return "/" + self.url.split("/", 3)[3]

    @property
    def site(self) -> str:
        """The registrable domain of the host, or the host itself when it has none (addresses, unknown suffixes)."""
        return site_of(self.host)


def read_target(text: str, base: str | None = None) -> Target:
    """Read a URL, relative to `base` if given, without its fragment.

    Raises UrlRefusedError when it is no http(s) URL, carries a user name, is longer than 2,048 characters, or its host
    could be read differently by another program.
    """
    if len(text) > LONGEST_URL:
        raise UrlRefusedError(Failure.URL_INVALID)
    try:
        url = URL(text, base) if base is not None else URL(text)
    except (ValueError, UnicodeEncodeError) as error:
        raise UrlRefusedError(Failure.URL_INVALID) from error
    if url.protocol not in _DEFAULT_PORT:
        raise UrlRefusedError(Failure.URL_SCHEME)
    if url.username or url.password:
        raise UrlRefusedError(Failure.URL_USERINFO)
    url.hash = ""
    href, host = str(url.href), str(url.hostname)
    if len(href) > LONGEST_URL or not _unambiguous(host):
        raise UrlRefusedError(Failure.URL_INVALID)
    port = int(url.port) if url.port else _DEFAULT_PORT[url.protocol]
    return Target(href, url.protocol.rstrip(":"), host.strip("[]"), port)


def declared_target(text: str) -> Target:
    """Read what an applicant wrote: a URL, or a bare domain, which is taken as https."""
    text = text.strip()
    if "://" not in text and not re.match(r"[a-z][a-z0-9+.\-]*:(?!\d)", text, re.IGNORECASE):
        text = f"https://{text.lstrip('/')}"
    return read_target(text)


@lru_cache(maxsize=65536)
def site_of(host: str) -> str:
    """Return the registrable domain of a host, or the host itself when it has none.

    Below a suffix that the public suffix list does not know (a test farm's), the last two labels are taken, as the
    list's own default rule says.
    """
    host = host.rstrip(".")
    if ":" in host or host.rpartition(".")[2].isdigit():
        return host
    return registered_domain(host) or ".".join(host.split(".")[-2:])


def _unambiguous(host: str) -> bool:
    if host.startswith("["):
        return True
    name = host.rstrip(".")
    return (
        _HOST.fullmatch(host) is not None
        and ".." not in host
        and len(name) <= _NAME_LENGTH
        and all(len(label) <= _LABEL_LENGTH and not label.startswith("-") for label in name.split("."))
        and all(_punycode(label) for label in name.split("."))
    )


def _punycode(label: str) -> bool:
    if not label.startswith("xn--"):
        return True
    try:
        return bool(label.removeprefix("xn--").encode("ascii").decode("punycode"))
    except UnicodeError:
        return False
