"""What was just done, said at the top of the next page from the cases themselves, with the way to undo it."""

from __future__ import annotations

from dataclasses import dataclass

from screening.console.pages.queues import NAMES, Address
from screening.errors import InputError
from screening.store import Case, Store

_NAMED = 3
"""Cases named one by one; more are counted."""
_WORDS = {
    "approve": "approved",
    "reject": "rejected",
    "ask": "asked for a fix",
    "clean": "released as clean",
    "fraud": "confirmed as fraud",
    "hold": "kept on hold",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A message. `undo` is where a form with the hidden `fields` takes it back; empty: nothing to undo."""

    text: str
    undo: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def said_of(store: Store, case_ids: list[int], address: Address) -> Said | None:
    """Return what the last act about some cases was, None when there is none to tell of."""
    cases = [case for number in case_ids if (case := _one(store, number)) is not None]
    if not cases:
        return None
    last = store.cases.history(cases[0].case_id or 0)[-1]
    named = ", ".join(case.subject for case in cases[:_NAMED])
    what = f"{len(cases)} cases" if len(cases) > _NAMED else named
    filters = (("filters", address.query),)
    if last.action == "decide":
        decision = str(last.details.get("decision", ""))
        fields = tuple(("case", f"{case.case_id}:{case.version}") for case in cases)
        where = f"/review/{NAMES[cases[0].kind]}/undo"
        return Said(f"{what}: {_WORDS.get(decision, decision)} by {last.author}.", where, (*fields, *filters))
    words = {"undo": "decision taken back", "snooze": "put aside", "wake": "back in the queue", "note": "note kept"}
    if last.action == "assign":
        return Said(f"{what}: given to {cases[0].assignee or 'nobody'}.")
    return Said(f"{what}: {words.get(last.action, last.action)}.")


def _one(store: Store, number: int) -> Case | None:
    try:
        return store.cases.one(number)
    except InputError:
        return None
