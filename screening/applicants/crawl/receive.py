"""Read an answer's body off the wire, bounded in size, keeping what came when the rest does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError, IncompleteRead, ReadTimeoutError

from screening.applicants.codes import Failure, FetchFlag
from screening.applicants.crawl.tls import causes

_PIECE = 65536
"""Bytes asked for at a time; what has come is returned at once, so a slow server cannot hide behind it."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body as it came, at most one byte above the cap; `error` when the wait for it was too long."""

    body: bytes
    flags: tuple[FetchFlag, ...]
    error: Failure | None


def receive(raw: Any, cap: int) -> Received:  # noqa: ANN401 - urllib3.HTTPResponse, untyped in requests
    """Read the body of a urllib3 response without decoding it; closes the connection unless all of it was read."""
    flags: list[FetchFlag] = []
    error: Failure | None = None
    body = bytearray()
    if (raw.length_remaining or 0) > cap:
        flags.append(FetchFlag.SIZE_DECLARED)
    try:
        while len(body) <= cap and (piece := raw.read1(_ask_for(raw), decode_content=False)):
            body += piece
            if raw.length_remaining == 1 and _more_follows(raw):
                flags += [FetchFlag.LENGTH_WRONG, FetchFlag.TRUNCATED]
        if len(body) > cap:
            flags += [FetchFlag.SIZE_CAP, FetchFlag.TRUNCATED]
            raw.close()
    except HTTPError as problem:
        raw.close()
        flags += [*_meaning(problem), FetchFlag.TRUNCATED]
        error = Failure.SILENCE if isinstance(problem, ReadTimeoutError) else None
    return Received(bytes(body[:cap]), tuple(dict.fromkeys(flags)), error)


def _ask_for(raw: Any) -> int:  # noqa: ANN401
    # The last byte is read alone: before it, one can still see whether more came than was announced.
    remaining = raw.length_remaining
    return _PIECE if remaining is None else min(_PIECE, max(remaining - 1, 1))


def _more_follows(raw: Any) -> bool:  # noqa: ANN401
    buffered = getattr(raw._fp, "fp", None)  # noqa: SLF001 - no public way to the buffer of http.client
    try:
        return buffered is not None and len(buffered.peek(2)) > 1
    except (OSError, ValueError):
        return False


def _meaning(problem: HTTPError) -> list[FetchFlag]:
    inner = list(causes(problem))
    if any(isinstance(one, ConnectionError | BrokenPipeError) for one in inner):
        return [FetchFlag.RESET]
    if any(isinstance(one, IncompleteRead) for one in inner):
        return [FetchFlag.LENGTH_WRONG]
    return []
