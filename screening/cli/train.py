"""`winnow train`: teach a judge on the programme's own history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.cli.models import model_data
from screening.jobs.progress import Progress
from screening.jobs.train import Trained, train
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("train")(train_command)


def train_command(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Teach a judge on the programme's own traffic and outcomes. It judges in the shadow until a person promotes it.

    Example: winnow train
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        trained = train(opened, datetime.now(UTC), progress)
        data = {**model_data(trained.record), "known_before": trained.known_before, "replaced": trained.replaced}
        return Answer(data, _lines(trained))

    run(work, workspace=workspace, as_json=as_json)


def _lines(trained: Trained) -> list[str]:
    record = trained.record
    if trained.known_before:
        return [f"The same history gave the same judge: {record.version}, which is {record.role}. Nothing was added."]
    metrics = record.metrics
    return [
        f"Taught {record.version} on {metrics['conversions']:,} conversions and {metrics['clicks']:,} clicks of "
        f"{metrics['affiliates']} affiliates, {record.data_from} to {record.data_to}.",
        f"It suspects {metrics['suspected_share']:.1%} of those conversions of being fraud already, and was not taught "
        "that they are clean.",
        _outcomes(metrics["outcomes"]),
        f"From the next scan on it judges in the shadow{_instead(trained.replaced)}; no money is held on its word.",
        f"Promote it when you have seen enough: winnow models promote {record.version} --by NAME",
    ]


def _outcomes(told: Mapping[str, Any]) -> str:
    share = f"Beside the shipped judge it has {told['own_share']:.0%} of the say"
    if not told["own_share_by_outcomes"]:
        return f"{share}: {told['bad']} bad outcomes are known, and from {told['bad_min']} on they set it."
    lift = f"they raise scores with weight {told['weight']:.2f}" if told["weight"] else "they add nothing beyond that"
    return f"{share}, as {told['bad']} bad outcomes set it; {lift}."


def _instead(replaced: tuple[str, ...]) -> str:
    return f" in place of {', '.join(replaced)}" if replaced else ""
