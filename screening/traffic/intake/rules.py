"""What values must be like: limits, clock, zone and words, gathered for one ingest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

import iso4217

from screening.errors import InputError
from screening.settings.ingest import IngestSettings

_NOT_MONEY = frozenset({999, 963})
"""Numbers that ISO 4217 gives to "no currency" and to "for tests"."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of one ingest. Times are UTC; sizes are bytes."""

    earliest: datetime
    latest: datetime
    """No event lies later: now and the tolerance for clocks that are ahead."""
    zone: str
    """IANA name of the zone of times that name none."""
    time_formats: tuple[str, ...]
    id_bytes_max: int
    field_bytes_max: int
    currencies: frozenset[str]


def rules_of(settings: IngestSettings, *, now: datetime, zone: str, time_formats: tuple[str, ...]) -> Rules:
    """Gather the rules from the settings. Raises InputError when the zone is not known."""
    if zone not in _zones():
        raise InputError(f"There is no time zone `{zone}`.", remedy="Give one as `Europe/Berlin` or `UTC`.")
    return Rules(
        earliest=datetime(settings.earliest.year, settings.earliest.month, settings.earliest.day, tzinfo=UTC),
        latest=now.astimezone(UTC) + timedelta(minutes=settings.future_tolerance_minutes),
        zone=zone,
        time_formats=time_formats,
        id_bytes_max=settings.id_bytes_max,
        field_bytes_max=settings.field_bytes_max,
        currencies=_currencies() | {code.upper() for code in settings.extra_currencies},
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _currencies() -> frozenset[str]:
    return frozenset(currency.code for currency in iso4217.Currency if currency.number not in _NOT_MONEY)
