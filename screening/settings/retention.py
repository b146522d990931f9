"""Settings of what is kept how long."""

from __future__ import annotations

from screening.settings.section import Section, setting

_CENTURY = 36_500
_SCAN_REACH = 60
"""A scan reads clicks of up to 58 days before its last: 28 of its window and 30 of the longest attribution window."""


class RetentionSettings(Section):
    """How long what is kept."""

    click_details_days: int = setting(
        "age at which clicks lose address, agent, device and referrer", unit="days", ge=_SCAN_REACH, le=_CENTURY
    )
    conversion_details_days: int = setting(
        "age at which conversions lose address, agent, device, referrer and customer",
        unit="days",
        ge=_SCAN_REACH,
        le=_CENTURY,
    )
    evidence_days: int = setting("age at which the evidence of a screening is removed", unit="days", ge=1, le=_CENTURY)
    quarantine_days: int = setting("age at which refused rows are removed", unit="days", ge=1, le=_CENTURY)
    dropped_files_days: int = setting(
        "age at which files that were taken from the drop folder are removed", unit="days", ge=1, le=_CENTURY
    )
    superseded_decisions_days: int = setting(
        "age of a scan at which those of its decisions are removed that a later scan replaced",
        unit="days",
        ge=1,
        le=_CENTURY,
    )
    log_days: int = setting("age at which logs and the journals of nights are removed", unit="days", ge=1, le=_CENTURY)
