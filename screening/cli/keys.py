"""`winnow keys`: which programs may call the HTTP API."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.store import ApiKey


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Keys: which programs may call the HTTP API, and what they may do.")
    verb.command("issue")(issue)
    verb.command("list")(show)
    verb.command("revoke")(revoke)
    app.add_typer(verb, name="keys")


def issue(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option("--scope", help="What it may do, such as payouts:decide; repeatable.")],
    days: Annotated[int | None, typer.Option("--days", help="Days until it expires; without: never.", min=1)] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for a program and print it once; only its hash is kept.

    Example: winnow keys issue "payout step" --scope payouts:decide
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.jobs.keys import issue_key
        from screening.store import open_store

        now = datetime.now(UTC)
        ends = None if days is None else now + timedelta(days=days)
        with open_store(opened.store_url) as store:
            issued = issue_key(store, name, scope, _actor(), now, expires_at=ends)
        lines = [f"{_line(issued.key)}", "Its key, which cannot be shown again:", issued.token]
        return Answer({**_data(issued.key), "key": issued.token}, lines)

    run(work, workspace=workspace, as_json=as_json)


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the keys with their scopes; never the keys themselves.

    Example: winnow keys list
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            keys = store.keys.all()
        return Answer({"keys": [_data(key) for key in keys]}, [_line(key) for key in keys] or ["No keys."])

    run(work, workspace=workspace, as_json=as_json)


def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `winnow keys list` prints it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key for good. A running server may take it for a few seconds more (console.api.key_seconds).

    Example: winnow keys revoke 3f9a1c22b0de
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.jobs.keys import revoke_key
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            key = revoke_key(store, key_id, _actor(), datetime.now(UTC))
        return Answer(_data(key), [_line(key)])

    run(work, workspace=workspace, as_json=as_json)


def _actor() -> str:
    return f"command line ({getpass.getuser()})"


def _data(key: ApiKey) -> dict[str, object]:
    fields = ("key_id", "name", "created_at", "created_by", "expires_at", "revoked_at")
    return {**{name: getattr(key, name) for name in fields}, "scopes": list(key.scopes)}


def _line(key: ApiKey) -> str:
    state = f"  revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
    ends = f"  until {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
    return f"{key.key_id}  {key.name:24} {' '.join(key.scopes)}{ends}{state}"
