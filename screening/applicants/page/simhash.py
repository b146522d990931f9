"""64-bit simhash (Charikar, STOC 2002): near copies differ in few bits (at most 3 of 64: Manku et al., WWW 2007)."""

from __future__ import annotations

from collections.abc import Sequence

import mmh3
import numpy as np

SHINGLE = 4
"""Successive tokens hashed together."""
_MOST_TOKENS = 5_000
"""Tokens that count: more would change no bit of a page's hash for certain, but cost time."""
_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], dtype=np.uint64
)
"""Odd 64-bit constants (golden ratio and the primes of xxHash) that make the order of a shingle's tokens count."""


def simhash(tokens: Sequence[str]) -> int | None:
    """Return the simhash of a sequence of tokens, or None when it has fewer than four."""
    if len(tokens) < SHINGLE:
        return None
    tokens = tokens[:_MOST_TOKENS]
    known = {token: position for position, token in enumerate(dict.fromkeys(tokens))}
    digests = b"".join(mmh3.hash_bytes(token.encode("utf-8", "replace")) for token in known)
    hashes = np.frombuffer(digests, np.uint64)[::2][[known[token] for token in tokens]]
    count = len(hashes) - SHINGLE + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE):
        shingles ^= hashes[offset : offset + count] * _MULTIPLIERS[offset]
    shingles ^= shingles >> np.uint64(29)
    shingles *= _MULTIPLIERS[0]
    bits = np.unpackbits(np.unique(shingles).view(np.uint8).reshape(-1, 8), axis=1)
    majority = bits.sum(axis=0, dtype=np.int64) * 2 > len(bits)
    return int.from_bytes(np.packbits(majority).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """Return the number of bits in which two simhashes differ, 0-64."""
    return (one ^ other).bit_count()
