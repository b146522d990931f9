"""64-bit simhash (Charikar, STOC 2002): near copies differ in few bits (at most 3 of 64: Manku et al., WWW 2007)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SHINGLE = 4
"""Successive words hashed together."""
_MOST_BYTES = 8_192
"""Bytes of the text that count, some 1,300 words: more would change few bits, but cost time."""
_LONGEST_WORD = 64
_SPACE = 0x20
_MULTIPLIER = 0x9E3779B97F4A7C15
"""Odd 64-bit constant (2^64 over the golden ratio), the usual base of multiplicative hashing (Knuth, TAOCP 3, 6.4)."""

_POWERS = np.array([pow(_MULTIPLIER, exponent, 1 << 64) for exponent in range(1, _LONGEST_WORD + 1)], dtype=np.uint64)
_ORDER = _POWERS[:SHINGLE]


def simhash(text: str) -> int | None:
    """Return the simhash of the words of a text, as divided by single spaces; None when it has fewer than four."""
    data = np.frombuffer(text.encode("utf-8", "replace")[:_MOST_BYTES], dtype=np.uint8)
    words = _word_hashes(data)
    count = len(words) - SHINGLE + 1
    if count < 1:
        return None
    shingles = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE):
        shingles ^= words[offset : offset + count] * _ORDER[offset]
    bits = np.unpackbits(_mixed(shingles).view(np.uint8).reshape(count, 8), axis=1)
    majority = bits.sum(axis=0, dtype=np.uint32) * 2 > count
    return int.from_bytes(np.packbits(majority).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """Return the number of bits in which two simhashes differ, 0-64."""
    return (one ^ other).bit_count()


def _word_hashes(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Hash every word as the sum of its bytes, each times a power of the multiplier for its place; 1-D, one a word."""
    in_word = data != _SPACE
    starts = np.flatnonzero(in_word[1:] & ~in_word[:-1]) + 1
    if len(data) and in_word[0]:
        starts = np.concatenate(([0], starts))
    if not len(starts):
        return np.zeros(0, dtype=np.uint64)
    data, in_word, starts = data[starts[0] :], in_word[starts[0] :], starts - starts[0]
    places = np.arange(len(data)) - np.repeat(starts, np.diff(np.append(starts, len(data))))
    weighted = (data.astype(np.uint64) + np.uint64(1)) * in_word * _POWERS[np.minimum(places, _LONGEST_WORD - 1)]
    return _mixed(np.add.reduceat(weighted, starts))


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread every bit over all others (the finaliser of MurmurHash3, Appleby 2011)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))
