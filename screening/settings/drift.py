"""Settings of the watch over drift."""

from __future__ import annotations

from screening.settings.section import Section, setting


class DriftSettings(Section):
    """When features or scores count as moved since the model's reference."""

    index_min: float = setting("population stability index from which a change matters", unit="index", ge=0.01, le=5)
    chance_max: float = setting("expected share of false alarms among columns called moved", unit="share", ge=0, le=0.5)
    affiliates_min: int = setting(
        "effective affiliates, then and now, without which nothing is said", unit="affiliates", ge=2, le=1000
    )
    columns_kept: int = setting("moved columns that a scan keeps the numbers of", unit="columns", ge=1, le=1000)
