"""Lists of domains: links that somebody disowned (Google's disavow format), and popularity (Tranco's rank,domain)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from screening.applicants.backlinks import fields
from screening.applicants.backlinks.links import BadRow
from screening.applicants.backlinks.table import opened_export
from screening.applicants.identity import host_of, web_address
from screening.errors import InputError

_PREFIX = "domain:"


def read_disavow(path: Path) -> Iterator[str | BadRow]:
    """Yield the domains or hosts of a disavow file, without `www.`: lines of `domain:spam.example` or bare domains.

    Empty lines, lines that begin with # and addresses of single pages are passed over: a disowned page says nothing of
    the other pages of its site. Raises InputError when the file cannot be read.
    """
    with opened_export(path) as text:
        for number, line in enumerate(text, start=1):
            entry = line.strip()
            if not entry or entry.startswith("#") or _is_page(entry):
                continue
            name = entry[len(_PREFIX) :] if entry.casefold().startswith(_PREFIX) else entry
            try:
                yield _host(name.strip().lstrip("*."))
            except ValueError as error:
                yield BadRow(number, "domain", entry[:80], str(error), "Write domain:spam.example or a full address.")


def read_ranking(path: Path) -> Iterator[tuple[str, int] | BadRow]:
    """Yield (domain, rank) of a popularity list: lines of `rank,domain` with or without a header, most popular first.

    Raises InputError when the file cannot be read or its first lines are no such list.
    """
    with opened_export(path) as text:
        for number, cells in enumerate(csv.reader(text), start=1):
            if not cells or (number == 1 and not cells[0].strip().isdigit() and len(cells) >= 2):
                continue
            try:
                yield _ranked(cells)
            except ValueError as error:
                if number <= 2:
                    raise InputError(
                        f"Line {number} {error}.", remedy="Give lines of rank,domain.", where=str(path)
                    ) from error
                yield BadRow(number, "rank,domain", ",".join(cells)[:80], str(error), "Write 17,shop.example.")


def _host(name: str) -> str:
    """Return a host as it stands; one below somebody else's domain, such as sites.shared.example, stays that one."""
    fields.site(name)
    return host_of(web_address(name)).removeprefix("www.")


def _is_page(entry: str) -> bool:
    return "/" in entry.split("://", 1)[-1].rstrip("/")


def _ranked(cells: list[str]) -> tuple[str, int]:
    if len(cells) != 2:
        raise ValueError("is not rank,domain")
    rank, domain = cells[0].strip(), cells[1].strip().lower().rstrip(".")
    if not rank.isascii() or not rank.isdigit() or int(rank) < 1:
        raise ValueError(f"has the rank {rank[:20]!r}, which is none")
    if "." not in domain or len(domain) > 253 or not domain.isascii():
        raise ValueError(f"has the domain {domain[:60]!r}, which is none")
    return domain, int(rank)
