"""Sources, cap recommendations, cases and runs: what was judged, and what people decided."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from screening.console.api.access import Caller, scoped
from screening.console.api.bodies import (
    CaseEventSaid,
    CaseSaid,
    CaseWithHistory,
    Page,
    RunSaid,
    RunWithSettings,
    SourceJudged,
    money,
)
from screening.console.api.lists import After, Limit, next_of, place_after, size_of
from screening.console.context import Console, Here
from screening.errors import InputError, NotFoundError
from screening.jobs.keys import Scope
from screening.store import LATEST, Case
from screening.store.browse_cases import CaseFilter, CaseOrder
from screening.store.browse_judged import SourceRow

router = APIRouter()
Model = TypeVar("Model", bound=BaseModel)
_BIGGEST = 2**63 - 1
Number = Annotated[int, Path(ge=1, le=_BIGGEST)]
Sources = Annotated[Caller, Depends(scoped(Scope.SOURCES_READ))]
Cases = Annotated[Caller, Depends(scoped(Scope.CASES_READ))]
Runs = Annotated[Caller, Depends(scoped(Scope.RUNS_READ))]
Word = Annotated[str | None, Query(max_length=512)]


@router.get("/v1/sources", tags=["sources"])
def list_sources(
    console: Here,
    _: Sources,
    *,
    run_id: Annotated[str, Query(max_length=200, description="a scan; `latest`: the newest")] = LATEST,
    flagged: bool | None = None,
    after: After = None,
    limit: Limit = None,
) -> Page[SourceJudged]:
    """List a scan's sources, the worst first."""
    wanted = run_id if run_id != LATEST else _latest(console)
    page = console.store.listing.sources(wanted, place_after(after), size_of(limit, console), flagged=flagged)
    return Page(items=[_source(row) for row in page.rows], next=next_of(page.after))


class CaseQuery(BaseModel):
    """Which cases, in which order."""

    kind: Literal["application", "affiliate", "source", "conversion"]
    status: Literal["open", "snoozed", "closed"] = "open"
    order: Literal["money", "clock", "age", "newest"] = "newest"
    affiliate_id: Word = None
    offer_id: Word = None


@router.get("/v1/cases", tags=["cases"])
def list_cases(
    console: Here, _: Cases, asked: Annotated[CaseQuery, Depends()], after: After = None, limit: Limit = None
) -> Page[CaseSaid]:
    """List the cases of a kind."""
    chosen = CaseFilter(
        asked.kind, console.clock(), asked.status, offer_id=asked.offer_id, affiliate_id=asked.affiliate_id
    )
    places = place_after(after), None
    page = console.store.browse.cases.page(chosen, CaseOrder(asked.order), places, size_of(limit, console))
    return Page(items=[CaseSaid(**_case(case)) for case in page.rows], next=next_of(page.after))


@router.get("/v1/cases/{case_id}", tags=["cases"])
def read_case(console: Here, _: Cases, case_id: Number) -> CaseWithHistory:
    """Return a case and what was done about it."""
    try:
        case = console.store.cases.one(case_id)
    except InputError as error:
        raise NotFoundError(error.cause, remedy="GET /v1/cases lists them.", where="path") from error
    events = [
        CaseEventSaid(at=event.at, author=event.author, action=event.action, note=event.note)
        for event in console.store.cases.history(case_id)
    ]
    return CaseWithHistory(**_case(case), history=events)


@router.get("/v1/runs", tags=["runs"])
def list_runs(
    console: Here,
    _: Runs,
    command: Annotated[str | None, Query(max_length=80, examples=["scan"])] = None,
    after: Annotated[int | None, Query(ge=1, le=_BIGGEST, description="`next` of the page before")] = None,
    limit: Limit = None,
) -> Page[RunSaid]:
    """List runs, the newest first."""
    size = size_of(limit, console)
    rows = console.store.browse.trail.runs(size, command=command, below=after)
    items = [_fields(RunSaid, row) for row in rows]
    return Page(items=items, next=str(rows[-1].number) if len(rows) == size else None)


@router.get("/v1/runs/{run_id}", tags=["runs"])
def read_run(console: Here, _: Runs, run_id: Annotated[str, Path(max_length=200)]) -> RunWithSettings:
    """Return a run with its settings and versions; `latest` is the newest complete scan."""
    try:
        return _fields(RunWithSettings, console.store.run(run_id))
    except InputError as error:
        raise NotFoundError(error.cause, remedy="GET /v1/runs lists them.", where="path") from error


def _latest(console: Console) -> str:
    try:
        return console.store.run(LATEST).run_id
    except InputError as error:
        raise NotFoundError("No scan is recorded yet.", remedy="Run `winnow scan` first.", where="run_id") from error


def _fields(model: type[Model], record: object) -> Model:
    return model(**{name: getattr(record, name) for name in model.model_fields})


def _source(row: SourceRow) -> SourceJudged:
    plain = {name: getattr(row, name) for name in SourceJudged.model_fields if hasattr(row, name)}
    named = {"affiliate_id": row.name.affiliate_id, "offer_id": row.name.offer_id, "sub_id": row.name.sub_id}
    listed = {"reasons": list(row.reasons), "missing": list(row.missing), "payout": money(row.payout)}
    return SourceJudged(**{**plain, **named, **listed})


def _case(case: Case) -> dict[str, Any]:
    plain = {name: getattr(case, name) for name in CaseSaid.model_fields}
    return {**plain, "amount": money(case.amount), "reasons": list(case.reasons)}
