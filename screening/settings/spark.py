"""Settings of the Spark that runs scans when `engine` is spark."""

from __future__ import annotations

from pydantic import ConfigDict

from screening.settings.section import Section, setting


class SparkSettings(Section):
    """The Spark that scans run on where `engine` is spark."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    master: str = setting("where executors run: local[2], spark://host:7077, yarn, k8s://https://host", unit="text")
    connect: str = setting(
        "Spark Connect server, as sc://host:15002, used instead of `master`; empty: none",
        unit="text",
        pattern=r"^(sc://\S+)?$",
    )
    options: dict[str, str] = setting("Spark's own settings by name, as spark.executor.memory: 4g", unit="text")
