"""Opening a store: from nothing, again, and after a newer winnow."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy
import store_writer as writer
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import screening.store
from screening.errors import ExitCode, WorkspaceError
from screening.store import migrate, open_store
from screening.store.tables import metadata


def _other(table, name, kind, *_):
    return not (kind == "table" and name == migrate.VERSION_TABLE)


def test_the_migrations_make_the_tables_of_the_code(store, store_url):
    engine = sqlalchemy.create_engine(store_url)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": _other}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


def test_the_migrations_make_the_checks_of_the_code(store, store_url):
    engine = sqlalchemy.create_engine(store_url)
    looked_at = sqlalchemy.inspect(engine)
    for table in metadata.tables.values():
        wanted = {check.name for check in table.constraints if isinstance(check, sqlalchemy.CheckConstraint)}
        assert {check["name"] for check in looked_at.get_check_constraints(table.name)} == wanted
    engine.dispose()


def test_head_is_the_newest_migration():
    scripts = ScriptDirectory(str(Path(screening.store.__file__).parent / "migrations"))
    assert scripts.get_heads() == [migrate.HEAD]


def test_opening_again_keeps_what_is_there(store, store_url):
    writer.record(store, "r1", 3)
    for _ in range(2):
        with open_store(store_url) as reopened:
            assert reopened.decisions("latest").height == 3


def test_a_database_of_a_newer_winnow_is_refused_and_left_alone(store, store_url):
    engine = sqlalchemy.create_engine(store_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(WorkspaceError, match="newer winnow") as caught:
        open_store(store_url)
    assert caught.value.exit_code == ExitCode.UNUSABLE
    with engine.connect() as connection:
        version = connection.exec_driver_sql(f"SELECT version_num FROM {migrate.VERSION_TABLE}").scalar_one()
        assert version == "9999"
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing(store_url, monkeypatch):
    def fails(*_):
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.operations.Operations.execute", fails)
        with pytest.raises(RuntimeError, match="in the middle"):
            open_store(store_url)
    engine = sqlalchemy.create_engine(store_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    engine.dispose()
    open_store(store_url).close()
