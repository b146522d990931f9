"""What each role may do. The one table that the console, the API and the commands ask."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """The roles of people, each with all rights of the ones before it."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    MANAGER = "manager"
    ADMIN = "admin"


class Action(StrEnum):
    """What a person may want to do."""

    VIEW = "view"
    """Look at queues, evidence, runs and figures."""
    EXPORT = "export"
    """Take lists away as files."""
    WORK_CASES = "work_cases"
    """Take, snooze, comment and ask about cases."""
    DECIDE_CASES = "decide_cases"
    """Approve and reject applicants and sources."""
    ANSWER_APPEALS = "answer_appeals"
    """Uphold or overturn a hold that somebody contests."""
    DECIDE_CAPS = "decide_caps"
    """Approve, edit, reject and push cap recommendations."""
    GATE_PAYOUTS = "gate_payouts"
    """Have a payout batch decided, which releases money."""
    SEND_LETTERS = "send_letters"
    """Send letters to partners."""
    CHANGE_PROGRAMME = "change_programme"
    """Change policy, lists, retention and network connections."""
    READ_AUDIT = "read_audit"
    """Read, verify and export the audit trail."""
    MANAGE_PEOPLE = "manage_people"
    """Add and disable people, change roles, issue and revoke API keys and webhooks."""


_LEAST: Mapping[Action, Role] = MappingProxyType(
    {
        Action.VIEW: Role.VIEWER,
        Action.EXPORT: Role.ANALYST,
        Action.WORK_CASES: Role.ANALYST,
        Action.DECIDE_CASES: Role.ANALYST,
        Action.ANSWER_APPEALS: Role.MANAGER,
        Action.DECIDE_CAPS: Role.MANAGER,
        Action.GATE_PAYOUTS: Role.MANAGER,
        Action.SEND_LETTERS: Role.MANAGER,
        Action.READ_AUDIT: Role.MANAGER,
        Action.CHANGE_PROGRAMME: Role.ADMIN,
        Action.MANAGE_PEOPLE: Role.ADMIN,
    }
)
_RANK = {role: rank for rank, role in enumerate(Role)}


def may(role: str, action: Action) -> bool:
    """Say whether a role may do that. An unknown role may do nothing."""
    return role in _RANK and _RANK[Role(role)] >= _RANK[_LEAST[action]]


def roles_that_may(action: Action) -> tuple[Role, ...]:
    """Return the roles that may do that, the least first."""
    return tuple(role for role in Role if may(role, action))
