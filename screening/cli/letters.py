"""`winnow letters`: tell partners and applicants what concerns them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.letters import NIGHTLY, Occasion
from screening.jobs.outbox import Choice
from screening.jobs.progress import Progress
from screening.store import LetterStatus
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.jobs.outbox import Posted
    from screening.store import StoredLetter

_SHOWN = 20
"""Partners without an address that are named."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Letters: tell partners and applicants what concerns them.")
    verb.callback()(letters)
    verb.command("write")(write)
    verb.command("send")(send)
    verb.command("list")(listing)
    verb.command("show")(show)
    verb.command("settle")(settle)
    app.add_typer(verb, name="letters")


def letters() -> None:
    """Tell partners and applicants what concerns them."""


def write(
    occasions: Annotated[
        list[Occasion] | None, typer.Argument(help="What to write about; default: all but scorecards.")
    ] = None,
    *,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Of scorecards; default: the last whole month.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the letters that are due into the outbox. Nobody is told the same thing twice, however often this runs.

    A letter says categories and advice, never the evidence. The exit status is 3 when somebody has no usable address.

    Example: winnow letters write

    Example: winnow letters write scorecards --month 2026-10
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.letters import partner_links, write_letters
        from screening.jobs.scorecards import chosen_span

        chosen = tuple(dict.fromkeys(occasions or NIGHTLY))
        span = chosen_span(opened, month, (None, None)) if Occasion.SCORECARDS in chosen else None
        now = datetime.now(UTC)
        done = write_letters(opened, chosen, now, progress, span=span, links=partner_links(opened, now))
        lines = [f"{count:>6,} about {occasion}" for occasion, count in done.written.items()]
        if done.unreachable:
            some = ", ".join(done.unreachable[:_SHOWN])
            more = f" and {len(done.unreachable) - _SHOWN:,} more" if len(done.unreachable) > _SHOWN else ""
            lines.append(f"No usable address: {some}{more}")
        lines.append("Send them: winnow letters send")
        exit_code = ExitCode.INCOMPLETE if done.unreachable else ExitCode.DONE
        return Answer({"written": dict(done.written), "unreachable": list(done.unreachable)}, lines, exit_code)

    run(work, workspace=workspace, as_json=as_json)


def send(*, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Send the letters that wait: through the mail server, or into reports/letters/ (notices.transport).

    Each is tried once; those that the server puts off are tried again by a later call. A letter of which nobody can
    know whether it arrived stays unsure until a person decides. The exit status is 3 when a letter needs a person.

    Example: winnow letters send
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.outbox import send_letters

        posted = send_letters(opened, datetime.now(UTC), os.environ, progress)
        if posted.stopped is not None:
            raise posted.stopped
        exit_code = ExitCode.INCOMPLETE if posted.needs_a_person else ExitCode.DONE
        return Answer(_posted(posted), list(_posted_lines(posted)), exit_code)

    run(work, workspace=workspace, as_json=as_json)


def listing(
    *,
    status: Annotated[LetterStatus | None, typer.Option("--status", help="Only letters of this status.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Letters shown, the newest first.")] = 50,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List letters, the newest first, with what became of each.

    Example: winnow letters list --status unsure
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.outbox import letters as newest

        del progress
        found, counts = newest(opened, status, limit)
        lines = [_line(letter) for letter in found]
        lines.append(", ".join(f"{count:,} {name}" for name, count in counts.items()) or "No letters yet.")
        return Answer({"letters": [_brief(letter) for letter in found], "counts": dict(counts)}, lines)

    run(work, workspace=workspace, as_json=as_json)


def show(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="A number from `winnow letters list`.")],
    *,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a letter as it goes out.

    Example: winnow letters show 7
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.outbox import letter as one

        del progress
        found = one(opened, letter_id)
        head = [_line(found), f"To: {found.recipient}", f"Subject: {found.subject}", ""]
        return Answer({**_brief(found), "text": found.text, "html": found.html}, [*head, found.text.rstrip()])

    run(work, workspace=workspace, as_json=as_json)


def settle(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="A number from `winnow letters list`.")],
    choice: Annotated[Choice, typer.Argument(help="What to do with it.")],
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; default: your login.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide what becomes of a letter that is unsure or failed: send it again, take it as sent, or drop it.

    Example: winnow letters settle 7 again
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.outbox import settle_letter

        del progress
        done = settle_letter(opened, letter_id, choice, by or getpass.getuser(), datetime.now(UTC))
        return Answer(_brief(done), [_line(done)])

    run(work, workspace=workspace, as_json=as_json)


def _posted(posted: Posted) -> dict[str, Any]:
    return {
        "tried": dict(posted.ended),
        "stranded": posted.stranded,
        "counts": dict(posted.counts),
        "folder": None if posted.folder is None else str(posted.folder),
    }


def _posted_lines(posted: Posted) -> Iterator[str]:
    yield ", ".join(f"{count:,} {ending}" for ending, count in posted.ended.items())
    if posted.folder:
        yield f"Letters are files here, and nothing was mailed: {posted.folder}"
    if posted.stranded:
        yield f"{posted.stranded:,} were being sent when an earlier run ended: nobody knows whether they arrived."
    if posted.needs_a_person:
        yield f"{posted.needs_a_person:,} need a person: winnow letters list --status unsure (or failed)"


def _brief(letter: StoredLetter) -> dict[str, Any]:
    return {name: value for name, value in asdict(letter).items() if name not in ("text", "html")}


def _line(letter: StoredLetter) -> str:
    note = f"  ({letter.note})" if letter.note else ""
    return f"{letter.letter_id:>6} {letter.status:8} {letter.kind:12} {letter.about:12} {letter.subject}{note}"
