"""A partner's own page: what it was sent a link for. It shows figures and partner-safe categories and nothing else.

The link is a token: the affiliate's id and an expiry, signed with a key that only this workspace has. Removing the key
ends every link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from models.reasons import CODES
from screening.errors import NotFoundError
from screening.jobs.views.affiliates import affiliate_page
from screening.notices.categories import TOLD
from screening.store import Appeal, Store
from screening.store.browse_judged import DecisionRow, SourceName
from screening.workspace import Workspace

_KEY_FILE = "partner-links.key"
_KEY_BYTES = 32
_OWNER_ONLY = 0o600
_UNKNOWN = "This link is not valid, or no longer."


@dataclass(frozen=True, slots=True)
class HeldSource:
    """What is held of one of the partner's sources, why in the partner's words, and how an appeal about it stands.

    `appeal` has status, opened_at, deadline_at, answer and released; None: nobody contests it.
    """

    name: SourceName
    subject: str
    first: date
    last: date
    conversions: int
    money: tuple[tuple[str | None, Decimal], ...]
    why: tuple[str, ...]
    helps: tuple[str, ...]
    appeal: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PartnerPage:
    """The partner's figures of the month, by currency, and what is held."""

    affiliate_id: str
    name: str | None
    month: str
    cards: tuple[Mapping[str, Any], ...]
    held: tuple[HeldSource, ...]
    answered: tuple[Mapping[str, Any], ...]


def token_for(workspace: Workspace, affiliate_id: str, now: datetime) -> str:
    """Return the token of an affiliate's own page; it ends after `portal.link_days`."""
    ends = now + timedelta(days=workspace.settings.portal.link_days)
    body = json.dumps([affiliate_id, int(ends.timestamp())], separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_signed(workspace, body))}"


def affiliate_of(workspace: Workspace, token: str, now: datetime) -> str:
    """Return whose page a token opens. Raises NotFoundError for one that is forged, damaged or over."""
    head, _, signature = token.partition(".")
    try:
        body = _bytes(head)
        good = hmac.compare_digest(_bytes(signature), _signed(workspace, body))
        affiliate_id, ends = json.loads(body) if good else (None, 0)
    except (ValueError, TypeError) as error:
        raise _invalid() from error
    if not good or datetime.fromtimestamp(ends, UTC) < now:
        raise _invalid()
    return str(affiliate_id)


def partner_page(workspace: Workspace, store: Store, affiliate_id: str, now: datetime) -> PartnerPage:
    """Return the partner's page."""
    page = affiliate_page(workspace, store, affiliate_id, now)
    appeals = {(appeal.kind, appeal.subject): appeal for appeal in page.appeals}
    scan = store.browse.trail.newest_complete("scan")
    rows = store.browse.judged.held_of(affiliate_id, scan.run_id) if scan else ()
    held = [_held(name, [row for _, row in group], appeals) for name, group in groupby(rows, key=lambda pair: pair[0])]
    held.sort(key=lambda item: (-sum(amount for _, amount in item.money), item.subject))
    answered = tuple(_appeal(appeal) for appeal in page.appeals if appeal.answer is not None)
    return PartnerPage(affiliate_id, page.name, page.month, page.cards, tuple(held), answered)


def _held(name: SourceName, held: Sequence[DecisionRow], appeals: Mapping[tuple[str, str], Appeal]) -> HeldSource:
    sums: dict[str | None, Decimal] = {}
    for row in held:
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.payout
    codes = dict.fromkeys(code for row in held for code in row.reasons)
    told = [TOLD[CODES[code].partner] for code in codes if code in CODES]
    subject = "/".join((name.affiliate_id, name.offer_id, name.sub_id or ""))
    appeal = appeals.get(("source", subject))
    return HeldSource(
        name=name,
        subject=subject,
        first=held[-1].ts.date(),
        last=held[0].ts.date(),
        conversions=len(held),
        money=tuple(sorted(sums.items(), key=lambda pair: pair[0] or "")),
        why=tuple(dict.fromkeys(item.why for item in told)),
        helps=tuple(dict.fromkeys(item.helps for item in told)),
        appeal=None if appeal is None else _appeal(appeal),
    )


def _appeal(appeal: Appeal) -> Mapping[str, Any]:
    answer = appeal.answer
    return {
        "number": appeal.appeal_id,
        "subject": appeal.subject,
        "status": answer.status if answer else "open",
        "opened_at": appeal.opened_at,
        "deadline_at": appeal.deadline_at,
        "statement": appeal.statement,
        "answer": answer.answer if answer else None,
        "released": answer.amount_released if answer else None,
        "currency": answer.currency if answer else None,
    }


def _signed(workspace: Workspace, body: bytes) -> bytes:
    return hmac.new(_key(workspace), body, hashlib.sha256).digest()


def _key(workspace: Workspace) -> bytes:
    path = workspace.root / _KEY_FILE
    if not path.is_file():
        _make_key(path)
    return path.read_bytes()


def _make_key(path: Path) -> None:
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as stream:
        stream.write(secrets.token_bytes(_KEY_BYTES))
    try:
        # another process may have made one at the same moment: the first stays
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _invalid() -> NotFoundError:
    return NotFoundError(_UNKNOWN, remedy="Ask the programme for a new one.")
