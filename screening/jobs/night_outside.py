"""The stages of a night that look outside the lake: events of the networks, and holds that people have to decide."""

from __future__ import annotations

from screening.jobs.night_stages import Night, Outcome
from screening.jobs.progress import Progress
from screening.jobs.pull import pull
from screening.jobs.review import whats_waiting
from screening.networks.everflow import NAME
from screening.review.expiry import expired_holds
from screening.store import open_store

_NO_NETWORK = "no network is set to be pulled from"


def pull_events(night: Night, progress: Progress) -> Outcome:
    """Take in what happened on the networks since the last pull."""
    pulled = pull(night.workspace, night.now, progress)
    if not pulled.kinds:
        return Outcome(_NO_NETWORK)
    counts: dict[str, int] = {}
    for kind in pulled.kinds:
        counts |= {f"{kind.kind}_{name}": getattr(kind, name) for name in ("rows", "taken", "revised", "quarantined")}
    said = ", ".join(f"{kind.taken} new and {kind.revised} revised {kind.kind}" for kind in pulled.kinds)
    return Outcome(f"{NAME}: {said}", counts, incomplete=pulled.incomplete)


def plan_pull_events(night: Night) -> str:
    """Say from where events would be pulled."""
    return f"pull from {NAME}" if night.workspace.settings.networks.everflow.pull else _NO_NETWORK


def bring_old_holds(night: Night, progress: Progress) -> Outcome:
    """See that holds which nobody decided in time wait for a person, and say which appeals are overdue."""
    del progress
    waiting = whats_waiting(night.workspace, night.now)
    counts = {"expired_holds": len(waiting.expired), "overdue_appeals": len(waiting.overdue)}
    said = f"{len(waiting.expired)} sources with expired holds, {len(waiting.overdue)} appeals overdue"
    return Outcome(said, counts, incomplete=waiting.late)


def plan_bring_old_holds(night: Night) -> str:
    """Say how many sources have expired holds now."""
    with open_store(night.workspace.store_url) as store:
        expired = expired_holds(store, night.now, night.workspace.settings.review)
    return f"bring {len(expired)} sources with expired holds to people"
