"""Calls that change something are carried out once: the answer is kept with the change, under the caller's key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi.responses import Response
from pydantic import BaseModel

from screening.console.api.access import Caller
from screening.console.context import Console
from screening.errors import ConflictError
from screening.store import KeptAnswer, Records

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that changes something: who sent it under which idempotency key, and what it asks of what."""

    caller: Caller
    key: str
    subject: str
    asked: BaseModel

    @property
    def request_hash(self) -> str:
        """SHA-256 of what was asked."""
        said = json.dumps([self.subject, self.asked.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def once(console: Console, call: Call, status: HTTPStatus, work: Callable[[Records], BaseModel]) -> Response:
    """Carry the call out in one transaction and keep its answer, or give the answer that it got before.

    Raises ConflictError when the key was used for another call, and what `work` raises; then nothing is kept.
    """
    kept = _kept(console, call)
    if kept is not None:
        return kept
    try:
        with console.store.together() as records:
            records.audit.lock()
            body = work(records).model_dump_json()
            answer = KeptAnswer(call.caller.key_id, call.key, call.request_hash, int(status), body, console.clock())
            records.answers.keep([answer])
    except ConflictError:
        # the same call may have been carried out a moment ago
        kept = _kept(console, call)
        if kept is None:
            raise
        return kept
    return Response(body, status_code=status, media_type=_JSON)


def _kept(console: Console, call: Call) -> Response | None:
    name = call.caller.key_id, call.key
    answer = console.store.answers.of([name]).get(name)
    if answer is None:
        return None
    if answer.request_hash != call.request_hash:
        raise ConflictError(
            "This idempotency key was used for another request.",
            remedy="Send the request that it was used for, or a new key.",
            where="Idempotency-Key",
        )
    return Response(answer.body, answer.status, media_type=_JSON, headers={"Idempotent-Replayed": "true"})
