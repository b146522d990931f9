"""Does a judge taught on people's decisions lessen needless reviews? Simulated sites, decided by a simulated person.

    OMP_NUM_THREADS=1 python benchmarks/applicant_decisions.py FOLDER --farms 4 --honest 60 --bad 70

grows farms of simulated sites on loopback addresses, one after the other in one workspace in FOLDER (which is emptied),
and screens each with the same job as `winnow screen`. After each farm a simulated person decides all cases that wait,
by the farm's truth, with `--mistakes` of the decisions turned round. All farms but the last teach
(`winnow train --what applicants`); then the judge is promoted and the last farm is decided three times from the same
crawl: by the scorecard alone, and with the judge taking part, as it would be from settings as shipped and from those of
a cautious programme, which sends to a person from fewer points on. What counts as a needless review: an honest
applicant whom nothing but points sent to a person. Prints the table and writes it to benchmarks/results.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from features.schema import Kind
from screening.applicants.batch import Judged
from screening.applicants.decide import CHOSEN, decide
from screening.applicants.learned import opinions, reconsidered
from screening.applicants.reasons import Tier
from screening.jobs import screen as screen_job
from screening.jobs.applicant_models import panel_of_judges
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.models import promote_model
from screening.jobs.progress import silent_progress
from screening.jobs.screen import screen_file
from screening.jobs.train_applicants import TrainedOnPeople, train_applicants
from screening.review import cases as review
from screening.review.act import Act, Person
from screening.settings import load_settings
from screening.simulate.farm import Farm, FarmSpec, running_farm
from screening.simulate.farm_ground import Truth
from screening.store import open_store
from screening.workspace import Workspace, open_workspace

RESULTS = Path(__file__).parent / "results" / "applicant_decisions.md"
REVIEWER = Person("simulated reviewer", "admin")
CAUTIOUS_FROM = 3
"""Points from which the cautious programme asks a person: a free subdomain, or two weak signs."""
TRAINING = {"applicants": {"decided_min": 100, "each_min": 30}}


@dataclass(frozen=True)
class Arguments:
    folder: Path
    farms: int
    honest: int
    bad: int
    mistakes: float


def spec(arguments: Arguments, number: int) -> FarmSpec:
    faults, stuffed = round(arguments.bad * 0.6), round(arguments.bad * 0.3)
    lookalikes = max(1, arguments.bad - faults - stuffed)
    return FarmSpec(arguments.honest, faults, stuffed, lookalikes, rings=1, copies=1, banned=1, seed=1_000 + number)


def renamed(farm: Farm, number: int) -> tuple[list[dict[str, Any]], dict[str, Truth]]:
    """Give the farm's applications ids of their own, so that farms of one workspace do not meet."""
    applications = [{**item, "application_id": f"F{number}-{item['application_id']}"} for item in farm.applications]
    return applications, {f"F{number}-{name}": truth for name, truth in farm.truth.items()}


def workspace_of(folder: Path, farm: Farm, review_from: float) -> Workspace:
    (folder / "hosts").write_text(farm.hosts)
    (folder / "policy.json").write_text(json.dumps(farm.policy))
    crawl = {
        "hosts": str(folder / "hosts"),
        "allow_networks": [farm.network],
        "allow_ports": [farm.port],
        "per_address": 16,
        "fetch": {"silence_seconds": 4, "total_seconds": 8},
        "site": {"delay_seconds": 0},
    }
    settings = {
        "crawl": crawl,
        "policy": {"file": "policy.json"},
        "training": TRAINING,
        "screening": {"review_from_points": review_from, "audit_share": 0.1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return open_workspace(folder)


def screened(arguments: Arguments, number: int) -> tuple[Workspace, dict[str, Truth], tuple[Judged, ...]]:
    """Screen a farm with the job, and return what the scorecard alone had judged before any learned judge spoke."""
    kept: list[tuple[Judged, ...]] = []
    plain = screen_job.judge

    def keeping(*given: Any) -> tuple[Judged, ...]:  # noqa: ANN401 - whatever the job passes
        kept.append(plain(*given))
        return kept[-1]

    # farms draw names and hosts from the same lists: without this, strangers would seem to be one person
    (arguments.folder / "evidence" / "known-members.jsonl").unlink(missing_ok=True)
    with running_farm(spec(arguments, number)) as farm:
        workspace = workspace_of(arguments.folder, farm, CAUTIOUS_FROM)
        applications, truth = renamed(farm, number)
        path = arguments.folder / f"applications-{number}.jsonl"
        path.write_text("".join(f"{json.dumps(item)}\n" for item in applications))
        banned = arguments.folder / f"affiliates-{number}.jsonl"
        banned.write_text("".join(f"{json.dumps(dict(item))}\n" for item in farm.affiliates))
        ingest_files(workspace, Kind.AFFILIATES, [banned], Reading(), datetime.now(UTC), silent_progress())
        screen_job.judge = keeping
        try:
            screen_file(workspace, path, datetime.now(UTC), silent_progress())
        finally:
            screen_job.judge = plain
    return workspace, truth, kept[-1]


def decided(workspace: Workspace, truth: Mapping[str, Truth], rng: random.Random, mistakes: float) -> int:
    """Let the simulated person decide what waits. Of what nobody can see half is approved."""
    with open_store(workspace.store_url) as store:
        waiting = [case for case in store.cases.waiting("application") if case.subject in truth]
        for case in waiting:
            one = truth[case.subject]
            honest = one.honest or (one.unseen and rng.random() < 0.5)
            approve = honest != (rng.random() < mistakes)
            seen = review.Seen(case.case_id or 0, case.version)
            act = Act(REVIEWER, datetime.now(UTC))
            review.decide(store, seen, "approve" if approve else "reject", act, workspace.settings.review)
    return len(waiting)


def outcome(judged: tuple[Judged, ...], truth: Mapping[str, Truth]) -> dict[str, int]:
    """Count what a set of decisions means by the farm's truth."""
    rows = [(truth[item.studied.application.application_id], item) for item in judged]
    honest = [item for one, item in rows if one.honest]
    bad = [item for one, item in rows if not one.honest and not one.unseen]
    unseen = [item for one, item in rows if one.unseen]
    return {
        "honest": len(honest),
        "honest in review": sum(item.verdict.decision == "review" for item in honest),
        "of these for points alone": sum(_for_points(item) for item in honest),
        "honest rejected": sum(item.verdict.decision == "reject" for item in honest),
        "bad": len(bad),
        "bad approved": sum(item.verdict.decision == "approve" for item in bad),
        "bad in review": sum(item.verdict.decision == "review" for item in bad),
        "unseen approved": sum(item.verdict.decision == "approve" for item in unseen),
        "reviews": sum(item.verdict.decision == "review" for _, item in rows),
    }


def _for_points(item: Judged) -> bool:
    tiers = {weighed.reason.tier for weighed in item.verdict.scorecard.weighed if weighed.reason.code not in CHOSEN}
    drawn = any(weighed.reason.code in CHOSEN for weighed in item.verdict.scorecard.weighed)
    return item.verdict.decision == "review" and not drawn and not tiers & {Tier.POLICY, Tier.UNSEEN}


def compared(workspace: Workspace, judged: tuple[Judged, ...], truth: Mapping[str, Truth]) -> Iterator[dict[str, Any]]:
    """Decide the same crawl with and without the judge, in a cautious programme and as shipped; no audit draws."""
    with open_store(workspace.store_url) as store:
        learned = panel_of_judges(workspace, store).judges[0]
    base = workspace.settings.screening
    quiet = base.learned.model_copy(update={"ask_share": 0.0})
    shipped_from = load_settings(None, {}).settings.screening.review_from_points
    for name, review_from in (("cautious", CAUTIOUS_FROM), ("as shipped", shipped_from)):
        settings = base.model_copy(update={"review_from_points": review_from, "audit_share": 0.0, "learned": quiet})
        alone = tuple(
            replace(item, verdict=decide(item.studied.application.application_id, item.findings, settings))
            for item in judged
        )
        held = opinions(alone, learned.judge)
        for who, result in (("scorecard", alone), ("with the judge", reconsidered(alone, held, learned, settings))):
            yield {"programme": f"{name} (from {review_from:g} points)", "decided by": who, **outcome(result, truth)}


def written(rows: list[dict[str, Any]], trained: TrainedOnPeople, arguments: Arguments, cases: int) -> str:
    metrics = trained.judge.record.metrics
    told = metrics["held_out"]
    lines = [
        "# A judge taught on people's decisions, on simulated applicants",
        "",
        f"{arguments.farms - 1} farms taught ({cases} cases decided, {arguments.mistakes:.0%} of them wrongly; "
        f"{metrics['rejected']} of {metrics['decisions']} rejected); the last one, which nobody had decided, is below.",
        "",
        f"Held out in training, the newest {told['decisions']}: average precision "
        f"{told['judge']['average_precision']:.3f} (scorecard {told['scorecard']['average_precision']:.3f}; gain "
        f"{told['average_precision_gain'][0]:.3f} to {told['average_precision_gain'][1]:.3f}), Brier score "
        f"{told['judge']['brier']:.3f} ({told['scorecard']['brier']:.3f}).",
        "",
        "| " + " | ".join(rows[0]) + " |",
        "|---" * len(rows[0]) + "|",
        *("| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--farms", type=int, default=4)
    parser.add_argument("--honest", type=int, default=60)
    parser.add_argument("--bad", type=int, default=70)
    parser.add_argument("--mistakes", type=float, default=0.05)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    arguments = Arguments(given.folder, given.farms, given.honest, given.bad, given.mistakes)
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    rng, cases = random.Random(1), 0
    for number in range(arguments.farms - 1):
        started = time.monotonic()
        workspace, truth, _ = screened(arguments, number)
        cases += decided(workspace, truth, rng, arguments.mistakes)
        print(
            f"farm {number}: {len(truth)} applications, {cases} cases so far, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    trained = train_applicants(workspace, datetime.now(UTC), silent_progress())
    promote_model(workspace, trained.judge.record.version, REVIEWER.name, datetime.now(UTC))
    workspace, truth, judged = screened(arguments, arguments.farms - 1)
    text = written(list(compared(workspace, judged, truth)), trained, arguments, cases)
    print(text)
    given.out.write_text(text)


if __name__ == "__main__":
    main()
