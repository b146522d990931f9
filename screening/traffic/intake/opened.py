"""Opening an event file: what it is compressed with, how its text is encoded, and its digest while it is read."""

from __future__ import annotations

import codecs
import hashlib
import queue
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from screening.errors import InputError

CHUNK_BYTES = 4 << 20
_READ_AHEAD = 3
"""Chunks that the reading thread may be ahead: it hashes and decompresses while the last chunk is parsed."""
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ZSTD_SKIPPABLE = tuple(bytes([0x50 + n, 0x2A, 0x4D, 0x18]) for n in range(16))
_FOREIGN = {b"PK\x03\x04": "a ZIP archive or Excel workbook", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
_SIP_BYTES = 8 << 10
"""Compressed bytes taken at a time, so that a bomb's text stays small: at most 1,032 times as much in gzip."""
_READY_BYTES = 1 << 20
_GZIP_WINDOW = 31
"""zlib's window bits for a gzip member with its header and checksum."""
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class _Engine(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows the member."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return the text that these bytes complete."""


class Form(StrEnum):
    """What a file is, once decompressed."""

    DELIMITED = "delimited"
    JSON_LINES = "json lines"
    PARQUET = "parquet"


@dataclass(slots=True)
class ReadState:
    """How far the reading of a file is."""

    bytes_read: int = 0
    truncated: bool = False
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open event file: its form and its text as UTF-8, decompressed, without byte order mark.

    `digest` (SHA-256 of the file as it lies on the disk) and `truncated` (a compressed stream that ended too early) are
    right once `chunks` is exhausted; `bytes_read` counts bytes of the file for progress.
    """

    path: Path
    form: Form
    chunks: Iterator[bytes]
    digest: Callable[[], str]
    state: ReadState


@contextmanager
def opened(path: Path, *, json_lines: bool = True) -> Iterator[Opened]:
    """Open the file and find out what it is, by its first bytes and not by its name.

    `json_lines`: whether the caller takes those, too, which an error's remedy depends on. Raises InputError when it is
    missing, unreadable, empty, or of a form or compression that is not taken; while its chunks are read, when the
    compressed data are damaged. Errors of whatever is done with the chunks, a full disk say, are raised as they are.
    """
    with _refusing_unreadable(path):
        stream = path.open("rb")
    with stream:
        with _refusing_unreadable(path):
            recognised = _recognised(path, stream, json_lines=json_lines)
        yield recognised


@contextmanager
def _refusing_unreadable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The file cannot be read: {error.strerror or error}.", remedy="Check name and rights.", where=str(path)
        ) from error


def _recognised(path: Path, stream: BinaryIO, *, json_lines: bool) -> Opened:
    head = stream.read(16)
    stream.seek(0)
    if not head:
        raise InputError("The file is empty: it has no header.", remedy="Export it again.", where=str(path))
    for magic, name in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(
                f"The file is {name}.",
                remedy=f"Give CSV, TSV{', JSON lines' if json_lines else ''} or Parquet, plain, gzip or zstd.",
                where=str(path),
            )
    state = ReadState()
    if head.startswith(_PARQUET):
        return Opened(path, Form.PARQUET, iter(()), lambda: _digest_of(path, stream, state), state)
    chunks = _utf8(path, _ahead(_decompressed(path, stream, head, state)))
    first = next(chunks, b"")
    if not first.strip():
        raise InputError("The file holds no text: it has no header.", remedy="Export it again.", where=str(path))
    if first.startswith(_PARQUET):
        raise InputError("This is Parquet inside another compression.", remedy="Decompress it first.", where=str(path))
    return Opened(path, _form(path, first, json_lines=json_lines), _chain(first, chunks), state.sha256.hexdigest, state)


def _form(path: Path, first: bytes, *, json_lines: bool) -> Form:
    start = first.lstrip()[:1]
    if start in (b"{", b"[") and not json_lines:
        raise InputError("The file is JSON.", remedy="Export it as CSV, TSV or Parquet.", where=str(path))
    if start == b"{":
        return Form.JSON_LINES
    if start == b"[":
        raise InputError(
            "The file is one JSON array.", remedy="Write one object per line, as `jq -c '.[]'` does.", where=str(path)
        )
    return Form.DELIMITED


def _digest_of(path: Path, stream: BinaryIO, state: ReadState) -> str:
    stream.seek(0)
    for chunk in _pieces(path, stream):
        state.sha256.update(chunk)
    return state.sha256.hexdigest()


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _pieces(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    while True:
        with _refusing_unreadable(path):
            chunk = stream.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _stored(path: Path, stream: BinaryIO, state: ReadState) -> Iterator[bytes]:
    for chunk in _pieces(path, stream):
        state.sha256.update(chunk)
        state.bytes_read += len(chunk)
        yield chunk


def _decompressed(path: Path, stream: BinaryIO, head: bytes, state: ReadState) -> Iterator[bytes]:
    stored = _stored(path, stream, state)
    if head.startswith(_GZIP):
        return _inflated(path, stored, state, partial(zlib.decompressobj, _GZIP_WINDOW))
    if head.startswith((_ZSTD, *_ZSTD_SKIPPABLE)):
        return _inflated(path, stored, state, zstandard.ZstdDecompressor().decompressobj)
    return stored


def _inflated(path: Path, stored: Iterator[bytes], state: ReadState, member: Callable[[], _Engine]) -> Iterator[bytes]:
    """Yield the text of all members (gzip) or frames (zstd) that follow each other."""
    engine: _Engine | None = None
    ready = bytearray()
    try:
        for sip in (piece[at : at + _SIP_BYTES] for piece in stored for at in range(0, len(piece), _SIP_BYTES)):
            data = sip
            while data:
                engine = engine or member()
                ready += engine.decompress(data)
                if not engine.eof:
                    break
                data = engine.unused_data.lstrip(b"\0")  # padding after the last member is allowed
                engine = None
            if len(ready) >= _READY_BYTES:
                yield bytes(ready)
                ready.clear()
    except (zlib.error, zstandard.ZstdError) as error:
        raise InputError(
            f"The compressed data are damaged: {error}. Nothing of the file was taken.",
            remedy="Fetch the file again.",
            where=str(path),
        ) from error
    state.truncated = engine is not None
    yield bytes(ready)


def _utf8(path: Path, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text as UTF-8: UTF-16 is recognised by its mark, or by the NUL in every other byte of its start."""
    first = next(chunks, b"")
    while len(first) < 4 and (more := next(chunks, b"")):
        first += more
    mark = next((mark for mark in _BYTE_ORDER_MARKS if first.startswith(mark)), b"")
    encoding = _BYTE_ORDER_MARKS.get(mark, "utf-8")
    if not mark and len(first) >= 4 and first[0] and first[2]:
        encoding = "utf-16-le" if not first[1] and not first[3] else encoding
    if not mark and len(first) >= 4 and first[1] and first[3] and not first[0] and not first[2]:
        encoding = "utf-16-be"
    text = _chain(first[len(mark) :], chunks)
    return text if encoding == "utf-8" else _transcoded(path, text, encoding)


def _transcoded(path: Path, chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks:
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InputError(
            f"The file begins as {encoding.upper()} and is not: {error}.", remedy="Export it as UTF-8.", where=str(path)
        ) from error


def _ahead(source: Iterator[bytes]) -> Iterator[bytes]:
    """Run the source in a thread of its own, some chunks ahead. Its errors are raised here."""
    waiting: queue.Queue[bytes | Exception | None] = queue.Queue(_READ_AHEAD)
    stopped = threading.Event()

    def produce() -> None:
        ending: Exception | None = None
        try:
            for chunk in source:
                if not _offered(waiting, chunk, stopped):
                    return
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for chunks
            ending = error
        _offered(waiting, ending, stopped)

    thread = threading.Thread(target=produce, name="winnow-read", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, Exception):
                raise item
            if item:
                yield item
    finally:
        stopped.set()
        thread.join()


def _offered(
    waiting: queue.Queue[bytes | Exception | None], item: bytes | Exception | None, stopped: threading.Event
) -> bool:
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False
