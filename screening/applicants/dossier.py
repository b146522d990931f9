"""The dossier of one screening: everything a person needs on one page, as JSON and as a page of its own.

decision.json holds it as data (the console shows the same); report.html shows it without loading anything. All texts in
it come from applicants and their sites: the page escapes every one of them and makes none a link.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from screening.applicants.batch import Judged
from screening.applicants.intake_fields import Application
from screening.applicants.measured import measured
from screening.applicants.reasons import Tier, explained, reasons
from screening.applicants.scorecard import Weighed
from screening.applicants.signals.finding import Finding, State

DATA_NAME, PAGE_NAME, HISTORY_NAME = "decision.json", "report.html", "history.jsonl"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the last screening of the same application or affiliate said."""

    run_id: str
    judged_at: str
    decision: str
    points: float
    reasons: tuple[str, ...]


def dossier(judged: Judged, run_id: str, judged_at: datetime, earlier: Earlier | None) -> dict[str, Any]:
    """Return the dossier as data: plain texts, numbers, lists and mappings."""
    verdict = judged.verdict
    application = judged.studied.application
    return {
        "run_id": run_id,
        "judged_at": judged_at.isoformat(),
        "application": _application(application),
        "decision": verdict.decision.value,
        "advice": verdict.advice.value,
        "points": verdict.scorecard.points,
        "score": round(verdict.scorecard.score, 4),
        "reasons": [_reason(item) for item in verdict.scorecard.weighed],
        "measured": measured(application, judged.findings),
        "missing": list(verdict.missing),
        "not_known": [_brief(item) for item in judged.findings if item.state is State.UNKNOWN],
        "looked_for": sorted({reasons()[item.code].title for item in judged.findings if item.state is State.ABSENT}),
        "sites": [asdict(site) for site in judged.studied.sites],
        "ring": list(judged.ring),
        "changes": _changes(judged, earlier),
        "openings": list(judged.studied.openings),
    }


def write_dossier(folder: Path, data: Mapping[str, Any]) -> None:
    """Write decision.json and report.html, and add a line to the history."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / DATA_NAME, json.dumps(data, indent=1, ensure_ascii=False))
    _replace(folder / PAGE_NAME, page(data))
    codes = [item["code"] for item in data["reasons"]]
    line = {
        "run_id": data["run_id"],
        "judged_at": data["judged_at"],
        "decision": data["decision"],
        "points": data["points"],
        "reasons": codes,
    }
    with (folder / HISTORY_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def page(data: Mapping[str, Any]) -> str:
    """Return the report as one page of HTML that loads nothing and has no scripts and no links."""
    return str(_template().render(data=data))


def earlier_of(folder: Path) -> Earlier | None:
    """Return the last screening in the history, None when there was none (or its last line was left unfinished)."""
    path = folder / HISTORY_NAME
    if not path.exists():
        return None
    for line in reversed(path.read_text(encoding="utf-8").splitlines()):
        try:
            body = json.loads(line)
        except ValueError:
            continue
        return Earlier(body["run_id"], body["judged_at"], body["decision"], body["points"], tuple(body["reasons"]))
    return None


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _application(application: Application) -> dict[str, Any]:
    return {
        "application_id": application.application_id,
        "name": application.name,
        "email": application.email.written,
        "company": application.company,
        "country": application.country,
        "phone": application.phone.e164 if application.phone is not None else None,
        "websites": list(application.websites),
        "social_profiles": list(application.social_profiles),
        "promo_methods": list(application.promo_methods),
        "claimed_monthly_visits": application.claimed_monthly_visits,
        "applied_at": application.applied_at.isoformat() if application.applied_at is not None else None,
        "problems": [asdict(problem) for problem in application.problems],
    }


def _reason(item: Weighed) -> dict[str, Any]:
    reason = item.reason
    return {
        "code": reason.code,
        "title": reason.title,
        "tier": reason.tier.value,
        "points": item.points,
        "fixable": reason.fixable,
        "partner": reason.partner.value,
        "advice": reason.advice,
        "against": reason.tier not in {Tier.CREDIT, Tier.CONTEXT},
        "findings": [_finding(finding) for finding in item.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "site": finding.site,
        "clause": finding.clause,
        "explanation": explained(finding.code, finding.numbers),
        "numbers": dict(finding.numbers),
        "exhibits": [asdict(shown) for shown in finding.exhibits],
    }


def _brief(finding: Finding) -> dict[str, Any]:
    place = f"{finding.site}: {finding.why}" if finding.site else finding.why
    title = reasons()[finding.code].title
    return {"code": finding.code, "title": title, "site": finding.site, "why": finding.why, "site_and_why": place}


def _changes(judged: Judged, earlier: Earlier | None) -> dict[str, Any] | None:
    if earlier is None:
        return None
    now = [item.reason.code for item in judged.verdict.scorecard.weighed]
    return {
        "since": earlier.judged_at,
        "run_id": earlier.run_id,
        "decision_before": earlier.decision,
        "points_before": earlier.points,
        "new": [code for code in now if code not in earlier.reasons],
        "gone": [code for code in earlier.reasons if code not in now],
    }


@cache
def _template() -> Any:  # noqa: ANN401 - jinja2's Template
    return Environment(loader=PackageLoader("screening.applicants", "data"), autoescape=True).get_template(PAGE_NAME)
