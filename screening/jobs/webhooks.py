"""The job of webhooks: who hears of what, and the delivery of messages that wait, signed and repeated until taken.

A message goes to an address that was looked up and checked a moment before, and the connection is made to that very
address, so that no name can lead it into the inner network: only public addresses, or networks that the settings
allow. Redirects are not followed. Any answer but 2xx counts as not taken; the wait doubles from try to try.

A receiver checks `Winnow-Signature: t=SECONDS,v1=HEX`: HEX is the HMAC-SHA256, keyed with the webhook's secret, of
SECONDS, a full stop and the body as received; SECONDS is when it was sent, so that old messages are not played again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from screening.applicants.crawl.addresses import AddressPolicy
from screening.errors import InputError, WinnowError
from screening.jobs.vault import Vault, webhook_purpose
from screening.settings.console import WebhookSettings
from screening.store import AuditEvent, Store
from screening.store.webhooks import DELIVERED, EVENTS, FAILED, WAITING, Delivery, Webhook

_SECRET_BYTES = 32
_ID_BYTES = 6
_AT_A_TIME = 100
_FAILURE_LETTERS = 300
_KEPT = timedelta(days=30)
"""How long messages that were delivered or failed are kept to look at."""
_CLAIM_SPARE = timedelta(seconds=30)
"""Beyond the timeout, how long a message belongs to the server that sends it."""
_PORTS = {"https": 443, "http": 80}


class _NotTakenError(Exception):
    """The receiver did not take the message."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the messages whose turn it was."""

    delivered: int
    postponed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Added:
    """A new webhook. `secret` is what its receiver checks signatures with; it cannot be shown again."""

    hook: Webhook
    secret: str


def add_webhook(store: Store, url: str, events: Sequence[str], actor: str, now: datetime, vault: Vault) -> Added:
    """Have messages about the events sent to a URL; its secret is stored sealed.

    Raises InputError for a URL that is not http or https, or an event that does not exist.
    """
    parts = _parts(url)
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not events:
        what = f"There is no event {unknown[0][:80]!r}." if unknown else "A webhook needs an event."
        raise InputError(what, remedy=f"Use some of {', '.join(EVENTS)}.", where="events")
    hook_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    hook = Webhook(
        hook_id=hook_id,
        url=url,
        events=tuple(sorted(set(events))),
        secret=vault.seal(secret, webhook_purpose(hook_id)),
        active=True,
        created_at=now,
        created_by=actor,
    )
    with store.together() as records:
        records.webhooks.add(hook)
        said = {"host": parts[1], "events": list(hook.events)}
        records.audit.append(AuditEvent(now, actor, "add webhook", f"webhook {hook.hook_id}", said))
    return Added(hook, secret)


def remove_webhook(store: Store, hook_id: str, actor: str, now: datetime) -> None:
    """Send no more messages there, waiting ones neither. Raises NotFoundError when there is no such webhook."""
    with store.together() as records:
        records.webhooks.remove(hook_id)
        records.audit.append(AuditEvent(now, actor, "remove webhook", f"webhook {hook_id}", {}))


def deliver_due(store: Store, settings: WebhookSettings, clock: Callable[[], datetime], vault: Vault) -> Delivered:
    """Send the messages whose turn it is, the longest waiting first, and note what became of each.

    A message whose secret cannot be opened is not sent: it waits, and counts as tried.
    """
    due = store.webhooks.due(clock(), _AT_A_TIME)
    if not due:
        return Delivered(0, 0, 0)
    hooks = {hook.hook_id: hook for hook in store.webhooks.all()}
    counts = {DELIVERED: 0, WAITING: 0, FAILED: 0}
    for delivery in due:
        claimed_until = clock() + timedelta(seconds=settings.timeout_seconds) + _CLAIM_SPARE
        hook = hooks.get(delivery.hook_id)
        if hook is not None and store.webhooks.claim(delivery, claimed_until):
            counts[_send(store, hook, delivery, settings, (clock, vault))] += 1
    store.webhooks.forget(clock() - _KEPT)
    return Delivered(counts[DELIVERED], counts[WAITING], counts[FAILED])


def signature(secret: str, seconds: int, body: str) -> str:
    """Return the header by which the receiver knows that a message is winnow's."""
    signed = hmac.new(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"


def _send(
    store: Store,
    hook: Webhook,
    delivery: Delivery,
    settings: WebhookSettings,
    means: tuple[Callable[[], datetime], Vault],
) -> str:
    clock, vault = means
    now = clock()
    try:
        secret = vault.unseal(hook.secret, webhook_purpose(hook.hook_id))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "winnow",
            "Winnow-Event": delivery.event,
            "Winnow-Delivery": str(delivery.delivery_id),
            "Winnow-Signature": signature(secret, int(now.timestamp()), delivery.body),
        }
        _post(hook.url, delivery.body.encode(), headers, settings)
    except (_NotTakenError, HTTPError, OSError, WinnowError) as error:
        tries = delivery.attempts + 1
        status = FAILED if tries >= settings.attempts_max else WAITING
        wait = min(settings.first_wait_seconds * 2 ** (tries - 1), settings.longest_wait_seconds)
        failure = f"{type(error).__name__}: {error}"[:_FAILURE_LETTERS]
        store.webhooks.settle(delivery.delivery_id, status, clock() + timedelta(seconds=wait), failure)
        return status
    store.webhooks.settle(delivery.delivery_id, DELIVERED, now, None)
    return DELIVERED


def _post(url: str, body: bytes, headers: dict[str, str], settings: WebhookSettings) -> None:
    scheme, host, port, target = _parts(url)
    address = _address(host, port, AddressPolicy(settings.allow_networks))
    named = host if port == _PORTS[scheme] else f"{host}:{port}"
    with _pool(scheme, address, port, host) as pool:
        answer = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "Host": named},
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(total=settings.timeout_seconds),
            preload_content=False,
        )
        answer.close()
    if not 200 <= answer.status < 300:
        raise _NotTakenError(f"the receiver answered {answer.status}")


def _address(host: str, port: int, policy: AddressPolicy) -> str:
    """Look the host up and return one of its addresses; every one of them must be allowed."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        refusal = policy.refusal(address)
        if refusal is not None:
            raise _NotTakenError(f"{address} is not allowed: {refusal}; console.webhooks.allow_networks can allow it")
    return found[0]


@contextmanager
def _pool(scheme: str, address: str, port: int, host: str) -> Iterator[urllib3.HTTPConnectionPool]:
    """Give a pool that connects to the address and, over TLS, checks the certificate of the host's name."""
    if scheme == "https":
        pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
            address, port, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port)
    try:
        yield pool
    finally:
        pool.close()


def _parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and what to ask for. Raises InputError for what is no plain http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url() from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password or not plain:
        raise _bad_url()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], target


def _bad_url() -> InputError:
    return InputError(
        "This is no URL that messages can be sent to.",
        remedy="Write https://host/path, without user, password or spaces.",
        where="url",
    )
