"""`winnow appeals`: somebody contests a hold or a rejection, and a person answers in time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from screening.cli.cases import NoteOption, PersonOption, act_of, late_lines
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.jobs.review import whats_waiting
from screening.review.appeals import Contested, answer_appeal, open_appeal
from screening.store import Appeal, open_store
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Appeals: somebody contests a hold, and a clock runs.")
    verb.command("list")(list_command)
    verb.command("open")(open_command)
    verb.command("answer")(answer_command)
    app.add_typer(verb, name="appeals")


def list_command(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List open appeals, the first deadline at the top; overdue ones loudly, with exit status 3.

    Example: winnow appeals list
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        waiting = whats_waiting(opened, datetime.now(UTC))
        shown = list(waiting.appeals)
        if everything:
            with open_store(opened.store_url) as store:
                shown = store.appeals.all()
        lines = [*late_lines(waiting), *(_headline(appeal) for appeal in shown)] or ["No appeal is open."]
        data = {
            "appeals": [_data(appeal) for appeal in shown],
            "overdue": [appeal.appeal_id for appeal in waiting.overdue],
        }
        return Answer(data, lines, ExitCode.INCOMPLETE if waiting.overdue else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)


def open_command(
    kind: Annotated[str, typer.Argument(help="What is contested: source, conversion or application.")],
    subject: Annotated[str, typer.Argument(help="conversion_id, application_id, or AFFILIATE/OFFER/SUB of a source.")],
    *,
    affiliate: Annotated[str, typer.Option("--affiliate", help="Whose money it is; of an application its own id.")],
    statement: Annotated[str, typer.Option("--statement", help="Why the decision is said to be wrong.")],
    person: PersonOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open an appeal against a hold or a rejection; it has to be answered within review.appeal_days.

    Example: winnow appeals open source a17/o3/newsletter --affiliate a17 --statement "These are our subscribers."
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            contested = Contested(kind, subject, affiliate)
            appeal = open_appeal(store, contested, act_of(store, person, statement), opened.settings.review)
        return Answer(_data(appeal), [_headline(appeal)])

    run(work, workspace=workspace, as_json=as_json)


def answer_command(
    number: Annotated[int, typer.Argument(help="Number of the appeal.")],
    *,
    outcome: Annotated[str, typer.Option("--as", help="upheld (the decision stays), overturned or withdrawn.")],
    note: NoteOption,
    person: PersonOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer an appeal, once, with the reason that the affiliate is told. `overturned` releases: the next payout pays.

    Example: winnow appeals answer 4 --as overturned --note "Your subscribers confirmed their orders."
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        with open_store(opened.store_url) as store:
            answered = answer_appeal(store, number, outcome, act_of(store, person, note), opened.settings.review)
        settled = None if answered.settled is None else answered.settled.as_data()
        return Answer({**_data(answered.appeal), "settled": settled}, [_headline(answered.appeal)])

    run(work, workspace=workspace, as_json=as_json)


def _data(appeal: Appeal) -> dict[str, Any]:
    return asdict(appeal)


def _headline(appeal: Appeal) -> str:
    what = f"{appeal.appeal_id:>5}  {appeal.kind} {appeal.subject} of {appeal.affiliate_id}"
    if appeal.answer is None:
        return f"{what}  answer by {appeal.deadline_at:%Y-%m-%d}  {appeal.statement}"
    released = appeal.answer.amount_released
    money = "" if released is None else f"  releases {released:,.2f} {appeal.answer.currency or ''}".rstrip()
    return f"{what}  {appeal.answer.status} by {appeal.answer.answered_by}{money}  {appeal.answer.answer}"
