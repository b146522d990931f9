"""Bring a database to the tables of this winnow, whatever older winnow made it, and refuse one from a newer winnow."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, inspect, text

from screening.errors import WorkspaceError
from screening.store.database import Database

HEAD = "0010"
"""The newest migration in migrations/versions; a test compares the two."""

VERSION_TABLE = "winnow_version"
_SCRIPTS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = Lock()
"""Alembic hands its operations to the migrations through a module global."""


def migrate(database: Database, place: str) -> None:
    """Apply the migrations that the database lacks, in one transaction; several processes may call this at once.

    Raises WorkspaceError, naming the place, when a newer winnow has been there.
    """
    with database.reading() as connection:
        if version_of(connection) == HEAD:
            return
    with database.writing() as connection:
        database.backend.lock_schema(connection)
        version = version_of(connection)
        if version != HEAD:
            _upgrade(connection, version, place)


def upgrade_to(connection: Connection, version: str, place: str) -> None:
    """Make the tables of that version in an empty database, inside an open transaction.

    Raises WorkspaceError, naming the place, when the version is that of a newer winnow.
    """
    _upgrade(connection, None, place, to=version)


def version_of(connection: Connection) -> str | None:
    """Return the version of the tables, None where there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - our own name
    return version


def _upgrade(connection: Connection, version: str | None, place: str, to: str = HEAD) -> None:
    # half a second to import, and needed once per database
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(_SCRIPTS))
    known = {script.revision for script in scripts.walk_revisions()}
    foreign = next((found for found in (version, to) if found is not None and found not in known), None)
    if foreign is not None:
        raise WorkspaceError(
            f"A newer winnow has changed the database (its version is {foreign}, this winnow knows {HEAD}).",
            remedy="Install that winnow, or use another workspace.",
            where=place,
        )
    options = {
        "fn": lambda revision, _: scripts._upgrade_revs(to, revision),  # noqa: SLF001 - what alembic.command.upgrade does
        "version_table": VERSION_TABLE,
        "transactional_ddl": True,
    }
    context = MigrationContext.configure(connection, opts=options)
    with _ONE_AT_A_TIME, Operations.context(context):
        context.run_migrations()
