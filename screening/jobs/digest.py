"""The job `digest`: what the night found, for staff, as one page in reports/ and by mail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from features.schema import Kind
from screening.jobs.digest_lines import (
    data_lines,
    drift_lines,
    letter_lines,
    list_lines,
    overdue_lines,
)
from screening.jobs.outfile import new_file
from screening.jobs.progress import Progress
from screening.jobs.quality import quality
from screening.jobs.views.reasons import of_traffic
from screening.notices.digest import Cap, Chart, Day, Digest, Flagged, Money, Queue, write_digest
from screening.notices.words import mail_address
from screening.store import RunRecord, Store, StoredLetter, open_store
from screening.traffic.lake import Lake
from screening.workspace import Workspace

KIND = "digest"
STAFF = "staff"
_SCAN = "scan"
_CHART_DAYS = 14
"""Days of the charts: two weeks show a weekly rhythm twice."""
_RELEASED_OVER = timedelta(hours=24)
_REASONS = 2
"""Reasons shown of a source: the most telling; the console has them all."""
_KEY_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Digested:
    """Where the digest was saved, and how many staff it was put into the outbox for (`winnow letters send` sends it).

    `unreachable` are addresses of notices.staff that mail cannot be sent to.
    """

    path: Path
    digest: Digest
    queued: int
    unreachable: tuple[str, ...]


def digest(
    workspace: Workspace,
    now: datetime,
    progress: Progress,
    *,
    lacked: Sequence[str] = (),
    measured: Sequence[str] | None = None,
) -> Digested:
    """Write the digest of now into reports/digests/, and for each of notices.staff into the outbox.

    `lacked` says what the night could not do. `measured` are sentences about the error rate, empty: not measured yet;
    None: measure it now. Staff get one digest for each UTC day and content: the same facts again are not mailed again.
    """
    progress.step(KIND, 0, 2)
    if measured is None:
        measured = quality(workspace, now).sentences()
    with open_store(workspace.store_url) as store:
        facts = _facts(workspace, store, now, lacked, measured)
        progress.step(KIND, 1, 2)
        written = write_digest(facts)
        folder = workspace.folder("reports") / "digests"
        folder.mkdir(exist_ok=True)
        path = folder / f"digest-{now:%Y-%m-%d}.html"
        with new_file(path) as draft:
            draft.write_text(written.html, encoding="utf-8")
        queued, unreachable = 0, []
        for address in dict.fromkeys(workspace.settings.notices.staff):
            recipient = mail_address(address)
            if recipient is None:
                unreachable.append(address)
                continue
            # the time of writing and the ages of what waits move on by themselves, and are no news
            key = hashlib.sha256(f"{recipient} {_news(facts)}".encode()).hexdigest()[:_KEY_LETTERS]
            letter = StoredLetter(
                key=f"digest:{now:%Y-%m-%d}:{key}",
                kind=KIND,
                about=STAFF,
                recipient=recipient,
                subject=written.subject,
                text=written.text,
                html=written.html,
                written_at=now,
                next_at=now,
            )
            queued += store.outbox.add(letter) is not None
    progress.step(KIND, 2, 2)
    return Digested(path, facts, queued, tuple(unreachable))


def _news(facts: Digest) -> str:
    queues = [(queue.kind, queue.waiting, queue.money) for queue in facts.queues]
    texts = [[line.text for line in lines] for lines in (facts.lacked, facts.overdue, facts.drift)]
    return repr((facts.scanned, facts.money, facts.sources, facts.caps, facts.measured, queues, texts))


def _facts(workspace: Workspace, store: Store, now: datetime, lacked: Sequence[str], measured: Sequence[str]) -> Digest:
    settings = workspace.settings.notices
    most = settings.sources_listed_max
    scan = next((run for run in store.runs(_SCAN) if run.status == "complete"), None)
    days = store.sums.by_day(scan.run_id) if scan else None
    flagged, all_flagged = _flagged(workspace, store, scan, days, most)
    caps = _caps(store, now)
    return Digest(
        programme=settings.programme,
        at=now,
        zone=ZoneInfo(settings.timezone),
        scanned=None if scan is None else _scanned(scan),
        lacked=tuple(data_lines(workspace, scan, now, lacked)),
        money=_money(store, days, now),
        charts=() if days is None else tuple(_charts(days)),
        sources=flagged,
        sources_more=all_flagged - len(flagged),
        caps=caps[:most],
        caps_more=len(caps[most:]),
        measured=tuple(measured),
        drift=tuple(drift_lines(store, scan)),
        lists=tuple(list_lines(workspace, now)),
        queues=_queues(store, days),
        overdue=tuple(overdue_lines(workspace, store, now)),
        letters=tuple(letter_lines(store)),
        link=workspace.settings.console.public_url or None,
    )


def _scanned(scan: RunRecord) -> str:
    judged = scan.counts.get("conversions", 0)
    return f"The newest scan judged {judged:,} conversions of {scan.period_from} to {scan.period_to}."


def _money(store: Store, days: pl.DataFrame | None, now: datetime) -> tuple[Money, ...]:
    released = {currency: amount for currency, _, amount in store.sums.released(now - _RELEASED_OVER, now)}
    decided = {} if days is None else dict(_by_currency(days))
    currencies = sorted({*released, *decided}, key=lambda name: (name is None, name))
    return tuple(
        Money(currency, *decided.get(currency, (Decimal(0),) * 3), released.get(currency, Decimal(0)))
        for currency in currencies
    )


def _by_currency(days: pl.DataFrame) -> Iterator[tuple[str | None, tuple[Decimal, Decimal, Decimal]]]:
    for (currency,), rows in days.partition_by("currency", as_dict=True).items():
        yield currency, _decided(rows)


def _decided(rows: pl.DataFrame) -> tuple[Decimal, Decimal, Decimal]:
    sums: dict[str, Decimal] = {}
    for decision, amount in rows.select("decision", "amount").iter_rows():
        sums[decision] = sums.get(decision, Decimal(0)) + amount
    return sums.get("pay", Decimal(0)), sums.get("hold", Decimal(0)), sums.get("reject", Decimal(0))


def _charts(days: pl.DataFrame) -> Iterator[Chart]:
    last: date = days["day"].max() or date.min  # type: ignore[assignment]
    shown = [last - timedelta(days=back) for back in reversed(range(_CHART_DAYS))]
    recent = days.filter(pl.col("day") >= shown[0])
    for (currency,), rows in sorted(recent.partition_by("currency", as_dict=True).items(), key=str):
        by_day = rows.partition_by("day", as_dict=True)
        yield Chart(currency, tuple(Day(day, *_decided(by_day.get((day,), rows.clear()))) for day in shown))


def _flagged(
    workspace: Workspace, store: Store, scan: RunRecord | None, days: pl.DataFrame | None, most: int
) -> tuple[tuple[Flagged, ...], int]:
    if scan is None or days is None:
        return (), 0
    sources = store.sources(scan.run_id)
    # each window of a source is judged on its own; the newest is news
    newest = sources.filter("flagged", pl.col("to") == pl.col("to").max())
    currencies = dict(days.group_by("offer_id").agg(pl.col("currency").unique()).iter_rows())
    frame = Lake(workspace.lake).snapshot().frame(Kind.AFFILIATES).select("affiliate_id", "name").collect()
    names: dict[str, str | None] = dict(frame.iter_rows())
    rows = newest.sort("payout", "score", descending=True, nulls_last=True).head(most)
    return tuple(_source(row, names, currencies) for row in rows.iter_rows(named=True)), newest.height


def _source(
    row: Mapping[str, Any], names: Mapping[str, str | None], currencies: Mapping[str, Sequence[str | None]]
) -> Flagged:
    own = currencies.get(row["offer_id"], ())
    copied = ("affiliate_id", "offer_id", "sub_id", "conversions", "payout")
    shares = ("bad_share", "bad_share_low", "bad_share_high")
    shown = of_traffic(row["reasons"], json.loads(row["reason_details"] or "[]"))[:_REASONS]
    return Flagged(
        **{name: row[name] for name in (*copied, *shares)},
        name=names.get(row["affiliate_id"]),
        currency=own[0] if len(own) == 1 else None,
        reasons=tuple(
            f"{reason.title}. {' '.join(found.explanation for found in reason.findings)}" for reason in shown
        ),
    )


def _caps(store: Store, now: datetime) -> tuple[Cap, ...]:
    found = store.recommendations.newest().filter(
        pl.col("status") == "proposed", pl.col("action") != "keep", pl.col("expires_at") > now
    )
    rows = found.sort("expected_saving", descending=True, nulls_last=True).iter_rows(named=True)
    copied = ("affiliate_id", "offer_id", "cap_type", "action", "current", "recommended", "currency")
    return tuple(
        Cap(
            **{name: row[name] for name in copied},
            saving=row["expected_saving"],
            saving_low=row["saving_low"],
            saving_high=row["saving_high"],
        )
        for row in rows
    )


def _queues(store: Store, days: pl.DataFrame | None) -> tuple[Queue, ...]:
    totals = store.browse.cases.totals()
    # a case without a currency may be about several: where the programme names currencies, its sum means nothing
    named = days is not None and bool(days["currency"].is_not_null().any())
    queues = []
    for kind in dict.fromkeys(total.kind for total in totals):
        own = [total for total in totals if total.kind == kind]
        told = [total for total in own if total.amount is not None and (total.currency is not None or not named)]
        money = tuple((total.amount or Decimal(0), total.currency) for total in told)
        queues.append(Queue(kind, sum(total.cases for total in own), min(total.oldest for total in own), money))
    return tuple(queues)
