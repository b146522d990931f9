"""What letters tell: from holds, caps, appeals, applications and scorecards to facts that partners may know.

This is where internal evidence ends. Reason codes become categories here, and nothing else of a judgement goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from models.evidence import PartnerCategory
from models.reasons import CODES
from screening.applicants.known import AFFILIATE_PREFIX
from screening.applicants.reasons import reasons
from screening.jobs.progress import Progress
from screening.jobs.scorecards import scorecards
from screening.jobs.span import Span
from screening.notices.letter import (
    Amount,
    AppealAnswer,
    AppealOutcome,
    ApplicationAnswer,
    ApplicationOutcome,
    CapAction,
    CapChange,
    HeldSource,
    MoneyCard,
    Notice,
    PayoutHold,
    Scorecard,
)
from screening.settings.notices import NoticeSettings
from screening.store import Appeal, Store
from screening.workspace import Workspace

APPLICATION = "application"
CONVERSION = "conversion"
_HELD = "hold/"
"""Begins the name under which the outbox notes that a conversion's hold was told."""
_OUTCOMES = {
    "approve": ApplicationOutcome.APPROVE,
    "reject": ApplicationOutcome.REJECT,
    "ask": ApplicationOutcome.FIX,
}


@dataclass(frozen=True, slots=True)
class Told:
    """Something that somebody is to be told. `about`: the affiliate's, or the application's, id.

    `key` names the event for good, and `items` what else is told once. `address` is name and e-mail as an application
    gives them, None: those of the affiliate.
    """

    key: str
    about: str
    notice: Notice
    items: tuple[str, ...] = ()
    address: tuple[str | None, str | None] | None = None


def categories_of(codes: Iterable[str]) -> tuple[PartnerCategory, ...]:
    """Return what a partner may be told instead of reason codes, each once; a code nobody knows is `under review`."""
    return tuple(dict.fromkeys(_categories().get(code, PartnerCategory.UNDER_REVIEW) for code in codes))


@cache
def _categories() -> Mapping[str, PartnerCategory]:
    return {code: entry.partner for code, entry in (*reasons().items(), *CODES.items())}


def held_payouts(store: Store, settings: NoticeSettings, now: datetime) -> Iterator[Told]:
    """Yield for each affiliate the conversions that are held, not paid already, and that no letter has told about.

    A scan may have held them after `now`, when a night began; a deadline runs from `now`.
    """
    held = store.held_since(None)
    decided = store.verdicts.of(held["conversion_id"]).filter(pl.col("verdict").is_in(["clean", "fraud"]))
    for others in (decided, store.ledger.released(held["conversion_id"])):
        held = held.join(others, on="conversion_id", how="anti")
    held = held.with_columns(item=_HELD + pl.col("conversion_id"))
    untold = held.filter(~pl.col("item").is_in(store.outbox.told(held["item"]).implode()))
    deadline = now + timedelta(days=settings.appeal_days)
    for (affiliate_id,), rows in sorted(untold.partition_by("affiliate_id", as_dict=True).items()):
        items = tuple(rows["item"].sort())
        hold = _payout_hold(rows, settings.sources_listed_max, deadline)
        yield Told(f"hold:{affiliate_id}:{items[0]}", str(affiliate_id), hold, items)


def _payout_hold(rows: pl.DataFrame, listed: int, deadline: datetime) -> PayoutHold:
    sources = [_held_source(some) for some in rows.partition_by("offer_id", "sub_id")]
    sources.sort(key=lambda source: (-source.conversions, source.offer_id, source.sub_id or ""))
    return PayoutHold(
        sources=tuple(sources[:listed]),
        unlisted=len(sources[listed:]),
        conversions=rows.height,
        money=_amounts(rows),
        deadline=deadline,
    )


def _held_source(rows: pl.DataFrame) -> HeldSource:
    codes = rows["reasons"].explode(empty_as_null=False).drop_nulls().value_counts(sort=True)
    days = rows["ts"].dt.date().sort()
    return HeldSource(
        offer_id=rows["offer_id"][0],
        sub_id=rows["sub_id"][0],
        conversions=rows.height,
        money=_amounts(rows),
        first=days[0],
        last=days[-1],
        categories=categories_of(codes.sort("count", "reasons", descending=[True, False])["reasons"]),
    )


def _amounts(rows: pl.DataFrame) -> tuple[Amount, ...]:
    sums = rows.group_by("currency").agg(pl.col("payout").sum()).sort("currency", nulls_last=True)
    return tuple(Amount(total, currency) for currency, total in sums.iter_rows())


def pushed_caps(store: Store, now: datetime) -> Iterator[Told]:
    """Yield the cap changes that a network has taken over and that still hold.

    The limit of a whole offer is told to each affiliate who had traffic on it when the change was recommended.
    """
    chosen = store.recommendations.of_status("pushed").filter(pl.col("action") != "keep", pl.col("expires_at") > now)
    shared_in = chosen.filter(pl.col("affiliate_id").is_null())["run_id"].unique()
    sending = {run_id: _by_offer(store.sources(run_id)) for run_id in shared_in}
    for row in chosen.iter_rows(named=True):
        shared = row["affiliate_id"] is None
        change = CapChange(
            offer_id=row["offer_id"],
            cap_type=row["cap_type"],
            action=CapAction(row["action"]),
            before=row["current"],
            after=row["recommended"] if row["approved_limit"] is None else row["approved_limit"],
            until=row["expires_at"],
            shared=shared,
        )
        if not shared:
            yield Told(f"cap:{row['cap_id']}", row["affiliate_id"], change)
            continue
        for affiliate_id in sending[row["run_id"]].get(row["offer_id"], ()):
            yield Told(f"cap:{row['cap_id']}:{affiliate_id}", affiliate_id, change)


def _by_offer(sources: pl.DataFrame) -> dict[str, list[str]]:
    affiliates = sources.group_by("offer_id").agg(pl.col("affiliate_id").unique().sort())
    return dict(affiliates.iter_rows())


def answered_appeals(workspace: Workspace, store: Store) -> Iterator[Told]:
    """Yield the appeals that were upheld or overturned; whoever withdrew one knows."""
    for appeal in store.appeals.all():
        if appeal.answer is None or appeal.answer.status not in tuple(AppealOutcome) or appeal.appeal_id is None:
            continue
        released = appeal.answer.amount_released
        told = AppealAnswer(
            number=appeal.appeal_id,
            opened_at=appeal.opened_at,
            outcome=AppealOutcome(appeal.answer.status),
            answer=appeal.answer.answer,
            released=None if released is None else Amount(released, appeal.answer.currency),
            categories=_contested(store, appeal),
        )
        address = _applicant(workspace, store, appeal.subject) if appeal.kind == APPLICATION else None
        yield Told(f"appeal:{appeal.appeal_id}", appeal.affiliate_id, told, address=address)


def _contested(store: Store, appeal: Appeal) -> tuple[PartnerCategory, ...]:
    if appeal.kind == CONVERSION:
        found = store.decisions_of([appeal.subject])
        return categories_of(found["reasons"].explode(empty_as_null=False).drop_nulls().unique().sort())
    cases = store.cases.about(appeal.kind, appeal.subject)
    return categories_of(cases[0].reasons) if cases else ()


def decided_applications(workspace: Workspace, store: Store) -> Iterator[Told]:
    """Yield the applications that a person, or a rule that needs none, has decided, or sent back for a fix."""
    for decided in store.listing.untold_applications(APPLICATION, tuple(_OUTCOMES)):
        if decided.application_id.startswith(AFFILIATE_PREFIX):
            continue
        dossier = _dossier(workspace, decided.evidence)
        if dossier is None or (answer := application_answer(decided.application_id, decided.decision, dossier)) is None:
            continue
        who = dossier["application"]
        yield Told(decided.key, decided.application_id, answer, address=(who["name"], who["email"]))


def application_answer(application_id: str, decision: str, dossier: Mapping[str, Any]) -> ApplicationAnswer | None:
    """Return what a letter says about a decision (`approve`, `reject` or `ask`); None for any other.

    A request for a fix names what can be fixed, which may be nothing: then the letter asks for a reply.
    """
    if decision not in _OUTCOMES:
        return None
    against = [reason for reason in dossier["reasons"] if reason["against"]]
    if decision == "ask":
        against = [reason for reason in against if reason["fixable"]]
    codes = [] if decision == "approve" else [reason["code"] for reason in against]
    known = reasons()
    return ApplicationAnswer(
        application_id=application_id,
        outcome=_OUTCOMES[decision],
        categories=categories_of(codes),
        # from the list of codes, not from the dossier: what was written for applicants, whatever the dossier holds
        advice=tuple(dict.fromkeys(known[code].advice for code in codes if code in known and known[code].advice)),
    )


def _applicant(workspace: Workspace, store: Store, application_id: str) -> tuple[str | None, str | None]:
    screened = store.browse.judged.screening(application_id)
    dossier = None if screened is None else _dossier(workspace, screened.evidence)
    return (None, None) if dossier is None else (dossier["application"]["name"], dossier["application"]["email"])


def _dossier(workspace: Workspace, evidence: str | None) -> dict[str, Any] | None:
    path = workspace.root / (evidence or "") / "decision.json"
    # evidence is kept for a limited time only
    return json.loads(path.read_text("utf-8")) if evidence and path.is_file() else None


def monthly_scorecards(workspace: Workspace, span: Span, progress: Progress) -> Iterator[Told]:
    """Yield the scorecard of every affiliate that had clicks or conversions in the period."""
    rows = scorecards(workspace, span, progress).rows
    active = rows.filter((pl.col("clicks") > 0) | (pl.col("conversions") > 0))
    for (affiliate_id,), own in active.partition_by("affiliate_id", as_dict=True).items():
        own_rows = own.sort("payout", descending=True).iter_rows(named=True)
        card = Scorecard(span.first, span.last, tuple(_card(row) for row in own_rows))
        yield Told(f"scorecard:{affiliate_id}:{span.first}:{span.last}", str(affiliate_id), card)


def _card(row: Mapping[str, Any]) -> MoneyCard:
    before: Decimal | None = row["approved_before"]
    names = ("currency", "clicks", "conversions", "approved", "held", "rejected", "returned", "rate", "quality")
    return MoneyCard(
        **{name: row[name] for name in names},
        earnings_per_click=row["earnings_per_click"],
        rank=row["rank"],
        ranked=row["ranked"],
        approved_before=before,
    )
