"""Letters tell partners what they may know, in words that no name, id or address can turn against the reader."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import PartnerCategory
from screening.notices.categories import TOLD
from screening.notices.letter import (
    Amount,
    AppealAnswer,
    AppealOutcome,
    ApplicationAnswer,
    ApplicationOutcome,
    CapAction,
    CapChange,
    HeldSource,
    MoneyCard,
    PayoutHold,
    Recipient,
    Scorecard,
    Sender,
)
from screening.notices.mail import Envelope, message_of
from screening.notices.render import write_letter
from screening.notices.words import greeting_name, mail_address, money, one_line
from screening.settings import load_settings

AT = datetime(2026, 12, 6, 13, 30, tzinfo=UTC)
SENDER = Sender("Nimbus Partners", "partners@nimbus.example", ZoneInfo("Europe/Berlin"))
ZOE = Recipient("zoe@blog.example", "Zoë")
SOURCE = HeldSource(
    "o1", "s1", 3, (Amount(Decimal("4.50"), "EUR"),), date(2026, 11, 1), date(2026, 11, 9), (PartnerCategory.DATA,)
)
HOLD = PayoutHold((SOURCE,), 0, 3, (Amount(Decimal("4.50"), "EUR"), Amount(Decimal(7), "USD")), AT)
CAP = CapChange("o1", "monthly_conversions", CapAction.RAISE, Decimal(500), Decimal("750.5"), AT)
CARD = MoneyCard("EUR", 1200, 40, *map(Decimal, ("55.5", "1", "2", "3")), 0.031, Decimal("0.0463"), 0.92, 4, 51, None)
NOTICES = [
    HOLD,
    CAP,
    replace(CAP, action=CapAction.LOWER, before=None, until=None),
    replace(CAP, action=CapAction.PAUSE, after=Decimal(0)),
    AppealAnswer(7, AT, AppealOutcome.OVERTURNED, "The orders are fine.", Amount(Decimal(120), "USD"), ()),
    AppealAnswer(8, AT, AppealOutcome.UPHELD, "We see no orders.", None, (PartnerCategory.DUPLICATE,)),
    ApplicationAnswer("APP-1", ApplicationOutcome.APPROVE, (), ()),
    ApplicationAnswer("APP-1", ApplicationOutcome.REJECT, (PartnerCategory.WEBSITE,), ("We take no such sites.",)),
    ApplicationAnswer("APP-1", ApplicationOutcome.FIX, (PartnerCategory.WEBSITE,), ("Please add a contact page.",)),
    Scorecard(date(2026, 10, 1), date(2026, 10, 31), (CARD, replace(CARD, currency=None, rate=None, rank=None))),
]
LINK = "https://console.example/partner?t=a&u=b"


class Reader(HTMLParser):
    """What a mail program shows of HTML: its text, tags and links."""

    def __init__(self, html):
        super().__init__()
        self.said, self.tags, self.links, self.hidden = "", [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.hidden += tag in ("style", "title")
        self.links += [value for name, value in attributes if name in ("href", "src", "background")]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.said += data


def read(html):
    return " ".join(Reader(html).said.split())


@pytest.mark.parametrize("link", [None, LINK])
@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_text_and_html_say_the_same_and_end_with_how_to_reach_a_person(notice, link):
    letter = write_letter(notice, ZOE, SENDER, link)
    html = read(letter.html)
    assert "Hello Zoë," in letter.text
    assert "Hello Zoë," in html
    assert "partners@nimbus.example" in letter.text
    assert "partners@nimbus.example" in html
    numbers = set(re.findall(r"\d[\d,.]*\d", letter.text.replace(LINK, "")))
    assert numbers <= set(re.findall(r"\d[\d,.]*\d", html))
    assert {found for found in Reader(letter.html).links if not found.startswith("mailto:")} <= {link}
    assert (LINK in letter.text) == (link is not None)
    assert "\n\n\n" not in letter.text


def test_a_hold_says_what_why_how_much_until_when_and_how_to_contest_it():
    text = write_letter(HOLD, ZOE, SENDER, None).text
    for said in ("Offer o1, sub id s1", "3 conversions, 1 to 9 November 2026", "4.50 EUR + 7.00 USD"):
        assert said in text
    assert TOLD[PartnerCategory.DATA].why in text
    assert TOLD[PartnerCategory.DATA].helps in text
    assert "before 6 December 2026, 14:30 CET" in text
    assert "A person reads" in text


def test_unknown_figures_are_called_unknown():
    text = write_letter(NOTICES[-1], ZOE, SENDER, None).text
    assert "Conversion rate      unknown" in text
    assert "Rank                 none yet" in text


@pytest.mark.parametrize("category", PartnerCategory)
def test_every_category_has_words_of_its_own_without_numbers_or_methods(category):
    told = TOLD[category]
    words = f"{told.why} {told.helps}".casefold()
    assert not re.search(r"\d|score|threshold|address|device|vpn|datacent|user agent|seconds", words)
    assert sum(told == other for other in TOLD.values()) == 1


def test_what_may_not_be_said_has_no_place_in_a_letter():
    for wrong in (
        lambda: replace(SOURCE, categories=("ctct_short",)),
        lambda: replace(SOURCE, categories=("traffic quality",)),
        lambda: replace(NOTICES[5], categories=("22% of conversions within 15 seconds",)),
        lambda: replace(NOTICES[7], outcome="reject"),
        lambda: replace(CAP, action="raise because the score is low"),
        lambda: Amount(0.5, "EUR"),
    ):
        with pytest.raises((TypeError, ValueError)):
            wrong()
    with pytest.raises(TypeError, match="explanation"):
        HeldSource(**{name: getattr(SOURCE, name) for name in SOURCE.__slots__}, explanation="22% within 15 s")
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        SOURCE.score = 0.99


HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% include 'x' %}",
    "a\r\nBcc: victim@other.example\r\n\r\nmore",
    "\u202egnp.exe",
    "a\u0000b\u2028c\u2029d",
    "Z\u0351\u0352\u0353\u0354\u0355\u0356algo",
    '"><img src=x onerror=alert(1)>',
    "x" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_and_ids_stay_text_on_one_line(name):
    recipient = Recipient("zoe@blog.example", greeting_name(name, 60))
    hold = replace(HOLD, sources=(replace(SOURCE, sub_id=name, offer_id=name),))
    for notice in (hold, replace(CAP, offer_id=name), ApplicationAnswer(name, ApplicationOutcome.FIX, (), (name,))):
        letter = write_letter(notice, recipient, SENDER, None)
        plain = write_letter(replace_ids(notice), recipient, SENDER, None)
        assert Reader(letter.html).tags == Reader(plain.html).tags
        assert len(letter.subject.splitlines()) == 1
        assert not re.search(r"[\u202a-\u202e\u2028\u2029\x00]", letter.subject + letter.text + letter.html)
        assert "49" not in letter.text
        envelope = Envelope("k", "zoe@blog.example", letter.subject, letter.text, letter.html, AT)
        sent = message_of(envelope, load_settings(None, {}).settings.notices)
        assert sent["Bcc"] is None
        assert set(sent.keys()) >= {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"}
        assert "victim" not in str(sent["To"])


def replace_ids(notice):
    if isinstance(notice, PayoutHold):
        return replace(notice, sources=(replace(SOURCE, sub_id="s", offer_id="o"),))
    if isinstance(notice, CapChange):
        return replace(notice, offer_id="o")
    return replace(notice, application_id="a", advice=("b",))


@pytest.mark.parametrize(
    "name",
    [
        "win money at evil.example",
        "www.evil",
        "http://evil",
        "a@b",
        "C:\\x",
        "",
        None,
        "  \u200b ",
        "n" * 61,
        "evil.com",
    ],
)
def test_a_name_that_could_be_a_message_of_its_own_is_not_repeated(name):
    assert greeting_name(name, 60) is None
    letter = write_letter(CAP, Recipient("z@b.example", greeting_name(name, 60)), SENDER, None)
    assert letter.text.startswith("Hello,\n")


@pytest.mark.parametrize("name", ["Zoë", "O'Brien & Söhne GmbH", "Nguyễn Thị Minh", "株式会社", "עִבְרִית", "می‌خواهم"])
def test_real_names_stay_as_they_are_written(name):
    assert greeting_name(name, 60) == name


def test_an_id_that_looks_like_an_address_does_not_become_a_link():
    hold = replace(HOLD, sources=(replace(SOURCE, sub_id="https://evil.example/login"),))
    letter = write_letter(hold, ZOE, SENDER, None)
    assert not re.search(r"evil\.example|https?:/", letter.text)
    assert letter.text.replace("\u200c", "").count("https://evil.example/login") == 1


def test_an_answer_of_a_person_keeps_its_lines_and_nothing_else():
    answer = replace(NOTICES[4], answer="Thank you.\n\n\n\nYour orders\u202e 1 and 2 <b>fit</b>.")
    letter = write_letter(answer, ZOE, SENDER, None)
    assert "Thank you.\n\nYour orders 1 and 2 <b>fit</b>." in letter.text
    assert "&lt;b&gt;fit" in letter.html


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x.example/ y", 'https://x.example/"', "//x.example"])
def test_only_web_addresses_are_linked(link):
    with pytest.raises(ValueError, match="http"):
        write_letter(CAP, ZOE, SENDER, link)


@given(st.text(max_size=200), st.integers(20, 200))
def test_one_line_is_one_visible_line_within_its_length(text, most):
    line = one_line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert one_line(line, most) == line


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" zoe@blog.example ", "zoe@blog.example"),
        ("zoe@bücher.example", "zoe@xn--bcher-kva.example"),
        ("zoë@blog.example", None),
        ("zoe@blog.example\nBcc: x@y.example", None),
        ("zoe", None),
        (None, None),
        ("a b@c.example", None),
        ("a@b.example, c@d.example", None),
    ],
)
def test_mail_goes_to_one_checked_address_only(text, address):
    assert mail_address(text) == address


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234.5", "USD", "1,234.50 USD"),
        ("1234.5678", "USD", "1,234.5678 USD"),
        ("1200", "JPY", "1,200 JPY"),
        ("0", None, "0.00 (no currency)"),
        ("1", "USDT", "1.00 USDT"),
    ],
)
def test_money_is_exact(amount, currency, shown):
    assert money(Decimal(amount), currency) == shown
