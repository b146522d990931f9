"""`winnow train`: teach a judge on the programme's own history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.cli.models import model_data
from screening.jobs.challenger import Trained
from screening.jobs.progress import Progress
from screening.jobs.train import train
from screening.jobs.train_applicants import TrainedOnPeople, train_applicants
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("train")(train_command)


class What(StrEnum):
    """What a judge is taught about."""

    TRAFFIC = "traffic"
    APPLICANTS = "applicants"


def train_command(
    what: Annotated[
        What, typer.Option("--what", help="traffic: on clicks and outcomes; applicants: on people's decisions.")
    ] = What.TRAFFIC,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Teach a judge on the programme's own history. It judges in the shadow until a person promotes it.

    Example: winnow train --what applicants
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        if what is What.APPLICANTS:
            return _on_people(train_applicants(opened, datetime.now(UTC), progress))
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


def _on_people(trained: TrainedOnPeople) -> Answer:
    data = {
        "applicants": _model(trained.judge),
        "sites": None if trained.sites is None else _model(trained.sites),
        "without_sites": trained.without_sites or None,
    }
    return Answer(data, _people_lines(trained))


def _model(trained: Trained) -> dict[str, Any]:
    return {**model_data(trained.record), "known_before": trained.known_before, "replaced": trained.replaced}


def _people_lines(trained: TrainedOnPeople) -> list[str]:
    record = trained.judge.record
    if trained.judge.known_before:
        lines = [f"The same decisions gave the same judge: {record.version}, which is {record.role}."]
    else:
        metrics = record.metrics
        lines = [
            f"Taught {record.version} on {metrics['decisions']:,} decisions of people about applicants, "
            f"{metrics['rejected']:,} of them rejections, {record.data_from} to {record.data_to}.",
            *held_out_lines(metrics["held_out"]),
            f"From the next screening on it looks on{_instead(trained.judge.replaced)} and changes no decision.",
            f"Promote it when you have seen enough: winnow models promote {record.version} --by NAME",
        ]
    if trained.sites is None:
        return [*lines, f"No site model was taught: {trained.without_sites}"]
    site, count = trained.sites.record, trained.sites.record.metrics["sites"]
    return [*lines, f"Site model {site.version}, taught on {count:,} sites of those applicants, is {site.role}."]


def held_out_lines(told: Mapping[str, Any] | None) -> list[str]:
    """Say how good a judge of applicants was on decisions that it was not taught on."""
    if told is None:
        return ["How good it is could not be measured: the newest decisions are all alike, or about known applicants."]
    judge, card = told["judge"], told["scorecard"]
    verdict = "surely better" if told["better"] else "not surely better"
    return [
        f"On the {told['decisions']:,} newest decisions, with a judge taught on those before: average precision "
        f"{judge['average_precision']:.3f} (scorecard {card['average_precision']:.3f}), Brier score "
        f"{judge['brier']:.3f} ({card['brier']:.3f}): {verdict} than the scorecard.",
    ]
