"""`winnow caps`: what scans recommend about limits, and what a person decides about it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.cli.pushing import DryRunOption, push_answer, pusher
from screening.jobs.caps_decide import (
    CapFilter,
    CapList,
    DecidedCaps,
    ListedCap,
    amount,
    approve_caps,
    list_caps,
    reject_caps,
)
from screening.jobs.progress import Progress
from screening.jobs.push import push_caps
from screening.review.act import Act, local_person
from screening.review.permissions import Action
from screening.store import open_store
from screening.workspace import Workspace

CapIds = Annotated[list[int], typer.Argument(help="Numbers of recommendations, as `winnow caps list` shows them.")]
PersonOption = Annotated[
    str | None, typer.Option("--by", help="Your name, for the audit trail.", show_default="who is logged in here")
]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for the audit trail.")]
_OF_CONTRACT = (
    *("cap_id", "affiliate_id", "offer_id", "cap_type", "current", "recommended", "action", "currency"),
    *("expected_saving", "saving_low", "saving_high", "expected_cost", "cost_low", "cost_high", "expires_at"),
    *("reasons", "status", "approved_limit", "decided_by", "decided_at", "run_id"),
)


class CapAction(StrEnum):
    """What can be recommended."""

    RAISE = "raise"
    KEEP = "keep"
    LOWER = "lower"
    PAUSE = "pause"


class CapStatus(StrEnum):
    """What can become of a recommendation."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUSHED = "pushed"
    FAILED = "failed"


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Limits of offers and partners: what scans recommend, and your word.")
    verb.command("list")(list_command)
    verb.command("approve")(approve_command)
    verb.command("reject")(reject_command)
    verb.command("push")(push_command)
    app.add_typer(verb, name="caps")


def list_command(
    *,
    offer: Annotated[str | None, typer.Option("--offer", help="Only this offer.")] = None,
    affiliate: Annotated[str | None, typer.Option("--affiliate", help="Only this affiliate.")] = None,
    action: Annotated[CapAction | None, typer.Option("--action", help="Only this advice.")] = None,
    status: Annotated[CapStatus | None, typer.Option("--status", help="Only those in this status.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also limits to keep, expired ones and those of earlier scans.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is recommended about limits, with reasons, what it saves and costs, and what would change it.

    Example: winnow caps list --action lower
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        wanted = CapFilter(offer, affiliate, action and str(action), status and str(status), everything)
        found = list_caps(opened, wanted, datetime.now(UTC))
        caps = [cap_data(item) for item in found.caps]
        data = {"caps": caps, "kept": found.kept, "expired": found.expired}
        return Answer(data, list(_list_lines(found, explained=not everything)))

    run(work, workspace=workspace, as_json=as_json)


def approve_command(
    cap_ids: CapIds,
    *,
    limit: Annotated[
        str | None, typer.Option("--limit", help="Another limit than the recommended one; for one recommendation.")
    ] = None,
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve recommendations, so that the next push sends them to the network. All of them, or none.

    Example: winnow caps approve 17 18 --by "M. Manager"

    Example: winnow caps approve 17 --limit 250 --by "M. Manager" --note "agreed with the partner"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        edited = None if limit is None else amount(limit)
        return _answer(approve_caps(opened, cap_ids, edited, _act(opened, person, note)))

    run(work, workspace=workspace, as_json=as_json)


def reject_command(
    cap_ids: CapIds,
    *,
    person: PersonOption = None,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject recommendations. The same advice is not given again for some days (caps.reversal_days).

    Example: winnow caps reject 19 --by "M. Manager" --note "seasonal peak, known"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        return _answer(reject_caps(opened, cap_ids, _act(opened, person, note)))

    run(work, workspace=workspace, as_json=as_json)


def push_command(
    *,
    dry_run: DryRunOption = False,
    person: PersonOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send approved limits to the network (networks.push.to), each once, and look whether they hold there.

    The exit status is 3 when the network did not take one, or when one was refused because it expired or the limit
    there is not the one it was made for.

    Example: winnow caps push --dry-run
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        by = pusher(opened, person, Action.DECIDE_CAPS)
        return push_answer(push_caps(opened, dry_run=dry_run, now=datetime.now(UTC), progress=progress, by=by))

    run(work, workspace=workspace, as_json=as_json)


def _act(opened: Workspace, person: str | None, note: str) -> Act:
    with open_store(opened.store_url) as store:
        return Act(local_person(store, getpass.getuser() if person is None else person), datetime.now(UTC), note)


def cap_data(item: ListedCap) -> dict[str, Any]:
    """Return what --json says about a recommendation."""
    data: dict[str, Any] = {name: item.row[name] for name in _OF_CONTRACT}
    exact = {name: str(value) for name, value in data.items() if isinstance(value, Decimal)}
    times = {name: value.isoformat() for name, value in data.items() if isinstance(value, datetime)}
    return {**data, **exact, **times, "why": list(item.reasons), "expired": item.expired, "replaced": item.replaced}


def _answer(decided: DecidedCaps) -> Answer:
    data = {"status": decided.status, "by": decided.by, "caps": [cap_data(item) for item in decided.caps]}
    lines = [f"{decided.status.capitalize()} by {decided.by}:", *(f"  {headline(item)}" for item in decided.caps)]
    if decided.status == CapStatus.APPROVED:
        lines += [
            f"  Note: {item.used:,.2f} is used already: cap {item.row['cap_id']} stops at once until its period ends."
            for item in decided.caps
            if item.row["approved_limit"] < item.used
        ]
        lines.append("Send them to the network with: winnow caps push")
    return Answer(data, lines)


def _list_lines(found: CapList, *, explained: bool) -> Iterator[str]:
    groups: dict[str, list[ListedCap]] = {}
    for item in found.caps:
        groups.setdefault(item.row["action"], []).append(item)
    for action in CapAction:
        for item in groups.get(action, []):
            yield headline(item)
            if explained:
                yield from (f"    - {reason}" for reason in item.reasons)
    if not found.caps:
        yield "No recommendation waits for a decision."
    left_out = [
        f"{count} {what}" for count, what in ((found.kept, "limits stay as they are"), (found.expired, "have expired"))
        if count
    ]  # fmt: skip
    if left_out:
        yield f"Not shown: {', '.join(left_out)}. See them with: winnow caps list --all"
    if any(item.row["status"] == CapStatus.PROPOSED and item.row["action"] != CapAction.KEEP for item in found.caps):
        yield "Decide with: winnow caps approve NUMBER... or winnow caps reject NUMBER..."


def headline(item: ListedCap) -> str:
    """Say a recommendation in a line: what, whose, from where to where, what it saves, and its status."""
    row = item.row
    place = f"{row['affiliate_id']} on {row['offer_id']}" if row["affiliate_id"] else f"all of {row['offer_id']}"
    limit = row["recommended"] if row["approved_limit"] is None else row["approved_limit"]
    edited = " (edited)" if row["approved_limit"] not in (None, row["recommended"]) else ""
    change = f"{_limit(row['current'])} -> {_limit(limit)}{edited}"
    if row["action"] == CapAction.KEEP and row["approved_limit"] is None:
        change = f"stays {_limit(row['current'])}"
    money = ""
    if row["expected_saving"] is not None and row["action"] in (CapAction.LOWER, CapAction.PAUSE):
        low, high = row["saving_low"], row["saving_high"]
        money = (
            f", saves {row['expected_saving']:,.2f} {row['currency'] or ''}".rstrip() + f" ({low:,.2f} to {high:,.2f})"
        )
    status = "expired" if item.expired else ("replaced" if item.replaced else row["status"])
    by = f" by {row['decided_by']}" if row["decided_by"] else ""
    until = f", until {row['expires_at']:%Y-%m-%d %H:%M} UTC" if status == CapStatus.PROPOSED else ""
    return f"{row['cap_id']:>5}  {row['action']:5}  {place}, {row['cap_type']}: {change}{money} [{status}{by}{until}]"


def _limit(value: Decimal | None) -> str:
    return "no limit" if value is None else f"{value.normalize():,f}"
