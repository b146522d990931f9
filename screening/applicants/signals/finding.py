"""What a signal says: a code that was found, looked for and absent, or unknown because a fact was not available."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from screening.applicants.records import Page

SNIPPET_LENGTH = 300
"""Characters of a snippet: enough for a person to check the finding, too little to be a copy of the page."""


Numbers = dict[str, str | int | float]
"""What fills the explanation of a reason code."""


class State(StrEnum):
    """The three answers of a signal. `UNKNOWN` is neither good nor bad: it is missing."""

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Where a person can see the finding: a URL, a snippet of what stands there, and the WARC record that keeps it.

    Both texts come from applicants: escape them wherever they are shown. `record_id` is None when none was kept.
    """

    url: str
    snippet: str
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one signal.

    `site` is the site it is about (None: the application itself), `clause` the id of the policy clause it breaks,
    `numbers` fill the explanation of the code, `why` says for `UNKNOWN` which fact was not available and why.
    """

    code: str
    state: State
    site: str | None = None
    exhibits: tuple[Exhibit, ...] = ()
    numbers: Mapping[str, str | int | float] = field(default_factory=lambda: MappingProxyType({}))
    clause: str | None = None
    why: str = ""

    @property
    def found(self) -> bool:
        """The thing looked for is there."""
        return self.state is State.FOUND


def absent(code: str, site: str | None = None) -> Finding:
    """Say that the thing was looked for and is not there."""
    return Finding(code, State.ABSENT, site)


def unknown(code: str, site: str | None, why: str) -> Finding:
    """Say that it could not be known, and why."""
    return Finding(code, State.UNKNOWN, site, why=why)


def exhibit(page: Page, snippet: str) -> Exhibit:
    """Show a place of a page."""
    return Exhibit(page.fetch.final_url, shortened(snippet), page.fetch.record_id)


def shortened(text: str) -> str:
    """Cut a snippet to what is kept, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SNIPPET_LENGTH else f"{line[: SNIPPET_LENGTH - 1]}…"
