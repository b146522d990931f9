"""From a person's decision to verdicts on single conversions, which the payout gate obeys, and to labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import polars as pl

from screening.errors import ConflictError
from screening.review.act import Act
from screening.review.subjects import Source
from screening.store import VERDICT_COLUMNS, Label, Records

WITHDRAWN = "withdrawn"
_GIVEN = [name for name in VERDICT_COLUMNS if name != "verdict_id"]


class Verdict(StrEnum):
    """What a person says of traffic."""

    CLEAN = "clean"
    """Release it: the next payout gate pays what was held."""
    FRAUD = "fraud"
    """Confirm fraud: the payout gate rejects it."""
    HOLD = "hold"
    """Keep holding, whatever the next scan says."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the verdicts rest on: the case or appeal that was decided (None: not one), and how the label came about."""

    origin: str
    case_id: int | None = None
    appeal_id: int | None = None
    run_id: str | None = None
    period: tuple[date | None, date | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Settled:
    """What verdicts reached: how many conversions, their payout by currency ("": not known), and labels given."""

    conversions: int
    amounts: Mapping[str, Decimal]
    labels: tuple[int, ...]

    def as_data(self) -> dict[str, object]:
        """Return it as the audit trail keeps it."""
        amounts = {currency: str(amount) for currency, amount in self.amounts.items()}
        return {"conversions": self.conversions, "amounts": amounts, "labels": list(self.labels)}


def settle_source(records: Records, source: Source, verdict: Verdict, act: Act, basis: Basis) -> Settled:
    """Give a verdict about what a source is still to be paid, and a label about the source.

    Released money is out of reach. `clean` and `hold` reach what a scan or a person holds now; `fraud` reaches all that
    is not rejected: a source that is fraud is not paid for the rest either. Later conversions are the next scan's.
    """
    judged = records.decisions_of_source(source.affiliate_id, source.offer_id, source.sub_id)
    given = records.verdicts.of(judged["conversion_id"]).filter(pl.col("verdict").is_in(["fraud", "hold"]))
    by_person = pl.col("conversion_id").is_in(given["conversion_id"].implode())
    reached = pl.col("decision").is_in(["hold", "pay"] if verdict == Verdict.FRAUD else ["hold"])
    open_ones = _unreleased(records, judged.filter(reached | by_person))
    label = Label(
        label=str(verdict),
        origin=basis.origin,
        author=act.person.name,
        at=act.at,
        affiliate_id=source.affiliate_id,
        offer_id=source.offer_id,
        sub_id=source.sub_id,
        period_from=basis.period[0],
        period_to=basis.period[1],
        run_id=basis.run_id,
    )
    return _settle(records, open_ones, label, act, basis)


def settle_conversion(records: Records, conversion_id: str, verdict: Verdict, act: Act, basis: Basis) -> Settled:
    """Give a verdict and a label about one conversion, rejected ones too. Raises ConflictError when it was released."""
    judged = records.decisions_of([conversion_id])
    if _unreleased(records, judged).height < judged.height:
        raise ConflictError(
            f"The conversion {conversion_id} was released already.", remedy="The ledger says when and by which batch."
        )
    label = Label(str(verdict), basis.origin, act.person.name, act.at, conversion_id=conversion_id, run_id=basis.run_id)
    return _settle(records, judged, label, act, basis)


def take_back(records: Records, given: pl.DataFrame, labels: list[int], act: Act) -> None:
    """Undo verdicts: each conversion falls back to the verdict before, or to none; their labels are withdrawn.

    `given` are rows of `VERDICT_COLUMNS`. Raises ConflictError when money was released on the strength of one.
    """
    ids = given["conversion_id"]
    released = records.ledger.released(ids)
    if released.height:
        raise ConflictError(
            f"{released.height} of the conversions were paid meanwhile, first in batch "
            f"{released.sort('released_at')['batch_id'][0][:12]}.",
            remedy="Decide the case anew for what is left; the paid ones are gone.",
        )
    history = records.verdicts.history(ids)
    # where another case or an appeal decided later, that decision stands
    mine = history.unique("conversion_id", keep="last", maintain_order=True).join(
        given, on=["conversion_id", "case_id"], how="semi"
    )
    given = given.join(mine, on="conversion_id", how="semi")
    before = given.select("conversion_id", given="verdict_id").join(history, on="conversion_id")
    before = before.filter(pl.col("verdict_id") < pl.col("given")).sort("verdict_id")
    before = before.unique("conversion_id", keep="last").select("conversion_id", "verdict", "overruled")
    back = (
        given.drop("verdict", "overruled")
        .join(before, on="conversion_id", how="left")
        .with_columns(
            verdict=pl.col("verdict").fill_null(WITHDRAWN),
            overruled=pl.col("overruled").fill_null(pl.lit([], pl.List(pl.String))),
            author=pl.lit(act.person.name),
            role=pl.lit(act.person.role),
            at=pl.lit(act.at).cast(VERDICT_COLUMNS["at"]),
        )
    )
    records.verdicts.add(back.select(_GIVEN))
    records.labels.withdraw(labels, act.at)


def _unreleased(records: Records, judged: pl.DataFrame) -> pl.DataFrame:
    released = records.ledger.released(judged["conversion_id"])
    return judged.join(released, on="conversion_id", how="anti")


def _settle(records: Records, judged: pl.DataFrame, label: Label, act: Act, basis: Basis) -> Settled:
    given = judged.select(
        "conversion_id",
        verdict=pl.lit(label.label),
        overruled="reasons",
        amount="payout",
        currency="currency",
        author=pl.lit(act.person.name),
        role=pl.lit(act.person.role),
        at=pl.lit(act.at).cast(VERDICT_COLUMNS["at"]),
        case_id=pl.lit(basis.case_id, pl.Int64),
        appeal_id=pl.lit(basis.appeal_id, pl.Int64),
    )
    records.verdicts.add(given)
    labels = records.labels.add([label] if label.label != Verdict.HOLD else [])
    sums = judged.group_by(pl.col("currency").fill_null("")).agg(pl.col("payout").sum()).sort("currency")
    return Settled(judged.height, dict(sums.iter_rows()), tuple(labels))
