"""How simulated sites look: five layouts that differ in structure, and the pieces that go into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from random import Random

from jinja2 import Environment, PackageLoader

from screening.simulate.farm_answers import Answer, html
from screening.simulate.farm_text import Writer

LAYOUTS = ("sections", "boxes", "table", "magazine", "bare")


@dataclass(frozen=True, slots=True)
class Look:
    """What all pages of a site share.

    `style` is one of LAYOUTS, `head` and `foot` are markup put into every page, `social` profiles it links to.
    """

    host: str
    name: str
    owner: str
    email: str | None
    writer: Writer
    style: str
    head: str = ""
    foot: str = ""
    social: tuple[str, ...] = ()
    care: tuple[str, ...] = ("about", "contact", "privacy")


@dataclass(frozen=True, slots=True)
class Article:
    """One article: path, title, paragraphs as plain text, and markup after them."""

    path: str
    title: str
    paragraphs: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A site before it is laid out; builders of faults change it with dataclasses.replace."""

    look: Look
    articles: tuple[Article, ...]
    home_after: str = ""
    extra: Mapping[str, Answer] = field(default_factory=dict)


def articles(writer: Writer, rng: Random, count: int, links: Sequence[str] = ()) -> tuple[Article, ...]:
    """Write articles of 200-500 words; each link goes to one of them in turn, with a disclosure."""
    written = []
    for number in range(count):
        form = rng.choice(("/{n}-{s}.html", "/blog/{s}", "/{s}/", "/2026/{n:02d}/{s}"))
        path = form.format(n=number + 1, s=f"{writer.topic}-{number}-{rng.randint(100, 999)}")
        after = sold(writer, links[number % len(links)]) if links else ""
        paragraphs = tuple(writer.paragraph(rng) for _ in range(rng.randint(4, 7)))
        written.append(Article(path, writer.title(rng), paragraphs, after))
    return tuple(written)


def sold(writer: Writer, link: str) -> str:
    """Return the markup of a disclosed affiliate link."""
    anchor = f'<a rel="sponsored nofollow" href="{escape(link)}">{escape(writer.word("shop"))}</a>'
    return f'<p class="note">{escape(writer.word("disclosure"))}</p><p>{anchor}</p>'


def pages(draft: Draft) -> dict[str, Answer]:
    """Lay a draft out as answers by path: home, articles, and the pages of care that the look names."""
    look = draft.look
    found = {"/": _page(look, look.name, articles=draft.articles, after=draft.home_after)}
    byline = look.writer.word("by").format(name=look.owner)
    for item in draft.articles:
        found[item.path] = _page(
            look,
            f"{item.title} | {look.name}",
            heading=item.title,
            byline=byline,
            paragraphs=item.paragraphs,
            after=item.after,
        )
    for page in look.care:
        found[f"/{page}"] = _care(look, page)
    found["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /private/\n", 200, {"Content-Type": "text/plain"})
    return {**found, **draft.extra}


def _care(look: Look, page: str) -> Answer:
    rng = Random(f"{look.host}{page}")  # noqa: S311 - prose, not secrets
    word = look.writer.word(page)
    paragraphs = [look.writer.paragraph(rng)]
    if page in {"about", "contact"}:
        paragraphs.append(f"{look.owner}, {look.name}")
    email = look.email if page == "contact" else None
    return _page(look, f"{word} | {look.name}", heading=word, paragraphs=paragraphs, email=email)


def _page(look: Look, title: str, **parts: object) -> Answer:
    return html(_templates().get_template(f"{look.style}.html").render(look=look, title=title, **parts))


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader("screening.simulate", "farm_layouts"), autoescape=True)
