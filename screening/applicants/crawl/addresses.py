"""Which addresses the crawler may connect to: public unicast ones, by an own table that denies by default.

The standard library's `is_global` and `is_private` are not used: they differ between Python versions
(CVE-2024-4032), count multicast as global, and pass addresses that embed others (NAT64, IPv4-compatible, ISATAP).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_REFUSED_IPV4 = {
    "0.0.0.0/8": "this host (RFC 791)",
    "10.0.0.0/8": "private (RFC 1918)",
    "100.64.0.0/10": "carrier-grade translation (RFC 6598); cloud metadata",
    "127.0.0.0/8": "loopback (RFC 1122)",
    "168.63.129.16/32": "Azure platform service: looks public, answers inside",
    "169.254.0.0/16": "link local (RFC 3927); cloud metadata",
    "172.16.0.0/12": "private (RFC 1918)",
    "192.0.0.0/24": "protocol assignments (RFC 6890); cloud metadata",
    "192.0.2.0/24": "documentation (RFC 5737)",
    "192.31.196.0/24": "AS112 (RFC 7535)",
    "192.52.193.0/24": "multicast tunnels (RFC 7450)",
    "192.88.99.0/24": "6to4 relay (RFC 7526)",
    "192.168.0.0/16": "private (RFC 1918)",
    "192.175.48.0/24": "AS112 (RFC 7534)",
    "198.18.0.0/15": "benchmarks (RFC 2544)",
    "198.51.100.0/24": "documentation (RFC 5737)",
    "203.0.113.0/24": "documentation (RFC 5737)",
    "224.0.0.0/3": "multicast, reserved, broadcast (RFC 1112)",
}
"""IANA IPv4 Special-Purpose Address Registry, with multicast and a platform address that no registry lists."""

_UNICAST_IPV6 = IPv6Network("2000::/3")
"""The only part of the IPv6 space from which public addresses are assigned (IANA IPv6 Address Space)."""

_REFUSED_IPV6 = {
    "2001::/23": "protocol assignments: Teredo, ORCHID (RFC 2928)",
    "2001:db8::/32": "documentation (RFC 3849)",
    "2002::/16": "6to4, embeds an IPv4 address (RFC 3056)",
    "2620:4f:8000::/48": "AS112 (RFC 7534)",
    "3fff::/20": "documentation (RFC 9637)",
}
"""The special-purpose part of 2000::/3 in the IANA IPv6 Special-Purpose Address Registry."""

_ISATAP_IDENTIFIERS = (0x00005EFE, 0x02005EFE)
"""Upper half of an interface identifier that embeds an IPv4 address (RFC 5214)."""

_IPV4 = tuple((IPv4Network(network), why) for network, why in _REFUSED_IPV4.items())
_IPV6 = tuple((IPv6Network(network), why) for network, why in _REFUSED_IPV6.items())


class AddressPolicy:
    """The table, with networks that a deployment allows or denies beside it; denying wins."""

    def __init__(self, allow: Sequence[Network] = (), deny: Sequence[Network] = ()) -> None:
        self._allow = tuple(allow)
        self._deny = tuple(deny)

    def refusal(self, address: str) -> str | None:
        """Say why the address may not be connected to, or None when it may. Text that is no address is refused."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return "not an address"
        if any(parsed in network for network in self._deny):
            return "denied by crawl.deny_networks"
        if any(parsed in network for network in self._allow):
            return None
        return special_purpose(parsed)


@lru_cache(maxsize=4096)
def special_purpose(address: Address) -> str | None:
    """Say what makes the address special, or None for a public unicast address."""
    if isinstance(address, IPv4Address):
        return next((why for network, why in _IPV4 if address in network), None)
    if address.scope_id is not None:
        return "scoped to an interface (RFC 4007)"
    if address not in _UNICAST_IPV6:
        return "outside the public unicast space 2000::/3"
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_IDENTIFIERS:
        return "ISATAP, embeds an IPv4 address (RFC 5214)"
    return next((why for network, why in _IPV6 if address in network), None)
