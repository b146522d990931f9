"""How the commands that push to a network say what they did."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer
from screening.errors import ExitCode
from screening.jobs.push import Pushed
from screening.networks.adapter import CapChange
from screening.networks.deliver import Delivered
from screening.review.act import demand, local_person
from screening.review.permissions import Action
from screening.store import open_store
from screening.workspace import Workspace

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")]
_SHOWN = 20
_STATES = {
    "planned": "would be pushed",
    "done": "pushed",
    "already": "held already",
    "failed": "failed",
    "open": "left for the next run",
    "refused": "refused",
}


def pusher(opened: Workspace, name: str | None, action: Action) -> str:
    """Return who pushes. Raises DeniedError when they may not."""
    with open_store(opened.store_url) as store:
        person = local_person(store, getpass.getuser() if name is None else name)
    demand(person, action)
    return person.name


def push_answer(pushed: Pushed) -> Answer:
    """Return what a push command says; exit status 3 when something was not done as wanted."""
    data = {
        "network": pushed.network,
        "dry_run": pushed.dry_run,
        "counts": dict(pushed.counts),
        "results": [_data(result) for result in pushed.results],
        "notices": list(pushed.notices),
    }
    return Answer(data, list(_lines(pushed)), ExitCode.INCOMPLETE if pushed.incomplete else ExitCode.DONE)


def _data(result: Delivered) -> dict[str, Any]:
    return {
        **asdict(result.change),
        **{name: getattr(result, name) for name in ("state", "before", "after", "message")},
    }


def _lines(pushed: Pushed) -> Iterator[str]:
    yield f"Network: {pushed.network}{' (dry run: nothing was sent)' if pushed.dry_run else ''}"
    if not pushed.results:
        yield "Nothing to push."
    for state, words in _STATES.items():
        of_state = [result for result in pushed.results if result.state == state]
        if of_state:
            yield f"  {len(of_state):,} {words}"
        yield from (f"    {_line(result)}" for result in of_state[:_SHOWN])
        if len(of_state) > _SHOWN:
            yield f"    and {len(of_state) - _SHOWN:,} more; --json lists them all"
    yield from pushed.notices[:_SHOWN]
    if len(pushed.notices) > _SHOWN:
        yield f"and {len(pushed.notices) - _SHOWN:,} more; --json lists them all"


def _line(result: Delivered) -> str:
    change = result.change
    if isinstance(change, CapChange):
        place = f"{change.affiliate_id} on {change.offer_id}" if change.affiliate_id else f"all of {change.offer_id}"
        what = f"{place}, {change.cap_type}"
    else:
        what = change.conversion_id
    before = "" if result.before is None else f"{result.before} -> "
    return f"{what}: {before}{change.wanted}" + (f". {result.message}" if result.message else "")
