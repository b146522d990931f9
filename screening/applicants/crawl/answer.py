"""One HTTP/1.1 answer (RFC 9112), read off a socket a step at a time: its head at once, its body as it comes.

Reading through http.client and urllib3 took half of the processor time of a crawl, most of it to parse headers as if
they were e-mail. What is kept of theirs are the errors, which say the same here, and their leniency: sites are judged
by what they publish, not by the tidiness of their servers.
"""

from __future__ import annotations

import re
import socket
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected, UnknownProtocol

LONGEST_LINE = 65_536
"""Bytes of a line of the head, or of a chunk's size with its extensions (as http.client)."""
MOST_HEADERS = 100
"""Lines of a head or trailer (as http.client); no server that people use sends half of them."""
MOST_INTERIM = 20
"""Interim answers (1xx) before the final one; servers send one or two, and each costs time to read."""
_PIECE = 65_536
"""Bytes asked for at a time; what has come is returned at once, so a slow server cannot hide behind it."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2); a line without one is no header."""
_STATUS = re.compile(rb"HTTP/(\d+(?:\.\d+)?)[ \t]+(\d{3})(?:[ \t].*)?")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
"""A chunk's size in hexadecimal and its extensions (RFC 9112, 7.1); with a bare line feed too, as servers send it."""
_LINE_ENDS = frozenset({b"\r\n", b"\n"})
_SWITCHING, _NO_CONTENT, _NOT_MODIFIED = 101, 204, 304


class Answer:
    """An answer whose head has been read.

    `status` and `headers` (names in lower case, values as Latin-1, in the order received) are those of the final
    answer; interim ones (1xx) are passed over. `length` is the body's announced length in bytes, None when none was.
    `ambiguous`: the head says in two ways where the body ends, or in one that no reader must follow (RFC 9112, 6.3).
    Such a body is read by its chunks if it has any, as browsers do, but two readers may see two bodies.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Read the head. Raises OSError, and HTTPException of http.client for what is no HTTP."""
        self._connection = connection
        self._buffer = b""
        version = self._final_head()
        codings = [coding for coding in self._listed("transfer-encoding") if coding not in {"", "identity"}]
        self._chunked = "chunked" in codings[-1:]
        self.length = None if codings else self._announced()
        self.ambiguous = bool(codings) and (
            codings != ["chunked"] or version != b"1.1" or self.get_all("content-length") is not None
        )
        if self.status in {_NO_CONTENT, _NOT_MODIFIED}:
            self._chunked, self.length, self.ambiguous = False, 0, False
        self._left = self.length
        self._chunk_read = False
        self._ended = self.length == 0
        kept = self._listed("connection")
        self._persistent = "close" not in kept if version == b"1.1" else "keep-alive" in kept

    @property
    def reusable(self) -> bool:
        """Whether the connection can carry another request: the body was read to its end, and nothing came after it."""
        return self._persistent and self._ended and not self._buffer and not self.ambiguous

    @property
    def more_follows(self) -> bool:
        """Whether more than the announced body has come already."""
        return self._ended and self.length is not None and bool(self._buffer)

    def read_some(self) -> bytes:
        """Return the next piece of the body, empty at its end.

        Raises OSError; IncompleteRead when it ends early or a chunk makes no sense; LineTooLong.
        """
        if self._ended:
            return b""
        if self._chunked and not self._left:
            self._left = self._next_chunk()
            if self._left == 0:
                self._ended = True
                self._trailer()
                return b""
        piece = self._take()
        if not piece:
            self._ended = True
            if self._left is not None:
                self._persistent = False
                raise IncompleteRead(b"", self._left)
            return b""
        if self._left is not None:
            piece, self._buffer = piece[: self._left], piece[self._left :]
            self._left -= len(piece)
            self._ended = not self._chunked and self._left == 0
        return piece

    def info(self) -> Answer:
        """Return what a cookie jar asks for headers: the answer itself."""
        return self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        """Return all values of a header."""
        return [value for key, value in self.headers if key == name.lower()] or default

    def _listed(self, name: str) -> list[str]:
        """Return the members of a header that is a list, in lower case, from all its lines (RFC 9110, 5.3)."""
        return [part.strip().lower() for value in self.get_all(name) or () for part in value.split(",")]

    def _announced(self) -> int | None:
        numbers = set(self._listed("content-length"))
        if not numbers:
            return None
        if len(numbers) > 1:
            raise HTTPException(f"several lengths: {', '.join(sorted(numbers))[:80]}")
        (number,) = numbers
        return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else None

    def _final_head(self) -> bytes:
        """Read heads until one is not interim; return the version of HTTP that the server speaks."""
        for _ in range(MOST_INTERIM + 1):
            version, self.status = self._status()
            self.headers = self._head()
            if not 100 <= self.status < 200 or self.status == _SWITCHING:
                return version
        raise HTTPException(f"got more than {MOST_INTERIM} interim answers")

    def _status(self) -> tuple[bytes, int]:
        line = self._line("status line").strip()
        if not line:
            raise RemoteDisconnected("the connection ended without an answer")
        found = _STATUS.fullmatch(line)
        if found is None:
            raise BadStatusLine(repr(line[:80]))
        if not found[1].startswith((b"1.", b"0.9")):
            raise UnknownProtocol(found[1].decode())
        return found[1], int(found[2])

    def _head(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for _ in range(MOST_HEADERS + 1):
            line = self._line("header line").rstrip(b"\r\n")
            if not line:
                return tuple(found)
            text = line.decode("latin-1")
            name, colon, value = text.partition(":")
            if text[0] in " \t":
                if found:  # folded: the break stays visible, since nothing that matters is written so
                    found[-1] = (found[-1][0], f"{found[-1][1]}\n{text}")
            elif colon and _TOKEN.fullmatch(name.strip()):
                found.append((name.strip().lower(), value.strip()))
        raise HTTPException(f"got more than {MOST_HEADERS} headers")

    def _next_chunk(self) -> int:
        """Read the end of the last chunk and the size of the next, 0 for the end of the body.

        The end is read here, not with the chunk, so that a chunk is never lost for what comes after it.
        """
        if self._chunk_read and self._line("end of a chunk") not in _LINE_ENDS:
            raise self._damaged()
        self._chunk_read = True
        found = _CHUNK.fullmatch(self._line("chunk size"))
        if found is None:
            raise self._damaged()
        return int(found[1], 16)

    def _damaged(self) -> IncompleteRead:
        self._ended, self._persistent = True, False
        return IncompleteRead(b"")

    def _trailer(self) -> None:
        for _ in range(MOST_HEADERS + 1):
            if not self._line("trailer line").strip():
                return
        self._persistent = False
        raise HTTPException(f"got more than {MOST_HEADERS} trailer lines")

    def _line(self, kind: str) -> bytes:
        """Return the next line with its end; without it when the connection has ended."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise LineTooLong(kind)
            piece = self._connection.recv(_PIECE)
            if not piece:
                line, self._buffer = self._buffer, b""
                return line
            self._buffer += piece
        if end >= LONGEST_LINE:
            raise LineTooLong(kind)
        line, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
        return line

    def _take(self) -> bytes:
        if self._buffer:
            piece, self._buffer = self._buffer, b""
            return piece
        return self._connection.recv(_PIECE)
