"""Browsers, apps and programs of simulated visitors: families, their releases over time, and their user agents.

Release rhythms are approximations counted from one known release each: Chrome 120 (2023-12-05), Firefox 121
(2023-12-19), iOS 17.0 (2023-09-18), Samsung Internet 23 (2023-11-20).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from screening.simulate.columns import Floats, Ints

HISTORY = 20
"""Releases of each family that are still in use."""


@dataclass(frozen=True, slots=True)
class Family:
    """A browser, app or program. `variants` are models or systems; `template` is its agent, which `_text` fills in."""

    name: str
    variants: tuple[str, ...]
    first: date
    first_release: int
    days_per_release: float
    template: str


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X)"
_WEBVIEW = f"Mozilla/5.0 (Linux; {{android}}; wv) {_WEBKIT} Version/4.0 Chrome/{{r}}.0.{{build}} Mobile Safari/537.36"
_PHONES = (
    "14; SM-S918B", "14; SM-S911B", "14; SM-A546B", "13; SM-A536B", "14; SM-A156B", "13; SM-A135F", "12; SM-A127F",
    "14; SM-S921U", "14; SM-S926B", "13; SM-G991U", "14; Pixel 7", "14; Pixel 8", "14; Pixel 6a", "15; Pixel 9",
    "13; M2101K6G", "13; 2201117TG", "14; 23021RAA2Y", "12; Redmi Note 9 Pro", "13; CPH2363", "14; CPH2551",
    "13; RMX3371", "12; moto g(30)", "13; moto g power (2022)", "14; XT2347-2", "13; V2145", "11; SM-A207F",
)  # fmt: skip
OLD_PHONES = (
    "8.1.0; SM-J260F", "7.1.1; SM-J250F", "9; Redmi 6A", "8.1.0; Redmi 5A", "9; vivo 1820", "8.1.0; CPH1803",
    "7.0; SM-J701F", "9; SM-J400F", "10; SM-A107F", "6.0; Lenovo K33a42",
)  # fmt: skip
"""Cheap telephones of 2016-2019 that some honest people still have, and farms buy by the crate."""
_BUILD = {
    "6": "MRA58K", "7": "NRD90M", "8": "M1AJQ", "9": "PPR1.180610.011", "10": "QP1A.190711.020",
    "11": "RP1A.200720.012", "12": "SP1A.210812.016", "13": "TP1A.220624.014", "14": "UP1A.231005.007",
    "15": "AP3A.240905.015",
}  # fmt: skip
_IPHONES = (
    "iPhone12,1",
    "iPhone12,8",
    "iPhone13,2",
    "iPhone14,5",
    "iPhone14,7",
    "iPhone15,2",
    "iPhone15,4",
    "iPhone16,1",
    "iPhone17,3",
)
_CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) {_APPLE} Version/13.1.1 Safari/605.1.15 "
    "(Applebot/0.1; +http://www.apple.com/go/applebot)",
)
_SCRIPTS = ("python-requests/2.31.0", "Go-http-client/1.1", "okhttp/4.12.0", "axios/1.6.8", "curl/8.4.0")


_CHROME = (date(2023, 12, 5), 120, 28.0)
_FIREFOX = (date(2023, 12, 19), 121, 28.0)
_IOS = (date(2023, 9, 18), 0, 45.6)
_SAMSUNG = (date(2023, 11, 20), 23, 91.0)

FAMILIES = (
    Family("chrome windows", ("",), *_CHROME, f"{_WINDOWS} {_WEBKIT} Chrome/{{r}}.0.0.0 Safari/537.36"),
    Family("edge windows", ("",), *_CHROME, f"{_WINDOWS} {_WEBKIT} Chrome/{{r}}.0.0.0 Safari/537.36 Edg/{{r}}.0.0.0"),
    Family(
        "firefox",
        ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10.15"),
        *_FIREFOX,
        "Mozilla/5.0 ({variant}; rv:{r}.0) Gecko/20100101 Firefox/{r}.0",
    ),
    Family("chrome mac", ("",), *_CHROME, f"{_MAC} {_WEBKIT} Chrome/{{r}}.0.0.0 Safari/537.36"),
    Family("safari mac", ("",), *_IOS, f"{_MAC} {_APPLE} Version/{{ios}} Safari/605.1.15"),
    Family("chrome linux", ("",), *_CHROME, f"{_LINUX} {_WEBKIT} Chrome/{{r}}.0.0.0 Safari/537.36"),
    Family(
        "opera windows", ("",), *_CHROME, f"{_WINDOWS} {_WEBKIT} Chrome/{{r}}.0.0.0 Safari/537.36 OPR/{{opera}}.0.0.0"
    ),
    Family("chrome android", ("",), *_CHROME, f"{_ANDROID} {_WEBKIT} Chrome/{{r}}.0.0.0 Mobile Safari/537.36"),
    Family(
        "samsung internet",
        ("",),
        *_SAMSUNG,
        f"{_ANDROID} {_WEBKIT} SamsungBrowser/{{r}}.0 Chrome/{{samsung}}.0.0.0 Mobile Safari/537.36",
    ),
    Family(
        "facebook android",
        _PHONES + OLD_PHONES,
        *_CHROME,
        f"{_WEBVIEW} [FB_IAB/FB4A;FBAV/{{facebook}}.0.0.{{patch}}.100;]",
    ),
    Family("instagram android", _PHONES, *_CHROME, f"{_WEBVIEW} Instagram {{instagram}}.0.0.{{patch}}.109 Android"),
    Family("safari iphone", ("",), *_IOS, f"{_IPHONE} {_APPLE} Version/{{ios}} Mobile/15E148 Safari/604.1"),
    Family(
        "chrome iphone",
        ("",),
        *_CHROME,
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_APPLE} CriOS/{{r}}.0.{{build}} "
        "Mobile/15E148 Safari/604.1",
    ),
    Family(
        "facebook iphone",
        _IPHONES,
        *_IOS,
        f"{_IPHONE} {_APPLE} Mobile/15E148 [FBAN/FBIOS;FBAV/{{apple_facebook}}.0.0.{{patch}}.90;FBDV/{{variant}};"
        "FBMD/iPhone;FBSN/iOS;FBSV/{ios};FBSS/3]",
    ),
    Family(
        "instagram iphone",
        _IPHONES,
        *_IOS,
        f"{_IPHONE} {_APPLE} Mobile/15E148 Instagram {{apple_instagram}}.0.0.{{patch}}.95 ({{variant}}; iOS {{ios}}; "
        "scale=3.00)",
    ),
    Family(
        "safari ipad",
        ("",),
        *_IOS,
        f"Mozilla/5.0 (iPad; CPU OS {{system}} like Mac OS X) {_APPLE} Version/{{ios}} Mobile/15E148 Safari/604.1",
    ),
    Family("android app", _PHONES + OLD_PHONES, *_CHROME, "Dalvik/2.1.0 (Linux; U; {android})"),
    Family(
        "ios app", _IPHONES, *_IOS, "AppSDK/6.4.1 ({variant}; iOS {ios}) CFNetwork/{network}.0.4 Darwin/{darwin}.0.0"
    ),
    Family("headless chrome", ("",), *_CHROME, f"{_LINUX} {_WEBKIT} HeadlessChrome/{{r}}.0.0.0 Safari/537.36"),
    Family("script", _SCRIPTS, *_CHROME, "{variant}"),
    Family("crawler", _CRAWLERS, *_CHROME, "{variant}"),
)
INDEX = {family.name: index for index, family in enumerate(FAMILIES)}


def _text(family: Family, variant: str, release: int) -> str:
    """Write the agent of a release; numbers that the vendors count apart follow the release at their usual distance."""
    since = release - family.first_release
    major, minor = _ios(since)
    return family.template.format(
        variant=variant,
        r=release,
        build=f"{6099 + 67 * since}.{40 + release * 37 % 160}",
        patch=20 + release % 40,
        opera=release - 14,
        samsung=115 + 13 * since // 4,  # it follows Chrome, whose releases come 3.25 times as often
        facebook=442 + 4 * since,
        instagram=309 + 4 * since,
        apple_facebook=430 + 6 * since,
        apple_instagram=303 + 6 * since,
        ios=f"{major}.{minor}",
        # Safari froze the system version in its agent with iOS 26
        system="18_6" if major >= 26 else f"{major}_{minor}",
        network=1474 + 22 * since,
        darwin=23 + since // 8,
        android=_android(variant),
    )


def _ios(steps: int) -> tuple[int, int]:
    """Return major and minor of the release that many steps after 17.0; Apple went from 18 to 26."""
    year, minor = divmod(steps, 8)
    return (17 + year if year < 2 else 24 + year), minor


def _android(model: str) -> str:
    system = model.split(";", maxsplit=1)[0].split(".", maxsplit=1)[0]
    return f"Android {model} Build/{_BUILD[system]}" if system in _BUILD else ""


class AgentBook:
    """Every user agent of a programme that begins on `start` and lasts `days`, each with a code."""

    def __init__(self, start: date, days: int) -> None:
        self.texts: list[str] = []
        newest = start + timedelta(days=days)
        self._start = start
        self._base = np.zeros(len(FAMILIES), np.int64)
        self._oldest = np.zeros(len(FAMILIES), np.int64)
        self._releases = np.zeros(len(FAMILIES), np.int64)
        for index, family in enumerate(FAMILIES):
            last = int(self._newest(family, np.array([(newest - start).days]))[0])
            first = max(int(self._newest(family, np.array([0]))[0]) - HISTORY, 0)
            self._base[index], self._oldest[index] = len(self.texts), first
            self._releases[index] = last - first + 1
            releases = range(first, last + 1)
            self.texts += [_text(family, variant, release) for variant in family.variants for release in releases]

    def codes(self, family: Ints, variant: Ints, lag: Ints, day: Floats) -> Ints:
        """Return agent codes: on `day` (days since the start, may be broken), `lag` releases behind the newest."""
        newest = np.zeros(len(family), np.int64)
        for index in np.unique(family):
            chosen = family == index
            newest[chosen] = self._newest(FAMILIES[index], day[chosen])
        step = np.clip(newest - lag - self._oldest[family], 0, self._releases[family] - 1)
        return np.asarray(self._base[family] + variant * self._releases[family] + step, np.int64)

    def _newest(self, family: Family, day: Floats | Ints) -> Ints:
        age = (self._start - family.first).days + np.asarray(day, np.float64)
        return (family.first_release + np.floor(np.maximum(age, 0) / family.days_per_release)).astype(np.int64)


def variants(family: Ints) -> Ints:
    """Return how many variants each family has."""
    return np.array([len(item.variants) for item in FAMILIES], np.int64)[family]
