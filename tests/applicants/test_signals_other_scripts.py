"""Publishers who write in other scripts than Latin are read as fairly as those who do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.applicants.crawl.frontier import Frontier
from screening.applicants.intake_fields import application
from screening.applicants.page.words import different_words, word_count
from screening.applicants.records import Link
from screening.applicants.signals.content import content
from screening.applicants.signals.ownership import MISSING, SHOWN, ownership
from screening.applicants.signals.pages import care
from screening.applicants.signals.parked import parked

HOME = "https://sakura-diary.com/"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
JAPANESE = (
    "今日は近所の小さな喫茶店で深煎りの珈琲を飲みました。窓から見える銀杏並木が色づき始めて、秋の深まりを感じます。"
    "店主は自家焙煎にこだわっていて、豆の話をたくさん聞かせてくれました。帰り道に川沿いを歩きながら、旅行のことを考えました。"
)
THAI = "เมื่อวานนี้ฉันไปเดินเล่นที่ตลาดน้ำกับเพื่อนสนิทและได้ลองชิมขนมไทยหลายอย่างที่ทำสดใหม่ทุกวัน"


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (JAPANESE, 40, 70),
        (THAI, 15, 30),
        ("The kettle boils, and tea is made.", 7, 7),
        ("Der Kessel kocht; schön!", 4, 4),
        ("私の iPhone 15 です", 4, 5),
        ("", 0, 0),
        ("。、「」", 0, 0),
    ],
)
def test_words_are_counted_alike_in_all_scripts(text, least, most):
    assert least <= word_count(text) <= most


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.integers(1, 4))
def test_what_is_repeated_on_other_pages_counts_once(text, times):
    assert different_words([text] * times) == different_words([text])
    assert word_count(text) >= 0


def test_a_small_site_in_japanese_is_not_empty(crawl_of, shipped):
    posts = [(f"{HOME}{number}", f"<p>{JAPANESE}{number}</p>", "random") for number in range(3)]
    crawl = crawl_of([(HOME, f"<h1>日記</h1><p>{JAPANESE}</p>"), *posts])
    found = {
        finding.code
        for finding in (*parked(crawl, shipped.screening.signals), *content(crawl, shipped.screening.signals))
        if finding.found
    }
    assert not found & {"no_content", "parked", "host_default"}
    assert "scant_content" in found  # the same text again and again is still hardly any


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("山田さくら", "山田さくら。京都在住。", True),
        ("山田 さくら", "はじめまして、山田さくらです。", True),
        ("王小明", "作者王小明。住在北京。", True),
        ("김민수", "안녕하세요, 저는 김민수입니다.", True),
        ("李娜", "李娜", False),
        ("王小明", "作者王大明", False),
    ],
)
def test_names_without_spaces_are_found(crawl_of, shipped, name, text, shown):
    fields = {"application_id": "A1", "name": name, "email": "sakura@gmail.com", "websites": HOME}
    finding = ownership(
        application(fields, shipped.screening.intake, NOW), crawl_of([(HOME, f"<p>{JAPANESE}</p><p>{text}</p>")])
    )
    assert finding.code == (SHOWN if shown else MISSING)


@pytest.mark.parametrize(
    "menu",
    [
        ("プロフィール", "お問い合わせ", "プライバシーポリシー"),
        ("关于我们", "联系我们", "隐私政策"),
        ("블로그 소개", "문의하기", "개인정보 처리방침"),
        ("เกี่ยวกับเรา", "ติดต่อเรา", "นโยบายความเป็นส่วนตัว"),
        ("من نحن", "اتصل بنا", "سياسة الخصوصية"),
        ("Giới thiệu", "Liên hệ", "Chính sách bảo mật"),
    ],
)
def test_pages_about_a_publisher_are_sought_and_recognised(crawl_of, shipped, menu):
    frontier = Frontier("seed", shipped.crawl)
    frontier.scope.add("sakura-diary.com")
    frontier.add_links([Link(f"{HOME}p{place}", text, (), "nav") for place, text in enumerate(menu)], 1)
    chosen = {}
    while (candidate := frontier.next()) is not None:
        chosen[candidate.target.url] = candidate.role
    assert [chosen[f"{HOME}p{place}"] for place in range(3)] == ["about", "contact", "privacy"]
    links = "".join(f"<a href='/p{place}'>{text}</a>" for place, text in enumerate(menu))
    missing = {finding.code for finding in care(crawl_of([(HOME, f"{links}<p>{JAPANESE}</p>")])) if finding.found}
    assert not missing & {"about_missing", "contact_missing", "privacy_missing"}
