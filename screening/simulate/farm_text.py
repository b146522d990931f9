"""Prose for simulated sites: sentences about a topic in six languages, different on every page, the same for a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random
from typing import Any

import yaml

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
TOPICS = ("kitchen", "travel", "garden", "tech", "cycling")


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes about one topic in one language."""

    language: str
    topic: str

    def word(self, key: str) -> str:
        """Return a fixed wording of the language, such as the text of the contact link."""
        return str(_words()[self.language][key])

    def thing(self, rng: Random) -> str:
        """Return a thing of the topic."""
        return str(rng.choice(_words()[self.language]["topics"][self.topic]))

    def sentence(self, rng: Random) -> str:
        """Return one sentence."""
        words = _words()[self.language]
        first, second = rng.sample(words["topics"][self.topic], 2)
        claim = rng.choice(words["claims"]).format(a=first, b=second)
        return f"{rng.choice(words['openers'])} {claim}, {rng.choice(words['ends'])}."

    def paragraph(self, rng: Random) -> str:
        """Return three to six sentences."""
        return " ".join(self.sentence(rng) for _ in range(rng.randint(3, 6)))

    def title(self, rng: Random) -> str:
        """Return a headline."""
        first, second = rng.sample(_words()[self.language]["topics"][self.topic], 2)
        joint = {"en": "or", "de": "oder", "fr": "ou", "es": "o", "it": "o", "nl": "of"}[self.language]
        return f"{first[:1].upper()}{first[1:]} {joint} {second}? ({rng.randint(2, 99)})"


@cache
def _words() -> Any:  # noqa: ANN401 - a tree of words; Writer's methods fix what is read from it
    return yaml.safe_load((resources.files("screening.simulate") / "farm_words.yaml").read_text("utf-8"))
