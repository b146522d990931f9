"""User agents: families of browsers whose versions move on while people update sooner or later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fifth_world.chance import Floats, Ints

VERSIONS = 40
"""Versions of a family that exist; the newest at the start of the programme is number `_NOW`."""
_NOW = VERSIONS - 3
_CADENCE_DAYS = 28.0
_WK, _MOZ = "AppleWebKit/537.36 (KHTML, like Gecko)", "Mozilla/5.0"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_DESKTOP_SYSTEMS = {
    "(Windows NT 10.0; Win64; x64)": 60.0,
    "(Macintosh; Intel Mac OS X 10_15_7)": 18.0,
    "(X11; Linux x86_64)": 3.0,
    "(X11; CrOS x86_64 14541.0.0)": 2.0,
}
_MODELS = (
    *("SM-S921B", "SM-S911B", "SM-A546B", "SM-A155F", "SM-A346B", "SM-G991B", "SM-A127F", "SM-S938B"),
    *("Pixel 7", "Pixel 8a", "Pixel 9", "2201117TY", "23021RAA2Y", "23129RAA4G", "M2101K6G", "CPH2481", "CPH2599"),
    *("V2248", "RMX3630", "moto g54 5G", "moto g84 5G", "Nokia G42 5G", "TECNO BG6", "Infinix X6525", "LE2113"),
)
CHEAP_MODELS = ("SM-A127F", "M2101K6G", "TECNO BG6", "Infinix X6525", "RMX3630", "V2248", "23021RAA2Y")


@dataclass(frozen=True)
class Family:
    """A browser on a kind of device; `{v}` in the form is the major version, `first` the number of the oldest."""

    form: str
    device: str
    weight: float
    first: int

    def text(self, version: int) -> str:
        """Return the agent of that version."""
        return self.form.replace("{v}", str(self.first + version))


def _desktop() -> list[Family]:
    made = []
    for system, weight in _DESKTOP_SYSTEMS.items():
        chrome = f"{_MOZ} {system} {_WK} Chrome/{{v}}.0.0.0 Safari/537.36"
        made.append(Family(chrome, "desktop", weight * 0.66, 148 - _NOW))
        made.append(Family(f"{chrome} OPR/{{v}}.0.0.0", "desktop", weight * 0.03, 148 - _NOW))
        if "Win" in system or "Mac" in system:
            made.append(Family(f"{chrome} Edg/{{v}}.0.0.0", "desktop", weight * 0.16, 148 - _NOW))
        firefox = f"{_MOZ} {system.replace('_', '.')[:-1]}; rv:{{v}}.0) Gecko/20100101 Firefox/{{v}}.0"
        made.append(Family(firefox, "desktop", weight * 0.1, 151 - _NOW))
    safari = f"{_MOZ} (Macintosh; Intel Mac OS X 10_15_7) {_IOS} Version/26.{{v}} Safari/605.1.15"
    return [*made, Family(safari, "mac", 14, 0)]


def _phones() -> list[Family]:
    android = f"{_MOZ} (Linux; Android 10; K) {_WK}"
    made = [
        Family(f"{android} Chrome/{{v}}.0.0.0 Mobile Safari/537.36", "android", 60, 148 - _NOW),
        Family(f"{android} SamsungBrowser/29.0 Chrome/{{v}}.0.0.0 Mobile Safari/537.36", "android", 11, 148 - _NOW),
        Family(f"{_MOZ} (Android 15; Mobile; rv:{{v}}.0) Gecko/{{v}}.0 Firefox/{{v}}.0", "android", 2, 151 - _NOW),
        Family(f"{android} Chrome/{{v}}.0.0.0 Safari/537.36", "android", 4, 148 - _NOW),
    ]
    for model in _MODELS:
        view = f"{_MOZ} (Linux; Android 14; {model} Build/UP1A.231005.007; wv) {_WK} Version/4.0 Chrome/{{v}}.0.7390.44"
        made.append(Family(f"{view} Mobile Safari/537.36", "android", 0.5, 148 - _NOW))
        made.append(Family(f"{view} Mobile Safari/537.36 Instagram 402.0.0.44.85 Android", "android", 0.4, 148 - _NOW))
    for system, weight in (("18_7", 55.0), ("18_6", 8.0), ("17_7", 4.0), ("16_7", 2.0)):
        phone = f"{_MOZ} (iPhone; CPU iPhone OS {system} like Mac OS X) {_IOS}"
        made.append(Family(f"{phone} Version/26.{{v}} Mobile/15E148 Safari/604.1", "iphone", weight, 0))
        made.append(Family(f"{phone} GSA/4{{v}}.0.9 Mobile/15E148 Safari/604.1", "iphone", weight * 0.1, 0))
        made.append(Family(f"{phone} Mobile/15E148 Instagram 4{{v}}.0.0.26.64", "iphone", weight * 0.07, 0))
        made.append(
            Family(f"{phone} CriOS/{{v}}.0.7680.40 Mobile/15E148 Safari/604.1", "iphone", weight * 0.1, 148 - _NOW)
        )
    return made


FAMILIES = tuple(_desktop() + _phones())
TOOLS = (
    "python-requests/2.32.5",
    "okhttp/4.12.0",
    "Go-http-client/1.1",
    "axios/1.7.9",
    f"{_MOZ} (X11; Linux x86_64) {_WK} HeadlessChrome/145.0.0.0 Safari/537.36",
)
STRINGS = tuple(family.text(version) for family in FAMILIES for version in range(VERSIONS)) + TOOLS
"""Every agent; family f of version v is number f * VERSIONS + v, the tools come last."""
FIRST_TOOL = len(FAMILIES) * VERSIONS
_APPLE = np.array([family.first == 0 for family in FAMILIES])


def families(devices: tuple[str, ...]) -> tuple[Ints, Floats]:
    """Return the numbers and shares of the families on these kinds of device."""
    chosen = [number for number, family in enumerate(FAMILIES) if family.device in devices]
    weight = np.array([FAMILIES[number].weight for number in chosen])
    return np.array(chosen, dtype=np.int64), weight / weight.sum()


def cheap() -> Ints:
    """Return the families of cheap telephones."""
    return np.array([n for n, f in enumerate(FAMILIES) if any(m in f.form for m in CHEAP_MODELS)], dtype=np.int64)


def agent(family: Ints, lag: Floats, day: Floats) -> Ints:
    """Return the agent of people who run `lag` versions behind, on a day of the programme."""
    newest = _NOW + np.floor(day / _CADENCE_DAYS)
    version = np.clip(newest - np.floor(lag), 0, VERSIONS - 1).astype(np.int64)
    small = np.clip(5 - np.floor(lag), 0, 5).astype(np.int64)  # Apple counts its point releases from zero
    return family * VERSIONS + np.where(_APPLE[family], small, version)
