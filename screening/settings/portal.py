"""Settings of what strangers reach: the application form and partners' own pages."""

from __future__ import annotations

from screening.settings.section import Section, setting


class PortalSettings(Section):
    """The public pages."""

    open: bool = setting("whether anybody may apply at /apply", unit="switch")
    applications_per_hour: int = setting("applications taken from one address in an hour", unit="number", ge=1, le=1000)
    applications_per_hour_all: int = setting(
        "applications taken from all addresses in an hour", unit="number", ge=1, le=100_000
    )
    appeals_per_hour: int = setting("appeals taken from one partner's page in an hour", unit="number", ge=1, le=1000)
    link_days: int = setting("how long the link to a partner's own page works", unit="days", ge=1, le=365)
