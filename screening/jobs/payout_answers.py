"""The answers to a payout file, decided some lines at a time so that memory does not grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from screening.errors import InputError
from screening.gate.payout import Times, Total, add_up, decide_lines, hold_not_due, merged, name_unknown
from screening.jobs.payout_due import closed, reversals, statuses
from screening.jobs.payout_evidence import BESIDE, judged_lines
from screening.jobs.progress import Progress
from screening.store import Store
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.faults import MEANINGS, Fault
from screening.traffic.lake import Lake
from screening.traffic.payout_lines import FIELD, FrameFile, InStep, PayoutLines, numbered

UNREADABLE_NAMED = 1_000
"""Lines that cannot be read are named one by one up to so many; the out-file says it of all."""
_IDS_AT_A_TIME = 250_000
"""Conversions sought in the lake by one look through it."""
_UNKNOWN, _CLOSED = 1, 2
"""What the lake says of a line's conversion: nothing, or that nothing is due."""


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that was held because it cannot be read: its number, the column at fault, and what to do."""

    line: int
    field: str
    fault: str
    explanation: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch comes to: exact totals, lines by reason code, and the first of those that cannot be read."""

    totals: tuple[Total, ...]
    reasons: Mapping[str, int]
    unreadable: tuple[UnreadableLine, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides the lines of a payout file by what the store knows. `times`: those of judgements that count."""

    store: Store
    lake: Lake
    lines: PayoutLines
    times: Times
    progress: Progress

    def decide(self, judged: FrameFile) -> tuple[Iterator[pl.DataFrame], tuple[str, ...]]:
        """Return the answers in the order of the lines (`decision`, `reasons`, `currency`), and the scans behind them.

        `judged` is for what is known on the way. Raises InputError when the file names no currency and its conversions
        were judged in several.
        """
        scans: set[str] = set()
        currencies: set[str] = set()
        reported = _Reported(self.lake, self.lines.count)
        for at, rows in numbered(self.lines.slices()):
            self.progress.step("judge", at, self.lines.count)
            known = judged_lines(self.store, rows["conversion_id"])
            scans.update(known["judged_by"].drop_nulls().unique())
            answer = decide_lines(rows.hstack(known.drop(BESIDE)), self.times)
            currencies.update(answer["currency"].drop_nulls().unique())
            reported.consider(_in_question(rows, answer, known["cleared_at"], at))
            judged.append(answer)
        judged.finish()
        self._refuse_mixed(currencies)
        found = reported.found()
        return (_completed(answer, found, at) for at, answer in numbered(judged.frames())), tuple(sorted(scans))

    def _refuse_mixed(self, currencies: set[str]) -> None:
        if self.lines.columns.currency is None and len(currencies) > 1:
            raise InputError(
                f"The file names no currency, and its conversions were judged in {', '.join(sorted(currencies))}.",
                remedy="Add a column `currency`, or name it with --map currency=COLUMN.",
                where=str(self.lines.path),
            )


def _in_question(rows: pl.DataFrame, answer: pl.DataFrame, cleared_at: pl.Series, at: int) -> pl.DataFrame:
    """Return the lines about which the lake has a say: the ones that no scan judged, and the ones to be paid.

    The columns are `at`, the place from 0, `conversion_id`, and `cleared_at`, when a person released it.
    """
    asked = (answer["decision"] == "pay") | answer["reasons"].list.contains("not_judged")
    return rows.select("conversion_id", cleared_at).with_row_index("at", at).filter(asked)


def _completed(answer: pl.DataFrame, found: npt.NDArray[np.uint8], at: int) -> pl.DataFrame:
    said = pl.Series(found[at : at + answer.height])
    return hold_not_due(name_unknown(answer, said == _UNKNOWN), said == _CLOSED)


class _Reported:
    """Tells the conversions that nobody reported (`_UNKNOWN`), and those for which nothing is due (`_CLOSED`)."""

    def __init__(self, lake: Lake, lines: int) -> None:
        self._lake = lake
        self._waiting: list[pl.DataFrame] = []
        self._found: npt.NDArray[np.uint8] = np.zeros(lines, dtype=np.uint8)

    def consider(self, lines: pl.DataFrame) -> None:
        """Take lines as `_in_question` gives them."""
        self._waiting.append(lines)
        if sum(frame.height for frame in self._waiting) >= _IDS_AT_A_TIME:
            self._look()

    def found(self) -> npt.NDArray[np.uint8]:
        """Return what was found for each line; 0 where nothing speaks, or the line was not considered."""
        self._look()
        return self._found

    def _look(self) -> None:
        lines = pl.concat(self._waiting) if self._waiting else pl.DataFrame()
        self._waiting = []
        if lines.is_empty():
            return
        ids = lines.lazy().select("conversion_id").unique()
        snapshot = self._lake.snapshot()
        found = lines
        for said in (statuses(snapshot).with_columns(reported=pl.lit(value=True)), reversals(snapshot)):
            known = said.join(ids, on="conversion_id", how="semi").collect(engine="streaming")
            found = found.join(known, on="conversion_id", how="left")
        self._found[found.filter(pl.col("reported").is_null())["at"]] = _UNKNOWN
        self._found[found.filter(closed())["at"]] = _CLOSED


def summarise(lines: PayoutLines, answers: Iterator[pl.DataFrame]) -> Summary:
    """Add up a batch exactly and count its reasons. `answers` are one row per line, in the order of the lines."""
    in_step = InStep(answers)
    totals: tuple[Total, ...] = ()
    reasons: Counter[str] = Counter()
    unreadable: list[UnreadableLine] = []
    for rows in lines.slices():
        answer = in_step.take(rows.height)
        totals = merged(totals, add_up(rows["amount"], answer))
        counted = answer["reasons"].explode(empty_as_null=False, keep_nulls=False).value_counts()
        reasons.update(dict(counted.iter_rows()))
        unreadable += _unreadable(rows.filter(pl.col("fault").is_not_null()).head(UNREADABLE_NAMED - len(unreadable)))
    return Summary(totals, dict(reasons.most_common()), tuple(unreadable))


def _unreadable(faulty: pl.DataFrame) -> Iterator[UnreadableLine]:
    for line, field, fault in faulty.select(LINE, FIELD, "fault").iter_rows():
        meaning = MEANINGS[Fault(fault)]
        yield UnreadableLine(line, field, fault, meaning.explanation, meaning.remedy)
