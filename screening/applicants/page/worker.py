"""The parsing process: reads requests from a socket, answers with facts, and dies rather than take too much.

Run as `python -m screening.applicants.page.worker DESCRIPTOR LIMITS`, with the number of an inherited socket and the
limits as JSON. The kernel ends it when one page takes more processor time than allowed (RLIMIT_CPU); a Python signal
handler could not, because a busy parser never returns to the interpreter.
"""

from __future__ import annotations

import json
import math
import resource
import socket
import sys
import time
from typing import Any

from screening.applicants.page.encoding import decode_page
from screening.applicants.page.frames import PeerGoneError, receive, send
from screening.applicants.page.lexbor import read_with_lexbor
from screening.applicants.page.limits import PageLimits, strip_traps


def main(descriptor: int, settings: dict[str, Any]) -> None:
    """Serve until the other side closes the socket."""
    limits = PageLimits(**settings["page"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"], settings["memory_bytes"]))
    with socket.socket(fileno=descriptor) as channel:
        while True:
            try:
                request, body = json.loads(receive(channel)), receive(channel)
                send(channel, _answer(request, body, limits, settings["cpu_seconds"]))
            except PeerGoneError:
                return


def _answer(request: dict[str, Any], body: bytes, limits: PageLimits, cpu_seconds: int) -> bytes:
    read = _reader(request["reader"])
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_seconds, resource.RLIM_INFINITY))
    try:
        markup, encoding = decode_page(body, request["charset"])
        markup, flags = strip_traps(markup)
        facts = read(markup, request["url"], limits)
        facts["encoding"] = encoding
        facts["flags"] = [*flags, *facts["flags"]]
        return json.dumps(facts).encode()
    except Exception as error:  # noqa: BLE001 - whatever a page provokes in a parser means "not parseable"
        return json.dumps({"failed": type(error).__name__}).encode()
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _reader(name: str) -> Any:  # noqa: ANN401 - one of two functions of the same signature
    if name == "lexbor":
        return read_with_lexbor
    from screening.applicants.page.soup import read_with_soup  # noqa: PLC0415 - rarely needed, slow to load

    return read_with_soup


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
