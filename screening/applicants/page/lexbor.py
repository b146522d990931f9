"""Read a page with lexbor (selectolax): the fast way, used for nearly every page."""

from __future__ import annotations

from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from screening.applicants.page.collect import (
    MOST_HANDLERS,
    REGION_SELECTOR,
    RESOURCE_ATTRIBUTES,
    SELF_RUNNING,
    SPECULATION,
    Collected,
    covers_page,
    hidden_selectors,
    hides,
    region,
)
from screening.applicants.page.limits import PageLimits

_RESOURCES = ",".join(RESOURCE_ATTRIBUTES)
_HANDLERS = ",".join(f"[{name}]" for name in SELF_RUNNING)
_MOST_CONTAINERS = 300
"""Regions and hidden elements whose contents are looked through; nesting thousands would take quadratic time."""
_TEMPLATE_ELEMENTS = 600
"""Elements whose tags and classes make the template's simhash."""
_SILENT = ["script", "style", "noscript", "template", "svg", "iframe", "object"]
_JSONLD = "application/ld+json"


def read_with_lexbor(markup: str, url: str, limits: PageLimits) -> dict[str, Any]:
    """Return the facts of a page as plain data."""
    tree = LexborHTMLParser(markup)
    facts = Collected(url, limits)
    base = tree.css_first("base[href]")
    facts.set_base(base.attributes.get("href") if base else None)
    title = tree.css_first("title")
    facts.title = " ".join(title.text().split())[:1000] if title else None
    root = tree.css_first("html")
    facts.language = ((root.attributes.get("lang") if root else None) or "").strip().lower()[:35] or None
    _links(tree, facts)
    _resources(tree, facts)
    _metas_headings_forms(tree, facts)
    template = " ".join([_tag_and_class(node) for node in tree.css("body *")[:_TEMPLATE_ELEMENTS]])
    body = tree.body
    if body is None:
        return facts.result("", template, "lexbor")
    body.strip_tags(_SILENT)
    return facts.result(body.text(separator=" "), template, "lexbor")


def _links(tree: LexborHTMLParser, facts: Collected) -> None:
    positions: dict[int, str] = {}
    for container in tree.css(REGION_SELECTOR)[:_MOST_CONTAINERS]:
        name = region(container.tag or "", container.attributes)
        if name is not None:
            positions.update((link.mem_id, name) for link in container.css("a[href],area[href]"))
    for link in tree.css("a[href],area[href]"):
        attributes = link.attributes
        text = link.text() or _image_text(link) or attributes.get("title") or ""
        facts.add_link(attributes.get("href") or "", text, attributes.get("rel"), positions.get(link.mem_id, "body"))
        if "ping" in attributes:
            facts.add_ping(attributes["ping"], attributes.get("href") or "")


def _resources(tree: LexborHTMLParser, facts: Collected) -> None:
    sheets = [style.text() for style in tree.css("style")]
    hidden = _hidden_elements(tree, sheets)
    for node in tree.css(_RESOURCES):
        tag, attributes = node.tag or "", node.attributes
        if tag == "script" and "src" not in attributes:
            kind = (attributes.get("type") or "").strip().lower()
            if kind == _JSONLD:
                facts.add_jsonld(node.text())
            elif kind == SPECULATION:
                facts.add_speculation(node.text())
            else:
                facts.add_script(node.text())
        else:
            facts.add_resource(tag, attributes, _snippet(node, tag), hidden=node.mem_id in hidden)
    for node in tree.css(_HANDLERS)[:MOST_HANDLERS]:
        facts.add_script("\n".join(node.attributes.get(name) or "" for name in SELF_RUNNING))
    for node in tree.css("body[onclick],html[onclick],[onclick][style]")[:MOST_HANDLERS]:
        if covers_page(node.tag or "", node.attributes.get("style")):
            facts.add_script(node.attributes.get("onclick") or "")
    for sheet in sheets:
        facts.add_style(sheet)
    for node in tree.css("[style*='url(']"):
        facts.add_style(node.attributes.get("style") or "")


def _hidden_elements(tree: LexborHTMLParser, sheets: list[str]) -> set[int]:
    containers = [
        node
        for node in tree.css("[style],[hidden]")
        if "hidden" in node.attributes or hides(node.attributes.get("style"))
    ]
    selectors = [selector for sheet in sheets for selector in hidden_selectors(sheet)]
    if selectors:
        containers += tree.css(",".join(selectors[:_MOST_CONTAINERS]))
    hidden: set[int] = set()
    for container in containers[:_MOST_CONTAINERS]:
        hidden.add(container.mem_id)
        hidden.update(node.mem_id for node in container.css(_RESOURCES))
    return hidden


def _metas_headings_forms(tree: LexborHTMLParser, facts: Collected) -> None:
    for meta in tree.css("meta"):
        facts.add_meta(meta.attributes)
    for heading in tree.css("h1,h2,h3,h4,h5,h6"):
        facts.add_heading(int((heading.tag or "h6")[1]), heading.text(separator=" "))
    for form in tree.css("form"):
        fields = [
            ((field.attributes.get("name") or "")[:100], (field.attributes.get("type") or field.tag or "").lower()[:20])
            for field in form.css("input,select,textarea,button")[:200]
        ]
        facts.add_form(form.attributes.get("action"), form.attributes.get("method"), fields)


def _image_text(link: LexborNode) -> str | None:
    image = link.css_first("img[alt]")
    return image.attributes.get("alt") if image else None


def _snippet(node: LexborNode, tag: str) -> str:
    """The markup of an element; of `body` and `object`, which hold others, only what identifies them."""
    if tag in {"body", "object", "video", "audio"}:
        return f"<{tag} " + " ".join(f'{name}="{value}"' for name, value in node.attributes.items())[:600]
    return node.html or ""


def _tag_and_class(node: LexborNode) -> str:
    named = node.attributes.get("class")
    return f"{node.tag}.{'.'.join(named.split())}" if named else node.tag or ""
