"""Read an answer's body off the wire, bounded in size, keeping what came when the rest does not."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead

from screening.applicants.codes import Failure, FetchFlag
from screening.applicants.crawl.answer import Answer


@dataclass(frozen=True, slots=True)
class Received:
    """A body as it came, at most as long as the cap; `error` when the wait for it was too long."""

    body: bytes
    flags: tuple[FetchFlag, ...]
    error: Failure | None


def receive(answer: Answer, cap: int) -> Received:
    """Read the body of an answer without decoding it; what is beyond the cap is left unread."""
    flags = [FetchFlag.FRAMING_WRONG] if answer.ambiguous else []
    error: Failure | None = None
    body = bytearray()
    if (answer.length or 0) > cap:
        flags.append(FetchFlag.SIZE_DECLARED)
    try:
        while len(body) <= cap and (piece := answer.read_some()):
            body += piece
        if len(body) > cap:
            flags += [FetchFlag.SIZE_CAP, FetchFlag.TRUNCATED]
        elif answer.more_follows:
            flags += [FetchFlag.LENGTH_WRONG, FetchFlag.TRUNCATED]
    except (OSError, HTTPException) as problem:
        flags += [*_meaning(problem), FetchFlag.TRUNCATED]
        error = Failure.SILENCE if isinstance(problem, TimeoutError) else None
    return Received(bytes(body[:cap]), tuple(dict.fromkeys(flags)), error)


def _meaning(problem: Exception) -> list[FetchFlag]:
    if isinstance(problem, ConnectionError):
        return [FetchFlag.RESET]
    return [FetchFlag.LENGTH_WRONG] if isinstance(problem, IncompleteRead) else []
