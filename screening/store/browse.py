"""Reading the store a page at a time, for people. Every query follows an index, whatever the size of the tables."""

from __future__ import annotations

from screening.store.browse_cases import BrowseCases
from screening.store.browse_judged import BrowseJudged
from screening.store.browse_trail import BrowseTrail
from screening.store.database import Access


class Browse:
    """The lists of a store: cases, judgements, and what happened."""

    def __init__(self, access: Access) -> None:
        self.cases = BrowseCases(access)
        self.judged = BrowseJudged(access)
        self.trail = BrowseTrail(access)
