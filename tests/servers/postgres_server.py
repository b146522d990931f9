"""A pytest plugin: a real PostgreSQL server, started on first use and gone at the end of the session.

`store_url` gives a test an empty database of each kind, so that it runs once over SQLite and once over PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

PASSWORD = "pa55:w@rd"
_START_SECONDS = 30
_numbers = count()


class Server:
    """A server in a folder of its own: its sockets are there, and its superuser is `winnow` with PASSWORD."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder = folder
        self._user = user
        self._programs = _postgres_programs()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        initdb = [self._programs / "initdb", "-D", folder / "data", "-U", "winnow", "--pwfile", folder / "password"]
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run([*initdb, *options], user=user, cwd=folder, check=True, capture_output=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        fast = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")
        settings = [part for setting in (*fast, f"unix_socket_directories={self.folder}") for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            command = [self._programs / "postgres", "-D", self.folder / "data", *settings]
            self._process = subprocess.Popen(command, user=self._user, cwd=self.folder, stdout=log, stderr=log)
        _wait_until_ready(self._process, self.folder)

    def stop(self) -> None:
        """End every connection and stop it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            self._process.wait(_START_SECONDS)
            self._process = None

    def url(self, name: str) -> str:
        """Return the URL of a database on it."""
        return f"postgresql://winnow:{quote(PASSWORD)}@/{name}?host={self.folder}"


@contextmanager
def new_server() -> Iterator[Server]:
    """A new server, started."""
    _postgres_programs()  # skips where there are none, before anything is made
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    with _folder_of(user) as folder:
        server = Server(folder, user)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """The socket folder of a running server; its superuser is `winnow` with PASSWORD."""
    with new_server() as server:
        yield server.folder


@pytest.fixture
def postgres_url(postgres_server: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    name = f"winnow_{next(_numbers)}"
    with superuser(postgres_server) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"postgresql://winnow:{quote(PASSWORD)}@/{name}?host={postgres_server}"
    with superuser(postgres_server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'winnow.db'}"
    return str(request.getfixturevalue("postgres_url"))


def superuser(folder: Path) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the server as who may make databases and end connections."""
    return psycopg.connect(host=str(folder), user="winnow", password=PASSWORD, dbname="postgres", autocommit=True)


@contextmanager
def _folder_of(user: str | None) -> Iterator[Path]:
    # pytest's own folders are closed to other users
    folder = Path(tempfile.mkdtemp(prefix="winnow-postgres-"))
    try:
        if user:
            shutil.chown(folder, user, user)
        yield folder
    finally:
        shutil.rmtree(folder)


def _postgres_programs() -> Path:
    on_path = shutil.which("postgres")
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in [Path(on_path).resolve().parent] if on_path else packaged:
        if (folder / "initdb").exists():
            return folder
    pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed")


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            superuser(folder).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}") from error
            time.sleep(0.1)
        else:
            return
