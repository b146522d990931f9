"""Settings of backlinks: how many are checked by looking, and from where on their pattern counts."""

from __future__ import annotations

from screening.settings.section import Section, setting


class BacklinkSettings(Section):
    """Links to applicants' sites: imports, checks by crawling, and from where on a pattern counts."""

    refused_share_max: float = setting(
        "share of unusable rows above which an export is refused whole", unit="share", ge=0, le=1
    )
    checked_max: int = setting("links of an application that are looked at", unit="links", ge=0, le=500)
    checked_per_site: int = setting("pages of one linking site that are looked at", unit="pages", ge=1, le=50)
    check_seconds: float = setting("most time spent on looking at an application's links", unit="s", ge=1, le=3600)
    found_share_min: float = setting(
        "share of declared links that must surely be there; below it the declaration is wrong", unit="share", ge=0, le=1
    )
    known_max: int = setting("imported links of a site that are read", unit="links", ge=1, le=1_000_000)
    graph_max: int = setting(
        "linking domains of a site that are read from the domain graph", unit="domains", ge=1, le=1_000_000
    )
    sites_min: int = setting("linking sites below which shares say nothing", unit="sites", ge=5)
    disowned_share: float = setting(
        "share of linking sites on lists of disowned domains that counts", unit="share", ge=0.01, le=1
    )
    anchor_share: float = setting(
        "share of linking sites with one and the same promotional anchor that counts", unit="share", ge=0.05, le=1
    )
    reciprocal_share: float = setting(
        "share of linking sites that the site links back to that counts", unit="share", ge=0.05, le=1
    )
    network_sites_min: int = setting(
        "linking sites with one owner's identifier, or in one network, that count", unit="sites", ge=3
    )
    network_share: float = setting("share of checked linking sites that this must be", unit="share", ge=0.05, le=1)
    burst_share: float = setting(
        "share of linking sites first seen within one month that counts", unit="share", ge=0.1, le=1
    )
    burst_years: float = setting(
        "a burst counts only when the known links reach back this long", unit="years", ge=0.25, le=20
    )
