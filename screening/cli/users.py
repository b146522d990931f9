"""`winnow users`: who may use the console."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import InputError
from screening.jobs.progress import Progress
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.jobs.users import Given, People
    from screening.store import User

NameArgument = Annotated[str, typer.Argument(help="Name that the person signs in with.")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, analyst, manager or admin.")]
GivenOption = Annotated[
    bool, typer.Option("--given", help="Make a password, print it once, and have it changed at the first sign-in.")
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="People: who may use the console, and as what.")
    verb.command("add")(add)
    verb.command("list")(show)
    verb.command("disable")(disable)
    verb.command("enable")(enable)
    verb.command("password")(password)
    verb.command("role")(role)
    verb.command("totp")(totp)
    app.add_typer(verb, name="users")


def add(
    name: NameArgument,
    role: RoleOption,
    given: GivenOption = False,
    password_stdin: StdinOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person. The password is asked on the terminal and never taken from the command line; there is no default.

    Example: winnow users add ann --role admin
    """
    if given:
        _give(lambda people: people.invite(name, role), workspace, as_json=as_json)
    _change(
        lambda people: (people.add(name, role, _password(stdin=password_stdin)), "may sign in"),
        workspace,
        as_json=as_json,
    )


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List everybody with role, second factor and since when.

    Example: winnow users list
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        from screening.store import open_store

        with open_store(opened.store_url) as store:
            everybody = store.users.all()
        lines = [_line(user) for user in everybody] or ["Nobody yet: `winnow users add NAME --role admin`."]
        return Answer({"users": [_data(user) for user in everybody]}, lines)

    run(work, workspace=workspace, as_json=as_json)


def disable(name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Keep a person out, at once and until enabled again; what they did stays recorded.

    Example: winnow users disable ann
    """
    _change(lambda people: (people.disable(name), "may no longer sign in"), workspace, as_json=as_json)


def enable(name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Let a disabled person in again.

    Example: winnow users enable ann
    """
    _change(lambda people: (people.enable(name), "may sign in again"), workspace, as_json=as_json)


def password(
    name: NameArgument,
    given: GivenOption = False,
    password_stdin: StdinOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a person another password; they are signed out everywhere.

    Example: winnow users password ann
    """
    if given:
        _give(lambda people: people.give_password(name), workspace, as_json=as_json)
    _change(
        lambda people: (people.set_password(name, _password(stdin=password_stdin)), "has another password"),
        workspace,
        as_json=as_json,
    )


def role(
    name: NameArgument,
    role: Annotated[str, typer.Argument(help="viewer, analyst, manager or admin.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a person another role; they sign in anew.

    Example: winnow users role ann manager
    """
    _change(lambda people: (people.set_role(name, role), f"is {role} now"), workspace, as_json=as_json)


def totp(
    name: NameArgument,
    off: Annotated[bool, typer.Option("--off", help="Ask for one-time codes no longer.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a person for one-time codes beside the password, and print the QR code for their authenticator once.

    Example: winnow users totp ann
    """
    from screening.jobs.users import enrolment_uri, new_secret

    secret = None if off else new_secret()

    def change(people: People) -> tuple[User, str]:
        return people.enrol(name, secret), "signs in with the password alone" if off else "needs one-time codes now"

    extra = {"uri": enrolment_uri(name, secret)} if secret else {}
    _change(change, workspace, as_json=as_json, extra=extra)


def _change(
    change: Callable[[People], tuple[User, str]],
    workspace: Path | None,
    *,
    as_json: bool,
    extra: dict[str, str] | None = None,
) -> None:
    def work(opened: Workspace, _: Progress) -> Answer:
        with _people(opened) as people:
            user, what = change(people)
        lines = [f"{user.name} ({user.role}) {what}.", *_qr(extra or {})]
        return Answer({**_data(user), **(extra or {})}, lines)

    run(work, workspace=workspace, as_json=as_json)


def _give(change: Callable[[People], Given], workspace: Path | None, *, as_json: bool) -> None:
    """Change somebody's password to one that is made here and printed once; ends the command."""

    def work(opened: Workspace, _: Progress) -> Answer:
        with _people(opened) as people:
            given = change(people)
        user = given.user
        lines = [
            f"{user.name} ({user.role}) signs in with this password, which cannot be shown again:",
            given.password,
            f"It has to be changed at the first sign-in and ends {user.password_until:%Y-%m-%d %H:%M} UTC.",
        ]
        data = {**_data(user), "password": given.password, "password_until": user.password_until}
        return Answer(data, lines)

    run(work, workspace=workspace, as_json=as_json)


@contextmanager
def _people(opened: Workspace) -> Iterator[People]:
    from screening.jobs.users import People
    from screening.jobs.vault import seal_stored, vault_of
    from screening.store import open_store

    now, vault = datetime.now(UTC), vault_of(opened)
    with open_store(opened.store_url) as store:
        seal_stored(store, vault, now)
        yield People(store, opened.settings.console.login, f"command line ({getpass.getuser()})", now, vault)


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError(
            "There is no terminal to ask for the password.", remedy="Use --password-stdin.", where="password"
        )
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise InputError("The two passwords differ.", remedy="Type the same twice.", where="password")
    return first


def _data(user: User) -> dict[str, object]:
    kept = asdict(user)
    return {name: kept[name] for name in ("name", "role", "active", "created_at")} | {
        "second_factor": user.totp_secret is not None
    }


def _line(user: User) -> str:
    state = "" if user.active else "  disabled"
    factor = "  one-time codes" if user.totp_secret else ""
    return f"{user.name:24} {user.role:8} since {user.created_at:%Y-%m-%d}{factor}{state}"


def _qr(extra: dict[str, str]) -> list[str]:
    if "uri" not in extra:
        return []
    import io

    import segno

    drawn = io.StringIO()
    segno.make(extra["uri"]).terminal(drawn, compact=True)
    return [*drawn.getvalue().splitlines(), f"Scan it with an authenticator, or type: {extra['uri']}"]
