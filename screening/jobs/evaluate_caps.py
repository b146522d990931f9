"""The job `evaluate caps`: what following the advice about limits would have saved and cost, on the programme's past.

At the end of every day, or every few days, winnow advises from what was known by then. The advice is taken, and what
the limits would have stopped of the days that followed is judged by what is known today. Beside it three other ways go
through the same days: no limits, one fixed limit each, and pausing a partner on an offer as long as a source of it is
flagged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from features.schema import Kind, polars_schema
from screening.caps.advise import advise
from screening.caps.backtest import Tally, stopped, tallies
from screening.caps.limits import Cap
from screening.caps.recommend import KEEP
from screening.errors import InputError
from screening.jobs.caps_facts import PAIR, Moment, facts_of, policy_of
from screening.jobs.evaluation.truth import truth_of_file, truth_of_history
from screening.jobs.findings import findings
from screening.jobs.progress import Progress
from screening.store import open_store
from screening.traffic.champion import MODEL, Champion, load_champion
from screening.traffic.gather import WINDOW_DAYS, Books, Period, gather
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lists import load_book
from screening.traffic.scan import judge
from screening.workspace import Workspace

NOTHING, FIXED, FLAGGED, ADVICE = "no caps", "fixed cap", "pause when flagged", "advice"
WAYS = (NOTHING, FIXED, FLAGGED, ADVICE)
FIXED_SLACK = Decimal("1.2")
"""A fixed limit lies this many times above a partner's mean day so far: trackers advise 10-20 % slack."""
_FIXED_TYPE = "daily_payout"
_DECIDED: Mapping[str, pl.DataType] = {
    "offer_id": pl.String(),
    "affiliate_id": pl.String(),
    "cap_type": pl.String(),
    "action": pl.String(),
    "decided_at": pl.Datetime("us", "UTC"),
    "status": pl.String(),
    "expires_at": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate: the days on which limits would have held (None: all that can be), and a file of the truth.

    every: days between two advices; 1, as a night advises and somebody approves in the morning.
    """

    first: date | None = None
    last: date | None = None
    truth: Path | None = None
    every: int = 1


@dataclass(frozen=True, slots=True)
class Money:
    """The payout asked for in one currency in the days evaluated, and what each way did to it.

    asked is the sum of all, of which bad and clean are known; the rest is unknown.
    """

    currency: str
    asked: Decimal
    bad: float
    clean: float
    ways: Mapping[str, Tally]


@dataclass(frozen=True, slots=True)
class CapsEvaluated:
    """What was found. moments: when advice was given; changes: how many limits it changed each time.

    known: how many conversions are judged by each kind of knowledge; simulated: the truth is that of a simulation.
    """

    first: date
    last: date
    moments: tuple[date, ...]
    changes: tuple[int, ...]
    known: Mapping[str, int]
    simulated: bool
    level: float
    clean_worth: float
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class _Bench:
    workspace: Workspace
    snapshot: Snapshot
    books: Books
    champion: Champion
    conversions: pl.DataFrame


@dataclass
class _Ways:
    """The limits of each way as they hold, and what they stopped so far."""

    limits: dict[str, dict[Cap, Decimal]]
    stopped: dict[str, set[str]] = field(default_factory=lambda: {way: set() for way in WAYS})
    decided: list[dict[str, object]] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)


def evaluate_caps(workspace: Workspace, wanted: Wanted, now: datetime, progress: Progress) -> CapsEvaluated:
    """Evaluate. The same arguments and events give the same figures. Raises InputError when the past is too short."""
    snapshot = Lake(workspace.lake).snapshot()
    steps = _steps(snapshot, wanted)
    with open_store(workspace.store_url) as store:
        record = store.models.champion(MODEL)
    champion = load_champion(workspace.folder("models"), record.digest if record else None)
    conversions = snapshot.frame(Kind.CONVERSIONS).sort("ts", "conversion_id").collect()
    bench = _Bench(workspace, snapshot, Books(*load_book(workspace.folder("lists"))), champion, conversions)
    lake = {
        Cap(row["offer_id"], row["affiliate_id"], row["cap_type"]): row["limit"]
        for row in snapshot.frame(Kind.CAPS).collect().iter_rows(named=True)
    }
    ways = _Ways({NOTHING: {}, FIXED: {}, FLAGGED: {}, ADVICE: dict(lake)})
    for number, (day, end) in enumerate(steps):
        progress.step("advising on the past", number, len(steps))
        _advance(bench, ways, day)
        _let_pass(bench, ways, day, end)
    progress.step("advising on the past", len(steps), len(steps))
    return _found(bench, ways, steps, wanted, now)


def _steps(snapshot: Snapshot, wanted: Wanted) -> list[tuple[date, date]]:
    """Return the first and last day of each stretch that one advice holds for."""
    every = wanted.every
    days = snapshot.days(Kind.CONVERSIONS)
    # half a window of facts is the least that sources can be told apart by
    earliest = days[0] + timedelta(days=WINDOW_DAYS // 2) if days else None
    last = wanted.last or (days[-1] if days else None)
    if earliest is None or last is None or earliest > last:
        raise InputError(
            f"There is too little history: advice needs {WINDOW_DAYS // 2} days before those it is measured on.",
            remedy="Take in older conversions.",
            where=str(snapshot.root),
        )
    first = max(wanted.first or earliest, earliest)
    if first > last:
        raise InputError(f"The period ends on {last} before it begins on {first}.", remedy="Give --from before --to.")
    starts = range(0, (last - first).days + 1, every)
    return [(first + timedelta(days=n), min(first + timedelta(days=n + every - 1), last)) for n in starts]


def _advance(bench: _Bench, ways: _Ways, day: date) -> None:
    """Set every way's limits from what was known as the day began."""
    as_of = datetime.combine(day, time(), UTC)
    settings = bench.workspace.settings
    before = day - timedelta(days=1)
    period = Period(max(before - timedelta(days=WINDOW_DAYS - 1), bench.snapshot.days(Kind.CONVERSIONS)[0]), before)
    gathered = gather(bench.snapshot, period, bench.books, bench.workspace.folder("rollups"), as_of)
    sources = judge(gathered, bench.champion.judge, settings.decisions).sources
    held = ways.limits[ADVICE]
    facts = facts_of(bench.snapshot, sources, Moment(as_of, _frame(held), _decided(ways)), settings.caps)
    # who is banned or paused today was not known then
    facts = replace(facts, affiliates=facts.affiliates.with_columns(status=pl.lit(None, pl.String)))
    changed = [item for item in advise(facts, policy_of(settings.caps)) if item.action != KEEP]
    for item in changed:
        if item.recommended is not None:
            held[item.cap] = item.recommended
        row = {"offer_id": item.cap.offer_id, "affiliate_id": item.cap.affiliate_id, "cap_type": item.cap.cap_type}
        ways.decided.append({**row, "action": item.action, "decided_at": as_of, "status": "pushed"})
    ways.changes.append(len(changed))
    newest = sources.filter((sources["to"] == sources["to"].max()) & sources["flagged"])
    flagged = newest.select(*PAIR).unique().iter_rows()
    ways.limits[FLAGGED] = {Cap(offer, affiliate, _FIXED_TYPE): Decimal(0) for offer, affiliate in flagged}
    if not ways.limits[FIXED]:
        ways.limits[FIXED] = _fixed(bench, as_of)


def _fixed(bench: _Bench, as_of: datetime) -> dict[Cap, Decimal]:
    past = bench.conversions.filter(pl.col("ts") < as_of)
    days = max(past["ts"].dt.date().n_unique(), 1)
    paid = past.group_by(*PAIR).agg(pl.col("payout").cast(pl.Decimal(38, 4)).sum())
    return {Cap(offer, who, _FIXED_TYPE): FIXED_SLACK * total / days for offer, who, total in paid.iter_rows()}


def _let_pass(bench: _Bench, ways: _Ways, day: date, end: date) -> None:
    """Let the stretch's events come against every way's limits."""
    since, until = (datetime.combine(moment, time(), UTC) for moment in (day, end + timedelta(days=1)))
    come = bench.conversions.filter(pl.col("ts") < until)
    for way in WAYS:
        limits = ways.limits[way]
        clicks = _clicks(bench, limits, until)
        open_ones = come.filter(~pl.col("conversion_id").is_in(list(ways.stopped[way])))
        cut = stopped(open_ones, clicks, limits, since)
        ways.stopped[way] |= set(open_ones.filter(cut)["conversion_id"])


def _clicks(bench: _Bench, limits: Mapping[Cap, Decimal], until: datetime) -> pl.DataFrame:
    offers = {cap.offer_id for cap in limits if cap.cap_type.endswith("_clicks")}
    clicks = bench.snapshot.frame(Kind.CLICKS).select(*PAIR, "ts")
    return clicks.filter(pl.col("offer_id").is_in(offers), pl.col("ts") < until).sort("ts").collect()


def _frame(limits: Mapping[Cap, Decimal]) -> pl.DataFrame:
    rows = [(cap.offer_id, cap.cap_type, limit, cap.affiliate_id) for cap, limit in limits.items()]
    return pl.DataFrame(rows, schema=polars_schema(Kind.CAPS), orient="row")


def _decided(ways: _Ways) -> pl.DataFrame:
    return pl.DataFrame(ways.decided, schema=dict(_DECIDED))


def _found(bench: _Bench, ways: _Ways, steps: list[tuple[date, date]], wanted: Wanted, now: datetime) -> CapsEvaluated:
    first, last = steps[0][0], steps[-1][1]
    rows = bench.conversions.filter(pl.col("ts").dt.date().is_between(first, last)).select(
        "conversion_id", "affiliate_id", "payout", "currency"
    )
    rows, known = _with_truth(bench, rows, wanted, now)
    rows = rows.with_columns(pl.col("conversion_id").is_in(list(ways.stopped[way])).alias(way) for way in WAYS)
    settings, worth = bench.workspace.settings.evaluation, bench.workspace.settings.caps.clean_worth
    resampling = (settings.level, settings.draws, settings.seed)
    return CapsEvaluated(
        first=first,
        last=last,
        moments=tuple(day for day, _ in steps),
        changes=tuple(ways.changes),
        known=known,
        simulated=wanted.truth is not None,
        level=settings.level,
        clean_worth=worth,
        money=tuple(_money(rows, worth, resampling)),
    )


def _money(rows: pl.DataFrame, worth: float, resampling: tuple[float, int, int]) -> Iterator[Money]:
    for (currency,), own in sorted(
        rows.with_columns(pl.col("currency").fill_null("")).partition_by("currency", as_dict=True).items()
    ):
        paid, bad = own["payout"].cast(pl.Float64), own["bad"]
        flat = own.with_columns(payout=paid, bad=bad.fill_null(float("nan")))
        yield Money(
            currency=str(currency),
            asked=Decimal(own["payout"].cast(pl.Decimal(38, 4)).sum()),
            bad=float((paid * bad).sum()),
            clean=float((paid * (1 - bad)).sum()),
            ways=tallies(flat, WAYS, worth, resampling),
        )


def _with_truth(
    bench: _Bench, rows: pl.DataFrame, wanted: Wanted, now: datetime
) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """Add `bad`, 0..1: from the truth, or from what people and outcomes said and else the newest scan's probability."""
    if wanted.truth is not None:
        truth = truth_of_file(wanted.truth)
        joined = rows.join(truth.rows.select("conversion_id", "bad"), on="conversion_id", how="left")
        told = joined.height - joined["bad"].null_count()
        return joined, {truth.name: told, "unknown": joined.height - told}
    with open_store(bench.workspace.store_url) as store:
        truth = truth_of_history(bench.snapshot, findings(store, bench.snapshot), now)
        judged = store.decisions_of(rows["conversion_id"]).select("conversion_id", "score", "decision")
    both = rows.join(truth.rows.select("conversion_id", said="bad"), on="conversion_id", how="left").join(
        judged, on="conversion_id", how="left"
    )
    rejected = pl.when(pl.col("decision") == "reject").then(1.0).otherwise(pl.col("score"))
    both = both.with_columns(bad=pl.coalesce("said", rejected))
    said = both.height - both["said"].null_count()
    unknown = both["bad"].null_count()
    counts = {truth.name: said, "the newest scan's probability": both.height - said - unknown, "unknown": unknown}
    return both.drop("said", "score", "decision"), counts
