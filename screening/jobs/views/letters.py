"""The letter that an applicant would get, to read before it is sent."""

from __future__ import annotations

from typing import Any

from screening.jobs.letter_facts import application_answer
from screening.jobs.letters import sender_of
from screening.notices.letter import Letter, Recipient
from screening.notices.render import write_letter
from screening.notices.words import greeting_name
from screening.workspace import Workspace


def letter_preview(workspace: Workspace, dossier: dict[str, Any] | None, decision: str) -> Letter | None:
    """Return the letter about a decision (`approve`, `reject` or `ask`) as it would be sent.

    None for another decision, and where the evidence is not kept any more.
    """
    if dossier is None:
        return None
    application = dossier["application"]
    answer = application_answer(application["application_id"], decision, dossier)
    if answer is None:
        return None
    settings = workspace.settings.notices
    name = greeting_name(application["name"], settings.name_characters_max)
    return write_letter(answer, Recipient(application["email"] or "", name), sender_of(settings), None)
