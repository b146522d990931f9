"""What this process counts about itself for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

REGISTRY = CollectorRegistry()
PAYOUT_SECONDS = Histogram(
    "winnow_payout_call_seconds",
    "Time from the arrival of a payout request to its answer, waiting included",
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
