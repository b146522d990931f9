"""Letters reach a real mail server word for word, or the try says honestly what became of it."""

from __future__ import annotations

import email
import ssl
from datetime import UTC, datetime
from email.policy import default

import pytest
from mail_server import certificates, mail_server

from screening.errors import SettingsError, UnavailableError
from screening.notices.mail import (
    Ending,
    Envelope,
    FileTransport,
    SmtpTransport,
    message_of,
    smtp_password,
    transport_of,
)
from screening.settings import load_settings

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = "Hello Zoë,\n\n.a line that begins with a dot\n" + "long " * 400 + "\n"
LETTER = Envelope("hold:a1:1", "zoe@blog.example", "Payout on hold — please read", TEXT, "<p>Hello Zoë</p>", AT)


def settings_for(port=0, **smtp):
    notices = load_settings(None, {}).settings.notices
    fields = {"host": "localhost", "port": port or 25, "security": "none", "timeout_seconds": 5} | smtp
    return notices.model_copy(
        update={
            "smtp": notices.smtp.model_copy(update=fields),
            "transport": "smtp",
            "from_address": "partners@shop.example",
            "programme": "Nimbus, Partners",
        }
    )


def send(server, letter=LETTER, trust=None, password=None, **smtp):
    with SmtpTransport(settings_for(server.port, **smtp), password, trust) as transport:
        return transport.send(letter)


def test_a_letter_arrives_word_for_word_as_text_and_html():
    with mail_server() as server:
        tried = send(server)
    assert (tried.ending, tried.note) == (Ending.SENT, "250 OK: kept")
    [message] = server.taken
    assert server.recipients == ["zoe@blog.example"]
    assert message["Subject"] == "Payout on hold — please read"
    assert message["From"] == '"Nimbus, Partners" <partners@shop.example>'
    assert message["Auto-Submitted"] == "auto-generated"
    assert email.utils.parsedate_to_datetime(message["Date"]) == AT
    assert plain(message) == TEXT
    assert message.get_body(("html",)).get_content().strip() == "<p>Hello Zoë</p>"


def test_the_same_letter_has_the_same_message_id_and_another_has_another():
    settings = settings_for()
    first, again = message_of(LETTER, settings), message_of(LETTER, settings)
    other = message_of(Envelope("hold:a1:2", *list(_values(LETTER))[1:]), settings)
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]


def plain(message):
    # lines end with CR LF on the wire
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def _values(letter):
    return (letter.key, letter.recipient, letter.subject, letter.text, letter.html, letter.written_at)


@pytest.mark.parametrize(
    ("where", "answer", "ending"),
    [
        ("at_mail", "450 busy", Ending.LATER),
        ("at_rcpt", "451 greylisted, come back", Ending.LATER),
        ("at_rcpt", "550 no such user", Ending.REFUSED),
        ("at_data", "452 disk full", Ending.LATER),
        ("at_data", "421 closing", Ending.LATER),
        ("at_data", "554 looks like spam", Ending.REFUSED),
    ],
)
def test_a_refusal_is_later_or_for_good_as_the_server_says_and_the_next_letter_goes_on(where, answer, ending):
    with mail_server() as server:
        getattr(server, where).append(answer)
        with SmtpTransport(settings_for(server.port), None) as transport:
            tried, after = transport.send(LETTER), transport.send(LETTER)
    assert (tried.ending, tried.note) == (ending, answer)
    assert (after.ending, len(server.taken)) == (Ending.SENT, 1)


def test_a_connection_that_ends_before_the_letter_leaves_it_for_later():
    with mail_server() as server:
        server.at_mail.append("cut")
        assert send(server).ending == Ending.LATER
    assert server.taken == []


def test_a_connection_that_ends_after_the_letter_was_handed_over_leaves_it_unsure():
    with mail_server() as server:
        server.at_data.append("cut")
        tried = send(server)
    assert tried.ending == Ending.UNSURE
    # the server of this test did keep it: whoever sends again without asking sends twice
    assert len(server.taken) == 1


def test_several_letters_share_a_connection():
    with mail_server() as server, SmtpTransport(settings_for(server.port), None) as transport:
        endings = [transport.send(LETTER).ending for _ in range(5)]
    assert endings == [Ending.SENT] * 5
    assert (server.connections, len(server.taken)) == (1, 5)


def test_over_starttls_with_a_login():
    theirs, ours = certificates("localhost")
    with mail_server(context=theirs, with_login=True) as server:
        assert send(server, trust=ours, security="starttls", user="winnow", password="right").ending == Ending.SENT
        assert server.logins == [("winnow", "right")]


def test_over_tls_from_the_start():
    theirs, ours = certificates("localhost")
    with mail_server(context=theirs, tls_from_start=True) as server:
        assert send(server, trust=ours, security="tls").ending == Ending.SENT
    assert len(server.taken) == 1


def test_a_server_that_cannot_prove_who_it_is_gets_neither_password_nor_letter():
    theirs, ours = certificates("mail.elsewhere.example")
    for trust in (ours, ssl.create_default_context()):
        with mail_server(context=theirs, with_login=True) as server:
            with pytest.raises(UnavailableError, match="does not prove who it is"):
                send(server, trust=trust, security="starttls", user="winnow", password="right")
            assert (server.taken, server.logins) == ([], [])


def test_a_server_without_starttls_gets_nothing_in_the_clear():
    with mail_server() as server:
        with pytest.raises(UnavailableError, match=r"cannot do what notices\.smtp asks"):
            send(server, security="starttls")
        assert server.taken == []


def test_a_wrong_password_a_refused_sender_and_no_server_stop_all_letters_and_name_the_remedy():
    theirs, ours = certificates("localhost")
    refused = pytest.raises(UnavailableError, match=r"refuses the login.*WINNOW_SMTP_PASSWORD")
    with mail_server(context=theirs, with_login=True) as server, refused:
        send(server, trust=ours, security="starttls", user="winnow", password="wrong")
    with mail_server() as server:
        server.at_mail.append("553 not you")
        with pytest.raises(UnavailableError, match=r"takes no letters from partners@shop\.example.*not you"):
            send(server)
    with pytest.raises(UnavailableError, match="does not answer") as caught:
        send(server)
    assert caught.value.retry


def test_files_hold_the_same_message(tmp_path):
    settings = settings_for()
    transport = FileTransport(tmp_path / "letters", settings)
    assert [transport.send(LETTER).ending for _ in range(2)] == [Ending.SENT] * 2
    [path] = (tmp_path / "letters").iterdir()
    assert path.name.startswith("20261122T120000Z-")
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert plain(message) == TEXT


def test_the_password_comes_from_the_environment_or_a_file_and_its_lack_is_said(tmp_path):
    smtp = settings_for(user="winnow").smtp
    (tmp_path / "secret").write_text("from file\n")
    filed = smtp.model_copy(update={"password_file": str(tmp_path / "secret")})
    assert smtp_password(filed, {"WINNOW_SMTP_PASSWORD": "from variable"}) == "from variable"
    assert smtp_password(filed, {}) == "from file"
    assert smtp_password(smtp.model_copy(update={"user": ""}), {}) is None
    for lacking in (smtp, smtp.model_copy(update={"password_file": str(tmp_path / "gone")})):
        with pytest.raises(SettingsError, match="password"):
            smtp_password(lacking, {})


@pytest.mark.parametrize("setting", ["from_address", "reply_to"])
@pytest.mark.parametrize("address", ["nobody", "a@b.example\nBcc: x@y.example", "a b@c.example"])
def test_an_address_in_the_settings_that_is_none_is_refused_before_any_letter_is_touched(tmp_path, setting, address):
    settings = settings_for().model_copy(update={setting: address, "transport": "files"})
    with pytest.raises(SettingsError, match="not an address"), transport_of(settings, tmp_path, {}):
        pass
