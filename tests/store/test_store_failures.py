"""What a person reads when the database cannot be used, and that no password is in it."""

from __future__ import annotations

import socket
import sqlite3
import traceback
from contextlib import closing

import pytest
import store_writer as writer
from postgres_server import superuser

from screening.errors import BusyError, InputError, IntegrityError, SettingsError, UnavailableError, WinnowError
from screening.store import AuditEvent, open_store

SECRET = "s3cr3t"


def _refused(url):
    with pytest.raises(WinnowError) as caught:
        open_store(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize(
    "url", ["", "winnow.db", f"mysql://winnow:{SECRET}@host/db", f"postgresql://winnow:{SECRET}@host:port/db"]
)
def test_a_url_that_cannot_be_used(url):
    error = _refused(url)
    assert isinstance(error, SettingsError)
    assert error.where == "store.url"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url):
    with pytest.raises(SettingsError, match="forget every decision"):
        open_store(url)


class TestSQLite:
    def test_a_folder_that_is_not_there(self, tmp_path):
        error = _refused(f"sqlite:///{tmp_path}/absent/winnow.db")
        assert isinstance(error, UnavailableError)
        assert error.where == f"{tmp_path}/absent/winnow.db"

    def test_a_file_that_is_no_database(self, tmp_path):
        (tmp_path / "winnow.db").write_bytes(b"This is a letter, not a database.\n" * 100)
        error = _refused(f"sqlite:///{tmp_path}/winnow.db")
        assert isinstance(error, IntegrityError)
        assert "damaged" in error.cause

    def test_a_file_that_another_process_keeps_locked(self, tmp_path):
        url = f"sqlite:///{tmp_path}/winnow.db?timeout=0.05"
        with open_store(url) as store, closing(sqlite3.connect(tmp_path / "winnow.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert store.runs() == []
            with pytest.raises(BusyError, match="Another winnow") as caught:
                store.record_run(writer.run_record("r1"))
            assert caught.value.retry
            other.execute("ROLLBACK")
            store.record_run(writer.run_record("r1"))
            assert store.run("r1").run_id == "r1"

    def test_write_ahead_log_and_foreign_keys_are_on(self, tmp_path):
        with open_store(f"sqlite:///{tmp_path}/winnow.db") as store, store._database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


class TestPostgreSQL:
    def test_no_server(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        error = _refused(f"postgresql://winnow:{SECRET}@127.0.0.1:{port}/winnow?sslpassword={SECRET}")
        assert isinstance(error, UnavailableError)
        assert error.retry
        assert f"127.0.0.1:{port}" in str(error)
        assert "server runs" in error.remedy

    def test_a_wrong_password(self, postgres_url):
        name = postgres_url.rpartition("@/")[2]
        for url in (f"postgresql://winnow:{SECRET}@/{name}", f"postgresql://winnow@/{name}&password={SECRET}"):
            error = _refused(url)
            assert isinstance(error, UnavailableError)
            assert "password" in error.cause + error.remedy

    def test_a_database_that_is_not_there(self, postgres_url):
        error = _refused(postgres_url.replace("?host", "_absent?host"))
        assert isinstance(error, UnavailableError)
        assert "does not exist" in error.cause
        assert "right host, user, password and database" in error.remedy

    def test_an_open_store_does_not_show_its_password(self, postgres_url):
        with open_store(postgres_url) as store:
            assert "pa55" not in repr(store)
            assert "***" in repr(store)

    def test_connections_cut_by_the_server_are_made_again(self, postgres_url, postgres_server):
        with open_store(postgres_url) as store:
            store.record_run(writer.run_record("r1"))
            with superuser(postgres_server) as admin:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'winnow%'")
            assert store.run("r1").run_id == "r1"

    def test_a_database_gone_in_the_middle(self, postgres_url, postgres_server):
        name = postgres_url.rpartition("@/")[2].partition("?")[0]
        with open_store(postgres_url) as store:
            with superuser(postgres_server) as admin:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            with pytest.raises(UnavailableError) as caught:
                store.record_run(writer.run_record("r1"))
            assert "pa55" not in "".join(traceback.format_exception(caught.value))
        with superuser(postgres_server) as admin:
            admin.execute(f"CREATE DATABASE {name}")

    def test_a_connection_cut_while_rows_are_sent(self, postgres_url, postgres_server):
        with open_store(postgres_url) as store:
            backend = store._judgements._access.backend
            insert = backend.insert

            def insert_after_a_cut(connection, table, frame):
                with superuser(postgres_server) as admin:
                    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'winnow%'")
                insert(connection, table, frame)

            backend.insert = insert_after_a_cut
            with pytest.raises(UnavailableError):
                writer.record(store, "r1", 10)
            backend.insert = insert
            assert store.runs() == []
            writer.record(store, "r1", 10)
            assert store.decisions("r1").height == 10

    def test_text_that_the_server_cannot_keep(self, postgres_url):
        with open_store(postgres_url) as store:
            with pytest.raises(InputError, match="cannot keep a value"):
                store.audit.append(AuditEvent(writer.NOW, "a\0b", "look", "case 1", {}))
            assert store.audit.verify().count == 0
