"""Parsing processes at work: a page that stops one costs that process and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from pydantic import TypeAdapter, ValidationError

from screening.applicants.codes import PageFlag
from screening.applicants.page.frames import PeerGoneError, receive, send
from screening.applicants.records import PageFacts
from screening.settings.crawl import ParseSettings

_FACTS = TypeAdapter(PageFacts)
_READERS = ("lexbor", "soup")


@dataclass(frozen=True, slots=True)
class Reading:
    """The facts of a page, or None with the flag that says why there are none; and the wait for a free process."""

    facts: PageFacts | None
    flags: tuple[PageFlag, ...]
    waited_seconds: float = 0.0


class ParserPool:
    """A fixed number of parsing processes shared by all threads; use it as a context manager."""

    def __init__(self, settings: ParseSettings) -> None:
        self._settings = settings
        self._free = threading.Semaphore(settings.processes)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def read(self, url: str, body: bytes, charset: str | None) -> Reading:
        """Parse a page: with the fast parser, then with the tough one, then not at all. Never raises."""
        begun = time.monotonic()
        with self._free:
            waited = time.monotonic() - begun
            for reader in _READERS:
                try:
                    facts = self._ask(reader, url, body, charset)
                except OSError:
                    return Reading(None, (PageFlag.PARSER_UNAVAILABLE,), waited)
                if facts is not None:
                    return Reading(facts, () if reader == _READERS[0] else (PageFlag.FALLBACK,), waited)
            return Reading(None, (PageFlag.UNPARSEABLE,), waited)

    def _ask(self, reader: str, url: str, body: bytes, charset: str | None) -> PageFacts | None:
        worker = self._take()
        answer = worker.ask({"reader": reader, "url": url, "charset": charset}, body, self._settings.wall_seconds)
        self._put_back(worker, alive=answer is not None)
        try:
            return None if answer is None else _FACTS.validate_json(answer)
        except ValidationError:
            return None

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Worker(self._settings)

    def _put_back(self, worker: _Worker, *, alive: bool) -> None:
        with self._lock:
            if alive and not self._closed:
                self._idle.append(worker)
                return
        worker.end()


class _Worker:
    """One parsing process and the socket to it."""

    def __init__(self, settings: ParseSettings) -> None:
        ours, theirs = socket.socketpair()
        page = settings.model_dump(include={"links", "text_characters", "script_characters"})
        page |= settings.model_dump(include={"jsonld_characters", "jsonld_depth"})
        limits = {"page": page, "memory_bytes": settings.memory_bytes, "cpu_seconds": settings.cpu_seconds}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", __package__ + ".worker", str(theirs.fileno()), json.dumps(limits)],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Numerical libraries reserve address space for every thread they might start.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self._channel = ours

    def ask(self, request: dict[str, str | None], body: bytes, wall_seconds: float) -> bytes | None:
        """Return the answer, or None when the process died or took too long; it is then of no more use."""
        deadline = time.monotonic() + wall_seconds
        try:
            self._channel.settimeout(wall_seconds)
            send(self._channel, json.dumps(request).encode(), body)
            return receive(self._channel, deadline)
        except PeerGoneError:
            return None

    def end(self) -> None:
        """End the process, busy or not, and wait until it is gone."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
