"""Length-prefixed messages between a crawl and its parsing processes. They are data, never pickles: a page that takes
over a parser must not take over the crawl."""

from __future__ import annotations

import socket
import struct
import time

_LENGTH = struct.Struct(">I")
LARGEST = 256 * 1024 * 1024
"""Bytes of one message; facts of the largest page are far below."""


class PeerGoneError(Exception):
    """The other process ended, did not answer in time, or does not speak the protocol."""


def send(channel: socket.socket, *parts: bytes) -> None:
    """Send messages. Raises PeerGoneError."""
    try:
        channel.sendall(b"".join(_LENGTH.pack(len(part)) + part for part in parts))
    except OSError as error:
        raise PeerGoneError from error


def receive(channel: socket.socket, deadline: float | None = None) -> bytes:
    """Return the next message, waiting until `deadline` of time.monotonic at most. Raises PeerGoneError."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size, deadline))
    if length > LARGEST:
        raise PeerGoneError
    return _exactly(channel, length, deadline)


def _exactly(channel: socket.socket, length: int, deadline: float | None) -> bytes:
    pieces: list[bytes] = []
    while length:
        try:
            if deadline is not None:
                channel.settimeout(max(deadline - time.monotonic(), 0.001))
            piece = channel.recv(min(length, 1 << 20))
        except OSError as error:
            raise PeerGoneError from error
        if not piece:
            raise PeerGoneError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
