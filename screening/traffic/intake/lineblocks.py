"""Text cut into blocks of whole lines, in bounded memory whatever the lines are like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from screening.traffic.intake.faults import Fault, Refusal


@dataclass(slots=True)
class LineBlocks:
    """Gives a text block by block; each ends with a line end, but for the last of a text that does not.

    A line longer than `longest` bytes that spans blocks is never held in memory: it is dropped and noted in `refused`,
    of which the reader takes what is there after each block. `line` is the number of the first line of the next block.
    """

    chunks: Iterator[bytes]
    size: int
    longest: int
    kept_bytes: int
    line: int = 1
    refused: list[Refusal] = field(default_factory=list)
    _pending: bytes = b""
    _exhausted: bool = False
    _unfinished: bool = False

    def next(self) -> bytes | None:
        """Return the next block, None at the end of the text. The caller advances `line` past what it used."""
        pieces = [self._pending]
        length = len(self._pending)
        self._pending = b""
        if self._unfinished and not self._exhausted:
            length += self._pull(pieces)
        self._unfinished = False
        while not self._exhausted:
            ended = length >= self.size and self._cut(pieces)
            if ended:
                return ended
            if length > self.size + self.longest:
                pieces = [self._drop_line(pieces)]
                length = len(pieces[0])
            length += self._pull(pieces)
        return b"".join(pieces) or None

    def give_back(self, rest: bytes) -> None:
        """Put the end of the last block before the next one: a record that it did not hold whole."""
        self._pending = rest + self._pending
        self._unfinished = bool(rest)

    @property
    def at_end(self) -> bool:
        """Whether the last block given was the end of the text."""
        return self._exhausted and not self._pending

    def _pull(self, pieces: list[bytes]) -> int:
        chunk = next(self.chunks, None)
        if chunk is None:
            self._exhausted = True
            return 0
        pieces.append(chunk)
        return len(chunk)

    def _cut(self, pieces: list[bytes]) -> bytes | None:
        last = next((at for at in range(len(pieces) - 1, -1, -1) if b"\n" in pieces[at]), None)
        if last is None:
            return None
        end = pieces[last].rfind(b"\n") + 1
        self._pending = b"".join([pieces[last][end:], *pieces[last + 1 :]])
        return b"".join([*pieces[:last], pieces[last][:end]])

    def _drop_line(self, pieces: list[bytes]) -> bytes:
        """Read on to the end of a line that is too long; return what follows it."""
        raw = b"".join(pieces)[: self.kept_bytes]
        size = sum(len(piece) for piece in pieces)
        rest = b""
        while not self._exhausted:
            last: list[bytes] = []
            self._pull(last)
            end = last[0].find(b"\n") if last else -1
            if end >= 0:
                size += end
                rest = last[0][end + 1 :]
                break
            size += sum(len(piece) for piece in last)
        self.refused.append(Refusal(self.line, Fault.OVERSIZED_RECORD, raw, size))
        self.line += 1
        return rest
