from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.applicants.identity import (
    account_key,
    host_of,
    is_free_subdomain,
    label_of,
    mail_address,
    name_key,
    registered_domain,
    site_of,
    telephone,
    web_address,
)
from screening.applicants.intake import read_applications
from screening.applicants.intake_fields import UnusableApplication, application
from screening.errors import InputError
from screening.settings.screening import IntakeSettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = IntakeSettings(websites_max=3, visits_max=10_000_000_000)
GOOD = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": "https://kettle-notes.com/"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("J.Doe+ads@googlemail.com", "jdoe@gmail.com"),
        ("Jane+shop@Outlook.com", "jane@outlook.com"),
        ("jane-coupons@yahoo.com", "jane@yahoo.com"),
        ("ja.ne_doe@pm.me", "janedoe@proton.me"),
        ("jane@bücher.de", "jane@xn--bcher-kva.de"),
        ("\uff2a\uff21\uff2e\uff25@gmail.com", "jane@gmail.com"),
    ],
)
def test_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert mail_address(one).key == mail_address(other).key


def test_dots_make_another_mailbox_where_the_provider_says_so() -> None:
    assert mail_address("j.doe@outlook.com").key != mail_address("jdoe@outlook.com").key
    assert mail_address("jane+x@own-domain.com").key != mail_address("jane@own-domain.com").key


@pytest.mark.parametrize(
    "text", ["", "jane", "jane@", "@gmail.com", "a b@gmail.com", "jane@localhost", "jane@gmail", "<script>@x.y"]
)
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        mail_address(text)


def test_disposable_and_free_mail_are_told_apart() -> None:
    assert mail_address("x@mailinator.com").disposable
    assert mail_address("x@sub.mailinator.com").disposable
    assert not mail_address("x@gmail.com").disposable
    assert mail_address("x@gmail.com").free
    assert not mail_address("x@kettle-notes.com").free


def test_telephones_are_read_in_their_country() -> None:
    assert telephone("020 7946 0018", "GB").e164 == telephone("+44 (0)20 7946 0018", None).e164 == "+442079460018"
    assert telephone("+4930123456", "GB").country == "DE"
    for wrong in ("12", "phone", "+999999999999999999"):
        with pytest.raises(ValueError, match=r"\w"):
            telephone(wrong, "GB")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Kettle-Notes.com", "https://kettle-notes.com/"),
        ("HTTP://BÜCHER.de/a b", "http://xn--bcher-kva.de/a%20b"),
        ("kettle-notes.com:8080/x", "https://kettle-notes.com:8080/x"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
    ],
)
def test_addresses_are_canonical(written: str, canonical: str) -> None:
    assert web_address(written) == canonical


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "ftp://x.com", "http://", "http://a:b@x.com/", "http://[::1", "data:text/html,x"]
)
def test_what_is_no_web_site_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        web_address(text)


def test_a_site_is_what_somebody_registered() -> None:
    assert site_of("https://www.blog.acme.co.uk/x") == "acme.co.uk"
    assert site_of("https://jane.blogspot.com/") == "jane.blogspot.com"
    assert is_free_subdomain("jane.blogspot.com")
    assert not is_free_subdomain("acme.co.uk")
    assert site_of("http://127.0.0.1:80/") == "127.0.0.1"
    assert site_of("https://www.kettle.example/") == "kettle.example"
    assert label_of("www.kettle.example") == "kettle"
    assert (
        registered_domain("[2001:db8::1]") is registered_domain("2001:db8::1") is registered_domain("10.0.0.1") is None
    )
    assert registered_domain("localhost") is registered_domain("co.uk") is None


def test_accounts_and_names_fold() -> None:
    assert account_key("DE44 5001 0517 5407 3249 31") == account_key("de44-5001-0517-5407-3249-31")
    assert account_key("J.Doe@gmail.com") == account_key("jdoe@googlemail.com")
    assert account_key(" - ") is None
    assert name_key("Müller,  JOSÉ") == "muller jose"


def _written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_and_json_lines_give_the_same_applications(tmp_path: Path) -> None:
    header = "application_id,name,email,websites,country,phone,promo_methods,claimed_monthly_visits,applied_at\n"
    line = (
        "A1,Jane Doe,J.Doe@gmail.com,https://a.com http://b.com/x,de,030 123456,"
        'Blog; E-Mail,"1,200,000",2026-11-01T10:00:00+02:00\n'
    )
    as_csv = _written(tmp_path, "a.csv", "\ufeff" + header + line)
    fields = {
        "application_id": "A1",
        "name": "Jane Doe",
        "email": "J.Doe@gmail.com",
        "websites": ["https://a.com", "http://b.com/x"],
        "country": "de",
        "phone": "030 123456",
        "promo_methods": ["Blog", "E-Mail"],
        "claimed_monthly_visits": 1_200_000,
        "applied_at": "2026-11-01T08:00:00Z",
    }
    as_json = _written(tmp_path, "a.jsonl", json.dumps(fields) + "\n")
    one, other = (read_applications(path, LIMITS, NOW).applications for path in (as_csv, as_json))
    assert one == other
    assert one[0].country == "DE"
    assert one[0].phone is not None
    assert one[0].phone.e164 == "+4930123456"
    assert one[0].promo_methods == ("content", "email")
    assert one[0].claimed_monthly_visits == 1_200_000
    assert one[0].problems == ()


def test_a_bad_row_is_set_aside_with_its_place_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = (
        "application_id,name,email,websites\n"
        "A1,Jane,jane@gmail.com,https://a.com\n"
        "A2,Joe,not-an-address,https://b.com\n"
        'A3,"Multi\nline",m@gmail.com,https://c.com\n'
        "A4,,x@gmail.com,https://d.com\n"
        "A1,Again,y@gmail.com,https://e.com\n"
        "A6,Short,z@gmail.com\n"
        "A7,Ftp,z@gmail.com,ftp://x.com\n"
        "A8,Good,g@gmail.com,https://g.com\n"
    )
    intake = read_applications(_written(tmp_path, "a.csv", text), LIMITS, NOW)
    assert [found.application_id for found in intake.applications] == ["A1", "A3", "A8"]
    assert [(row.line, row.problem.field) for row in intake.quarantined] == [
        (3, "email"),
        (6, "name"),
        (7, "application_id"),
        (8, "row"),
        (9, "websites"),
    ]
    assert all(row.problem.problem and row.problem.remedy for row in intake.quarantined)


def test_one_bad_quote_costs_one_row(tmp_path: Path) -> None:
    text = 'application_id,name,email,websites\nA1,"x"y,a@gmail.com,https://a.com\nA2,Good,g@gmail.com,https://g.com\n'
    intake = read_applications(_written(tmp_path, "a.csv", text), LIMITS, NOW)
    assert [found.application_id for found in intake.applications] == ["A2"]
    assert [row.line for row in intake.quarantined] == [2]


def test_bad_json_lines_are_set_aside(tmp_path: Path) -> None:
    lines = [json.dumps(GOOD), "{nope", "[1]", "[" * 100_000, json.dumps({**GOOD, "application_id": "A2"})]
    intake = read_applications(_written(tmp_path, "a.jsonl", "\n".join(lines)), LIMITS, NOW)
    assert [found.application_id for found in intake.applications] == ["A1", "A2"]
    assert [row.line for row in intake.quarantined] == [2, 3, 4]


def test_a_file_that_is_no_application_file_is_refused(tmp_path: Path) -> None:
    for name, text in (("a.csv", "id,who\n1,x\n"), ("a.json", '[{"a": 1}]'), ("b.csv", "")):
        with pytest.raises(InputError) as caught:
            read_applications(_written(tmp_path, name, text), LIMITS, NOW)
        assert caught.value.remedy
        assert str(tmp_path) in str(caught.value)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("application_id,name,email,websites\nA1,Müller,a@gmail.com,a.com\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.csv:2"):
        read_applications(latin, LIMITS, NOW)
    with pytest.raises(InputError):
        read_applications(tmp_path / "absent.csv", LIMITS, NOW)


def test_optional_fields_that_cannot_be_read_are_unknown_and_reported() -> None:
    fields = {
        **GOOD,
        "country": "Germany",
        "phone": "call me",
        "claimed_monthly_visits": "99999999999999",
        "applied_at": "2030-01-01",
        "payout_account": "---",
        "social_profiles": ["javascript:alert(1)"],
        "websites": "https://a.com https://b.com https://c.com https://d.com",
    }
    found = application(fields, LIMITS, NOW)
    assert (
        found.country is found.phone is found.claimed_monthly_visits is found.applied_at is found.payout_account is None
    )
    assert found.social_profiles == ()
    assert len(found.websites) == 3
    assert {problem.field for problem in found.problems} == set(fields) - {"application_id", "name", "email"}


@pytest.mark.parametrize(
    ("text", "visits"),
    [("12000", 12_000), ("12,000", 12_000), ("12.000", 12_000), ("1.5M", 1_500_000), ("20 k", 20_000), ("0", 0)],
)
def test_counts_are_read_as_people_write_them(text: str, visits: int) -> None:
    assert application({**GOOD, "claimed_monthly_visits": text}, LIMITS, NOW).claimed_monthly_visits == visits


_VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3))


@given(st.sampled_from([*GOOD, "country", "phone", "promo_methods", "backlinks", "applied_at"]), _VALUES)
@settings(deadline=None)
def test_no_value_breaks_the_reader(name: str, value: object) -> None:
    try:
        found = application({**GOOD, name: value}, LIMITS, NOW)
    except UnusableApplication as error:
        problem = error.problem.field
        found = None
    if found is None:
        assert problem == name in GOOD
    else:
        assert found.websites
        assert all(host_of(url) for url in found.websites)


def test_capitals_blanks_and_hyphens_in_a_column_do_not_matter(tmp_path):
    path = tmp_path / "applications.csv"
    path.write_text(
        "\ufeffApplication ID,Name,E-mail,WEBSITES\nA1,Jane,jane@gmail.com,kettle-notes.com\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"no column email; it has application_id, name, e_mail, websites"):
        read_applications(path, LIMITS, NOW)
    path.write_text(path.read_text(encoding="utf-8").replace("E-mail", "Email"), encoding="utf-8")
    (one,) = read_applications(path, LIMITS, NOW).applications
    assert one.application_id == "A1"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "The file is empty"), ("application_id;name;email;websites\nA1;J;j@gmail.com;k.com\n", "by semicolons")],
)
def test_what_no_header_is_said_so(tmp_path, text, said):
    path = tmp_path / "applications.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_applications(path, LIMITS, NOW)
