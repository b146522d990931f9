"""A programme to practise on: affiliates, traffic and labelled, simulated fraud."""

from screening.simulate.programme import TRUTH, Programme, simulate
from screening.simulate.spec import (
    Feed,
    FraudKind,
    ProgrammeSpec,
    clean_spec,
    conversion_only_spec,
    demo_spec,
    small_spec,
)

__all__ = [
    "TRUTH",
    "Feed",
    "FraudKind",
    "Programme",
    "ProgrammeSpec",
    "clean_spec",
    "conversion_only_spec",
    "demo_spec",
    "simulate",
    "small_spec",
]
