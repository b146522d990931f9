"""The texts that partners put into links and browsers send along: sub ids, referrers, names, sites."""

from __future__ import annotations

import numpy as np
from eighth_world.dice import Dice
from eighth_world.traffic import Labels

_FIRST = (
    "best",
    "smart",
    "daily",
    "top",
    "my",
    "the",
    "go",
    "easy",
    "fresh",
    "urban",
    "true",
    "simply",
    "pro",
    "happy",
)
_THEMES = ("deals", "saver", "finance", "garden", "travel", "style", "gadget", "parent", "fitness", "recipes", "games",
           "coupons", "reviews", "loans", "cashback", "mobiles", "homes", "pets", "beauty", "news")  # fmt: skip
_LAST = ("hub", "guide", "world", "spot", "zone", "lab", "club", "corner", "network", "point", "daily", "")
_ENDINGS = ("com", "com", "com", "net", "co", "de", "co.uk", "fr", "in", "io", "com.br", "info")
_PEOPLE = ("Anna", "Marco", "Lena", "Jonas", "Priya", "Diego", "Mei", "Olga", "Samir", "Chloe", "Tom", "Aisha", "Ivan")
_FAMILY = ("Keller", "Rossi", "Novak", "Sharma", "Lopez", "Chen", "Petrova", "Haddad", "Dubois", "Miller", "Okafor")
_CAMPAIGNS = ("spring", "summer", "sale", "launch", "retarget", "lookalike", "broad", "promo", "top10", "banner", "nl",
              "push", "story", "reel", "footer", "sidebar", "exit", "winback", "test")  # fmt: skip
_SEARCH = ("https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/", "https://www.ecosia.org/")
_SOCIAL = ("https://l.facebook.com/", "https://www.instagram.com/", "https://t.co/", "https://www.youtube.com/",
           "https://www.tiktok.com/", "https://www.reddit.com/", "https://t.me/")  # fmt: skip
_MAIL = ("https://mail.google.com/", "https://outlook.live.com/", "https://mail.yahoo.com/", "https://gmx.net/")


def site(dice: Dice) -> str:
    """Return a domain that a small publisher might have."""
    return f"{dice.pick(_FIRST)}{dice.pick(_THEMES)}{dice.pick(_LAST)}.{dice.pick(_ENDINGS)}"


def person(dice: Dice) -> str:
    """Return a name."""
    return f"{dice.pick(_PEOPLE)} {dice.pick(_FAMILY)}"


def sub_ids(dice: Dice, style: str) -> Labels:
    """Return sub ids in a style: none, each, campaigns, placements, keywords or publishers."""
    if style == "none":
        return Labels()
    if style == "each":
        return Labels(each=True)
    if style == "campaigns":
        texts = [
            f"{word}{dice.pick(['', '_a', '_b', '-2', '_mob'])}" for word in dice.some(_CAMPAIGNS, dice.whole(1, 12))
        ]
    elif style == "placements":
        texts = [str(number) for number in dice.rng.integers(10**5, 10**8, int(dice.scale(4, 4000)))]
    elif style == "keywords":
        texts = [
            f"kw{dice.pick(['', '_', '-'])}{number}"
            for number in dice.rng.integers(100, 10**6, int(dice.scale(15, 300)))
        ]
    else:
        texts = [
            f"{dice.pick(['pub', 'p', 'src', 'aff'])}_{number}"
            for number in dice.rng.integers(10, 9999, dice.whole(4, 50))
        ]
    texts = list(dict.fromkeys(texts))
    spread = dice.pick([0.0, dice.between(0.1, 0.5), dice.between(0.5, 1.2)])
    return Labels(
        tuple(texts), dice.ranked(len(texts), dice.between(0.3, 1.6)), worth=dice.rng.lognormal(0, spread, len(texts))
    )


def referrers(dice: Dice, style: str, domain: str) -> Labels:
    """Return referrers in a style: none, own, search, social, mail or app; a part is always without."""
    if style == "none":
        return Labels()
    if style == "own":
        paths = [
            "/",
            *(f"/{dice.pick(_THEMES)}/{dice.pick(_CAMPAIGNS)}-{dice.whole(1, 99)}" for _ in range(dice.whole(2, 30))),
        ]
        texts = (
            [f"https://{dice.pick(['', 'www.'])}{domain}{path}" for path in paths]
            if dice.chance(0.6)
            else [f"https://{domain}/"]
        )
    elif style == "app":
        texts = [
            f"android-app://com.{dice.pick(_THEMES)}.{dice.pick(_LAST) or 'app'}/" for _ in range(dice.whole(1, 25))
        ]
    else:
        texts = dice.some({"search": _SEARCH, "social": _SOCIAL, "mail": _MAIL}[style], dice.whole(1, 4))
    known = dice.ranked(len(texts), dice.between(0.5, 1.8))
    bare = dice.pick([0.0, dice.between(0.01, 0.2), dice.between(0.2, 0.8)])
    return Labels((None, *texts), np.concatenate([[bare], known * (1 - bare)]))
