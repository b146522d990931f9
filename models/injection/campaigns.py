"""Inject fraud and placebos into a programme's own traffic, in place.

Placebos are honest oddities, or nothing at all: they teach the detector that being odd, new or split off is no fraud.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.prepare import Traffic
from features.windows import MICROSECONDS_PER_DAY
from features.working import CLICK_COLUMNS, CONVERSION_COLUMNS, FROM_CLICK
from models.injection.benign import ODDITIES
from models.injection.campaign import SECOND, Campaign, distinct, taken
from models.injection.mechanisms import KINDS, Kit
from models.injection.pools import AddressPools

FEWEST_CHANGED = 3
"""Conversions below which a part of the traffic is not worth changing."""
FRAUDULENT = 0.6
"""Share of the changed parts that are fraud; the others are placebos."""
PLACEBO = "placebo"
_LABELS = {"conversion_id": pl.String, "label": pl.Int64, "kind": pl.String}
ODD_AGENTS = np.array(
    [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
        "python-requests/2.31.0",
        "curl/8.4.0",
        "Go-http-client/1.1",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
        "Mozilla/5.0 (compatible; ExampleBot/1.0; +http://bot.example/)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 9_1 like Mac OS X) AppleWebKit/601.1 (KHTML, like Gecko) "
        "Chrome/70.0.3538.77 Safari/537.36",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.112 Safari/537.36",
    ],
    dtype=object,
)


@dataclass(frozen=True, slots=True)
class Injected:
    """Traffic with campaigns in it, and what they are.

    `labels` has conversion_id, label (1 fraud, 0 placebo or the honest part of a mixture) and kind, a row per changed
    conversion; conversions that were left alone have no row.
    """

    traffic: Traffic
    labels: pl.DataFrame


def inject(
    traffic: Traffic, pools: AddressPools, part: float, seed: int, kinds: Sequence[str] | None = None
) -> Injected:
    """Change about `part` (0..1) of the traffic's sources in place, `FRAUDULENT` of them as fraud.

    `kinds` limits the kinds of fraud (None: all), so that an evaluation can keep some out. The same seed gives the same
    result. Identifiers of conversions stay what they are.
    """
    rng = np.random.default_rng(seed)
    conversions = _with_click_time(traffic)
    clicks = traffic.clicks.select(CLICK_COLUMNS).join(
        conversions.select("click_id").drop_nulls().unique(), on="click_id", how="anti", maintain_order="left"
    )
    kit = _kit(conversions, pools, rng)
    made: list[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]] = []
    used: list[pl.DataFrame] = []
    for index, (own, other) in enumerate(drawn_hosts(conversions, clicks, part, rng)):
        campaign = taken(own, other)
        kind = _change(campaign, kit, kinds, fraud=bool(rng.random() < FRAUDULENT))
        _book(campaign, f"injected-{seed}-{index}", rng)
        made.append(_frames(campaign, kind, f"injected-{seed}-{index}", rng))
        used += [own.select("click_id").drop_nulls(), other.select("click_id")]
    if not made:
        return Injected(traffic, pl.DataFrame(schema=_LABELS))
    labels = pl.concat([frames[2] for frames in made])
    untouched = traffic.clicks.select(CLICK_COLUMNS).join(
        pl.concat(used).unique(), on="click_id", how="anti", maintain_order="left"
    )
    rest = traffic.conversions.select(CONVERSION_COLUMNS).join(
        labels, on="conversion_id", how="anti", maintain_order="left"
    )
    bad = labels.filter(pl.col("kind").str.ends_with("+bad") & (pl.col("label") == 1)).select(
        "conversion_id", outcome=pl.lit("bad")
    )
    changed = Traffic(
        pl.concat([untouched, *(frames[0] for frames in made)]).unique("click_id", keep="first", maintain_order=True),
        pl.concat([rest, *(frames[1] for frames in made)]),
        _some_outcomes(traffic.outcomes, traffic.conversions.height, bad, seed),
    )
    return Injected(changed, labels.with_columns(pl.col("kind").str.strip_suffix("+bad")))


def drawn_hosts(
    conversions: pl.DataFrame, clicks: pl.DataFrame, part: float, rng: np.random.Generator
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Draw parts of the traffic to change: whole affiliates, pairs with an offer, sub-sources, or a random part of one.

    Yields conversions and the unclaimed clicks that go with them; no conversion is drawn twice.
    """
    by_pair = dict(iter(clicks.group_by("affiliate_id", "offer_id", maintain_order=True)))
    empty = clicks.head(0)
    for (affiliate,), frame in conversions.sort("conversion_id").group_by("affiliate_id", maintain_order=True):
        pieces = (
            [frame] if rng.random() < 0.3 else [piece for _, piece in frame.group_by("offer_id", maintain_order=True)]
        )
        for piece in pieces:
            if rng.random() >= part:
                continue
            chosen, fraction = piece, 1.0
            subs = piece["sub_id"].unique().sort()
            if len(subs) > 1 and rng.random() < 0.5:
                some = subs.sample(max(1, int(len(subs) * rng.uniform(0.02, 0.6))), seed=int(rng.integers(2**31)))
                chosen = piece.filter(pl.col("sub_id").is_in(some.implode(), nulls_equal=True))
            elif piece.height > 40 and rng.random() < 0.6:
                fraction = float(np.exp(rng.uniform(np.log(0.03), 0)))
                chosen = piece.sample(fraction=fraction, seed=int(rng.integers(2**31)))
            if chosen.height < FEWEST_CHANGED:
                continue
            offers = chosen["offer_id"].unique().to_list()
            own = pl.concat([by_pair.get((affiliate, offer), empty) for offer in sorted(offers)])
            own = own.filter(pl.col("sub_id").is_in(chosen["sub_id"].unique().implode(), nulls_equal=True))
            yield chosen, own.sample(fraction=fraction, seed=int(rng.integers(2**31)))


def _change(campaign: Campaign, kit: Kit, kinds: Sequence[str] | None, *, fraud: bool) -> str:
    rng = kit.rng
    for oddity in rng.choice(
        np.array(ODDITIES, dtype=object), int(rng.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1])), replace=False
    ):
        oddity(campaign, kit)
    if not fraud:
        campaign.touched[:] = False
        return PLACEBO
    # a third of the campaigns are mixtures in which only a part is touched
    if campaign.size > 8 and rng.random() < 0.35:
        campaign.touched = rng.random(campaign.size) < rng.uniform(0.25, 0.9)
    kind = str(rng.choice(np.array(list(kinds or KINDS))))
    always, sometimes = KINDS[kind]
    extra = [mechanism for mechanism in sometimes if rng.random() < 0.35]
    if rng.random() < 0.15:
        other = str(rng.choice(np.array(list(kinds or KINDS))))
        extra += list(KINDS[other][0])
    for mechanism in (*always, *extra):
        mechanism(campaign, kit)
    return kind


def _book(campaign: Campaign, name: str, rng: np.random.Generator) -> None:
    """Leave the campaign where it is, or book it under a new sub_id, a new affiliate, several of either."""
    place = rng.choice(["here", "here", "sub", "new", "ring", "many_subs"])
    if place == "here":
        return
    size, clicks = campaign.size, len(campaign.clicks["click_id"])
    rows = rng.integers(0, size, clicks)
    if place in ("sub", "many_subs"):
        # only the part that the mechanism touches moves, with its share of the clicks
        count = 1 if place == "sub" else int(np.exp(rng.uniform(0, np.log(40))))
        names = np.array([f"{name}-s{i}" for i in rng.integers(0, count, size)], dtype=object)
        campaign.conversions["sub_id"] = np.where(campaign.touched, names, campaign.conversions["sub_id"])
        campaign.clicks["sub_id"] = np.where(campaign.touched[rows], names[rows], campaign.clicks["sub_id"])
        return
    owners = np.array(
        [f"{name}-a{i}" for i in rng.integers(0, int(rng.integers(2, 5)) if place == "ring" else 1, size)], dtype=object
    )
    campaign.conversions["affiliate_id"], campaign.clicks["affiliate_id"] = owners, owners[rows]


def _with_click_time(traffic: Traffic) -> pl.DataFrame:
    logged = traffic.clicks.select(
        "click_id", logged_us="ts_us", **{f"c_{column}": column for column in FROM_CLICK}
    ).unique("click_id", keep="first")
    joined = traffic.conversions.join(logged, on="click_id", how="left", maintain_order="left")
    return joined.with_columns(
        click_us=pl.coalesce("click_ts_us", "logged_us"), was_logged=pl.col("logged_us").is_not_null()
    )


def _kit(conversions: pl.DataFrame, pools: AddressPools, rng: np.random.Generator) -> Kit:
    agents = pl.concat([conversions["user_agent"], conversions["c_user_agent"]]).drop_nulls()
    sample = agents.sample(min(len(agents), 5000), seed=int(rng.integers(2**31))) if len(agents) else agents
    return Kit(
        pools, sample.to_numpy(), ODD_AGENTS, conversions["country"].drop_nulls().unique().sort().to_numpy(), rng
    )


def _frames(
    campaign: Campaign, kind: str, name: str, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rows = campaign.conversions
    moments = rows["ts_us"].astype(np.int64)
    known = np.isfinite(campaign.ctct)
    clicked = moments - np.where(known, campaign.ctct * SECOND, 0).astype(np.int64)
    reported = np.array([value is not None for value in rows["click_ts_us"]]) & known
    rows["click_ts_us"] = clicked.astype(object)
    rows["click_ts_us"][~reported] = None
    logged = rows["was_logged"].astype(bool) & known & (rows.get("unlogged", np.zeros(campaign.size)) != 1)
    own_clicks = {column: rows[column][logged] for column in ("affiliate_id", "offer_id", "sub_id", "click_id")}
    own_clicks["ts_us"] = clicked[logged]
    moved = rows.get("moved", np.zeros(campaign.size, dtype=object)) == 1
    for column in FROM_CLICK:
        # the click changes with the conversion, unless the mechanism moves one of them
        changed = (rows[column] != campaign.original[column]) & ~moved
        own_clicks[column] = np.where(changed, rows[column], rows[f"c_{column}"])[logged]
    extra = campaign.clicks
    count = len(extra["click_id"])
    extra["click_id"] = distinct(extra["click_id"], name)
    if campaign.moved and count:
        days = extra["ts_us"].astype(np.int64) % MICROSECONDS_PER_DAY
        extra["ts_us"] = rng.choice(moments, count) // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY + days
    clicks = pl.concat([_click_frame(own_clicks), _click_frame(extra)])
    conversions = pl.DataFrame(
        {column: pl.Series(rows[column].tolist(), strict=False) for column in CONVERSION_COLUMNS},
        schema_overrides=_types(CONVERSION_COLUMNS),
    )
    suffix = "+bad" if campaign.outcome == "bad" and kind != "placebo" else ""
    labels = pl.DataFrame(
        {"conversion_id": rows["conversion_id"].tolist(), "label": campaign.touched.astype(np.int64)}
    ).with_columns(kind=pl.lit(kind + suffix))
    return clicks.unique("click_id", keep="first", maintain_order=True), conversions, labels


def _click_frame(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    return pl.DataFrame({column: columns[column].tolist() for column in CLICK_COLUMNS}, schema=_types(CLICK_COLUMNS))


def _types(columns: Sequence[str]) -> dict[str, type[pl.DataType]]:
    numbers: dict[str, type[pl.DataType]] = {
        "ts_us": pl.Int64,
        "click_ts_us": pl.Int64,
        "payout": pl.Float64,
        "revenue": pl.Float64,
    }
    return {column: numbers.get(column, pl.String) for column in columns}


def _some_outcomes(known: pl.DataFrame, conversions: int, bad: pl.DataFrame, seed: int) -> pl.DataFrame:
    # outcomes come late and for some: injected ones are known as rarely as the programme's own
    if known.is_empty() or bad.is_empty():
        return known
    share = min(1.0, known.height / max(1, conversions))
    heard = bad.sample(fraction=share, seed=seed).cast(known.schema)
    # a conversion has one outcome: two would make two rows of it
    return pl.concat([known.join(heard, on="conversion_id", how="anti", maintain_order="left"), heard])
