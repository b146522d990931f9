"""From evidence about one conversion to Pay, Hold or Reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.evidence import Reason, Severity
from models.reasons import CODES
from screening.gate.decision import Decision, Hold, Pay, Reject, worst


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a conversion at the decision.

    `rules` are hits of deterministic rules. `score` is the posterior probability of fraud, 0..1. `held` says that the
    score, its p-value and the bound on mistakes agree on holding. `source` are the reasons of its source; `source_held`
    says that the whole source is held. None is unknown in each of these, and holds.
    """

    rules: Sequence[Reason]
    score: float | None
    held: bool | None
    source: Sequence[Reason]
    source_held: bool | None


def decide(evidence: Evidence, most_reasons: int) -> Decision:
    """Decide one conversion. Every doubt holds; only a known score without any objection pays."""
    decisions: list[Decision] = [by_rule(reason) for reason in evidence.rules]
    # whatever is not a probability (None, NaN, out of range) is unknown
    score = evidence.score if evidence.score is not None and 0.0 <= evidence.score <= 1.0 else None
    if score is None or evidence.held is None or evidence.source_held is None:
        decisions.append(Hold((Reason("facts_missing"),)))
    if evidence.held or evidence.source_held:
        decisions.append(Hold(tuple(evidence.source) or (_without_source(score),)))
    if not decisions:
        return Pay(())
    joined = worst(decisions)
    return type(joined)(joined.reasons[:most_reasons])


def clear(ruled: pl.Expr) -> pl.Expr:
    """Say which rows `decide` pays, so that the few others can be decided one by one: True or False, never null.

    Rows have `score`, `held` and `source_held` as in `Evidence`; `ruled` says that a rule hit.
    """
    known = pl.col("score").is_between(0.0, 1.0)
    return (known & ~pl.col("held") & ~pl.col("source_held") & ~ruled).fill_null(value=False)


def _without_source(score: float | None) -> Reason:
    return Reason("facts_missing") if score is None else Reason("unlike_programme", {"score": score}, 0.5)


def by_rule(reason: Reason) -> Decision:
    """Decide by one hit of a deterministic rule: a certain fact rejects, any other holds."""
    return Reject((reason,)) if CODES[reason.code].severity >= Severity.CERTAIN else Hold((reason,))
