"""Settings of letters to partners and of the digest for staff."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from screening.settings.section import Section, setting


class SmtpSettings(Section):
    """The mail server; its password is WINNOW_SMTP_PASSWORD or in password_file, never in a settings file."""

    host: str = setting("name of the mail server", unit="text")
    port: int = setting("its port: 587 for starttls, 465 for tls", unit="port", ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = setting(
        "starttls and tls refuse a server that cannot prove who it is; none sends in the clear", unit="choice"
    )
    user: str = setting("name to log in with; empty: no login", unit="text")
    password_file: str = setting(
        "file with the password and nothing else, below the workspace or a full path; WINNOW_SMTP_PASSWORD wins",
        unit="text",
    )
    timeout_seconds: float = setting("longest wait for an answer of the server", unit="s", ge=1, le=600)


class NoticeSettings(Section):
    """Letters to partners and applicants, and the digest for staff."""

    programme: str = setting("name of the programme, as letters give it", unit="text")
    transport: Literal["files", "smtp"] = setting(
        "files writes each letter to reports/letters/ and mails nothing", unit="choice"
    )
    from_address: str = setting("address that letters come from", unit="text")
    reply_to: str = setting("address that answers go to; empty: from_address", unit="text")
    staff: list[str] = setting("who gets the digest by mail; empty: nobody", unit="addresses")
    timezone: str = setting("zone in which letters and the digest give times, as in `Europe/Berlin`", unit="text")
    appeal_days: int = setting(
        "days after the letter about a hold until which it can be contested", unit="days", ge=1, le=365
    )
    name_characters_max: int = setting("letters of a name that are shown", unit="characters", ge=20, le=200)
    sources_listed_max: int = setting(
        "sources that a letter or the digest lists; the rest is summed up", unit="sources", ge=1, le=200
    )
    attempts_max: int = setting("times that a letter is tried before a person must look", unit="times", ge=1, le=100)
    retry_minutes: int = setting("wait before the second try; it doubles each time", unit="minutes", ge=1, le=1_440)
    smtp: SmtpSettings

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone is known") from error
        return value
