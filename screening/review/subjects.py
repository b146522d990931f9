"""How the subjects of cases and appeals are named, and what a named source has."""

from __future__ import annotations

from dataclasses import dataclass

from screening.errors import InputError
from screening.store import Case

APPLICATION = "application"
AFFILIATE_KIND = "affiliate"
SOURCE = "source"
CONVERSION = "conversion"


@dataclass(frozen=True, slots=True)
class Source:
    """A traffic source. `sub_id` None: the events without one."""

    affiliate_id: str
    offer_id: str
    sub_id: str | None

    @property
    def subject(self) -> str:
        """How cases name it."""
        return "/".join((self.affiliate_id, self.offer_id, self.sub_id or ""))


def source_of_case(case: Case) -> Source:
    """Return the source that a case is about. Ids may hold slashes: the case knows affiliate and offer apart."""
    if case.affiliate_id is None or case.offer_id is None:
        raise InputError(f"The case {case.case_id} names no affiliate and offer.", remedy="Scan again.", where="case")
    return Source(
        case.affiliate_id, case.offer_id, case.subject[len(f"{case.affiliate_id}/{case.offer_id}/") :] or None
    )


def source_of_subject(subject: str, affiliate_id: str) -> Source:
    """Read AFFILIATE/OFFER/SUB as a person writes it; the affiliate's id may hold slashes, the offer's not."""
    start = f"{affiliate_id}/"
    offer_id, slash, sub_id = subject.removeprefix(start).partition("/")
    if not subject.startswith(start) or not offer_id or not slash:
        raise InputError(
            f"{subject!r} is no source of the affiliate {affiliate_id}.",
            remedy="Write AFFILIATE/OFFER/SUB; a source without sub_id ends with the slash.",
            where="subject",
        )
    return Source(affiliate_id, offer_id, sub_id or None)
