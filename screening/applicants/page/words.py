"""How much a text says, counted alike for scripts that write with and without spaces between words."""

from __future__ import annotations

import re
from itertools import pairwise

_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]+")
"""Kana and Chinese characters."""
_LETTERS_OF_IDEOGRAPHS = 2
"""Characters of a Chinese or Japanese word on average, roughly."""
_SYLLABIC = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
"""Thai, Lao, Burmese and Khmer, vowel and tone marks included."""
_LETTERS_OF_SYLLABIC = 4
"""Characters of a Thai word on average, roughly; its neighbours' are alike."""
_UNSPACED = re.compile(f"(?:{_IDEOGRAPHS.pattern}|{_SYLLABIC.pattern}|[\u3000-\u303f\uff00-\uff0f\uff1a-\uff20])+")
"""Runs of these scripts, with their punctuation, which stands between no spaces either."""
_RUN = 4
"""Characters that are hashed together in place of a pair of words: few repeat by chance."""


def word_count(text: str) -> int:
    """Return the number of words; in scripts without spaces, what the number of characters comes to."""
    if text.isascii() or _UNSPACED.search(text) is None:
        return len(text.split())
    spaced = len(_UNSPACED.sub(" ", text).split())
    ideographs = sum(map(len, _IDEOGRAPHS.findall(text)))
    syllabic = sum(map(len, _SYLLABIC.findall(text)))
    return spaced + ideographs // _LETTERS_OF_IDEOGRAPHS + syllabic // _LETTERS_OF_SYLLABIC


def different_words(texts: list[str]) -> int:
    """Return how many words all texts together say, where what one repeats of another (menus, say) counts once."""
    pairs: set[tuple[str, str]] = set()
    ideographs: set[str] = set()
    syllabic: set[str] = set()
    for text in texts:
        spaced = text if text.isascii() else _UNSPACED.sub(" ", text)
        pairs.update(pairwise(re.findall(r"\w+", spaced.casefold())))
        if spaced is not text:
            ideographs.update(_runs(_IDEOGRAPHS, text))
            syllabic.update(_runs(_SYLLABIC, text))
    return len(pairs) + len(ideographs) // _LETTERS_OF_IDEOGRAPHS + len(syllabic) // _LETTERS_OF_SYLLABIC


def _runs(script: re.Pattern[str], text: str) -> set[str]:
    letters = "".join(script.findall(text))
    return {letters[start : start + _RUN] for start in range(len(letters) - _RUN + 1)}
