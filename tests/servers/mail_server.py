"""A mail server on this machine that answers as a test tells it to, over plain connections or TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class MailServer:
    """What it takes and how it answers; `answers` are given in turn, then it takes everything.

    An answer is a reply such as `451 later`, at `RCPT` or `DATA`, or `cut`: the connection ends without a reply.
    """

    port: int = 0
    taken: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0
    at_rcpt: list[str] = field(default_factory=list)
    at_mail: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    password: str = "right"

    # the names are aiosmtpd's
    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.at_mail.pop(0) if self.at_mail else "250 OK"
        if answer == "cut":
            server.transport.abort()
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.at_rcpt.pop(0) if self.at_rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = self.at_data.pop(0) if self.at_data else "250 OK: kept"
        if answer in ("cut", "250 OK: kept"):
            self.taken.append(message_from_bytes(envelope.content, policy=default))
            self.recipients += envelope.rcpt_tos
        if answer == "cut":
            server.transport.abort()
        return answer

    def authenticate(self, server, session, envelope, mechanism, login):
        assert isinstance(login, LoginPassword)
        self.logins.append((login.login.decode(), login.password.decode()))
        return AuthResult(success=login.password.decode() == self.password, handled=False)


class _AnyPort(Controller):
    """A controller that lets the kernel choose the port, and looks there whether the server runs."""

    @property
    def bound(self) -> int:
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        socket.create_connection(("127.0.0.1", self.bound), timeout=5).close()


@contextmanager
def mail_server(
    *, context: ssl.SSLContext | None = None, tls_from_start: bool = False, with_login: bool = False
) -> Iterator[MailServer]:
    """Run a server on a free port; with a context it offers STARTTLS, or speaks TLS from the start."""
    handler = MailServer()
    options = {"authenticator": handler.authenticate, "auth_required": with_login} if with_login else {}
    if context is not None and not tls_from_start:
        options |= {"tls_context": context, "require_starttls": True}
    ssl_context = context if tls_from_start else None
    controller = _AnyPort(handler, hostname="127.0.0.1", port=0, ssl_context=ssl_context, **options)
    controller.start()
    handler.port = controller.bound
    try:
        yield handler
    finally:
        controller.stop()


def certificates(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server of that name and of a client that trusts its authority."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client
