"""Connections to networks and mail: where they go and whether their secret is set. No secret is ever read here."""

from __future__ import annotations

import os
from dataclasses import dataclass

from screening.workspace import Workspace

SMTP_VARIABLE = "WINNOW_SMTP_PASSWORD"


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. `secret_from` names the variable or file for the secret; `set` says whether it holds one."""

    name: str
    to: str
    used: bool
    secret_from: str
    set: bool


def connections(workspace: Workspace) -> tuple[Connection, ...]:
    """Return the connections that the settings know."""
    networks, smtp = workspace.settings.networks, workspace.settings.notices.smtp
    everflow = networks.everflow
    key_file = workspace.root / everflow.key_file if everflow.key_file else None
    has_key = bool(os.environ.get(everflow.key_variable)) or (key_file is not None and key_file.is_file())
    password_file = workspace.root / smtp.password_file if smtp.password_file else None
    has_password = bool(os.environ.get(SMTP_VARIABLE)) or (password_file is not None and password_file.is_file())
    mails = workspace.settings.notices.transport == "smtp"
    return (
        Connection(
            "Everflow",
            everflow.url,
            everflow.pull or networks.push.to == "everflow",
            everflow.key_file or everflow.key_variable,
            has_key,
        ),
        Connection("Mail", f"{smtp.host}:{smtp.port}", mails, smtp.password_file or SMTP_VARIABLE, has_password),
    )
