"""Read JSON-LD blocks: bounded in size and depth, and never more than plain JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

MOST_OBJECTS = 200
"""Objects kept from a page; shops list hundreds of offers, whose first ones tell as much."""

_WRAPPING = re.compile(
    r"^\s*(?:<!--|/\*\s*<!\[CDATA\[\s*\*/|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|/\*\s*\]\]>\s*\*/|(?://\s*)?\]\]>)\s*;?\s*$"
)


def read_jsonld(block: str, *, longest: int, deepest: int) -> list[dict[str, Any]] | None:
    """Return the objects of one block, lists and `@graph` flattened, or None when it is not usable JSON.

    A block longer than `longest` characters or nested deeper than `deepest` is not read. NaN and infinities become
    null; of a key that occurs twice the last value counts, as in browsers.
    """
    if len(block) > longest:
        return None
    try:
        data = json.loads(_WRAPPING.sub("", block).strip(), strict=False, parse_constant=_nothing, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if _deeper_than(data, deepest):
        return None
    return _objects(data)


def nested(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an object of JSON-LD and every object inside it, outermost first, at most MOST_OBJECTS of them."""
    waiting: list[Any] = [item]
    left = MOST_OBJECTS
    while waiting and left:
        here = waiting.pop(0)
        if isinstance(here, dict):
            left -= 1
            yield here
        waiting += _inside(here)


def _objects(data: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parsed JSON
    found: list[dict[str, Any]] = []
    waiting = [data]
    while waiting and len(found) < MOST_OBJECTS:
        item = waiting.pop(0)
        if isinstance(item, list):
            waiting[:0] = item[:MOST_OBJECTS]
        elif isinstance(item, dict):
            graph = item.get("@graph")
            if isinstance(graph, list):
                waiting[:0] = graph[:MOST_OBJECTS]
                item = {key: value for key, value in item.items() if key != "@graph"}
            if set(item) - {"@context"}:
                found.append(item)
    return found


def _deeper_than(data: Any, deepest: int) -> bool:  # noqa: ANN401 - parsed JSON
    level = [data]
    for _ in range(deepest):
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return False
    return True


def _inside(item: Any) -> list[Any]:  # noqa: ANN401 - parsed JSON
    values = item if isinstance(item, list) else list(item.values())
    return [value for value in values if isinstance(value, dict | list)]


def _nothing(_: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None
