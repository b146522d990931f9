"""Brands of the policy in the domains of an applicant's sites."""

from __future__ import annotations

from screening.applicants.identity import host_of, label_of, registered_domain, site_of
from screening.applicants.policy import Policy, clause
from screening.applicants.signals.finding import Exhibit, Finding, State, absent
from screening.applicants.signals.lookalikes import lookalike

CODES = ("brand_domain", "typosquat", "claims_brand_site")


def brand_domains(url: str, policy: Policy) -> tuple[Finding, ...]:
    """Compare a declared address with the brands and the brands' own domains. No brands: nothing was looked for."""
    host = host_of(url)
    site = site_of(host)
    if not policy.brands and not policy.brand_domains:
        return ()
    if site in policy.brand_domains:
        shown = Exhibit(url, f"{site} is one of the brands' own domains")
        return (Finding("claims_brand_site", State.FOUND, site, (shown,), {"domain": site}, "brand_domains"),)
    label = label_of(host)
    before = host.removesuffix(registered_domain(host) or host).rstrip(".")
    for brand in (*policy.brands, *(label_of(domain) for domain in policy.brand_domains)):
        like = lookalike(label, before, brand)
        if like is not None:
            code = "brand_domain" if like.exact else "typosquat"
            shown = Exhibit(url, f"{host}: {like.kind} of {brand}")
            numbers = {"brand": brand, "kind": like.kind, "domain": host}
            return (Finding(code, State.FOUND, site, (shown,), numbers, clause("brands", brand)),)
    return tuple(absent(code, site) for code in CODES)
