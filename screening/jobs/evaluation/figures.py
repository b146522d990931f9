"""The figures of an evaluation: every method on the same conversions, with intervals by affiliate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.metrics import (
    CalibrationBin,
    Estimate,
    Judged,
    Ranking,
    Resampling,
    Stopping,
    calibration,
    ranking,
    shares,
    stopping,
    thresholds,
)
from models.stats import Floats
from screening.jobs.evaluation.peers import Peer

BINS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0])
"""Edges of the bins in which scores are compared with what became of the money: finer where decisions are made."""


@dataclass(frozen=True, slots=True)
class Method:
    """What a method did. `ranking` is None for methods without scores."""

    name: str
    title: str
    group: str
    stopping: Stopping
    ranking: Ranking | None
    remark: str


@dataclass(frozen=True, slots=True)
class KindRecall:
    """Share of one kind's bad payout that each method (by title) stopped."""

    kind: str
    conversions: int
    payout: float
    recall: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Curve:
    """What stopping every score from a threshold on would do."""

    title: str
    at: tuple[float, ...]
    recall: tuple[Estimate, ...]
    clean_stopped: tuple[Estimate, ...]
    precision: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class Denominators:
    """What the shares are shares of: conversions and payout by what is known of them."""

    bad: int
    bad_payout: float
    clean: int
    clean_payout: float
    unknown: int
    unknown_payout: float
    known_before: int
    """Bad conversions that were known when they were decided: no merit to stop, so they count as unknown."""
    affiliates: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything measured on the conversions of one stretch of the past."""

    denominators: Denominators
    methods: tuple[Method, ...]
    kinds: tuple[KindRecall, ...]
    calibrations: Mapping[str, tuple[CalibrationBin, ...]]
    curves: tuple[Curve, ...]


def measured(rows: pl.DataFrame, peers: Sequence[Peer], resampling: Resampling, count: int) -> Figures:
    """Measure every method. `rows` has affiliate_id, payout, bad (null: unknown), kind; a curve has `count` points."""
    judged = Judged(
        rows["payout"].to_numpy().astype(np.float64),
        rows["bad"].cast(pl.Float64).to_numpy(),
        rows["affiliate_id"].to_numpy(),
    )
    own = [peer for peer in peers if peer.group == "winnow" and peer.scores is not None]
    return Figures(
        _denominators(rows, judged),
        tuple(_method(peer, judged, resampling) for peer in peers),
        _kinds(rows, peers, judged, resampling),
        {peer.title: tuple(calibration(_scores(peer), judged, BINS, resampling)) for peer in own},
        tuple(_curve(peer, judged, resampling, count) for peer in own),
    )


def _method(peer: Peer, judged: Judged, resampling: Resampling) -> Method:
    ranked = None if peer.scores is None else ranking(_scores(peer), judged, resampling)
    return Method(peer.name, peer.title, peer.group, stopping(peer.stopped, judged, resampling), ranked, peer.remark)


def _scores(peer: Peer) -> Floats:
    return np.full(len(peer.stopped), np.nan) if peer.scores is None else peer.scores


def _kinds(rows: pl.DataFrame, peers: Sequence[Peer], judged: Judged, resampling: Resampling) -> tuple[KindRecall, ...]:
    kinds = rows.filter((pl.col("bad") == 1) & pl.col("kind").is_not_null())["kind"].unique().sort()
    stopped = np.column_stack([peer.stopped for peer in peers]).astype(np.float64)
    found = []
    for kind in kinds:
        chosen = ((rows["kind"] == kind) & (rows["bad"] == 1)).fill_null(value=False).to_numpy()
        some = judged.chosen(chosen)
        money = some.payout[:, None]
        recall = shares(money * stopped[chosen], money * np.ones((1, len(peers))), some.affiliate, resampling)
        by_title = dict(zip((peer.title for peer in peers), recall, strict=True))
        found.append(KindRecall(str(kind), int(chosen.sum()), float(money.sum()), by_title))
    return tuple(found)


def _curve(peer: Peer, judged: Judged, resampling: Resampling, count: int) -> Curve:
    at = np.linspace(0, 1, count + 1)[1:]
    recall, clean, precision = thresholds(_scores(peer), at, judged, resampling)
    return Curve(peer.title, tuple(map(float, at)), tuple(recall), tuple(clean), tuple(precision))


def _denominators(rows: pl.DataFrame, judged: Judged) -> Denominators:
    masks = (judged.bad == 1, judged.bad == 0, np.isnan(judged.bad))
    counts = [int(mask.sum()) for mask in masks]
    money = [float(judged.payout[mask].sum()) for mask in masks]
    known_before = int(rows["known_before"].sum())
    return Denominators(
        counts[0], money[0], counts[1], money[1], counts[2], money[2], known_before, rows["affiliate_id"].n_unique()
    )
