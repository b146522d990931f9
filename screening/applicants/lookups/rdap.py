"""Since when a domain is registered, by RDAP: the registry's server from the bootstrap list, then one question to it.

RFC 9224 (bootstrap), RFC 9082 (questions), RFC 9083 (answers). Registries without RDAP, and those that do not tell the
day, leave it unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from screening.applicants.lookups.cache import Answer
from screening.applicants.lookups.service import Asker, NoAnswerError, Question, read_json
from screening.settings.lookups import RdapSettings

SERVICE = "the registry (RDAP)"
_LIST = "the list of registries (RDAP bootstrap)"
_ACCEPT = {"Accept": "application/rdap+json, application/json"}
_FIRST = datetime(1985, 1, 1, tzinfo=UTC)
"""No domain is older: the first was registered in March 1985."""


@dataclass(frozen=True, slots=True)
class Registration:
    """When a domain was registered, by the registry at `server`, asked at `asked_at`."""

    registered: datetime
    server: str
    asked_at: datetime


class Registries:
    """Which registry answers for which suffix."""

    def __init__(self, servers: Mapping[str, str]) -> None:
        self._servers = servers

    def server_for(self, domain: str) -> str | None:
        """Return the address of the server for the longest suffix of the domain that is listed, None without one."""
        labels = domain.split(".")
        for start in range(1, len(labels)):
            server = self._servers.get(".".join(labels[start:]))
            if server is not None:
                return server
        return None


def registries(ask: Asker, settings: RdapSettings) -> Registries:
    """Return the registries' servers from the list that settings name. Raises NoAnswerError when it cannot be had."""
    if not settings.bootstrap.startswith(("http://", "https://")):
        try:
            answer = Answer(200, Path(settings.bootstrap).read_bytes(), datetime.now(UTC))
        except OSError as error:
            raise NoAnswerError(f"{_LIST} cannot be read: {error.strerror}") from error
    else:
        answer = ask(
            Question(
                service=_LIST,
                filed_as=settings.bootstrap,
                url=settings.bootstrap,
                server=settings.bootstrap,
                seconds=settings.seconds,
                pause_seconds=settings.pause_seconds,
                keep=timedelta(days=settings.bootstrap_days),
            )
        )
    return Registries(_servers(read_json(answer, _LIST)))


def registration(domain: str, known: Registries, ask: Asker, settings: RdapSettings) -> Registration:
    """Return when a registered domain was registered. Raises NoAnswerError with the reason when that is not known."""
    server = known.server_for(domain)
    if server is None:
        raise NoAnswerError("the registry of this suffix has no RDAP")
    answer = ask(
        Question(
            service=SERVICE,
            filed_as=domain,
            url=f"{server}domain/{domain}",
            server=server,
            seconds=settings.seconds,
            pause_seconds=settings.pause_seconds,
            keep=timedelta(days=settings.cache_days),
            headers=_ACCEPT,
        )
    )
    if answer.status == 404:
        raise NoAnswerError("the registry does not know the domain")
    return Registration(_registered(read_json(answer, SERVICE), answer.asked_at), server, answer.asked_at)


def _servers(data: Any) -> dict[str, str]:  # noqa: ANN401 - JSON of others
    """Return suffix to server; https where a registry offers both. Raises NoAnswerError for another kind of file."""
    try:
        found = {}
        for suffixes, addresses in data["services"]:
            urls = sorted((str(url) for url in addresses), key=lambda url: not url.startswith("https://"))
            for suffix in suffixes:
                found[str(suffix).lower().strip(".")] = urls[0] if urls[0].endswith("/") else f"{urls[0]}/"
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NoAnswerError(f"{_LIST} is not one as RFC 9224 describes it") from error
    return found


def _registered(data: Any, asked_at: datetime) -> datetime:  # noqa: ANN401 - JSON of others
    events = data.get("events") if isinstance(data, dict) else None
    days = [
        day
        for event in (events if isinstance(events, list) else [])
        if isinstance(event, dict) and event.get("eventAction") in {"registration", "reregistration"}
        if (day := _instant(event.get("eventDate"))) is not None and _FIRST <= day <= asked_at + timedelta(days=1)
    ]
    if not days:
        raise NoAnswerError("the registry does not tell when the domain was registered")
    return max(days)


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
