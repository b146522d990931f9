"""Affiliates whose turn it is to be screened again: stuffing often starts after the approval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from screening.applicants.dossier import Earlier
from screening.applicants.intake import Intake, QuarantinedRow
from screening.applicants.intake_fields import Application, UnusableApplication, application
from screening.applicants.known import AFFILIATE_PREFIX
from screening.settings.screening import ScreeningSettings

SOURCE = "affiliates"
"""Stands in place of a file's name for records that cannot be screened."""


def due_affiliates(
    records: Iterable[Mapping[str, Any]],
    earlier: Callable[[str], Earlier | None],
    settings: ScreeningSettings,
    now: datetime,
) -> Intake:
    """Return the affiliates to screen again as applications; those never screened come first, then the longest ago.

    `records` have the canonical columns of affiliates, `earlier` gives the last screening of a member. Banned ones are
    left out. A record without a usable e-mail or site is set aside with its problem.
    """
    due: list[tuple[datetime, Application]] = []
    aside: list[QuarantinedRow] = []
    never = datetime.min.replace(tzinfo=now.tzinfo)
    for number, record in enumerate(records, start=1):
        if record.get("status") == "banned":
            continue
        member = f"{AFFILIATE_PREFIX}{record['affiliate_id']}"
        last = earlier(member)
        at = datetime.fromisoformat(last.judged_at) if last is not None else never
        if last is not None and at > now - timedelta(days=settings.rescreen_days):
            continue
        try:
            due.append((at, application(_fields(member, record), settings.intake, now)))
        except UnusableApplication as error:
            aside.append(QuarantinedRow(SOURCE, number, member, error.problem))
    due.sort(key=lambda pair: (pair[0], pair[1].application_id))
    return Intake(tuple(item for _, item in due), tuple(aside), ())


def _fields(member: str, record: Mapping[str, Any]) -> dict[str, object]:
    return {
        "application_id": member,
        "name": record.get("name") or record["affiliate_id"],
        "email": record.get("email"),
        "websites": record.get("approved_sites"),
        "country": record.get("country"),
        "phone": record.get("phone"),
        "promo_methods": record.get("promo_methods"),
        "payout_account": record.get("payout_account"),
        "applied_at": record["joined_at"].isoformat() if record.get("joined_at") else None,
    }
