"""Settings of the reference lists of addresses and user agents."""

from __future__ import annotations

from screening.settings.section import Section, setting


class ListSettings(Section):
    """Reference lists of addresses and user agents."""

    max_age_days: int = setting("age from which a list is called stale", unit="days", ge=1, le=3650)
    upload_bytes_max: int = setting("largest file that the console takes as a list", unit="bytes", ge=1024, le=1 << 32)
    refused_share_max: float = setting(
        "share of unusable lines above which a file is refused whole", unit="share", ge=0, le=1
    )
