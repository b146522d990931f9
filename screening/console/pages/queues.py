"""Addresses of queues and of the cases in them: what is filtered and ordered stands in the address and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from models.reasons import CODES
from screening.applicants.reasons import reasons as screening_reasons
from screening.jobs.views.reasons import title_of
from screening.jobs.views.review import Asked
from screening.jobs.views.source import name_of_case
from screening.store import Case
from screening.store.browse_cases import CaseOrder
from screening.store.browse_judged import SourceName
from screening.store.keyset import Place, place_of

QUEUES: Mapping[str, str] = {
    "applicants": "application",
    "sources": "source",
    "affiliates": "affiliate",
    "conversions": "conversion",
}
"""The word in the address of each queue, and the kind of its cases."""
NAMES = {kind: name for name, kind in QUEUES.items()}
STATUSES = ("open", "snoozed", "closed")
_WORDS = ("offer", "affiliate", "reason", "assignee")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Address:
    """A queue as its address names it."""

    asked: Asked

    @property
    def path(self) -> str:
        """The path of the queue."""
        return f"/review/{NAMES[self.asked.kind]}"

    @property
    def query(self) -> str:
        """The query string of the filters and the order, without a page."""
        asked = self.asked
        pairs: list[tuple[str, str]] = [("order", asked.order.value)]
        if asked.status != "open":
            pairs.append(("status", asked.status))
        pairs += [(word, value) for word in _WORDS if (value := getattr(asked, word))]
        if asked.days is not None:
            pairs.append(("days", str(asked.days)))
        return urlencode(pairs)

    def page(self, *, after: Place | None = None, before: Place | None = None) -> str:
        """The address of a page of the queue."""
        places = {name: place.written() for name, place in (("after", after), ("before", before)) if place}
        return f"{self.path}?{self.query}{'&' + urlencode(places) if places else ''}"

    def having(self, **changed: Any) -> str:  # noqa: ANN401 - the fields of Asked
        """The address of the same queue asked otherwise."""
        return Address(replace(self.asked, **changed)).page()

    def of_case(self, case: Case, **more: str) -> str:
        """The address of a case's page that knows from which queue it was opened."""
        return case_address(case, queue=f"{NAMES[self.asked.kind]}?{self.query}", **more)


def read_queue(name: str, query: Mapping[str, str]) -> Address:
    """Read a queue from its address; what cannot be is left out."""
    kind = QUEUES.get(name, "source")
    default = CaseOrder.MONEY if kind == "source" else CaseOrder.AGE
    order = query.get("order", "")
    status = query.get("status", "")
    days = query.get("days", "")
    words = {word: value[:_LONGEST] for word in _WORDS if (value := query.get(word, "").strip())}
    asked = Asked(
        kind=kind,
        status=status if status in STATUSES else "open",
        order=CaseOrder(order) if order in list(CaseOrder) else default,
        days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else None,
        **words,
    )
    if asked.status == "closed":
        asked = replace(asked, order=CaseOrder.NEWEST)
    elif asked.order is CaseOrder.NEWEST:
        asked = replace(asked, order=default)
    return Address(asked)


def reason_names(kind: str, asked: str | None) -> list[tuple[str, str]]:
    """Return the codes and titles that a queue can be filtered by, by title; what was asked for is among them."""
    codes = set(CODES if kind in ("source", "conversion") else screening_reasons())
    if asked:
        codes.add(asked)
    return sorted(((code, title_of(code)) for code in codes), key=lambda pair: pair[1].casefold())


def read_opened_from(text: str | None) -> Address | None:
    """Read the queue that a case was opened from, None when it was not."""
    if not text:
        return None
    name, _, query = text.partition("?")
    return read_queue(name, dict(parse_qsl(query))) if name in QUEUES else None


def read_places(query: Mapping[str, str]) -> tuple[Place | None, Place | None]:
    """Read which page of a list is asked for. Raises InputError for what no page wrote."""
    after, before = query.get("after"), query.get("before")
    return (place_of(after) if after else None, place_of(before) if before and not after else None)


def case_address(case: Case, **more: str) -> str:
    """Return the address of what a case is about."""
    if case.kind == "source":
        return source_address(name_of_case(case), **more)
    if case.kind == "conversion":
        return f"/conversions?{urlencode({'id': case.subject, **more})}"
    return applicant_address(case.subject, **more)


def source_address(name: SourceName, **more: str) -> str:
    """Return the address of a source's page."""
    named = {"affiliate": name.affiliate_id, "offer": name.offer_id}
    sub = {} if name.sub_id is None else {"sub": name.sub_id}
    return f"/source?{urlencode({**named, **sub, **more})}"


def applicant_address(application_id: str, **more: str) -> str:
    """Return the address of an applicant's page. The id may hold anything, so it is no part of the path."""
    return f"/applicant?{urlencode({'id': application_id, **more})}"


def read_cases(text: str, most: int) -> list[int]:
    """Read numbers of cases from an address: `12,13`."""
    parts = text.split(",")[:most]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19]
