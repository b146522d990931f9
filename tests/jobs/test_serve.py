"""Where the server listens, and that its answers leave at once."""

from __future__ import annotations

import asyncio
import socket

import pytest

from screening.errors import InputError
from screening.jobs.serve import Place, bind

FREE = Place("127.0.0.1", 0, "http://127.0.0.1:0", exposed=False)


async def no_delay_of_a_connection(listening: socket.socket) -> int:
    """Connect to a server on that socket, as uvicorn makes one, and return what it set on its end."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    server = await asyncio.start_server(connected, sock=listening)
    async with server:
        _, writer = await asyncio.open_connection(*listening.getsockname())
        found = await seen
        writer.close()
        await writer.wait_closed()
    return found


def test_answers_do_not_wait_for_the_acknowledgement_of_what_was_sent_before():
    """Without it each answer on a kept connection waits for the reader's delayed acknowledgement, some 40 ms."""
    listening, place = bind(FREE)
    assert place.port
    assert asyncio.run(no_delay_of_a_connection(listening)) == 1


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1 port {taken}: Address already in use"):
            bind(Place("127.0.0.1", taken, f"http://127.0.0.1:{taken}", exposed=False))
