"""`winnow scan`: judge the conversions of a period."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from models.decide import CEILING
from models.reasons import CODES
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, day_of, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.jobs.scan import Scanned, scan
from screening.workspace import Workspace

_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("scan")(scan_command)


def scan_command(
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    first: Annotated[
        str | None, typer.Option("--from", help="First day, as 2026-01-31; default: the first in the lake.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the last in the lake.")] = None,
) -> None:
    """Judge conversions and their sources: features, detectors, decisions, all recorded as one run.

    Example: winnow scan --from 2026-01-01 --to 2026-01-31
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        scanned = scan(opened, (day_of(first, "--from"), day_of(last, "--to")), datetime.now(UTC), progress)
        return Answer(_data(scanned), lines_of(scanned), ExitCode.INCOMPLETE if scanned.unknown else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)


def _data(scanned: Scanned) -> dict[str, object]:
    return {
        "run_id": scanned.run.run_id,
        "from": str(scanned.run.period_from),
        "to": str(scanned.run.period_to),
        "decisions": dict(scanned.decisions),
        "money": {
            decision: {currency: str(total) for currency, total in totals.items()}
            for decision, totals in scanned.money.items()
        },
        "sources_flagged": scanned.flagged.height,
        "held_for_lack_of_evidence": scanned.unknown,
        "estimated_fraud_share": scanned.fraud_share,
        "caps": dict(scanned.caps),
    }


def lines_of(scanned: Scanned) -> list[str]:
    """Say what a scan did, line by line."""
    judged = sum(scanned.decisions.values())
    lines = [f"Judged {judged} conversions from {scanned.run.period_from} to {scanned.run.period_to}:"]
    for decision, totals in scanned.money.items():
        money = ", ".join(f"{total.normalize():,f} {currency}".rstrip() for currency, total in totals.items())
        lines.append(f"  {decision:6} {scanned.decisions[decision]:>8} conversions, payout {money}")
    if scanned.unknown:
        lines.append(f"  {scanned.unknown} of them are held because too little is known to judge them.")
    if scanned.fraud_share is not None and scanned.fraud_share >= CEILING:
        lines += [
            f"  The judge suspects {CEILING:.0%} of conversions or more: this programme may be unlike those it knows.",
            "  Only what stands apart is held. Look through the flagged sources yourself: winnow cases list",
        ]
    lines.append(f"{scanned.flagged.height} sources are flagged.")
    for row in scanned.flagged.head(_SHOWN).iter_rows(named=True):
        place = " / ".join(part for part in (row["affiliate_id"], row["offer_id"], row["sub_id"]) if part)
        lines.append(f"  {place}: payout {row['payout'].normalize():,f}, score {row['score']:.2f}")
        lines += [f"    - {explained(reason)}" for reason in json.loads(row["reason_details"])[:3]]
    if scanned.flagged.height > _SHOWN:
        lines.append(f"  ... and {scanned.flagged.height - _SHOWN} more: winnow export sources --out sources.csv")
    changes = [f"{count} to {action}" for action, count in scanned.caps.items() if action != "keep"]
    if changes:
        lines.append(f"Caps: {', '.join(changes)}. See them with: winnow caps list")
    lines.append(f"Run {scanned.run.run_id}. Check it with: winnow replay {scanned.run.run_id}")
    return lines


def explained(reason: dict[str, object]) -> str:
    """Say a stored reason in a sentence, with its numbers."""
    numbers = reason["numbers"]
    return CODES[str(reason["code"])].explanation.format(**(numbers if isinstance(numbers, dict) else {}))
