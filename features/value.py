"""What conversions are worth, and what became of them by the time of the decision."""

from __future__ import annotations

import narwhals as nw

from features.flags import flag_where, is_missing
from features.registry import Share, Spread

_OUTCOME = ~nw.col("outcome").is_null()

SHARES = (
    Share("no_revenue", "reports no revenue", ("revenue",), is_missing("revenue")),
    Share(
        "bad_outcome",
        "was charged back or confirmed as fraud",
        ("outcomes",),
        flag_where(_OUTCOME, nw.col("outcome") == "bad"),
    ),
    Share("refunded", "was refunded or voided", ("outcomes",), flag_where(_OUTCOME, nw.col("outcome") == "returned")),
    Share(
        "retained",
        "was retained or confirmed as clean",
        ("outcomes",),
        flag_where(_OUTCOME, nw.col("outcome") == "good"),
    ),
)
SPREADS = (
    Spread(
        "revenue",
        "revenue of the conversion",
        "log currency units",
        ("revenue",),
        nw.when(nw.col("revenue") > 0).then(nw.col("revenue").log()),
    ),
)
