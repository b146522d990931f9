"""User agents of phones and desktops: browsers, webviews inside other apps, and the clients of apps themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ANDROID, IOS, DESKTOP = range(3)
BROWSER, WEBVIEW, SOCIAL, CLIENT = range(4)
VERSIONS = 4
_FORMS = 4

_MODELS = [
    "SM-A127F",
    "SM-A135M",
    "SM-A145P",
    "SM-A155F",
    "SM-A236B",
    "SM-A346E",
    "SM-A546B",
    "SM-S911B",
    "SM-S928U",
    "SM-G991U",
    "SM-M146B",
    "SM-A057F",
    "23053RN02A",
    "2201117TY",
    "23106RN0DA",
    "M2006C3LG",
    "220333QAG",
    "2312DRA50G",
    "23129RAA4G",
    "CPH2477",
    "CPH2591",
    "CPH2269",
    "V2206",
    "V2249",
    "RMX3623",
    "RMX3830",
    "RMX3501",
    "Infinix-X6525",
    "TECNO-KG5j",
    "TECNO-BG6",
    "itel-A665L",
    "moto-g13",
    "moto-g54-5G",
    "XT2239-9",
    "Pixel-6a",
    "Pixel-7",
    "Pixel-8",
    "Nokia-G21",
    "LE2115",
    "JKM-LX1",
]
_ANDROID_RELEASES = ("9", "10", "11", "12", "13", "14", "15", "16")
_BUILDS = ("PPR1.180610.011", "QP1A.190711.020", "RP1A.200720.012", "SP1A.210812.016", "TP1A.220624.014")
_IOS = ("16_7_10", "17_5_1", "17_6_1", "18_1_1", "18_3_2", "18_5", "18_6", "18_7")
_DESKTOP_SYSTEMS = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
_OLD_CHROMES = (74, 87, 92, 99, 103, 109, 114, 119, 124, 130)
_NEWEST_CHROME = 144


@dataclass(frozen=True)
class Handsets:
    """The devices of a world, one per row; `frozen` ones never get a new browser version."""

    platform: np.ndarray
    frozen: np.ndarray
    traits: np.ndarray
    popularity: np.ndarray

    def choose(self, platform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a handset of each platform."""
        chosen = np.empty(len(platform), dtype=np.int64)
        for one in np.unique(platform):
            fitting = np.flatnonzero(self.platform == one)
            weight = self.popularity[fitting] / self.popularity[fitting].sum()
            here = platform == one
            chosen[here] = rng.choice(fitting, size=int(here.sum()), p=weight)
        return chosen

    def agent(self, handset: np.ndarray, form: np.ndarray | int, version: np.ndarray | int) -> np.ndarray:
        """Return the code of the agent that a handset shows in a form at a version (0 to VERSIONS - 1)."""
        version = np.where(self.frozen[handset], 0, np.minimum(version, VERSIONS - 1))
        return (handset * _FORMS + form) * VERSIONS + version

    def write(self, code: int) -> str:
        """Return the agent of that code."""
        rest, version = divmod(code, VERSIONS)
        handset, form = divmod(rest, _FORMS)
        traits = [int(trait) for trait in self.traits[handset]]
        chrome = _OLD_CHROMES[traits[2] % len(_OLD_CHROMES)] if self.frozen[handset] else _NEWEST_CHROME + version
        writer = (_android, _iphone, _desktop)[self.platform[handset]]
        return writer(traits, form, chrome)


def draw_handsets(rng: np.random.Generator) -> Handsets:
    """Return a few hundred handsets; how many of them are frozen in time differs from world to world."""
    count = int(rng.integers(150, 500))
    platform = rng.choice(3, size=count, p=rng.dirichlet((6, 2, 2)))
    platform[:9] = np.arange(9) % 3
    frozen = rng.random(count) < rng.uniform(0.03, 0.35) * np.where(platform == ANDROID, 1, 0.2)
    popularity = 1 / np.arange(1, count + 1) ** rng.uniform(0.6, 1.1)
    return Handsets(platform, frozen, rng.integers(0, 1 << 20, size=(count, 4)), popularity)


def _android(traits: list[int], form: int, chrome: int) -> str:
    model = _MODELS[traits[0] % len(_MODELS)].replace("-", " ") if traits[0] % 3 else _MODELS[traits[0] % len(_MODELS)]
    release = _ANDROID_RELEASES[traits[1] % len(_ANDROID_RELEASES)]
    build = _BUILDS[traits[1] % len(_BUILDS)]
    if form == CLIENT:
        return f"Dalvik/2.1.0 (Linux; U; Android {release}; {model} Build/{build})"
    webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    minor = f"{6000 + (chrome - 110) * 55}.{traits[3] % 160}"
    view = f"Mozilla/5.0 (Linux; Android {release}; {model} Build/{build}; wv) {webkit} Version/4.0"
    if form == SOCIAL:
        tail = (
            f"[FB_IAB/FB4A;FBAV/{500 + chrome - 100}.0.0.{traits[3] % 60}.{traits[2] % 90};]",
            f"Instagram {370 + chrome - 130}.0.0.{traits[3] % 50}.{traits[2] % 120} Android",
            f"musical_ly_{2023700000 + 10 * chrome} BytedanceWebview/d8a21c6",
        )[traits[3] % 3]
        return f"{view} Chrome/{chrome}.0.{minor} Mobile Safari/537.36 {tail}"
    if form == WEBVIEW:
        return f"{view} Chrome/{chrome}.0.{minor} Mobile Safari/537.36"
    brand = traits[2] % 9
    named = f"Mozilla/5.0 (Linux; Android 10; K) {webkit}"
    if brand == 0:
        return f"{named} SamsungBrowser/{20 + chrome % 9}.0 Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
    if brand == 1:
        return f"{named} Chrome/{chrome}.0.0.0 Mobile Safari/537.36 OPR/{chrome - 55}.0.0.0"
    return f"{named} Chrome/{chrome}.0.0.0 Mobile Safari/537.36"


def _iphone(traits: list[int], form: int, chrome: int) -> str:
    system = _IOS[traits[0] % len(_IOS)]
    if form == CLIENT:
        return (
            f"App/{traits[1] % 9}.{traits[2] % 30} CFNetwork/{1408 + traits[0] % 300} Darwin/{22 + traits[0] % 4}.5.0"
        )
    head = f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    if form == SOCIAL:
        model = f"iPhone{12 + traits[1] % 6},{1 + traits[2] % 5}"
        tail = (
            f"[FBAN/FBIOS;FBAV/{500 + chrome - 100}.0.0.{traits[3] % 60};FBDV/{model}]",
            f"Instagram {370 + chrome - 130}.0.0.{traits[3] % 50} ({model})",
        )[traits[3] % 2]
        return f"{head} Mobile/15E148 {tail}"
    if form == WEBVIEW:
        return f"{head} Mobile/15E148"
    if traits[2] % 8 == 0:
        return f"{head} CriOS/{chrome}.0.{6000 + traits[3] % 900}.{traits[1] % 120} Mobile/15E148 Safari/604.1"
    return f"{head} Version/{system.split('_')[0]}.{traits[1] % 7} Mobile/15E148 Safari/604.1"


def _desktop(traits: list[int], _: int, chrome: int) -> str:
    system = _DESKTOP_SYSTEMS[min(traits[0] % 8 // 3, 2) if traits[0] % 8 < 7 else 0]
    brand = traits[1] % 10
    if brand == 0:
        return f"Mozilla/5.0 ({system}; rv:{chrome + 3}.0) Gecko/20100101 Firefox/{chrome + 3}.0"
    if brand == 1 and system.startswith("Mac"):
        head = f"Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        return f"{head} Version/{17 + traits[2] % 2}.{traits[3] % 6} Safari/605.1.15"
    head = f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
    if brand in (2, 3):
        return f"{head} Edg/{chrome}.0.0.0"
    return f"{head} OPR/{chrome - 16}.0.0.0" if brand == 4 else head
