"""Read a page with Beautiful Soup over lxml: thirty times slower, but it survives what stops lexbor."""

from __future__ import annotations

from itertools import islice
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, PreformattedString, Script, Stylesheet, TemplateString

from screening.applicants.page.collect import (
    RESOURCE_ATTRIBUTES,
    SELF_RUNNING,
    SPECULATION,
    Collected,
    covers_page,
    hides,
    region,
)
from screening.applicants.page.limits import PageLimits

_ANCESTORS = 12
"""Ancestors looked at for hiding and for the region of a page; deeper ones would cost quadratic time."""
_TEMPLATE_ELEMENTS = 600
"""Elements whose tags and classes make the template's simhash."""
_SILENT = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "head", "title"})


def read_with_soup(markup: str, url: str, limits: PageLimits) -> dict[str, Any]:
    """Return the facts of a page as plain data, the same ones as the fast reader as far as both can see."""
    soup = BeautifulSoup(markup, "lxml")
    facts = Collected(url, limits)
    template: list[str] = []
    for tag in soup.find_all(name=True):
        attributes = _attributes(tag)
        _take_head(tag, attributes, facts)
        _take_content(tag, attributes, facts)
        if len(template) < _TEMPLATE_ELEMENTS:
            named = (attributes.get("class") or "").split()
            template.append(".".join([tag.name, *named]))
    return facts.result(_visible_text(soup, limits), " ".join(template), "soup")


def _take_head(tag: Tag, attributes: dict[str, str | None], facts: Collected) -> None:
    match tag.name:
        case "html":
            facts.language = (attributes.get("lang") or "").strip().lower()[:35] or None
        case "base":
            facts.set_base(attributes.get("href"))
        case "title" if facts.title is None:
            facts.title = " ".join(tag.get_text().split())[:1000]
        case "meta":
            facts.add_meta(attributes)
        case "style":
            facts.add_style(tag.get_text())
        case "script" if "src" not in attributes:
            kind = (attributes.get("type") or "").strip().lower()
            if kind == "application/ld+json":
                facts.add_jsonld(tag.get_text())
            elif kind == SPECULATION:
                facts.add_speculation(tag.get_text())
            else:
                facts.add_script(tag.get_text())


def _take_content(tag: Tag, attributes: dict[str, str | None], facts: Collected) -> None:
    name = tag.name
    if any(handler in attributes for handler in SELF_RUNNING):
        facts.add_script("\n".join(attributes.get(handler) or "" for handler in SELF_RUNNING))
    if "onclick" in attributes and covers_page(name, attributes.get("style")):
        facts.add_script(attributes["onclick"] or "")
    if name in {"a", "area"} and "href" in attributes:
        facts.add_ping(attributes.get("ping"), attributes["href"] or "")
        if len(facts.links) <= facts.limits.links:
            facts.add_link(attributes["href"] or "", tag.get_text(), attributes.get("rel"), _position(tag))
    elif name in RESOURCE_ATTRIBUTES and not (name == "script" and "src" not in attributes):
        shown = " ".join(f'{key}="{value}"' for key, value in attributes.items())
        facts.add_resource(name, attributes, f"<{name} {shown[:600]}>", hidden=_hidden(tag, attributes))
    elif name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
        facts.add_heading(int(name[1]), tag.get_text(" "))
    elif name == "form":
        fields = [
            (str(field.get("name") or "")[:100], str(field.get("type") or field.name).lower()[:20])
            for field in tag.find_all(["input", "select", "textarea", "button"], limit=200)
        ]
        facts.add_form(attributes.get("action"), attributes.get("method"), fields)


def _attributes(tag: Tag) -> dict[str, str | None]:
    return {key: " ".join(value) if isinstance(value, list) else value for key, value in tag.attrs.items()}


def _hidden(tag: Tag, attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes or hides(attributes.get("style")):
        return True
    return any(
        "hidden" in parent.attrs or hides(_attributes(parent).get("style"))
        for parent in islice(tag.parents, _ANCESTORS)
    )


def _position(tag: Tag) -> str:
    found = (region(parent.name, _attributes(parent)) for parent in islice(tag.parents, _ANCESTORS))
    return next((name for name in found if name is not None), "body")


def _visible_text(soup: BeautifulSoup, limits: PageLimits) -> str:
    pieces: list[str] = []
    length = 0
    for string in soup.find_all(string=True):
        if isinstance(string, Comment | PreformattedString | Script | Stylesheet | TemplateString):
            continue
        parent = string.parent
        if parent is not None and parent.name in _SILENT:
            continue
        pieces.append(str(string))
        length += len(string)
        if length > 2 * limits.text_characters:
            break
    return " ".join(pieces)
