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
"""Lines of a head (as http.client); no server that people use sends half of them."""
_PIECE = 65_536
"""Bytes asked for at a time; what has come is returned at once, so a slow server cannot hide behind it."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2); a line without one is no header."""
_STATUS = re.compile(rb"HTTP/(\d+(?:\.\d+)?)[ \t]+(\d{3})(?:[ \t].*)?")
_SWITCHING, _NO_CONTENT, _NOT_MODIFIED = 101, 204, 304


class Answer:
    """An answer whose head has been read.

    `status` and `headers` (names in lower case, values as Latin-1, in the order received) are those of the final
    answer; interim ones (1xx) are passed over. `length` is the body's announced length in bytes, None when none was.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Read the head. Raises OSError, and HTTPException of http.client for what is no HTTP."""
        self._connection = connection
        self._buffer = b""
        version, self.status = self._status()
        self.headers = self._head()
        while 100 <= self.status < 200 and self.status != _SWITCHING:
            version, self.status = self._status()
            self.headers = self._head()
        self._chunked = (self._first("transfer-encoding") or "").lower() == "chunked"
        self.length = None if self._chunked else self._announced()
        if self.status in {_NO_CONTENT, _NOT_MODIFIED}:
            self._chunked, self.length = False, 0
        self._left = self.length
        self._ended = self.length == 0
        kept = (self._first("connection") or "").lower()
        self._persistent = "close" not in kept if version == b"1.1" else "keep-alive" in kept

    @property
    def reusable(self) -> bool:
        """Whether the connection can carry another request: the body was read to its end, and nothing came after it."""
        return self._persistent and self._ended and not self._buffer

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
            self._left = self._chunk_size()
            if self._left == 0:
                self._trailer()
                self._ended = True
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
            if self._chunked and self._left == 0:
                self._line("chunk")
            self._ended = not self._chunked and self._left == 0
        return piece

    def info(self) -> Answer:
        """Return what a cookie jar asks for headers: the answer itself."""
        return self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        """Return all values of a header."""
        return [value for key, value in self.headers if key == name.lower()] or default

    def _first(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def _announced(self) -> int | None:
        numbers = {part.strip() for value in self.get_all("content-length") or () for part in value.split(",")}
        if not numbers:
            return None
        if len(numbers) > 1:
            raise HTTPException(f"several lengths: {', '.join(sorted(numbers))[:80]}")
        (number,) = numbers
        return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else None

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

    def _chunk_size(self) -> int:
        line = self._line("chunk size")
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            size = -1
        if size < 0:
            self._ended, self._persistent = True, False
            raise IncompleteRead(b"")
        return size

    def _trailer(self) -> None:
        while self._line("trailer line").strip():
            pass

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
