"""Calls to a network's HTTP interface: paced, repeated where that is safe, and with an error that says what is known.

A call that changes something is repeated only where the network certainly did not act on it: no connection, or 429.
After a timeout, a broken connection or a 5xx nobody knows, so UnavailableError comes at once and the caller looks.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from screening.errors import SettingsError, UnavailableError
from screening.networks.adapter import RefusedError

_JITTER_SECONDS = 0.5
"""Random part of a pause, so that programs which were refused together do not come back together."""
_LONGEST_PAUSE_SECONDS = 60
_ANSWER_LETTERS = 300
"""Letters of a refusal that are shown."""
_KEY_REFUSED = (401, 403)
_NOT_THERE = (400, 404)
_PASSING = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take. `ca_file` None: the public authorities."""

    requests_per_second: float
    connect_seconds: float
    read_seconds: float
    retries: int
    backoff_seconds: float
    ca_file: Path | None


class Api:
    """An HTTP interface with JSON bodies, under one address, with the headers that sign every call."""

    def __init__(self, url: str, headers: Mapping[str, str], limits: Limits) -> None:
        self._url = url.rstrip("/")
        self._limits = limits
        self._reads = _session(headers, _reading(limits))
        self._writes = _session(headers, _writing(limits))
        self._turn = Lock()
        self._next_at = 0.0

    def read(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON says
        """Ask for something; safe to repeat. Returns the answer.

        Raises RefusedError when the network said no, UnavailableError when it did not answer.
        """
        return self._json(self._call(self._reads, method, path, query, body), path)

    def find(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON says
        """Get one thing, None where there is none of that name or none can be. Raises as `read`."""
        answer = self._call(self._reads, "GET", path, None, None)
        return None if answer.status_code in _NOT_THERE else self._json(answer, path)

    def write(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - whatever JSON says
        """Change something. Raises RefusedError when the network said no, UnavailableError when nobody knows."""
        return self._json(self._call(self._writes, method, path, None, body), path)

    def _call(
        self, session: requests.Session, method: str, path: str, query: Mapping[str, Any] | None, body: object
    ) -> requests.Response:
        self._wait_turn()
        waits = (self._limits.connect_seconds, self._limits.read_seconds)
        try:
            return session.request(
                method,
                f"{self._url}{path}",
                params=query,
                json=body,
                timeout=waits,
                allow_redirects=False,
                # said with each call: that of a session gives way to REQUESTS_CA_BUNDLE
                verify=True if self._limits.ca_file is None else str(self._limits.ca_file),
            )
        except requests.RequestException as error:
            raise UnavailableError(
                f"The network did not answer: {type(error).__name__}.",
                remedy="Try again; what was sent is looked up first.",
                where=f"{self._url}{path}",
            ) from error

    def _json(self, answer: requests.Response, path: str) -> Any:  # noqa: ANN401 - whatever JSON says
        where = f"{self._url}{path}"
        if answer.status_code in _PASSING:
            raise UnavailableError(f"The network answered {answer.status_code}.", remedy="Try again.", where=where)
        if answer.status_code in _KEY_REFUSED:
            raise SettingsError(
                f"The network does not accept the API key (it answered {answer.status_code}).",
                remedy="Check the key and what it may do.",
                where=where,
            )
        if not answer.ok or answer.is_redirect:
            said = answer.text[:_ANSWER_LETTERS].strip()
            raise RefusedError(
                f"The network answered {answer.status_code}: {said}", remedy="Mend what it names.", where=where
            )
        try:
            return answer.json()
        except requests.JSONDecodeError as error:
            raise UnavailableError(
                "The network's answer is no JSON.", remedy="Check the address in the settings.", where=where
            ) from error

    def _wait_turn(self) -> None:
        with self._turn:
            now = time.monotonic()
            at = max(now, self._next_at)
            self._next_at = at + 1 / self._limits.requests_per_second
        time.sleep(max(0.0, at - now))


def _session(headers: Mapping[str, str], retry: Retry) -> requests.Session:
    session = requests.Session()
    session.headers.update(headers)
    session.mount("https://", HTTPAdapter(max_retries=retry))
    session.mount("http://", _NoPlainText())
    return session


def _reading(limits: Limits) -> Retry:
    return Retry(status_forcelist=_PASSING, **_patience(limits))


def _writing(limits: Limits) -> Retry:
    return _WritingRetry(read=0, other=0, status_forcelist=(429,), **_patience(limits))


def _patience(limits: Limits) -> dict[str, Any]:
    return {
        "total": limits.retries,
        "allowed_methods": None,
        "backoff_factor": limits.backoff_seconds,
        "backoff_max": _LONGEST_PAUSE_SECONDS,
        "backoff_jitter": min(_JITTER_SECONDS, limits.backoff_seconds),
        "retry_after_max": _LONGEST_PAUSE_SECONDS,
        "raise_on_status": False,
    }


class _WritingRetry(Retry):
    """Obeys `Retry-After` after 429 alone: a 503 with it may still have had its effect."""

    RETRY_AFTER_STATUS_CODES = frozenset({429})


class _NoPlainText(HTTPAdapter):
    """Refuses addresses without encryption, over which the key would be read by anybody on the way."""

    def send(self, *_: object, **__: object) -> requests.Response:
        raise requests.ConnectionError("plain HTTP is refused")
