"""Where the world writes down what happens: clicks and conversions by everybody, each with its truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from second_world.market import SECOND, Calendar, Habits, Offer
from second_world.people import DAY, Floats, Ints, Scene, random_hex

NO_CLICK = -1
CLEAN = "clean"


@dataclass(frozen=True)
class Traffic:
    """Events of one source: when, whose affiliate, which offer, and where the visitor was."""

    ts: Ints
    affiliate: int
    offer: Ints
    sub_id: np.ndarray
    scene: Scene
    referrer: np.ndarray
    person: Ints


@dataclass(frozen=True)
class Goals:
    """Conversions: the click each claims (`NO_CLICK` for none), who ordered, and which kind of fraud it is.

    `order` names the order that each belongs to, the same for a conversion and its forged copies; None: all different.
    """

    traffic: Traffic
    click: Ints
    click_ts: Ints
    customer: np.ndarray
    revenue: Floats
    kind: str
    order: np.ndarray | None = None


@dataclass
class Ledger:
    """Collects events, then writes them as files."""

    offers: tuple[Offer, ...]
    habits: Habits
    calendar: Calendar
    clicks: list[pl.DataFrame] = field(default_factory=list)
    goals: list[pl.DataFrame] = field(default_factory=list)
    click_count: int = 0
    goal_count: int = 0

    def add_clicks(self, traffic: Traffic) -> Ints:
        """Write clicks down; return their numbers."""
        keys = np.arange(self.click_count, self.click_count + len(traffic.ts), dtype=np.int64)
        self.click_count += len(keys)
        self.clicks.append(self._frame(traffic).with_columns(key=pl.Series(keys)))
        return keys

    def add_goals(self, goals: Goals) -> float:
        """Write conversions down; return what they pay together."""
        frame = self._frame(goals.traffic)
        payout = self.payout(goals.traffic.offer, goals.revenue)
        orders = goals.order
        if orders is None:
            orders = np.array([f"{self.goal_count + at}" for at in range(len(payout))], dtype=object)
        self.goal_count += len(payout)
        self.goals.append(
            frame.with_columns(
                click=pl.Series(goals.click),
                click_ts=pl.Series(goals.click_ts),
                customer_id=text_column(goals.customer),
                revenue=pl.Series(np.round(goals.revenue, 2)),
                payout=pl.Series(payout),
                order=text_column(orders),
                kind=pl.lit(goals.kind),
            )
        )
        return float(payout.sum())

    def payout(self, offer: Ints, revenue: Floats) -> Floats:
        """Return what each conversion pays."""
        fixed = np.array([one.payout for one in self.offers])[offer]
        share = np.array([one.revenue_share for one in self.offers])[offer]
        return np.round(np.where(share > 0, np.maximum(share * revenue, 0.1), fixed), 2)

    def _frame(self, traffic: Traffic) -> pl.DataFrame:
        scene = traffic.scene
        text = {
            "sub_id": traffic.sub_id,
            "ip": scene.ip,
            "user_agent": scene.user_agent,
            "device_id": scene.device_id,
            "country": scene.country,
            "referrer": traffic.referrer,
        }
        return pl.DataFrame(
            {
                "ts": traffic.ts,
                "affiliate": np.full(len(traffic.ts), traffic.affiliate, dtype=np.int64),
                "offer": traffic.offer,
                **{name: text_column(values) for name, values in text.items()},
            }
        )


def text_column(values: np.ndarray) -> pl.Series:
    """Return texts, some of them None, as a column."""
    return pl.Series(values.tolist(), dtype=pl.String)


def write(
    ledger: Ledger, affiliates: pl.DataFrame, out_dir: Path, file_format: str, rng: np.random.Generator
) -> dict[str, int]:
    """Write clicks, conversions, outcomes, affiliates and truth; return the rows of each."""
    names = affiliates["affiliate_id"].to_numpy()
    clicks = _told(_within(pl.concat(ledger.clicks), ledger.calendar), ledger, names, rng)
    click_ids = _identifiers(ledger.habits.click_style, clicks["ts"].to_numpy(), rng)
    clicks = clicks.with_columns(click_id=text_column(click_ids))
    goals = _told(_within(pl.concat(ledger.goals), ledger.calendar), ledger, names, rng)
    goals = _finished(goals, clicks, ledger, rng)
    outcomes = _outcomes(goals, ledger.calendar, rng)
    facts = ["affiliate_id", "offer_id", "sub_id", "ip", "user_agent", "device_id", "country", "referrer"]
    conversion = [
        "conversion_id", "ts", "payout", "click_id", "click_ts", *facts, "customer_id", "order_id", "event",
        "revenue", "currency", "status", "locks_at",
    ]  # fmt: skip
    tables = {
        "clicks": clicks.select("click_id", "ts", *facts),
        "conversions": goals.select(conversion),
        "outcomes": outcomes,
        "affiliates": affiliates,
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _save(table, out_dir, name, file_format)
    truth = goals.select("conversion_id", is_fraud=(pl.col("kind") != CLEAN).cast(pl.Int8), kind="kind")
    truth.write_csv(out_dir / "truth.csv")
    return {**{name: len(table) for name, table in tables.items()}, "fraud": int(truth["is_fraud"].sum())}


def _save(table: pl.DataFrame, out_dir: Path, name: str, file_format: str) -> None:
    times = [column for column, kind in table.schema.items() if kind == pl.Int64 and column.endswith(("ts", "_at"))]
    table = table.with_columns(pl.col(times).cast(pl.Datetime("us", "UTC")))
    if file_format == "parquet":
        table.write_parquet(out_dir / f"{name}.parquet")
        return
    lists = [column for column, kind in table.schema.items() if kind == pl.List(pl.String)]
    joined = [pl.col(column).list.join(" " if column == "approved_sites" else ";") for column in lists]
    table.with_columns(joined).write_csv(out_dir / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")


def _within(frame: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    return frame.filter((pl.col("ts") >= calendar.start) & (pl.col("ts") < calendar.end)).sort("ts")


def _told(frame: pl.DataFrame, ledger: Ledger, names: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """Apply the habits of the tracking: what it leaves out, shortens or gets wrong."""
    habits = ledger.habits
    wrong = pl.Series(rng.random(len(frame)) < habits.country_errors)
    neighbour = frame["country"].sample(len(frame), shuffle=True, seed=int(rng.integers(2**31)))
    frame = frame.with_columns(
        affiliate_id=pl.Series(names[frame["affiliate"].to_numpy()]),
        offer_id=pl.Series(np.array([one.name for one in ledger.offers])[frame["offer"].to_numpy()]),
        country=pl.select(pl.when(wrong).then(neighbour).otherwise(frame["country"])).to_series(),
    )
    if habits.anonymised_ip:
        frame = frame.with_columns(pl.col("ip").str.replace(r"^(\d+\.\d+\.\d+)\.\d+$", "${1}.0"))
    if habits.referrer == "origin":
        frame = frame.with_columns(pl.col("referrer").str.extract(r"^(https?://[^/]+/)"))
    if habits.device != "all":
        keep = pl.col("device_id").str.contains("-") if habits.device == "apps" else pl.lit(value=False)
        frame = frame.with_columns(device_id=pl.when(keep).then("device_id"))
    return frame


def _finished(goals: pl.DataFrame, clicks: pl.DataFrame, ledger: Ledger, rng: np.random.Generator) -> pl.DataFrame:
    habits, count = ledger.habits, len(goals)
    ids = _identifiers(habits.conversion_style, goals["ts"].to_numpy(), rng)
    drawn = {
        "counter": np.array([f"{81_000_000 + 3 * at}" for at in range(count)], dtype=object),
        "hex": random_hex(count, 14, rng),
        "none": np.full(count, None, dtype=object),
    }[habits.order_style]
    goals = goals.with_columns(conversion_id=text_column(ids), drawn=text_column(drawn))
    # a forged order repeats the number of the order that it copies
    originals = (
        goals.filter(pl.col("order").is_not_null()).group_by("order", maintain_order=True).agg(pl.col("drawn").first())
    )
    goals = goals.join(originals.rename({"drawn": "copied"}), on="order", how="left", maintain_order="left")
    known = clicks.select(click="key", click_id="click_id")
    goals = goals.join(known, on="click", how="left", maintain_order="left")
    lock = np.array([one.lock_days for one in ledger.offers])[goals["offer"].to_numpy()] * DAY
    scene = ["ip", "user_agent", "device_id", "referrer"]
    shown = (
        goals if habits.conversion_has_scene else goals.with_columns(pl.lit(None, pl.String).alias(c) for c in scene)
    )
    precision = 60 * SECOND if habits.minutes_only else 1
    return shown.with_columns(
        order_id=pl.coalesce("copied", "drawn"),
        click_ts=pl.when(pl.col("click_ts") >= 0).then(pl.col("click_ts") // precision * precision),
        event=pl.Series(np.array([one.event for one in ledger.offers])[goals["offer"].to_numpy()]),
        currency=pl.lit(habits.currency),
        status=pl.lit("pending"),
        locks_at=pl.col("ts") + pl.Series(lock),
        payout=pl.col("payout").cast(pl.Decimal(18, 4)),
        revenue=pl.when(pl.col("revenue") > 0).then("revenue").cast(pl.Decimal(18, 4)),
    )


_GOOD = {"retained": 0.22, "confirmed_clean": 0.03, "refund": 0.035, "chargeback": 0.002}
_BAD = {"confirmed_fraud": 0.14, "chargeback": 0.2, "refund": 0.12, "void": 0.1, "retained": 0.01}


def _outcomes(goals: pl.DataFrame, calendar: Calendar, rng: np.random.Generator) -> pl.DataFrame:
    """Draw what became of conversions: for some, weeks later, and only as far as it is known on the last day."""
    parts = []
    for odds, own in ((_GOOD, goals.filter(kind=CLEAN)), (_BAD, goals.filter(pl.col("kind") != CLEAN))):
        pick = rng.random(len(own))
        edges = np.cumsum(list(odds.values()))
        place = np.searchsorted(edges, pick)
        known = place < len(edges)
        late = (rng.gamma(2.5, 9, size=len(own)) * DAY).astype(np.int64)
        names = np.array([*odds, ""], dtype=object)[place]
        frame = own.select("conversion_id", outcome=text_column(names), ts=pl.col("ts") + pl.Series(late))
        parts.append(frame.filter(pl.Series(known)))
    return pl.concat(parts).filter(pl.col("ts") < calendar.end).sort("ts", "conversion_id")


def _identifiers(style: str, ts: Ints, rng: np.random.Generator) -> np.ndarray:
    count = len(ts)
    if style == "snowflake":
        return np.array([str((int(t) // 1000 << 22) + at % 2**22) for at, t in enumerate(ts)], dtype=object)
    if style == "counter":
        steps = np.cumsum(rng.integers(1, 9, size=count))
        return np.array([f"TX{step:09d}" for step in steps], dtype=object)
    if style == "dashed":
        text = random_hex(count, 32, rng)
        return np.array([f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in text], dtype=object)
    if style == "base32":
        alphabet = np.array(list("0123456789abcdefghjkmnpqrstvwxyz"))
        letters = alphabet[rng.integers(0, 32, size=(count, 18))]
        return np.array(["".join(row) for row in letters], dtype=object)
    return random_hex(count, 24, rng)


def start_of(seed: int) -> int:
    """Return the first microsecond of the simulated time: a day of 2025 or 2026 that the seed chooses."""
    first = np.datetime64("2025-09-01") + np.random.default_rng(seed).integers(0, 300)
    return int(first.astype("datetime64[us]").astype(np.int64)) // SECOND * SECOND
