"""From a name to all its addresses: an optional hosts file first, then DNS with a hard limit on time.

`socket.getaddrinfo` is not used: it cannot be cancelled, so that a slow name server would hold a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import dns.exception
import dns.name
import dns.resolver

from screening.applicants.codes import Failure, FetchFailedError
from screening.errors import SettingsError


class LookupFailedError(FetchFailedError):
    """A name has no usable answer."""


class Resolver(Protocol):
    """Finds the addresses of names."""

    def addresses(self, host: str) -> tuple[str, ...]:
        """Return every IPv4 and IPv6 address of the name, at least one. Raises LookupFailedError."""


class DnsResolver:
    """Asks the name servers of this machine, or those given as (address, port)."""

    def __init__(self, lookup_seconds: float, servers: tuple[tuple[str, int], ...] = ()) -> None:
        self._seconds = lookup_seconds
        self._resolver = _configured(servers)

    def addresses(self, host: str) -> tuple[str, ...]:
        """Ask for A and AAAA records of the absolute name, without search domains."""
        if self._resolver is None:
            raise LookupFailedError(Failure.DNS_UNAVAILABLE)
        try:
            name = dns.name.from_text(host.rstrip(".") + ".")
            answers = self._resolver.resolve_name(name, lifetime=self._seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
            raise LookupFailedError(Failure.DNS_NOT_FOUND) from error
        except dns.exception.Timeout as error:
            raise LookupFailedError(Failure.DNS_TIMEOUT) from error
        except dns.exception.DNSException as error:
            raise LookupFailedError(Failure.DNS_FAILED) from error
        return tuple(dict.fromkeys(answers.addresses()))


class HostsFile:
    """Names with fixed addresses, from a file in the format of hosts(5)."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self.names = MappingProxyType(dict(names))

    @classmethod
    def read(cls, path: Path) -> HostsFile:
        """Read the file. Raises SettingsError that names the line that cannot be read."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The hosts file cannot be read: {error}.", remedy="Mend crawl.hosts.", where=str(path)
            ) from error
        names: dict[str, tuple[str, ...]] = {}
        for number, line in enumerate(lines, start=1):
            address, *hosts = line.partition("#")[0].split() or [""]
            if not address:
                continue
            _check_address(address, f"{path}:{number}")
            for host in hosts:
                key = host.lower().rstrip(".")
                names[key] = (*names.get(key, ()), address)
        return cls(names)


class LayeredResolver:
    """Looks in the hosts file first; a name that stands there is never asked of DNS."""

    def __init__(self, hosts: HostsFile, dns_resolver: Resolver) -> None:
        self._hosts = hosts
        self._dns = dns_resolver

    def addresses(self, host: str) -> tuple[str, ...]:
        """Return the addresses in the hosts file, or those of DNS."""
        return self._hosts.names.get(host.rstrip(".")) or self._dns.addresses(host)


def _check_address(text: str, where: str) -> None:
    try:
        ip_address(text)
    except ValueError as error:
        raise SettingsError(
            f"`{text}` is not an address.", remedy="Write `address name...` on each line.", where=where
        ) from error


def _configured(servers: tuple[tuple[str, int], ...]) -> dns.resolver.Resolver | None:
    if not servers:
        try:
            return dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            return None
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [address for address, _ in servers]
    resolver.nameserver_ports = dict(servers)
    return resolver
