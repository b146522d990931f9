"""`winnow models`: which models there are, and a person's acts about them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.applicant_models import APPLICANTS, SITES
from screening.jobs.models import (
    Changed,
    ShadowOfApplicants,
    list_models,
    newest_shadow,
    promote_model,
    retire_model,
    shadow_of_applicants,
)
from screening.jobs.progress import Progress
from screening.store import ModelRecord, Observation
from screening.store.registry import CHALLENGER, CHAMPION, RETIRED
from screening.traffic.champion import MODEL
from screening.workspace import Workspace

_OF = {MODEL: "traffic", APPLICANTS: "applicants", SITES: "sites"}

VersionArgument = Annotated[str, typer.Argument(help="Version of the model, as `winnow models list` shows it.")]
PersonOption = Annotated[str, typer.Option("--by", help="Your name, for the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="The judges of this programme: which there are and which decides.")
    verb.command("list")(list_command)
    verb.command("promote")(promote_command)
    verb.command("retire")(retire_command)
    app.add_typer(verb, name="models")


def list_command(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the programme's models, of traffic and of applicants: what each was taught on, and which one judges.

    Example: winnow models list
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        models = list_models(opened)
        of_traffic = [model for model in models if model.name == MODEL]
        champion = next((model.version for model in of_traffic if model.role == CHAMPION), "shipped")
        shadows = {
            model.version: newest_shadow(opened, model.version) for model in of_traffic if model.role == CHALLENGER
        }
        looking = [model for model in models if model.name == APPLICANTS and model.role in {CHAMPION, CHALLENGER}]
        applicants = {model.version: shadow_of_applicants(opened, model.version) for model in looking}
        data = {
            "champion": champion,
            "models": [model_data(model) for model in models],
            "shadows": {version: asdict(seen) for version, seen in shadows.items() if seen},
            "applicants": {version: asdict(seen) for version, seen in applicants.items()},
        }
        lines = [*_lines(of_traffic, champion), *_shadow_lines(shadows), *_people_lines(models, applicants)]
        return Answer(data, lines)

    run(work, workspace=workspace, as_json=as_json)


def promote_command(
    version: VersionArgument, person: PersonOption, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Let a model judge from the next run on. `shipped` brings back the judge of traffic that came with winnow.

    Example: winnow models promote 20260131-1a2b3c4d --by "A. Analyst"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        return _changed(promote_model(opened, version, person, datetime.now(UTC)))

    run(work, workspace=workspace, as_json=as_json)


def retire_command(
    version: VersionArgument, person: PersonOption, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Let a model judge no more, not even in the shadow.

    Example: winnow models retire 20260131-1a2b3c4d --by "A. Analyst"
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        return _changed(retire_model(opened, version, person, datetime.now(UTC)))

    run(work, workspace=workspace, as_json=as_json)


def model_data(model: ModelRecord) -> dict[str, Any]:
    """Return what --json says about a model; its features are counted, not listed."""
    data = {**asdict(model), "features": len(model.feature_schema.get("features", ()))}
    del data["feature_schema"]
    return data


def _changed(changed: Changed) -> Answer:
    lines = [
        f"{changed.after} judges as before."
        if changed.before == changed.after
        else f"{changed.after} judges {_OF[changed.name]} from the next run on; before it was {changed.before}."
    ]
    return Answer(asdict(changed), lines)


def _lines(models: list[ModelRecord], champion: str) -> list[str]:
    lines = [f"{champion} judges."]
    if not models:
        return [*lines, "There is no model of this programme yet: winnow train makes one."]
    lines.append(f"  {'version':20} {'role':11} {'taught on':25} {'conversions':>12}")
    for model in models:
        taught = f"{model.data_from} to {model.data_to}"
        count = model.metrics.get("conversions", "unknown")
        lines.append(f"  {model.version:20} {model.role:11} {taught:25} {count:>12}")
    return lines


def _people_lines(models: list[ModelRecord], seen: dict[str, ShadowOfApplicants]) -> list[str]:
    lines = []
    for model in models:
        if model.name not in {APPLICANTS, SITES} or model.role == RETIRED:
            continue
        taught = f"{model.metrics.get('decisions', model.metrics.get('sites'))}"
        what = "decisions about applicants" if model.name == APPLICANTS else "sites of decided applicants"
        lines.append(
            f"{model.version} is {model.role}, taught on {taught} {what}, {model.data_from} to {model.data_to}."
        )
        if model.name == APPLICANTS:
            lines += [f"  {line}" for line in _seen_lines(seen[model.version])]
    return lines


def _seen_lines(seen: ShadowOfApplicants) -> list[str]:
    if not seen.runs:
        return ["It has seen no screening yet."]
    return [
        f"It has seen {seen.screened:,} applications in {seen.runs} screenings.",
        f"It would spare {seen.spared:,} reviews; people decided {seen.spared_decided:,} of these and rejected "
        f"{seen.spared_rejected:,}.",
        f"It would send {seen.doubted:,} approvals to a person; people decided {seen.doubted_decided:,} of these and "
        f"rejected {seen.doubted_rejected:,}.",
    ]


def _shadow_lines(shadows: dict[str, Observation | None]) -> list[str]:
    lines = []
    for version, seen in shadows.items():
        if seen is None:
            lines.append(f"{version} has shadowed no scan yet.")
            continue
        told = seen.details
        if told["error"]:
            lines.append(f"{version} could not shadow {seen.run_id}: {told['error']}")
            continue
        lines.append(f"{version} in the shadow of {seen.run_id}:")
        lines.append(f"  agrees on {told['agreed']:,} of {told['conversions']:,} conversions")
        for case, words in (("only_champion_stops", "would pay"), ("only_challenger_stops", "would stop")):
            money = ", ".join(f"{amount} {currency}".rstrip() for currency, amount in told["payout"][case].items())
            lines.append(f"  {words} {told[case]:,} more, payout {money or 'none'}")
    return lines
