"""Facts of a site that its address alone tells, as numbers for the site model."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import cast
from urllib.parse import SplitResult, urlsplit

import numpy as np
import polars as pl

ADDRESS_FACTS = (
    "address_length",
    "host_length",
    "host_labels",
    "host_hyphens",
    "host_digit_share",
    "host_longest_word",
    "host_entropy",
    "host_is_ip",
    "host_punycode",
    "host_www",
    "suffix_length",
    "path_length",
    "path_depth",
    "path_digit_share",
    "path_longest_word",
    "path_entropy",
    "query_parameters",
    "escapes",
    "sign_in_words",
)
"""Columns of `address_facts`. Lengths in characters, counts, shares 0..1, entropies in bits a character."""
_SIGN_IN = re.compile(
    r"log-?in|sign-?in|account|verif|secure|update|confirm|webscr|password|wallet|support", re.IGNORECASE
)
"""What addresses that ask for a password are named with, in English."""
_WORD = re.compile(r"[a-z0-9]+", re.IGNORECASE)


def address_facts(addresses: Sequence[str]) -> pl.DataFrame:
    """Return a row of `ADDRESS_FACTS` for each address, float64.

    A bare domain is read as https, as applications are. All facts are null of what names
    no host, or one without a dot that is no IP address.
    """
    rows = [_facts(address) for address in addresses]
    return pl.DataFrame(rows, schema=dict.fromkeys(ADDRESS_FACTS, pl.Float64), orient="row")


def _facts(address: str) -> tuple[float | None, ...]:
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if "." not in host and not _is_ip(host):
        return (None,) * len(ADDRESS_FACTS)
    return (*_of_host(host, len(text)), *_of_path(parts))


def _of_host(host: str, length: int) -> tuple[float, ...]:
    numeric = _is_ip(host)
    labels = [] if numeric else host.split(".")
    return (
        length,
        len(host),
        len(labels),
        host.count("-"),
        _digit_share(host),
        _longest(host),
        _entropy(host),
        float(numeric),
        float(any(label.startswith("xn--") for label in labels)),
        float(labels[:1] == ["www"]),
        len(labels[-1]) if labels else 0,
    )


def _of_path(parts: SplitResult) -> tuple[float, ...]:
    path = parts.path
    behind = f"{path}?{parts.query}" if parts.query else path
    return (
        len(behind),
        len([step for step in path.split("/") if step]),
        _digit_share(behind),
        _longest(behind),
        _entropy(behind),
        len([pair for pair in parts.query.split("&") if pair]),
        behind.count("%"),
        len(_SIGN_IN.findall(f"{parts.hostname}{behind}")),
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _digit_share(text: str) -> float:
    return sum(map(str.isdigit, text)) / len(text) if text else 0.0


def _longest(text: str) -> int:
    return max(map(len, cast("list[str]", _WORD.findall(text))), default=0)


def _entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits a character; 0 of an empty text."""
    if not text:
        return 0.0
    _, counts = np.unique(list(text), return_counts=True)
    shares = counts / len(text)
    return float(-(shares * np.log2(shares)).sum()) + 0.0
