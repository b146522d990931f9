"""The demo's people: what staff and an affiliate do after the scan, so that the console shows a working day.

Two cap changes are approved and handed over as a file, an affiliate appeals and is right, the released money goes
through a second payout file, and letters about all of it lie in reports/letters/. Nobody reads the truth here but the
one who plays the affiliate: he knows what he did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from screening.jobs.caps_decide import CapFilter, ListedCap, approve_caps, list_caps
from screening.jobs.letters import NIGHTLY, write_letters
from screening.jobs.outbox import send_letters
from screening.jobs.payout import Gated, gate_payout
from screening.jobs.progress import Progress
from screening.jobs.push import push_caps
from screening.jobs.review import write_released
from screening.networks.deliver import Delivered
from screening.review.act import AFFILIATE, Act, Person
from screening.review.appeals import Contested, answer_appeal, open_appeal
from screening.review.subjects import Source
from screening.settings import Loaded, Settings
from screening.store import Appeal, open_store
from screening.workspace import Workspace

MANAGER = Person("demo manager", "manager")
"""Plays the staff of the simulated programme."""
STATEMENT = "These are ordinary customers of ours. Please look at them again."
ANSWER = "We looked at the orders again and found nothing wrong with them. The payout is released."
_ACTIONS = ("lower", "raise")
_NO_MAIL: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Balance:
    """The ledger against the gate, in one currency: what payout files released, and what the ledger has."""

    currency: str
    gated: Decimal
    ledger: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """What people did in the demo. `appeal` None: nothing was held by mistake, so nobody appealed."""

    caps: tuple[ListedCap, ...]
    pushed: tuple[Delivered, ...]
    appeal: Appeal | None
    released: Gated | None
    letters: Mapping[str, int]
    letters_folder: Path | None
    balance: tuple[Balance, ...]


def play_day(workspace: Workspace, truth: pl.DataFrame, gated: Gated, now: datetime, progress: Progress) -> Day:
    """Play the day after the scan, or show what an earlier demo in this workspace left of it.

    `truth`: conversion_id and is_fraud, which the affiliate of the appeal knows of itself.
    """
    caps = _approved_before(workspace, now) or _approve(workspace, now)
    pushed = push_caps(_with_files(workspace), dry_run=False, now=now, progress=progress, by=MANAGER.name)
    appeal = _appealed_before(workspace) or _appeal(workspace, truth, gated, now)
    released = _pay_released(workspace, gated.out.with_name("released.csv"), now, progress) if appeal else None
    written = write_letters(workspace, NIGHTLY, now, progress)
    posted = send_letters(workspace, now, _NO_MAIL, progress)
    gates = [gated, *([released] if released else [])]
    return Day(caps, pushed.results, appeal, released, written.written, posted.folder, _balance(workspace, gates))


def _approved_before(workspace: Workspace, now: datetime) -> tuple[ListedCap, ...]:
    listed = list_caps(workspace, CapFilter(everything=True), now).caps
    return tuple(cap for cap in listed if cap.row["status"] in ("approved", "pushed"))


def _approve(workspace: Workspace, now: datetime) -> tuple[ListedCap, ...]:
    """Approve the lowered limit that saves most, and a raised one."""
    chosen = []
    for action in _ACTIONS:
        listed = list_caps(workspace, CapFilter(action=action, status="proposed"), now).caps
        chosen += [cap.row["cap_id"] for cap in listed if cap.row["affiliate_id"] is not None][:1]
    if not chosen:
        return ()
    return approve_caps(workspace, chosen, None, Act(MANAGER, now, "Approved in the demo.")).caps


def _with_files(workspace: Workspace) -> Workspace:
    """Return the workspace as if its network took changes as files."""
    tree = workspace.settings.model_dump()
    tree["networks"]["push"]["to"] = "file"
    return Workspace(workspace.root, Loaded(Settings.model_validate(tree), workspace.loaded.sources))


def _appealed_before(workspace: Workspace) -> Appeal | None:
    with open_store(workspace.store_url) as store:
        appeals = store.appeals.all()
    return appeals[0] if appeals else None


def _appeal(workspace: Workspace, truth: pl.DataFrame, gated: Gated, now: datetime) -> Appeal | None:
    """Let the affiliate appeal who has most clean money held in the payout file, all of one source, and be right."""
    source = _most_wronged(workspace, truth, gated)
    if source is None:
        return None
    affiliate = Person(source.affiliate_id, AFFILIATE)
    settings = workspace.settings.review
    with open_store(workspace.store_url) as store:
        contested = Contested("source", source.subject, source.affiliate_id)
        appeal = open_appeal(store, contested, Act(affiliate, now, STATEMENT), settings)
        if appeal.appeal_id is None:
            raise TypeError("a stored appeal has a number")
        return answer_appeal(store, appeal.appeal_id, "overturned", Act(MANAGER, now, ANSWER), settings).appeal


def _most_wronged(workspace: Workspace, truth: pl.DataFrame, gated: Gated) -> Source | None:
    columns = ("conversion_id", "affiliate_id", "offer_id", "decision")
    lines = pl.read_csv(gated.out, columns=list(columns), schema_overrides=dict.fromkeys(columns, pl.String))
    with open_store(workspace.store_url) as store:
        known = store.decisions_of(lines["conversion_id"]).select("conversion_id", "sub_id", "payout")
    held = lines.filter(pl.col("decision") == "hold").join(known, on="conversion_id")
    places = ["affiliate_id", "offer_id", "sub_id"]
    sources = (
        held.join(truth, on="conversion_id")
        .group_by(places)
        .agg(fraud=pl.col("is_fraud").any(), held=pl.col("payout").sum())
    )
    wronged = sources.filter(~pl.col("fraud")).sort(["held", *places], descending=[True, False, False, False])
    return None if wronged.is_empty() else Source(*wronged.select(places).row(0))


def _pay_released(workspace: Workspace, path: Path, now: datetime, progress: Progress) -> Gated:
    """Pay what was released through a payout file of its own, as a batch keeps the answer that it got."""
    if not path.is_file():
        write_released(workspace, path)
    return gate_payout(workspace, path, path.with_stem("released-gated"), {}, now, progress)


def _balance(workspace: Workspace, gates: list[Gated]) -> tuple[Balance, ...]:
    """Compare what the gates said is paid with what the ledger has, to the cent."""
    paid: dict[str, Decimal] = {}
    for total in (total for gate in gates for total in gate.totals if total.decision == "pay"):
        paid[total.currency or ""] = paid.get(total.currency or "", Decimal(0)) + total.amount
    with open_store(workspace.store_url) as store:
        rows = pl.concat([store.ledger.batch(gate.batch_id) for gate in gates])
    released = (
        rows.filter(pl.col("decision") == "pay").group_by(pl.col("currency").fill_null("")).agg(pl.col("amount").sum())
    )
    kept = dict(released.iter_rows())
    return tuple(
        Balance(currency, paid.get(currency, Decimal(0)), kept.get(currency, Decimal(0)))
        for currency in sorted({*paid, *kept})
    )
