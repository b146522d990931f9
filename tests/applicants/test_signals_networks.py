from __future__ import annotations

import pytest

from screening.applicants.signals.networks import Action, Pattern, affiliate_url, patterns


@pytest.mark.parametrize(
    "pattern", patterns(), ids=lambda pattern: f"{pattern.network}-{pattern.host}-{pattern.action}"
)
def test_every_row_recognises_its_example(pattern: Pattern) -> None:
    found = affiliate_url(pattern.example)
    assert found is not None
    assert (found.network, found.action, found.publisher) == (
        pattern.network,
        pattern.action,
        pattern.example_publisher,
    )


def test_about_sixty_networks_are_known() -> None:
    assert len({pattern.network for pattern in patterns()}) >= 60


@pytest.mark.parametrize(
    "url",
    [
        "https://www.amazon.com/dp/B07PGL2ZSL",
        "https://notamazon.com/?tag=x",
        "https://amazon.evil-shop.com.example/dp/1",
        "https://www.awin1.com/",
        "https://awin1.com.evil.com/cread.php?awinaffid=1",
        "https://www.dwin1.com/123456.js",
        "https://s.skimresources.com/js/12345X67890.skimlinks.js",
        "https://cdn.viglink.com/api/vglnk.js",
        "https://www.booking.com/flexiproduct.html?product=banner&aid=123",
        "https://www.shareasale.com/info/",
        "https://kettle-notes.com/click",
        "mailto:jane@amazon.com?tag=x",
        "not a url",
    ],
)
def test_other_urls_are_no_clicks(url: str) -> None:
    assert affiliate_url(url) is None


def test_banner_pictures_and_vague_parameters_never_set_a_cookie() -> None:
    for pattern in patterns():
        found = affiliate_url(pattern.example)
        assert found is not None
        assert found.sets_cookie == (pattern.action in (Action.CLICK, Action.TAG))
