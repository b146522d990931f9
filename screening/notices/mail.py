"""Mail messages, and the two ways out: a mail server, or files.

A try ends in one of four ways. `sent`: the server took the letter. `later`: it said to come again, or was not reached.
`refused`: it will never take it. `unsure`: the connection broke after the letter was handed over and before the server
said what it did with it; whoever sends it again may send it twice.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from screening.errors import SettingsError, UnavailableError
from screening.notices.words import mail_address, one_line
from screening.settings.notices import NoticeSettings, SmtpSettings

PASSWORD_VARIABLE = "WINNOW_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
_ID_LETTERS = 32
"""Letters of a letter's digest in its Message-ID: 128 bits."""
_NOTE_CHARACTERS = 300
"""Characters kept of what a server said."""
_SENDER_CHARACTERS = 80
_TEMPORARY = range(400, 500)
_CLOSING = 421
"""The reply with which a server ends the connection (RFC 5321, 3.8)."""


class Ending(StrEnum):
    """How a try to send a letter ended."""

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Tried:
    """How a try ended, and what was said."""

    ending: Ending
    note: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes out. `key` names the letter for good: the same key gives the same Message-ID."""

    key: str
    recipient: str
    subject: str
    text: str
    html: str
    written_at: datetime


class Transport(Protocol):
    """A way out for letters."""

    def send(self, envelope: Envelope) -> Tried:
        """Try once. Raises UnavailableError when no letter can be sent now; then this one was not."""


def message_of(envelope: Envelope, settings: NoticeSettings) -> EmailMessage:
    """Return the message of a letter: plain text with an HTML alternative.

    No header has text from outside but the checked address and the one-line subject. Raises SettingsError when the
    address that letters come from cannot be one.
    """
    sender = checked_address(settings.from_address, "notices.from_address")
    message = EmailMessage(policy=SMTP)
    message["Subject"] = envelope.subject
    message["From"] = Address(one_line(settings.programme, _SENDER_CHARACTERS), addr_spec=sender)
    message["To"] = envelope.recipient
    if settings.reply_to:
        message["Reply-To"] = checked_address(settings.reply_to, "notices.reply_to")
    message["Date"] = envelope.written_at
    name = hashlib.sha256(envelope.key.encode()).hexdigest()[:_ID_LETTERS]
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    # RFC 3834: nobody's out-of-office answers this
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(envelope.text, cte="quoted-printable")
    message.add_alternative(envelope.html, subtype="html", cte="quoted-printable")
    return message


def checked_address(text: str, where: str) -> str:
    """Return an address of the settings as it goes on an envelope. Raises SettingsError that names the setting."""
    # a machine's own name is a fine sender on that machine, and no address to the checker
    local, _, host = text.rpartition("@")
    if host == "localhost" and local.isalnum():
        return text
    address = mail_address(text)
    if address is None:
        raise SettingsError(f"{text!r} is not an address.", remedy="Write for example partners@shop.com.", where=where)
    return address


@dataclass(frozen=True, slots=True)
class FileTransport:
    """Writes each letter as a file that mail programs open, named by its time and key."""

    folder: Path
    settings: NoticeSettings

    def send(self, envelope: Envelope) -> Tried:
        """Write the letter; the same letter again replaces its file."""
        name = hashlib.sha256(envelope.key.encode()).hexdigest()[:_ID_LETTERS]
        path = self.folder / f"{envelope.written_at:%Y%m%dT%H%M%SZ}-{name[:12]}.eml"
        draft = path.with_suffix(".draft")
        content = message_of(envelope, self.settings).as_bytes()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            raise UnavailableError(
                f"The letter cannot be written: {error.strerror}.", remedy="Make room or give rights.", where=str(path)
            ) from error
        return Tried(Ending.SENT, f"written to {path.name}")


class SmtpTransport:
    """Sends through one connection to the mail server, opened when it is first needed and again after it broke.

    A server that does not prove who it is gets neither password nor letter.
    """

    def __init__(self, settings: NoticeSettings, password: str | None, trust: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._password = password
        self._trust = trust or ssl.create_default_context()
        self._open: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._open.quit()
            self._drop()

    def send(self, envelope: Envelope) -> Tried:
        """Try once over the open connection. Raises UnavailableError when there is none or nobody may send."""
        message = message_of(envelope, self._settings)
        content = message.as_bytes()
        server = self._connected()
        try:
            refused = self._address(server, str(message["From"].addresses[0].addr_spec), envelope.recipient)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Tried(Ending.LATER, _said(error))
        return refused or self._hand_over(server, content)

    def _address(self, server: smtplib.SMTP, sender: str, recipient: str) -> Tried | None:
        """Name sender and recipient; None: the server is ready for the letter."""
        code, said = server.mail(sender)
        if code >= 500:
            self._drop()
            raise UnavailableError(
                f"The mail server takes no letters from {sender}: {_text(code, said)}.",
                remedy="Mend notices.from_address or the login.",
                where=self._place,
            )
        if code >= 400:
            self._drop()
            return Tried(Ending.LATER, _text(code, said))
        code, said = server.rcpt(recipient)
        if code >= 400:
            server.rset()
            return Tried(Ending.LATER if code in _TEMPORARY else Ending.REFUSED, _text(code, said))
        return None

    def _hand_over(self, server: smtplib.SMTP, content: bytes) -> Tried:
        try:
            code, said = server.data(content)
        except smtplib.SMTPDataError as error:
            self._drop()
            ending = Ending.LATER if error.smtp_code in _TEMPORARY else Ending.REFUSED
            return Tried(ending, _text(error.smtp_code, error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            # the server may have taken it before the line went dead
            self._drop()
            return Tried(Ending.UNSURE, f"no answer after the letter was handed over: {_said(error)}")
        if code == _CLOSING:
            self._drop()
        if code >= 400:
            return Tried(Ending.LATER if code in _TEMPORARY else Ending.REFUSED, _text(code, said))
        return Tried(Ending.SENT, _text(code, said))

    @property
    def _place(self) -> str:
        return f"{self._settings.smtp.host}:{self._settings.smtp.port}"

    def _connected(self) -> smtplib.SMTP:
        if self._open is None:
            with self._explaining():
                self._open = self._connect(self._settings.smtp)
        return self._open

    def _connect(self, smtp: SmtpSettings) -> smtplib.SMTP:
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, timeout=smtp.timeout_seconds, context=self._trust
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout_seconds)
        try:
            if smtp.security == "starttls":
                server.starttls(context=self._trust)
            server.ehlo_or_helo_if_needed()
            if smtp.user:
                server.login(smtp.user, self._password or "")
        except BaseException:
            server.close()
            raise
        return server

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLError as error:
            cause = f"The mail server does not prove who it is: {error.reason or error}."
            raise UnavailableError(
                cause, remedy="Mend its certificate or notices.smtp.host.", where=self._place
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            cause = f"The mail server cannot do what notices.smtp asks of it: {error}."
            raise UnavailableError(cause, remedy="Mend notices.smtp.security or user.", where=self._place) from error
        except smtplib.SMTPAuthenticationError as error:
            cause = f"The mail server refuses the login: {_said(error)}."
            remedy = f"Mend notices.smtp.user, and the password in {PASSWORD_VARIABLE} or notices.smtp.password_file."
            raise UnavailableError(cause, remedy=remedy, where=self._place) from error
        except (smtplib.SMTPException, OSError) as error:
            cause = f"The mail server does not answer: {_said(error)}."
            raise UnavailableError(cause, remedy="Try later; the letters wait.", where=self._place) from error

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


@contextmanager
def transport_of(settings: NoticeSettings, folder: Path, environment: Mapping[str, str]) -> Iterator[Transport]:
    """Give the way out that the settings choose; files go to `folder`.

    Raises SettingsError when an address or the password cannot be used: before any letter is touched.
    """
    checked_address(settings.from_address, "notices.from_address")
    if settings.reply_to:
        checked_address(settings.reply_to, "notices.reply_to")
    if settings.transport == "files":
        yield FileTransport(folder, settings)
        return
    with SmtpTransport(settings, smtp_password(settings.smtp, environment)) as transport:
        yield transport


def smtp_password(smtp: SmtpSettings, environment: Mapping[str, str]) -> str | None:
    """Return the password of the mail server, None without a user. Raises SettingsError when there should be one."""
    if not smtp.user:
        return None
    if given := environment.get(PASSWORD_VARIABLE):
        return given
    where = "notices.smtp.password_file"
    if not smtp.password_file:
        raise SettingsError(
            f"There is no password for the mail user {smtp.user}.",
            remedy=f"Set {PASSWORD_VARIABLE}, or name a file that holds it.",
            where=where,
        )
    try:
        return Path(smtp.password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "The file with the mail password cannot be read.", remedy="Mend its name or rights.", where=where
        ) from error


def _said(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_code, error.smtp_error)
    return one_line(str(error) or type(error).__name__, _NOTE_CHARACTERS)


def _text(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return one_line(f"{code} {words}", _NOTE_CHARACTERS)
