"""What tells non-human, impossible and broken user agents apart: patterns and combinations, with the reason for each.

Facts about browsers are from the vendors' documentation of their user-agent strings (Chrome, WebKit, Mozilla, Edge),
read in 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.intelligence.releases import Pace

MISSING = r"(?i)^(|-+|null|none|nil|nan|n/?a|undefined|unknown|not set|\(not set\)|not available|empty)$"
"""What trackers write when they saw no agent: nothing is known then."""

APP_CLIENT = (
    r"^okhttp/|^Dart/|^Dalvik/|CFNetwork/|^Apache-HttpClient/UNAVAILABLE|^Alamofire|"
    r"^Cronet|^ExoPlayer|^AppleCoreMedia|^stagefright"
)
"""Networking clients that ordinary phone apps ship with; they say nothing of who holds the phone."""

SAYS_BOT = r"(?i)bot\b|crawl|spider|externalhit|preview|scrap|\+\s?https?://|feedfetch"

WHOLE_BROWSER = (
    r"^Mozilla/5\.0 \((?:iPhone|iPad|iPod|Linux; (?:U; )?Android|Windows NT|Macintosh)[^)]*\) "
    r"(?:AppleWebKit/[\d.]+ \(KHTML, like Gecko\)|Gecko/)"
)
"""The start of a complete agent of a person's phone or computer."""

NOT_A_BROWSER = (
    r"(?i)\b(?:rss|feed|link ?preview|indexer|scanner|monitor(?:ing)?|fetcher|health-?check|validator|link ?checker|"
    r"archiver|transcoder|uptime|pingdom|probe)\b|rss[/ ]|https?://|[\w.]@[\w-]+\.\w|^mediapartners"
)
"""Words and contact addresses that only programs put in their agents; applied where the agent is no whole browser."""

DECLARED = r"(?i)\b(?:bot|crawler|spider|robot)\b|\+\s?https?://|crawler[@+/]|\bbot/|spider/|search engine crawler"
AUTOMATION = (
    r"(?i)headless|phantomjs|slimerjs|selenium|webdriver|puppeteer|playwright|cypress/|electron/.*cypress|"
    r"\bnightmare\b|zombie\.js|jsdom|htmlunit|splash/|testcafe|browsershot|chrome-lighthouse|\bcasperjs|"
    r"ghost inspector|synthetics?agent|synthetic[ -]monitor"
)
LIBRARY = (
    r"(?i)^(?:python|curl|wget|libcurl|libwww|lwp|perl|ruby|php|java/|go-http-client|axios|node-fetch|node\.js|undici|"
    r"got[ /(]|httpie|httpx|aiohttp|requests/|postman|insomnia|guzzle|faraday|rest-client|restsharp|winhttp|scrapy|"
    r"mechanize|jakarta commons|apache-httpclient/\d|urllib|superagent|typhoeus|httpclient|nutch|powershell|msxml|"
    r"reqwest|hyper/|swoole|symfony|rust|deno/|bun/|vertx|reactornetty|feign|unirest|k6/|jmeter|apachebench|siege/|wrk/|hey/)|"
    r"python-requests|python-urllib|go-http-client|windowspowershell"
)

_TEMPLATE = (
    r"(?i)\{\{?[a-z_ .]*\}?\}|\$\{|\$[A-Z_]*(?:UA|AGENT)\b|%%[a-z_]+%%|^%[a-z_]+%$|\[(?:ua|user[_ -]?agent)\]|"
    r"__[A-Z_]+__|<%|\buser[_-]?agent\s*[:=]"
)
_PROGRAM_TEXT = (
    r"<[a-z!/?]|\(\)\s*\{|[\x00-\x08\x0e-\x1f]|"
    r"(?i:union\s+select|\(select\b|'\s*or\s+'?1|object at 0x|\bfunction\s*\(|\\u00|\\x[0-9a-f]{2})"
)
_STUMP = (
    r"^(?:Mozilla/[45]\.0(?: \(compatible;?\)?| \(?)?|"
    r"Mozilla|Opera|Chrome|Safari|Firefox|Browser|User ?Agent|test|fake)$"
)

_LAST_SAFARI_FOR_WINDOWS = 5
_STOCK_ANDROID_VERSION = 4
_CHROME_WITH_FROZEN_WEBKIT = 28
_FROZEN_IOS_WEBKIT_SINCE = 12
_IOS_GAP = (19, 25)
"""Apple went from iOS 18 to iOS 26."""
_FIREFOX_MATCHES_RV_SINCE = 120
"""Firefox 110 to 119 reported rv:109.0."""


def is_malformed() -> pl.Expr:
    """Say of `text` that it is no user agent at all."""
    text = pl.col("text")
    return text.str.contains(_TEMPLATE) | text.str.contains(_PROGRAM_TEXT) | text.str.contains(_STUMP)


def impossible(newest: Mapping[str, Pace]) -> pl.Expr:
    """Say of a parsed agent (`text`, `os`, `os_major` and the engine columns) that no browser sends it.

    `newest` gives for each engine the highest major that can exist.
    """
    return pl.any_horizontal(
        *(condition.fill_null(value=False) for condition in (*_mixed_systems(), *_mixed_engines())),
        *((pl.col(engine) > pace.possible).fill_null(value=False) for engine, pace in newest.items()),
    )


def _has(pattern: str) -> pl.Expr:
    return pl.col("text").str.contains(pattern)


def _mixed_systems() -> list[pl.Expr]:
    windows_phone = _has(r"Windows Phone|IEMobile|XBLWP7|ZuneWP7")
    android = _has(r"\bAndroid\b") & ~windows_phone
    apple_phone = _has(r"\((?:iPhone|iPad|iPod)")
    windows = _has(r"Windows NT \d") & ~windows_phone
    ios = _number(r"CPU (?:iPhone )?OS (\d+)_")
    return [
        android & apple_phone,
        android & windows,
        apple_phone & windows,
        # the browser of Android up to 4.4 said Version/4.0, web views add Chrome: Safari itself has never run there
        android & (_number(r"Version/(\d+)") > _STOCK_ANDROID_VERSION) & _has(r"Safari/") & ~_has(r"Chrome/|Firefox/"),
        windows
        & (_number(r"Version/(\d+)") > _LAST_SAFARI_FOR_WINDOWS)
        & _has(r"Safari/")
        & ~_has(r"Chrome/|Chromium/|OPR/|Epiphany"),
        windows & _has(r"Windows NT (?:[789]|1[1-9]|6\.[5-9]|10\.[1-9])"),
        ios.is_between(*_IOS_GAP) & apple_phone,
    ]


def _mixed_engines() -> list[pl.Expr]:
    apple_phone = _has(r"\((?:iPhone|iPad|iPod)") & ~_has(r"Windows Phone|IEMobile")
    ios = _number(r"CPU (?:iPhone )?OS (\d+)_")
    firefox, revision = _number(r"\bFirefox/(\d+)\.[\d.]+$"), _number(r"\brv:(\d+)")
    return [
        # Apple allows no other engine than its own WebKit on the iPhone; 605.1.15 has not changed since iOS 11.3
        apple_phone & _has(r"\bChrome/\d|\bTrident/|\bGecko/\d"),
        apple_phone & (ios >= _FROZEN_IOS_WEBKIT_SINCE) & _has(r"AppleWebKit/") & ~_has(r"AppleWebKit/605\.1\.15"),
        _has(r"Trident/|\bMSIE \d") & _has(r"\bChrome/\d|\bFirefox/\d"),
        # iPads that ask for the desktop site call themselves a Macintosh and keep their WebKit
        (_number(r"\bChrome/(\d+)") >= _CHROME_WITH_FROZEN_WEBKIT)
        & _has(r"AppleWebKit/")
        & ~_has(r"AppleWebKit/537\.36|\(Macintosh"),
        _has(r"\bFirefox/\d") & _has(r"\bChrome/\d|AppleWebKit/") & ~_has(r"FxiOS|Focus/"),
        (firefox >= _FIREFOX_MATCHES_RV_SINCE)
        & revision.is_not_null()
        & (firefox != revision)
        & _has(r"Gecko/20100101"),
    ]


def _number(pattern: str) -> pl.Expr:
    return pl.col("text").str.extract(pattern).cast(pl.Int64, strict=False)
