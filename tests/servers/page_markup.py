"""Texts that attack, and the elements of a page, to see that none of them became one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'\"><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></textarea><iframe srcdoc='<script>alert(1)</script>'>",
    '=HYPERLINK("http://evil.example")',
    "\u202egnp.exe",
)


class Markup(HTMLParser):
    """The elements of a page as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def dangers(self) -> Iterator[str]:
        """Yield what our own pages never have: inline scripts, styles and handlers, frames, addresses that run."""
        for tag, attributes in self.elements:
            if tag in {"style", "iframe", "object", "embed", "base"} or (tag == "script" and "src" not in attributes):
                yield tag
            for name, value in attributes.items():
                address = name in {"href", "src", "action", "formaction"}
                if name.startswith("on") or name in {"style", "srcdoc"}:
                    yield f"{tag} {name}"
                elif address and not re.match(r"/(?!/)|#|\?|https?://localhost/", value):
                    yield f"{tag} {name}={value}"
