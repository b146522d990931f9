"""Everflow: custom caps, conversion statuses and raw events through its network API (developers.everflow.io).

Not tried on a live account. What the documentation says, and this module relies on:
- a status change is taken in at once and made seconds later, and may fail then although the answer said true;
- only `approved` and `rejected` can be set, there is no hold, and no reason is kept;
- custom caps are per partner and offer, in whole numbers; a field of 0 means no cap;
- clicks come without pages, at most 10,000 for at most 14 days; conversions come in pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from urllib.parse import quote

from features.schema import CAP_TYPES, Kind
from screening.errors import UnavailableError
from screening.networks.adapter import (
    NO_LIMIT,
    Capabilities,
    CapChange,
    Change,
    ChangeKind,
    RefusedError,
    Status,
    StatusChange,
    amount_text,
)
from screening.networks.http import Api

NAME = "everflow"
KEY_HEADER = "X-Eflow-Api-Key"
_CAPS = "/networks/custom/caps"
_CONVERSIONS = "/networks/reporting/conversions"
_CLICKS = "/networks/reporting/clicks/stream"
_SETTING = "network_custom_cap_setting_id"
_SPANS = {"daily": "daily", "weekly": "weekly", "monthly": "monthly", "total": "global"}
_MEASURES = {"clicks": "click", "conversions": "conversion", "payout": "payout", "revenue": "revenue"}
_CAP_PAGE = 200
_SECOND = timedelta(seconds=1)

Rows = list[dict[str, Any]]


def field_of(cap_type: str) -> str:
    """Return the name of a cap type's field, as in `daily_conversion_cap`."""
    span, _, measure = cap_type.partition("_")
    return f"{_SPANS[span]}_{_MEASURES[measure]}_cap"


_FIELDS = {field_of(cap_type): cap_type for cap_type in CAP_TYPES}


@dataclass(frozen=True, slots=True)
class Window:
    """How events are asked for. `zone_id` is the API's number of UTC."""

    page_rows: int
    clicks_max: int
    longest: timedelta
    zone_id: int


class Everflow:
    """The network API of one Everflow account."""

    def __init__(self, api: Api, window: Window, statuses_per_call: int) -> None:
        self._api = api
        self._window = window
        self._statuses_per_call = statuses_per_call

    @property
    def name(self) -> str:
        """`everflow`."""
        return NAME

    @property
    def capabilities(self) -> Capabilities:
        """Caps of a partner on an offer, one per call; approved and rejected, many per call; both shown."""
        return Capabilities(
            caps=True,
            statuses=frozenset({Status.APPROVED, Status.REJECTED}),
            read_back=True,
            together={ChangeKind.CAP: 1, ChangeKind.STATUS: self._statuses_per_call},
        )

    def objection(self, change: Change) -> str | None:
        """Say why Everflow cannot take a change."""
        if isinstance(change, StatusChange):
            return None if change.status in self.capabilities.statuses else "Everflow knows no hold."
        if change.affiliate_id is None:
            return "Everflow takes custom caps for a partner only; change the offer's own cap there by hand."
        if not (_is_number(change.offer_id) and _is_number(change.affiliate_id)):
            return "Everflow numbers offers and partners; one of these ids is no number."
        if change.limit < 1:
            return "Everflow reads a cap below 1 as no cap at all; block the partner on the offer there instead."
        return None

    def expected(self, change: Change) -> str:
        """Return the status, or the limit cut to a whole number."""
        return change.wanted if isinstance(change, StatusChange) else amount_text(_whole(change.limit))

    def read(self, changes: Sequence[Change]) -> dict[str, str]:
        """Return by key the status of conversions, and the limits of partners on offers."""
        found: dict[str, str] = {}
        for change in changes:
            if isinstance(change, StatusChange):
                status = self._status(change.conversion_id)
                if status is not None:
                    found[change.key] = status
            else:
                found[change.key] = _limit(self._setting(change), change.cap_type)
        return found

    def apply(self, batch: str, changes: Sequence[Change]) -> None:
        """Change the statuses of conversions in one call, or the custom cap of one partner on one offer."""
        del batch
        if isinstance(changes[0], CapChange):
            for change in changes:
                self._apply_cap(change)
            return
        ids = [change.subject for change in changes]
        self._write("PATCH", _CONVERSIONS, {"conversion_ids": ids, "conversion_status": changes[0].wanted})

    def pull(self, kind: Kind, since: datetime, until: datetime) -> Iterator[Rows]:
        """Yield the rows of clicks or conversions from `since` up to `until`, as the API nests them.

        Raises UnavailableError, and InputError when a single second holds more clicks than one answer.
        """
        start = since.replace(microsecond=0)
        while start < until:
            end = min(start + self._window.longest, until)
            yield from self._clicks(start, end) if kind == Kind.CLICKS else self._conversions(start, end)
            start = end

    def caps(self) -> Rows:
        """Return all custom caps as records of `caps`: offer_id, affiliate_id, cap_type and limit."""
        return [
            {
                "offer_id": str(setting["network_offer_id"]),
                "affiliate_id": str(setting["network_affiliate_id"]),
                "cap_type": cap_type,
                "limit": _limit(setting, cap_type),
            }
            for setting in self._settings({})
            for field, cap_type in _FIELDS.items()
            if setting.get(field)
        ]

    def _status(self, conversion_id: str) -> str | None:
        conversion = self._api.find(f"{_CONVERSIONS}/{quote(conversion_id, safe='')}")
        return conversion.get("status") if isinstance(conversion, dict) else None

    def _apply_cap(self, change: Change) -> None:
        assert isinstance(change, CapChange)  # noqa: S101 - batches are of one kind
        field, limit = field_of(change.cap_type), int(_whole(change.limit))
        setting = self._setting(change)
        if setting is None:
            body = {"network_affiliate_id": int(change.affiliate_id or 0), "network_offer_id": int(change.offer_id)}
            self._api.write("POST", _CAPS, {**body, "is_soft_cap": False, field: limit})
        else:
            fields = [{"field_type": field, "field_value": limit}]
            self._write("PATCH", _CAPS, {f"{_SETTING}s": [setting[_SETTING]], "fields": fields})

    def _write(self, method: str, path: str, body: object) -> None:
        answer = self._api.write(method, path, body)
        if not (isinstance(answer, dict) and answer.get("result") is True):
            raise RefusedError(f"Everflow answered {answer!r}.", remedy="Look the change up there.", where=path)

    def _setting(self, change: CapChange) -> Mapping[str, Any] | None:
        wanted = {"network_offer_id": change.offer_id, "network_affiliate_id": change.affiliate_id}
        filters = {f"filter[{name}]": value for name, value in wanted.items()}
        for setting in self._settings(filters):
            # a filter that the API did not know would let strangers through
            if all(str(setting.get(name)) == value for name, value in wanted.items()):
                return setting
        return None

    def _settings(self, filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            answer = self._api.read("GET", _CAPS, query={**filters, "page": page, "page_size": _CAP_PAGE})
            rows = _rows(answer, "caps", "custom_caps", "settings")
            yield from rows
            if len(rows) < _CAP_PAGE:
                return
            page += 1

    def _clicks(self, start: datetime, end: datetime) -> Iterator[Rows]:
        answer = self._api.read("POST", _CLICKS, body=self._asked(start, end) | {"query": {"filters": []}})
        rows = _rows(answer, "clicks", "table")
        if len(rows) < self._window.clicks_max:
            yield rows
            return
        middle = start + (end - start) / 2
        middle = middle.replace(microsecond=0)
        if not start < middle < end:
            raise UnavailableError(
                f"Everflow shows at most {self._window.clicks_max} clicks, and the second of {start} has more.",
                remedy="Ask Everflow for its export of clicks, and put the files into the drop folder.",
            )
        yield from self._clicks(start, middle)
        yield from self._clicks(middle, end)

    def _conversions(self, start: datetime, end: datetime) -> Iterator[Rows]:
        body = self._asked(start, end) | {"show_conversions": True, "show_events": False, "query": {"filters": []}}
        page = 1
        while True:
            query = {"page": page, "page_size": self._window.page_rows}
            rows = _rows(self._api.read("POST", _CONVERSIONS, query=query, body=body), "conversions")
            yield rows
            if len(rows) < self._window.page_rows:
                return
            page += 1

    def _asked(self, start: datetime, end: datetime) -> dict[str, Any]:
        # both ends are part of the period, to the second
        last = end - _SECOND
        return {"from": _moment(start), "to": _moment(max(start, last)), "timezone_id": self._window.zone_id}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _rows(answer: Any, *names: str) -> Rows:  # noqa: ANN401 - whatever JSON says
    """Return the rows of an answer under the first of the names that it has."""
    for name in names:
        if isinstance(answer, dict) and isinstance(answer.get(name), list):
            return list(answer[name])
    raise UnavailableError(
        f"Everflow's answer has no `{names[0]}`.", remedy="Its interface may have changed; report this."
    )


def _limit(setting: Mapping[str, Any] | None, cap_type: str) -> str:
    value = None if setting is None else setting.get(field_of(cap_type))
    return amount_text(Decimal(str(value))) if value else NO_LIMIT


def _whole(limit: Decimal) -> Decimal:
    return limit.to_integral_value(ROUND_FLOOR)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
