"""Which class a network has by who runs it: facts about operators, then words in their registered names.

Operator names are those that regional registries publish for an autonomous system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import polars as pl

_DATA = "features.intelligence.data"
NAME_COLUMNS = ("asn", "as_name", "ip_class")


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """Operators whose class is known.

    `operators` has the columns `asn` (null: known by name only), `as_name` and `ip_class`; `words` has `words` (a
    regular expression on the name, case ignored) and `ip_class` (`residential` says: none of the later rows), the
    first that matches counts.
    """

    operators: pl.DataFrame
    words: pl.DataFrame

    def classify(self, networks: pl.DataFrame) -> pl.Series:
        """Return the class of each network (`asn`, `as_name`), null where neither a fact nor a word says it.

        The number decides first; a name is asked only where the network's number is unknown to the facts.
        """
        by_number = self.operators.filter(pl.col("asn").is_not_null()).unique("asn", keep="first", maintain_order=True)
        by_name = (
            self.operators.with_columns(plain=_plain("as_name"))
            .filter(pl.col("plain").str.len_chars() > 0)
            .unique("plain", keep="first", maintain_order=True)
        )
        return (
            networks.select("asn", "as_name", plain=_plain("as_name"))
            .join(by_number.select("asn", by_number="ip_class"), on="asn", how="left", maintain_order="left")
            .join(by_name.select("plain", by_name="ip_class"), on="plain", how="left", maintain_order="left")
            .select(ip_class=pl.coalesce("by_number", "by_name", self._by_words()))["ip_class"]
        )

    def _by_words(self) -> pl.Expr:
        matched = [
            pl.when(pl.col("as_name").str.contains(f"(?i){words}")).then(pl.lit(ip_class))
            for words, ip_class in self.words.select("words", "ip_class").rows()
        ]
        return pl.coalesce(*matched, pl.lit(None, pl.String))

    def preceded_by(self, operators: pl.DataFrame) -> NetworkNames:
        """Return names in which the given operators (`asn`, `as_name`, `ip_class`) come before the carried facts."""
        columns = [pl.col("asn").cast(pl.Int64), pl.col("as_name").cast(pl.String), pl.col("ip_class").cast(pl.String)]
        return NetworkNames(pl.concat([operators.select(columns), self.operators.select(columns)]), self.words)


@cache
def carried_names() -> NetworkNames:
    """Return the facts that winnow carries (data/operators.csv, data/operator_words.csv)."""
    return NetworkNames(
        _table("operators.csv", {"asn": pl.Int64}).select(NAME_COLUMNS),
        _table("operator_words.csv", {}).select("words", "ip_class"),
    )


def carried_facts_digest() -> str:
    """Return the SHA-256 of all facts that winnow carries on operators and browser releases."""
    digest = hashlib.sha256()
    for name in ("operators.csv", "operator_words.csv", "releases.csv"):
        digest.update(resources.files(_DATA).joinpath(name).read_bytes())
    return digest.hexdigest()


def _table(name: str, types: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    content = resources.files(_DATA).joinpath(name).read_bytes()
    return pl.read_csv(content, infer_schema=False).with_columns(
        pl.col(column).cast(kind) for column, kind in types.items()
    )


def _plain(column: str) -> pl.Expr:
    """Drop what registries add or vary: case, punctuation, and the country after a last comma."""
    return (
        pl.col(column)
        .str.replace(r",\s*[A-Z]{2}\s*$", "")
        .str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars()
    )
