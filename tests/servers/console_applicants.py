"""Applicants for a console: screenings with their dossiers on disk and a case for each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import store_writer as writer

from screening.store import SCREENINGS, Case, CaseEvent

JUDGED = datetime(2026, 3, 1, 2, tzinfo=UTC)


def dossier(application_id, text, *, ring=()):
    finding = {
        "site": text,
        "clause": None,
        "explanation": f"Found {text}.",
        "numbers": {"other": "APP-2", "kinds": "adsense", "standing": "applicant", "members": 2},
        "exhibits": [{"url": text, "snippet": text, "record_id": None}],
    }
    reason = {
        "code": "shared_identifier",
        "title": "Shares an identifier with another applicant",
        "tier": "supporting",
        "points": 12.0,
        "fixable": True,
        "partner": "identity and account",
        "advice": "Say who runs the account.",
        "against": True,
        "findings": [finding],
    }
    words = dict.fromkeys(("name", "email", "company", "country", "phone", "applied_at"), text)
    lists = {name: [text] for name in ("websites", "social_profiles", "promo_methods")}
    problem = {"field": "phone", "value": text, "problem": text, "remedy": text}
    site = {"site": text, "pages": 1, "words": 2, "title": text, "language": text, "robots": text}
    return {
        "run_id": "screen-1",
        "judged_at": JUDGED.isoformat(),
        "application": {
            "application_id": application_id,
            **words,
            **lists,
            "claimed_monthly_visits": 10,
            "problems": [problem],
        },
        "decision": "review",
        "advice": "look closely",
        "points": 12.0,
        "score": 0.2,
        "reasons": [reason],
        "missing": ["about_missing"],
        "not_known": [{"code": "parked", "title": "Parked", "site": text, "why": text, "site_and_why": text}],
        "looked_for": ["Brand in the domain"],
        "sites": [{**site, "stops": [text], "flags": [text], "seconds": 0.1}],
        "ring": list(ring),
        "changes": None,
        "openings": [text],
    }


def screen(scene, texts):
    """Record a screening of one applicant a text, each with a case and its dossier."""
    rows = []
    for number, text in enumerate(texts, start=1):
        application_id = f"APP-{number}"
        folder = scene.root / "evidence" / application_id
        folder.mkdir(parents=True, exist_ok=True)
        body = dossier(application_id, text, ring=("APP-1", "APP-2") if number <= 2 else ())
        (folder / "decision.json").write_text(json.dumps(body), encoding="utf-8")
        rows.append((application_id, "review", 0.2, ["shared_identifier"], [], f"evidence/{application_id}", "[]"))
        case = Case("application", application_id, JUDGED + timedelta(seconds=number), ("shared_identifier",))
        scene.store.cases.open(case, CaseEvent(JUDGED, "screen", "opened"))
    schema = {name: kind for name, kind in SCREENINGS.items() if name != "run_id"}
    run = writer.run_record("screen-1", command="screen", started_at=JUDGED, finished_at=JUDGED)
    scene.store.record_screenings(run, pl.DataFrame(rows, schema=schema, orient="row"))
