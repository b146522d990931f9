"""User agents of a given month: what people, apps, tools and careless bots put into the header."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from eighth_world.dice import Dice, Numbers, gather

_PHONES = (
    "SM-S918B", "SM-S928B", "SM-A546B", "SM-A155F", "SM-A256B", "SM-G991B", "SM-A145R", "Pixel 6a", "Pixel 7",
    "Pixel 8", "Pixel 9 Pro", "22101316G", "23021RAA2Y", "2201117TY", "23090RA98G", "M2101K6G", "CPH2581", "CPH2385",
    "RMX3710", "RMX3627", "V2207", "V2248", "moto g54 5G", "moto g power (2022)", "TECNO KI5q", "TECNO BG6",
    "Infinix X6525", "Nokia G21", "ANE-LX1", "ONEPLUS A6013", "XQ-CQ54", "itel P661W",
)  # fmt: skip
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_FIRST_YEAR, _FIRST_CHROME = 2024, 120
"""Chrome 120 came with the end of 2023; since then about 11 versions a year."""
_POOL = 60
_DESKTOPS = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")

_ON_IPHONES = {"safari_iphone": 1.0, "facebook": 0.45, "instagram": 0.45, "tiktok": 0.45, "app_view": 0.4}
"""How much of what bears this name runs on iPhones; the rest on Android."""
_IOS_BY_YEAR = (19, 26)
"""What would have been iOS 19 was named by the year."""

PHONES = ("chrome_android", "safari_iphone", "samsung", "facebook", "instagram", "tiktok", "app_view", "opera_mini")
DESKTOPS = ("chrome_desktop", "edge", "firefox", "safari_mac", "opera")


@dataclass(frozen=True)
class AgentPlan:
    """The month the programme runs in decides which versions are new; `lag` how many versions people lie behind."""

    months: float
    """Months since January 2024."""
    lag: float
    app: str

    @property
    def chrome(self) -> int:
        """The newest Chrome."""
        return _FIRST_CHROME + int(self.months * 0.92)

    def pool(self, family: str, dice: Dice, size: int = _POOL) -> tuple[list[str], Numbers]:
        """Return user agents of a family and how common each is."""
        texts = [self.one(family, dice) for _ in range(size)]
        return texts, dice.ranked(size, 0.8)

    def one(self, family: str, dice: Dice) -> str:
        """Return one user agent of a family. Raises KeyError for a family unknown."""
        behind = min(int(dice.rng.exponential(self.lag)), 45)
        chrome, year = self.chrome - behind, _FIRST_YEAR + self.months / 12
        if family in DESKTOPS:
            return _desktop(family, chrome, dice)
        if family not in PHONES:
            return _machine(family, chrome, dice)
        if dice.chance(_ON_IPHONES.get(family, 0.0)):
            return self._iphone(family, int(year - 2006.9), dice)
        return self._android(family, chrome, dice)

    def _iphone(self, family: str, newest: int, dice: Dice) -> str:
        major = newest - min(int(dice.rng.exponential(0.7)), 4)
        major = major if major < _IOS_BY_YEAR[0] else _IOS_BY_YEAR[1]
        minor = dice.whole(0, 6)
        head = f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) {_WEBKIT}"
        tails = {
            "safari_iphone": f"Version/{major}.{minor} Mobile/15E148 Safari/604.1",
            "facebook": f"Mobile/15E148 [FBAN/FBIOS;FBAV/{440 + int(self.months * 4)}.0.0.{dice.whole(20, 60)}.107;"
            f"FBDV/iPhone{dice.whole(12, 16)},{dice.whole(1, 5)};FBMD/iPhone;FBSN/iOS;FBSV/{major}.{minor}]",
            "instagram": f"Mobile/15E148 Instagram {310 + int(self.months * 3)}.0.{dice.whole(1, 30)}.84 (iPhone"
            f"{dice.whole(12, 16)},{dice.whole(1, 5)}; iOS {major}_{minor}; en_US; scale=3.00)",
            "tiktok": f"Mobile/21A350 musical_ly_{33 + int(self.months / 2)}.{dice.whole(0, 9)}.0 BytedanceWebview",
        }
        return f"{head} {tails.get(family, f'Mobile/15E148 {self.app}/{dice.whole(2, 6)}.{dice.whole(0, 30)}')}"

    def _android(self, family: str, chrome: int, dice: Dice) -> str:
        model, system = dice.pick(_PHONES), dice.whole(10, 12 + int(self.months / 10))
        named = f"Mozilla/5.0 (Linux; Android {system}; {model}"
        build = dice.whole(1000, 6900)
        if family == "chrome_android":
            return f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
        if family == "samsung":
            version = 23 + int(self.months / 7) - min(int(dice.rng.exponential(0.8)), 6)
            return f"{named}) {_BLINK} SamsungBrowser/{version}.0 Chrome/{chrome - 6}.0.0.0 Mobile Safari/537.36"
        if family == "opera_mini":
            mini = f"Opera Mini/{dice.whole(36, 82)}.{dice.whole(0, 9)}/191.{dice.whole(200, 340)}"
            return f"Opera/9.80 (Android; {mini}; U; en) Presto/2.12.423 Version/12.16"
        view = f"{named}; wv) {_BLINK} Version/4.0 Chrome/{chrome}.0.{build}.{dice.whole(30, 200)} Mobile Safari/537.36"
        tails = {
            "facebook": f"[FB_IAB/FB4A;FBAV/{440 + int(self.months * 4)}.0.0.{dice.whole(20, 60)}.109;]",
            "instagram": f"Instagram {310 + int(self.months * 3)}.0.0.{dice.whole(20, 50)}.84 Android",
            "tiktok": f"trill_{330000 + int(self.months * 500)} BytedanceWebview/d8a21c6",
        }
        return f"{view} {tails.get(family, f'{self.app}/{dice.whole(2, 6)}.{dice.whole(0, 30)}')}"

    def people(self, mix: dict[str, float], count: int, dice: Dice) -> tuple[pl.Series, Numbers]:
        """Return a user agent for each of `count` people and, as 0 or 1, who of them holds a phone."""
        texts: list[str] = []
        weights: list[float] = []
        phones: list[float] = []
        for family, share in mix.items():
            pool, common = self.pool(family, dice)
            texts += pool
            weights += list(common * share)
            phones += [float(family in PHONES)] * len(pool)
        places = dice.choose(np.array(weights), count)
        return gather(texts, places), np.array(phones)[places]


def _desktop(family: str, chrome: int, dice: Dice) -> str:
    system = dice.weighted({_DESKTOPS[0]: 0.72, _DESKTOPS[1]: 0.22, _DESKTOPS[2]: 0.06})
    head = f"Mozilla/5.0 ({system}) {_BLINK} Chrome/{chrome}.0.0.0 Safari/537.36"
    if family == "edge":
        return f"{head} Edg/{chrome}.0.0.0"
    if family == "opera":
        return f"{head} OPR/{chrome - 14}.0.0.0"
    if family == "firefox":
        return f"Mozilla/5.0 ({system}; rv:{chrome}.0) Gecko/20100101 Firefox/{chrome}.0"
    if family == "safari_mac":
        return f"Mozilla/5.0 ({_DESKTOPS[1]}) {_WEBKIT} Version/{15 + chrome // 40}.{dice.whole(0, 6)} Safari/605.1.15"
    return head


def _machine(family: str, chrome: int, dice: Dice) -> str:
    """What scripts send: named libraries, headless browsers, or a browser of years ago copied from somewhere."""
    old = dice.whole(58, 108)
    made = {
        "library": dice.pick(
            ["python-requests/2.31.0", "okhttp/4.9.3", "Go-http-client/1.1", "curl/8.4.0", "Java/17.0.9", "axios/1.6.2"]
        ),
        "headless": f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK} HeadlessChrome/{chrome}.0.0.0 Safari/537.36",
        "copied": f"Mozilla/5.0 (Windows NT {dice.pick(['6.1', '10.0', '6.3'])}; Win64; x64) {_BLINK} "
        f"Chrome/{old}.0.{dice.whole(2900, 5300)}.{dice.whole(40, 140)} Safari/537.36",
        "old_phone": f"Mozilla/5.0 (Linux; Android {dice.whole(5, 9)}; {dice.pick(_PHONES)}) {_BLINK} "
        f"Chrome/{old}.0.{dice.whole(2900, 5300)}.{dice.whole(40, 140)} Mobile Safari/537.36",
    }
    return made[family]
