"""A console with one person of each role, and a browser that signs in and fills in forms as a real one would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import store_writer as writer
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from screening.console.app import build_app
from screening.console.context import Console
from screening.console.csrf import FIELD, token_for
from screening.jobs.keys import Scope, issue_key
from screening.jobs.passwords import hash_password
from screening.review.permissions import Role
from screening.store import Case, CaseEvent, User
from screening.workspace import open_workspace

PASSWORD = "a long walk by the sea"
JUDGED = datetime(2026, 3, 1, 2, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that tests move by hand."""

    now: datetime = JUDGED + timedelta(hours=7)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Scene:
    """A console of its own workspace. The newest scan judged c0 to c19; c19 is held, the others pay 1, 2, ... USD."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.workspace = open_workspace(self.root, self.settings)
        self.app: FastAPI = build_app(self.workspace, self.clock, self.settings)
        self.console: Console = self.app.state.console
        self.store = self.console.store
        hashed = hash_password(PASSWORD)
        for role in Role:
            self.store.users.add(User(role, role, hashed, active=True, created_at=self.clock()))
        self._judge()

    def _judge(self) -> None:
        held = self.workspace.settings.model_dump(mode="json")
        times = {"started_at": JUDGED - timedelta(minutes=5), "finished_at": JUDGED}
        run = writer.run_record("scan-1", settings=held, **times)
        decision = pl.Series(["pay"] * 19 + ["hold"])
        decisions = writer.decisions(
            20,
            decision=decision,
            payout=pl.int_range(1, 21, eager=True).cast(pl.Decimal(18, 4)),
            reasons=pl.Series([[]] * 19 + [["ctct_short"]], dtype=pl.List(pl.String)),
        )
        self.store.record_scan(run, decisions, writer.sources(3), self._caps())
        for number in range(3):
            case = Case("source", f"a1/o1/s{number}", JUDGED, ("ctct_short",), "a1", "o1", Decimal(number), "USD")
            self.store.cases.open(case, CaseEvent(JUDGED, "scan", "opened"))

    def _caps(self) -> pl.DataFrame:
        caps = writer.caps(2)
        ends = pl.lit(self.clock() + timedelta(days=7)).cast(caps.schema["expires_at"])
        return caps.with_columns(
            expires_at=ends,
            action=pl.lit("lower"),
            cap_type=pl.Series(["daily_payout", "weekly_payout"]),
            current=pl.lit(100).cast(caps.schema["current"]),
            recommended=pl.lit(50).cast(caps.schema["recommended"]),
        )

    def browser(self, address: str = "203.0.113.7") -> Browser:
        base = self.console.settings.public_url or "http://localhost"
        return Browser(
            TestClient(self.app, base_url=base, client=(address, 4242), follow_redirects=False), self.console
        )

    def signed_in(self, name: str) -> Browser:
        browser = self.browser()
        assert browser.sign_in(name).status_code == 303
        return browser

    def key(self, *scopes: str) -> dict[str, str]:
        """Return the headers of a new key with the scopes, or all."""
        issued = issue_key(self.store, "test", scopes or tuple(Scope), "test", self.clock())
        return {"Authorization": f"Bearer {issued.token}"}

    def close(self) -> None:
        self.store.close()


@dataclass
class Browser:
    """A browser: keeps cookies and sends the hidden token of forms."""

    client: TestClient
    console: Console

    def cookie(self, name: str) -> str | None:
        prefix = "__Host-" if self.console.https else ""
        return self.client.cookies.get(f"{prefix}winnow-{name}")

    def get(self, path: str, **options: object) -> Response:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def post(self, path: str, data: dict[str, str] | None = None, **options: object) -> Response:
        if self.cookie("session") is None and self.cookie("visitor") is None:
            self.client.get("/login")
        secret = self.cookie("session") or self.cookie("visitor") or ""
        return self.client.post(path, data={FIELD: token_for(secret), **(data or {})}, **options)  # type: ignore[arg-type]

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.post("/login", {"name": name, "password": password, **fields})
