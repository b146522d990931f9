"""What people found out, put on single conversions: the newest finding about each counts."""

from __future__ import annotations

import polars as pl

from features.schema import Kind
from screening.store import Store
from screening.traffic.lake import Snapshot

_SOURCE = ("affiliate_id", "offer_id")


def findings(store: Store, snapshot: Snapshot) -> pl.DataFrame:
    """Return conversion_id and label (`fraud` or `clean`) of every conversion that people's labels speak of.

    A label of a source speaks of its conversions in the label's period; one of a conversion counts before it.
    """
    labels = store.labels.all()
    if labels.is_empty():
        return pl.DataFrame(schema={"conversion_id": pl.String, "label": pl.String})
    of_sources = labels.filter(pl.col("conversion_id").is_null()).drop("conversion_id")
    conversions = snapshot.frame(Kind.CONVERSIONS).select(
        "conversion_id", *_SOURCE, "sub_id", day=pl.col("ts").dt.date()
    )
    within = (
        conversions.join(of_sources.lazy(), on=_SOURCE, how="inner", suffix="_said")
        .filter(
            pl.col("sub_id").eq_missing(pl.col("sub_id_said"))
            & (pl.col("period_from").is_null() | (pl.col("day") >= pl.col("period_from")))
            & (pl.col("period_to").is_null() | (pl.col("day") <= pl.col("period_to")))
        )
        .select("conversion_id", "label", "label_id", direct=pl.lit(0))
        .collect()
    )
    direct = labels.filter(pl.col("conversion_id").is_not_null()).select(
        "conversion_id", "label", "label_id", direct=pl.lit(1)
    )
    ordered = pl.concat([within, direct]).sort("direct", "label_id")
    return ordered.unique("conversion_id", keep="last", maintain_order=True).select("conversion_id", "label")
