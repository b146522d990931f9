"""Learned judges in a screening: the promoted one takes part, the one in the shadow is written down beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from screening.applicants.batch import Judged
from screening.applicants.decide import DOUBTED
from screening.applicants.learned import Learned, Opinion, opinions, reconsidered, would
from screening.jobs.applicant_models import APPLICANTS, Panel
from screening.settings.screening import ScreeningSettings
from screening.store.observations import SHADOW, Observation

_DECIMALS = 4
"""Of a chance that is kept."""


@dataclass(frozen=True, slots=True)
class SecondThoughts:
    """The applications as decided with the learned judges, and what is kept of those: version and details."""

    judged: tuple[Judged, ...]
    noted: tuple[tuple[str, dict[str, Any]], ...]
    versions: Mapping[str, str]
    """The judge that took part, by its name in the registry; empty: none did."""

    def observations(self, run_id: str) -> list[Observation]:
        """Return what to store with the run."""
        return [Observation(run_id, SHADOW, version, details) for version, details in self.noted]


def second_thoughts(judged: tuple[Judged, ...], panel: Panel, settings: ScreeningSettings) -> SecondThoughts:
    """Let each judge look at what the scorecard decided. All see the same: none sees what another said."""
    noted: list[tuple[str, dict[str, Any]]] = [(version, {"error": why}) for version, why in panel.damaged.items()]
    decided = judged
    for learned in panel.judges:
        held = opinions(judged, learned.judge)
        noted.append((learned.version, _details(judged, held, learned, settings)))
        if learned is panel.judges[0]:
            decided = reconsidered(judged, held, learned, settings)
    first = next((learned for learned in panel.judges if learned.takes_part), None)
    return SecondThoughts(decided, tuple(noted), {} if first is None else {APPLICANTS: first.version})


def _details(
    judged: Sequence[Judged], held: Sequence[Opinion | None], learned: Learned, settings: ScreeningSettings
) -> dict[str, Any]:
    """Return what is kept: the chances by application, and which decisions of the scorecard it would change."""
    pairs = [(item, opinion) for item, opinion in zip(judged, held, strict=True) if opinion is not None]
    changes = {_named(item): would(opinion, item.verdict, settings) for item, opinion in pairs}
    chances = {_named(item): [round(one.low, _DECIMALS), round(one.high, _DECIMALS)] for item, one in pairs}
    return {
        "error": None,
        "takes_part": learned.takes_part,
        "screened": len(judged),
        "without_opinion": len(judged) - len(pairs),
        "doubted": sorted(name for name, code in changes.items() if code == DOUBTED),
        "spared": sorted(name for name, code in changes.items() if code not in {DOUBTED, None}),
        "chances": chances,
    }


def _named(item: Judged) -> str:
    return item.studied.application.application_id
