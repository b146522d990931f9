"""Which columns of a payout file name the conversion, its amount, its currency and its affiliate."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from screening.errors import InputError

ADDED = ("decision", "reasons", "run_id")
"""The columns that the gate adds."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "conversion_id": ("conversion_id",),
    "payout": ("payout", "amount"),
    "currency": ("currency",),
    "affiliate_id": ("affiliate_id",),
}
"""Canonical columns and the names under which they are found without --map."""
_REQUIRED = ("conversion_id", "payout")
_MAPPABLE = {**{name: name for name in _NAMES}, "amount": "payout"}


@dataclass(frozen=True, slots=True)
class PayoutColumns:
    """The source columns that mean something to the gate. None: the file has no such column."""

    conversion_id: str
    amount: str
    currency: str | None
    affiliate_id: str | None

    def named(self) -> tuple[str, ...]:
        """Return the source columns there are, each once."""
        found = (self.conversion_id, self.amount, self.currency, self.affiliate_id)
        return tuple(dict.fromkeys(name for name in found if name is not None))


def choose_columns(names: Sequence[str], mapping: Mapping[str, str], where: str) -> PayoutColumns:
    """Find the columns among the `names` of a file, compared without case, spaces and punctuation.

    `mapping` names source columns by canonical one and goes before the names known. Raises InputError when a required
    or a mapped column is missing, when two columns could be meant, or when the file has a column that the gate adds.
    """
    _refuse_gated(names, where)
    wanted: dict[str, tuple[str, ...]] = dict(_NAMES)
    for canonical, source in mapping.items():
        if canonical not in _MAPPABLE:
            raise InputError(
                f"A payout file has no column `{canonical}`.", remedy=f"--map takes {', '.join(_MAPPABLE)}."
            )
        wanted[_MAPPABLE[canonical]] = (source,)
    found = {canonical: _found(canonical, sources, names, where) for canonical, sources in wanted.items()}
    mapped = {_MAPPABLE[canonical] for canonical in mapping}
    missing = [name for name in found if found[name] is None and (name in _REQUIRED or name in mapped)]
    if missing:
        raise _missing(missing, wanted, names, where)
    return PayoutColumns(str(found["conversion_id"]), str(found["payout"]), found["currency"], found["affiliate_id"])


def _found(canonical: str, sources: Sequence[str], names: Sequence[str], where: str) -> str | None:
    if len(sources) == 1 and sources[0] in names and f"{sources[0]}#2" not in names:
        return sources[0]
    folded = {_folded(source) for source in sources}
    # the second of two columns of one name reads `name#2`
    matching = [name for name in names if _folded(name.partition("#")[0]) in folded]
    if len(matching) > 1:
        raise InputError(
            f"Several columns could be `{canonical}`: {', '.join(matching)}.",
            remedy=f"Keep one of them, or name it with --map {canonical}=COLUMN.",
            where=where,
        )
    return matching[0] if matching else None


def _refuse_gated(names: Sequence[str], where: str) -> None:
    there = [name for name in names if _folded(name) in {_folded(added) for added in ADDED}]
    if there:
        raise InputError(
            f"The file has the column {there[0]}, which the gate adds: was it gated before?",
            remedy="Give the file as it was before, or rename that column.",
            where=where,
        )


def _missing(
    missing: Sequence[str], wanted: Mapping[str, Sequence[str]], names: Sequence[str], where: str
) -> InputError:
    absent = [" or ".join(wanted[name]) for name in missing]
    near = [close for name in missing for close in difflib.get_close_matches(wanted[name][0], names, n=1)]
    hint = f" Closest: {', '.join(near)}." if near else ""
    return InputError(
        f"The payout file lacks {', '.join(absent)}. It has: {', '.join(names)}.{hint}",
        remedy=f"Name the column with --map {missing[0]}=COLUMN.",
        where=where,
    )


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name
