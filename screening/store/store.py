"""The store: everything that winnow keeps in its database, by what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

import polars as pl
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from screening.errors import SettingsError
from screening.store import tables
from screening.store.appeals import Appeals
from screening.store.audit import Audit
from screening.store.browse import Browse
from screening.store.cases import Cases
from screening.store.database import Access, Backend, Database, Open, masked
from screening.store.judgements import Judgements
from screening.store.keys import Answers, ApiKeys
from screening.store.labels import Labels
from screening.store.ledger import Ledger
from screening.store.listing import Listing
from screening.store.migrate import migrate
from screening.store.observations import Observations
from screening.store.outbox import Outbox
from screening.store.pushes import Pushes
from screening.store.recommendations import Recommendations
from screening.store.registry import Registry
from screening.store.retention import Retention
from screening.store.runs import SCAN, SCREEN, RunRecord, Runs
from screening.store.sessions import Sessions
from screening.store.sqlite import SQLite
from screening.store.sums import Sums
from screening.store.users import Users
from screening.store.verdicts import Verdicts
from screening.store.webhooks import Webhooks


class Records:
    """What the store keeps. Each call is a transaction of its own, or all calls are part of one (`Store.together`)."""

    def __init__(self, access: Access) -> None:
        self.audit = Audit(access)
        self.models = Registry(access)
        self.ledger = Ledger(access)
        self.labels = Labels(access)
        self.cases = Cases(access)
        self.appeals = Appeals(access)
        self.outbox = Outbox(access)
        self.sums = Sums(access)
        self.users = Users(access)
        self.verdicts = Verdicts(access)
        self.sessions = Sessions(access)
        self.keys = ApiKeys(access)
        self.answers = Answers(access)
        self.webhooks = Webhooks(access)
        self.pushes = Pushes(access)
        self.recommendations = Recommendations(access)
        self.observations = Observations(access)
        self.browse = Browse(access)
        self.listing = Listing(access)
        self.retention = Retention(access)
        self._runs = Runs(access)
        self._judgements = Judgements(access)

    def record_scan(self, run: RunRecord, decisions: pl.DataFrame, sources: pl.DataFrame, caps: pl.DataFrame) -> None:
        """Store a complete scan: the run and the frames of `DECISIONS`, `SOURCES` and `CAPS`, all or nothing.

        `run_id` may be left out of the frames, as may `reason_details` and the `missing` of sources; the store gives
        `source_id` and `cap_id`. NaN is stored as null. Raises InputError when the run is there already, TypeError or
        ValueError when a frame is not what the schemas say.
        """
        self._judgements.record(run, {tables.decisions: decisions, tables.sources: sources, tables.caps: caps})

    def record_screenings(self, run: RunRecord, screenings: pl.DataFrame) -> None:
        """Store a complete screening: the run and the frame of `SCREENINGS`, all or nothing. Raises as record_scan."""
        self._judgements.record(run, {tables.screenings: screenings})

    def record_run(self, run: RunRecord) -> None:
        """Store a run that judged nothing: a failed one, or one of another kind. Raises InputError if it is there."""
        self._judgements.record(run, {})

    def runs(self, command: str | None = None) -> list[RunRecord]:
        """Return the runs of a command, or all, the newest first."""
        return self._runs.all(command)

    def run(self, run_id: str, command: str = SCAN) -> RunRecord:
        """Return a run by its id, or for `latest` the newest complete run of the command.

        Raises InputError when there is none.
        """
        return self._runs.one(run_id, command)

    def scans_state(self) -> tuple[int, int]:
        """Return what changes whenever a complete scan is recorded or removed: the greatest run_key, and the number."""
        return self._runs.state(SCAN)

    def decisions(self, run_id: str) -> pl.DataFrame:
        """Return a run's decisions (`DECISIONS`), by conversion_id. Raises InputError when there is no such run."""
        return self._judgements.of_run(tables.decisions, self._known(run_id), "conversion_id")

    def sources(self, run_id: str) -> pl.DataFrame:
        """Return a run's sources (`SOURCES`), as they were recorded. Raises InputError when there is no such run."""
        return self._judgements.of_run(tables.sources, self._known(run_id), "source_id")

    def caps(self, run_id: str) -> pl.DataFrame:
        """Return a run's cap recommendations (`CAPS`), as they were recorded. Raises InputError without such a run."""
        return self._judgements.of_run(tables.caps, self._known(run_id), "cap_id")

    def screenings(self, run_id: str) -> pl.DataFrame:
        """Return a run's screenings (`SCREENINGS`), by application_id; for `latest`, of the newest `screen`.

        Raises InputError when there is no such run.
        """
        return self._judgements.of_run(tables.screenings, self.run(run_id, SCREEN).run_id, "application_id")

    def decisions_of(
        self, conversion_ids: Sequence[str] | pl.Series, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the newest decision about each conversion that any run judged: `DECISIONS` and `judged_at`.

        Sorted by conversion_id; conversions never judged are absent. Takes a million ids in bounded memory. `columns`
        are those wanted beside `conversion_id`, `run_id` and `judged_at`, None: all.
        """
        return self._judgements.decisions_of(conversion_ids, columns)

    def decisions_of_source(self, affiliate_id: str, offer_id: str, sub_id: str | None) -> pl.DataFrame:
        """Return the newest decision about each conversion of a source: `DECISIONS` and `judged_at`, by its id.

        `sub_id` None: the conversions without one.
        """
        return self._judgements.of_source(affiliate_id, offer_id, sub_id)

    def held_since(self, moment: datetime | None) -> pl.DataFrame:
        """Return the conversions first held by `moment` (None: whenever) and held still.

        The columns are `DECISIONS`, `judged_at` and `held_since`.
        """
        return self._judgements.held_since(moment)

    def _known(self, run_id: str) -> str:
        return self.run(run_id).run_id


class Store(Records):
    """An open database of winnow. Close it, or use it in a `with` block."""

    def __init__(self, database: Database, place: str) -> None:
        super().__init__(database)
        self._database = database
        self._place = place

    def __repr__(self) -> str:
        return f"Store({self._place})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections to the database."""
        self._database.close()

    @contextmanager
    def together(self) -> Iterator[Records]:
        """Give records whose changes are stored all at the end of the block, or not at all after an exception.

        For what must not come apart, such as a decision and its event in the audit trail.
        """
        with self._database.writing() as connection:
            yield Records(Open(self._database.backend, connection))


def open_store(url: str) -> Store:
    """Open the database at an SQLAlchemy URL, `sqlite:///file` or `postgresql://...`, and bring its tables up to date.

    Raises SettingsError for a URL that cannot be used, WorkspaceError when a newer winnow has changed the database,
    UnavailableError when it does not answer. No message shows a password.
    """
    parsed = parsed_url(url)
    database = Database(backend_of(parsed))
    place = masked(parsed)
    try:
        migrate(database, place)
    except BaseException:
        database.close()
        raise
    return Store(database, place)


def parsed_url(url: str) -> URL:
    """Return a store's URL in its parts. Raises SettingsError when it cannot be read."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "The database's URL cannot be read.",
            remedy="Write sqlite:///file or postgresql://user:password@host/name.",
            where="store.url",
        ) from None


def backend_of(url: URL) -> Backend:
    """Return the kind of database that the URL names. Raises SettingsError when winnow cannot use it."""
    if url.get_backend_name() == "sqlite":
        return SQLite(url)
    if url.get_backend_name() == "postgresql":
        from screening.store.postgres import PostgreSQL  # noqa: PLC0415 - its driver takes a while to import

        return PostgreSQL(url)
    raise SettingsError(
        f"winnow cannot use a database of the kind {url.get_backend_name()!r}.",
        remedy="Use sqlite or postgresql.",
        where="store.url",
    )
