"""`winnow webhooks`: which programs are told of decisions and cases."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.store.webhooks import Webhook


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Webhooks: tell other programs of payout decisions and cases.")
    verb.command("add")(add)
    verb.command("list")(show)
    verb.command("remove")(remove)
    verb.command("deliver")(deliver)
    app.add_typer(verb, name="webhooks")


def add(
    url: Annotated[str, typer.Argument(help="Where messages are sent.")],
    event: Annotated[
        list[str], typer.Option("--event", help="case.opened, case.changed or payout.decided; repeatable.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send messages about events to a URL; prints once the secret that signs them.

    Example: winnow webhooks add https://hooks.example.com/winnow --event case.opened
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.jobs.vault import vault_of
        from screening.jobs.webhooks import add_webhook
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            added = add_webhook(store, url, event, _actor(), datetime.now(UTC), vault_of(opened))
        lines = [_line(added.hook), "The secret that signs its messages, which cannot be shown again:", added.secret]
        return Answer({**_data(added.hook), "secret": added.secret}, lines)

    run(work, workspace=workspace, as_json=as_json)


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the webhooks.

    Example: winnow webhooks list
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            hooks, counts = store.webhooks.all(), store.webhooks.counts()
        lines = [_line(hook) for hook in hooks] or ["No webhooks."]
        lines += [f"{count:,} messages {status}" for status, count in sorted(counts.items())]
        return Answer({"webhooks": [_data(hook) for hook in hooks], "messages": counts}, lines)

    run(work, workspace=workspace, as_json=as_json)


def remove(
    hook_id: Annotated[str, typer.Argument(help="Id of the webhook, as `winnow webhooks list` prints it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send no more messages there; those that wait are dropped.

    Example: winnow webhooks remove 3f9a1c22b0de
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.jobs.webhooks import remove_webhook
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            remove_webhook(store, hook_id, _actor(), datetime.now(UTC))
        return Answer({"removed": hook_id}, [f"Removed {hook_id}."])

    run(work, workspace=workspace, as_json=as_json)


def deliver(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Send the messages whose turn it is, once; `winnow serve` does so all the time.

    Example: winnow webhooks deliver
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from dataclasses import asdict

        from screening.jobs.vault import seal_stored, vault_of
        from screening.jobs.webhooks import deliver_due
        from screening.store import open_store

        vault = vault_of(opened)
        with open_store(opened.store_url) as store:
            seal_stored(store, vault, datetime.now(UTC))
            done = deliver_due(store, opened.settings.console.webhooks, lambda: datetime.now(UTC), vault)
        line = f"{done.delivered} delivered, {done.postponed} to be tried again, {done.failed} failed."
        return Answer(asdict(done), [line])

    run(work, workspace=workspace, as_json=as_json)


def _actor() -> str:
    return f"command line ({getpass.getuser()})"


def _data(hook: Webhook) -> dict[str, object]:
    return {
        "hook_id": hook.hook_id,
        "url": hook.url,
        "events": list(hook.events),
        "created_at": hook.created_at,
        "created_by": hook.created_by,
    }


def _line(hook: Webhook) -> str:
    return f"{hook.hook_id}  {hook.url}  {' '.join(hook.events)}"
