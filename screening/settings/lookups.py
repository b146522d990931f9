"""Settings of lookups at services of others: which are on, how they are asked, and how long answers are kept."""

from __future__ import annotations

from screening.settings.section import Section, setting


class RdapSettings(Section):
    """Age of domains, asked of their registries (RDAP, RFC 9082 and 9083)."""

    enabled: bool = setting("ask registries since when a domain is registered", unit="switch")
    bootstrap: str = setting(
        "where the list of registries' servers is (RFC 9224): an address, or a file", unit="text", pattern=r".+"
    )
    bootstrap_days: float = setting("days that this list is kept", unit="days", ge=0.01, le=365)
    seconds: float = setting("longest wait for an answer", unit="s", ge=0.1, le=120)
    pause_seconds: float = setting("pause between two questions to one registry", unit="s", ge=0, le=60)
    cache_days: float = setting("days that an answer is kept", unit="days", ge=0, le=365)


class ArchiveSettings(Section):
    """History of sites, asked of a web archive (the CDX interface of the Wayback Machine)."""

    enabled: bool = setting("ask the archive when a site was first seen", unit="switch")
    url: str = setting("address of the archive's CDX interface", unit="text", pattern=r"^https?://")
    seconds: float = setting("longest wait for an answer", unit="s", ge=0.1, le=120)
    pause_seconds: float = setting("pause between two questions", unit="s", ge=0, le=60)
    cache_days: float = setting("days that an answer is kept", unit="days", ge=0, le=365)
    captures_max: int = setting("months of captures that are asked for", unit="months", ge=12, le=1000)


class SafeBrowsingSettings(Section):
    """Threats, asked of Safe Browsing (version 5, by hash prefixes). Commercial use needs another contract."""

    enabled: bool = setting("ask whether a site is on the threat lists", unit="switch")
    url: str = setting("address of the method hashes:search", unit="text", pattern=r"^https?://")
    key_variable: str = setting(
        "environment variable that holds the key; the key itself stands in no settings", unit="text", pattern=r"^\w+$"
    )
    seconds: float = setting("longest wait for an answer", unit="s", ge=0.1, le=120)
    pause_seconds: float = setting("pause between two questions", unit="s", ge=0, le=60)


class PopularitySettings(Section):
    """Popularity from an imported ranking, held against claimed visits."""

    max_age_days: float = setting("age from which an imported ranking says nothing", unit="days", ge=1, le=3650)
    claim_min: int = setting(
        "claimed monthly visits from which a site ought to be in the ranking", unit="visits", ge=1000
    )
    domains_min: int = setting("domains that a ranking needs for absence to say anything", unit="domains", ge=1)


class LookupSettings(Section):
    """Lookups at services of others; what is off is missing, neither good nor bad."""

    application_seconds: float = setting("most time for all lookups of an application", unit="s", ge=1, le=3600)
    turn_seconds: float = setting(
        "longest wait for a turn at a service; then its fact is missing", unit="s", ge=0, le=3600
    )
    failures_max: int = setting(
        "failures of a service after another from which it is left alone for the run", unit="failures", ge=1, le=1000
    )
    new_days: int = setting("age of a domain below which it is new", unit="days", ge=1, le=365)
    young_days: int = setting("age of a domain below which it is young", unit="days", ge=1, le=3650)
    claim_of_new: int = setting("claimed monthly visits that a new domain can hardly have", unit="visits", ge=1000)
    reused_gap_days: int = setting(
        "days between the first archived page and the registration from which a domain had another owner before",
        unit="days",
        ge=30,
    )
    reused_within_days: int = setting("age of the registration up to which that counts", unit="days", ge=30)
    rdap: RdapSettings
    archive: ArchiveSettings
    safe_browsing: SafeBrowsingSettings
    popularity: PopularitySettings
