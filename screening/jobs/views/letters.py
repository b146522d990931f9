"""The letter that an applicant would get, to read before it is sent."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from models.evidence import PartnerCategory
from screening.notices.letter import ApplicationAnswer, ApplicationOutcome, Letter, Recipient, Sender
from screening.notices.render import write_letter
from screening.notices.words import greeting_name
from screening.workspace import Workspace

_OUTCOMES = {
    "approve": ApplicationOutcome.APPROVE,
    "reject": ApplicationOutcome.REJECT,
    "ask": ApplicationOutcome.FIX,
}


def letter_preview(workspace: Workspace, dossier: dict[str, Any] | None, decision: str) -> Letter | None:
    """Return the letter about a decision (`approve`, `reject` or `ask`), None without a dossier or such a decision.

    It says categories and advice only; a request for a fix names what can be fixed, and there is none without that.
    """
    if dossier is None or decision not in _OUTCOMES:
        return None
    application = dossier["application"]
    against = [reason for reason in dossier["reasons"] if reason["against"]]
    if decision == "ask":
        against = [reason for reason in against if reason["fixable"]]
        if not against:
            return None
    told = [] if decision == "approve" else against
    answer = ApplicationAnswer(
        application_id=application["application_id"],
        outcome=_OUTCOMES[decision],
        categories=tuple(dict.fromkeys(PartnerCategory(reason["partner"]) for reason in told)),
        advice=tuple(dict.fromkeys(reason["advice"] for reason in told if reason["advice"])),
    )
    settings = workspace.settings.notices
    name = greeting_name(application["name"], settings.name_characters_max)
    sender = Sender(settings.programme, settings.reply_to or settings.from_address, ZoneInfo(settings.timezone))
    return write_letter(answer, Recipient(application["email"] or "", name), sender, None)
