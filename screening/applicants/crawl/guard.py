"""The guard: the one place that decides where the crawler may connect to.

Every URL, every redirect, every answer of every lookup and every connected peer passes through it. What it refuses
stays refused unless settings list it, and then it says so in words (`openings`).
"""

from __future__ import annotations

from pathlib import Path

from screening.applicants.codes import Failure, FetchFlag, RefusedError
from screening.applicants.crawl.addresses import AddressPolicy
from screening.applicants.crawl.resolve import DnsResolver, HostsFile, LayeredResolver, LookupFailedError, Resolver
from screening.applicants.crawl.urls import Target
from screening.settings.crawl import CrawlSettings

WEB_PORTS = frozenset({80, 443, 8080, 8443})
"""Where web sites are served; other ports lead to mail servers, databases and the like."""

_RESERVED_SUFFIXES = frozenset(
    {"localhost", "local", "internal", "onion", "test", "invalid", "example", "svc", "lan", "intranet", "corp", "home"}
)
_RESERVED_TAILS = (".home.arpa", ".cluster.local")
"""Names for private use: RFC 6761, 6762, 7686, 8375, ICANN's .internal (2024), and what local networks use in fact."""


class Guard:
    """Checks targets and addresses; safe to share between threads."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver, hosts: HostsFile, settings: CrawlSettings) -> None:
        self._policy = policy
        self._resolver = resolver
        self._hosts = hosts
        self._ports = WEB_PORTS | frozenset(settings.allow_ports)
        self._answers = settings.fetch.answers
        self.openings = _openings(settings)

    def check_target(self, target: Target) -> None:
        """Raise RefusedError when the port is not a web port or the name is one for private use."""
        if target.port not in self._ports:
            raise RefusedError(Failure.URL_PORT, FetchFlag.REFUSED_PORT, str(target.port))
        if not _is_address(target.host) and self._reserved(target.host):
            raise RefusedError(Failure.NAME_RESERVED, FetchFlag.REFUSED_NAME, target.host)
        if _is_address(target.host):
            self.check_address(target.host)

    def check_address(self, address: str) -> None:
        """Raise RefusedError unless the address may be connected to."""
        refusal = self._policy.refusal(address)
        if refusal is not None:
            raise RefusedError(Failure.ADDRESS_REFUSED, FetchFlag.REFUSED_ADDRESS, f"{address}: {refusal}")

    def addresses(self, host: str) -> tuple[str, ...]:
        """Return every address of the host, each one checked, IPv4 first: one bad answer refuses them all.

        Raises RefusedError, or LookupFailedError when there is no answer or there are too many.
        """
        found = (host,) if _is_address(host) else self._resolver.addresses(host)
        if not found:
            raise LookupFailedError(Failure.DNS_NOT_FOUND)
        for address in found:
            self.check_address(address)
        if len(found) > self._answers:
            raise LookupFailedError(Failure.DNS_FAILED)
        return tuple(sorted(found, key=_is_ipv6))

    def _reserved(self, host: str) -> bool:
        name = host.rstrip(".")
        if name in self._hosts.names:
            return False
        return "." not in name or name.rpartition(".")[2] in _RESERVED_SUFFIXES or name.endswith(_RESERVED_TAILS)


def make_guard(settings: CrawlSettings, resolver: Resolver | None = None) -> Guard:
    """Build the guard that the settings describe; `resolver` takes the place of DNS."""
    hosts = HostsFile.read(Path(settings.hosts)) if settings.hosts else HostsFile({})
    policy = AddressPolicy(settings.allow_networks, settings.deny_networks)
    layered = LayeredResolver(hosts, resolver or DnsResolver(settings.fetch.lookup_seconds))
    return Guard(policy, layered, hosts, settings)


def _openings(settings: CrawlSettings) -> tuple[str, ...]:
    said = []
    if settings.allow_networks:
        said.append("crawl.allow_networks lets the crawler reach " + ", ".join(map(str, settings.allow_networks)))
    if settings.allow_ports:
        said.append("crawl.allow_ports lets the crawler use port " + ", ".join(map(str, settings.allow_ports)))
    if settings.hosts:
        said.append(f"crawl.hosts gives names fixed addresses from {settings.hosts}")
    return tuple(said)


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _is_ipv6(address: str) -> bool:
    return ":" in address
