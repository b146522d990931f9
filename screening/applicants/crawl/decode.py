"""Take the content encodings off a body, with a bound on what comes out.

Bodies are decoded here and not while they are read, so that what was received is still there when it is not encoded
as its header says, and so that a bomb costs no more than the cap.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import zstandard

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag

_GZIP_OR_ZLIB, _ZLIB, _RAW_DEFLATE = zlib.MAX_WBITS | 32, zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_MEMBERS = 64
"""Members of one gzip stream that are read; servers send one, a hostile one sends thousands of empty ones."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""Bytes: the largest window that a decoder of `Content-Encoding: zstd` must accept (RFC 9659)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body without its encodings, at most the cap long, and what to know about it."""

    body: bytes
    flags: tuple[FetchFlag, ...]


class _WrongEncodingError(Exception):
    pass


def decode_body(received: bytes, encodings: tuple[str, ...], *, cap: int, layers: int) -> Decoded:
    """Decode a body; `encodings` are the tokens of Content-Encoding in the order they were applied.

    A body that is not encoded as announced is kept as received. Raises FetchFailedError when there are more encodings
    than `layers`.
    """
    announced = [token for token in encodings if token not in {"", "identity", "none"}]
    if len(announced) > layers:
        raise FetchFailedError(Failure.CONTENT_ENCODING)
    flags: list[FetchFlag] = []
    body = received
    for token in reversed(announced):
        decoder = _DECODERS.get(token)
        try:
            if decoder is None:
                raise _WrongEncodingError  # noqa: TRY301 - an unknown token is a wrong encoding like any other
            body, whole = decoder(body, cap)
        except _WrongEncodingError:
            flags.append(FetchFlag.ENCODING_WRONG)
            break
        if len(body) > cap:
            flags += [FetchFlag.SIZE_CAP, FetchFlag.TRUNCATED]
        elif not whole:
            flags.append(FetchFlag.TRUNCATED)
        body = body[:cap]
    return Decoded(body, tuple(dict.fromkeys(flags)))


def _gzip(data: bytes, cap: int) -> tuple[bytes, bool]:
    return _inflate(data, cap, _GZIP_OR_ZLIB)


def _deflate(data: bytes, cap: int) -> tuple[bytes, bool]:
    try:
        return _inflate(data, cap, _ZLIB)
    except _WrongEncodingError:
        return _inflate(data, cap, _RAW_DEFLATE)


def _inflate(data: bytes, cap: int, window: int) -> tuple[bytes, bool]:
    out = bytearray()
    for _ in range(_GZIP_MEMBERS):
        engine = zlib.decompressobj(window)
        try:
            out += engine.decompress(data, cap + 1 - len(out))
        except zlib.error as error:
            if not out:
                raise _WrongEncodingError from error
            return bytes(out), False
        if len(out) > cap or not engine.eof:
            return bytes(out), False
        data = engine.unused_data
        if not data.startswith(_GZIP_MAGIC):
            return bytes(out), True
    return bytes(out), False


def _brotli(data: bytes, cap: int) -> tuple[bytes, bool]:
    engine = brotli.Decompressor()
    out = bytearray()
    try:
        out += engine.process(data, output_buffer_limit=cap + 1)
        while len(out) <= cap and not engine.is_finished() and not engine.can_accept_more_data():
            out += engine.process(b"", output_buffer_limit=cap + 1 - len(out))
    except brotli.error as error:
        if not out:
            raise _WrongEncodingError from error
        return bytes(out), False
    return bytes(out), engine.is_finished()


def _zstd(data: bytes, cap: int) -> tuple[bytes, bool]:
    engine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    out = bytearray()
    try:
        with engine.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            while len(out) <= cap and (piece := reader.read(min(65536, cap + 1 - len(out)))):
                out += piece
    except zstandard.ZstdError as error:
        if not out:
            raise _WrongEncodingError from error
        return bytes(out), False
    return bytes(out), True


_DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

ACCEPTED_ENCODINGS = "gzip, deflate, br, zstd"
