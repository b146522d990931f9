"""What every fraud starts from: the partner, a disguise, how blatant it is, and sales that would have come anyway."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from eighth_world.dice import Numbers
from eighth_world.market import World
from eighth_world.partners import base_source
from eighth_world.shapes import DAY, Rhythm
from eighth_world.traffic import CLICK_FACTS, Flow, Labels, Quality, Source, render

_MOST_IDLE = 14_000
"""Clicks without a goal that one case adds at most: a flood larger than this tells nothing more."""


@dataclass(frozen=True)
class Scene:
    """One case of fraud. `template` is the honest source it hides behind or pretends to be; `blatant` 0 to 1."""

    world: World
    affiliate: str
    fresh: bool
    """Whether the partner has no honest business."""
    template: Source
    kind: str
    goals: int
    blatant: float
    honest: pl.DataFrame
    """Goals of honest partners so far, to copy from."""
    days: Numbers
    """How much of it happens on each day."""
    sub: str | None = None
    """The one bought sub id that all of it comes under."""

    @property
    def labels(self) -> Labels:
        """Sub ids that the fraud uses."""
        return Labels((self.sub,)) if self.sub else self.template.subs

    def between(self, hidden: float, blatant: float) -> float:
        """Return a strength between its nearly hidden and its blatant end, by orders of magnitude."""
        at = float(np.clip(self.blatant + self.world.dice.between(-0.15, 0.15), 0, 1))
        return float(np.exp((1 - at) * np.log(hidden) + at * np.log(blatant)))

    def rhythm(self, hours: Numbers, zone: float | None = None) -> Rhythm:
        """Return these hours over the days of the case."""
        return Rhythm(hours, self.days, zone=zone)

    def source(self, quality: Quality, **changes: object) -> Source:
        """Return the disguise with what the fraud changes of it."""
        made = replace(
            self.template,
            affiliate=self.affiliate,
            kind=self.kind,
            goals=self.goals,
            subs=self.labels,
            quality=quality,
            rhythm=replace(self.template.rhythm, days=self.days),
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def sales(self, **changes: object) -> pl.DataFrame:
        """Return goals of people whom the partner has nothing to do with: only their click is missing."""
        usual = base_source(self.world, self.affiliate, self.goals)
        bought = replace(
            usual, kind=self.kind, clicks_per_goal=1.0, visits=1.0, offers=self.template.offers,
            rhythm=replace(usual.rhythm, days=self.days),
        )  # fmt: skip
        return render(self.world, replace(bought, **changes)).goals  # type: ignore[arg-type]

    def claimed(self, sales: pl.DataFrame, delay: Numbers, source: Source, forged: pl.DataFrame | None = None) -> Flow:
        """Return the sales with a click of this partner put `delay` before each.

        The click carries what the buyer's own device sends, or the `forged` facts (a frame of the same height). Clicks
        from before the programme began were never recorded, so neither is their claim.
        """
        dice, count = self.world.dice, sales.height
        goals = sales.with_columns(
            dice.codes(count, 20).alias("click_id"),
            (pl.col("ts") - pl.Series(delay)).alias("click_ts"),
            source.subs.draw(dice, count)[0].alias("sub_id"),
            source.referrers.draw(dice, count)[0].alias("referrer"),
        )
        clicks = goals.with_columns(pl.col("click_ts").alias("ts"))
        if forged is not None:
            clicks = clicks.with_columns(forged.get_columns())
        kept = goals["click_ts"] > 0
        columns = ("affiliate_id", "offer", "click_id", "ts", *CLICK_FACTS)
        return Flow(clicks.filter(kept).select(columns), goals.filter(kept))

    def idle(self, source: Source, clicks: float) -> Flow:
        """Return clicks of the source after which nothing happens."""
        number = int(min(max(clicks, 1), _MOST_IDLE))
        made = render(self.world, replace(source, goals=1, clicks_per_goal=float(number)))
        return Flow(made.clicks, made.goals.clear())


def joined(*flows: Flow) -> Flow:
    """Return all flows as one."""
    columns = ("affiliate_id", "offer", "click_id", "ts", *CLICK_FACTS)
    return Flow(
        pl.concat([flow.clicks.select(columns) for flow in flows]),
        pl.concat([flow.goals for flow in flows], how="diagonal"),
    )


def within(world: World, days: float) -> float:
    """Return so many days in seconds, or the attribution window where that is shorter."""
    return min(days * DAY, world.window)
