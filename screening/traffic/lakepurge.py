"""Retention in the lake: old events lose what could tell who a person was, and files of replaced parts are removed.

Parts are never changed, so old events are written anew without those fields, as a new version; the parts they replace
are then removed for good. A run that read them cannot be replayed any more, and the manifest tells when that happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from features.schema import TABLES, Kind
from screening.errors import IntegrityError
from screening.traffic.intake.staging import stored_schema, write_part
from screening.traffic.lake import Lake, Part, Snapshot, scan_parts
from screening.traffic.lake_remote import remote_of
from screening.traffic.lakewrite import Writer, writing

COMMAND = "winnow purge"
"""Stands in the manifests of versions that a purge made."""
DETAILS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CLICKS: ("ip", "user_agent", "device_id", "referrer"),
    Kind.CONVERSIONS: ("ip", "user_agent", "device_id", "referrer", "customer_id"),
}
"""Columns that can tell who a person was. Order numbers stay: they are the merchant's, and duplicates hang on them."""
SIDECAR = "purged"
_LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Keep:
    """Which events keep their details: those of these sources, and those that name these ids.

    `sources` has affiliate_id and offer_id (null: every offer); `ids` are click or conversion ids.
    """

    sources: pl.DataFrame
    ids: pl.Series


@dataclass(frozen=True, slots=True)
class Blanking:
    """What there is to do for one kind: `rows` lose their details, `kept` do not yet because something needs them.

    `parts` are written anew; `fresh` says whether any part was looked at for the first time.
    """

    kind: Kind
    before: date
    rows: int
    kept: int
    parts: tuple[Part, ...]
    fresh: bool
    kept_by_day: Mapping[date, int] = field(default_factory=dict)


def blanking(snapshot: Snapshot, kind: Kind, before: date, keep: Keep) -> Blanking:
    """Count the rows dated before that day which still have details, and find the parts that hold them.

    Raises IntegrityError when such a part is not what was written.
    """
    rows, kept = 0, 0
    parts: list[Part] = []
    by_day: dict[date, int] = {}
    again = _kept_days(snapshot, kind)
    looked_at = candidates(snapshot, kind, before)
    for part in looked_at:
        snapshot.verify([part])
        frame = scan_parts([snapshot.file(part.path)], stored_schema(kind)).collect()
        going, staying = _counts(frame, kind, keep)
        rows, kept = rows + going, kept + staying
        if going:
            parts.append(part)
        if staying and part.day is not None:
            by_day[part.day] = by_day.get(part.day, 0) + staying
    fresh = any(part.day is not None and part.day.isoformat() not in again for part in looked_at)
    return Blanking(kind, before, rows, kept, tuple(parts), fresh, by_day)


def candidates(snapshot: Snapshot, kind: Kind, before: date) -> tuple[Part, ...]:
    """Return the parts dated before that day that no purge has looked at, or of whose day something was kept."""
    state: Mapping[str, Any] = snapshot.sidecars.get(SIDECAR, {}).get(str(kind), {})
    through, version = state.get("through", ""), int(state.get("version", 0))
    again = _kept_days(snapshot, kind)
    return tuple(
        part
        for part in snapshot.select((kind,))
        if part.day is not None
        and part.day < before
        and (part.day.isoformat() > through or part.version > version or part.day.isoformat() in again)
    )


def blank(lake: Lake, plans: list[tuple[Blanking, Keep]], now: datetime, waiting: Callable[[str], None]) -> Snapshot:
    """Write the planned parts anew without their details, all in one new version. Returns the lake after it."""
    with writing(lake, command=COMMAND, now=now, wait_seconds=_LOCK_WAIT_SECONDS, waiting=waiting) as writer:
        added: list[Part] = []
        removed: list[Part] = []
        state = dict(writer.before.sidecars.get(SIDECAR, {}))
        there = {part.path for part in writer.before.parts}
        for plan, keep in plans:
            for part in plan.parts:
                if part.path in there:
                    added.append(_blanked(writer, part, keep, len(added) + 1))
                    removed.append(part)
            kept = {day.isoformat(): count for day, count in sorted(plan.kept_by_day.items())}
            state[str(plan.kind)] = {"through": _day_before(plan.before), "version": writer.version, "kept": kept}
        sidecars = {**writer.before.sidecars, SIDECAR: state}
        return writer.commit(added, removed=removed, sidecars=sidecars)


def replaced_files(lake: Lake, snapshot: Snapshot, before: Mapping[Kind, date]) -> Iterator[tuple[str, int]]:
    """Yield path and size of files of parts dated before the days given that the snapshot does not have."""
    named = {part.path for part in snapshot.parts}
    for kind, day in before.items():
        for path, size in _files(lake, kind):
            dated = path.split("/")[1].removeprefix("date=")
            if path not in named and dated < day.isoformat():
                yield path, size


def remove_files(lake: Lake, paths: list[str]) -> None:
    """Remove files of the lake, and of the storage that it mirrors."""
    remote = remote_of(lake.root)
    if remote is not None:
        remote.delete(paths)
    for path in paths:
        (lake.root / path).unlink(missing_ok=True)


def purged_at(lake: Lake, path: str) -> str | None:
    """Return when a purge took a part out of the lake, as ISO text; None when none did."""
    version = int(path.rpartition("/")[2].split("-")[1])
    replaced = False
    for number in range(version + 1, lake.newest_version() + 1):
        manifest = lake.manifest(number)
        replaced = replaced or path in manifest["removed"]
        # a file that an ingest replaced went with the first purge that reached its day
        if replaced and manifest["command"] == COMMAND and path.split("/")[1][len("date=") :] <= _reach(manifest, path):
            return str(manifest["started_at"])
    return None


def _kept_days(snapshot: Snapshot, kind: Kind) -> set[str]:
    return set(snapshot.sidecars.get(SIDECAR, {}).get(str(kind), {}).get("kept", {}))


def _blanked(writer: Writer, part: Part, keep: Keep, number: int) -> Part:
    frame = scan_parts([writer.before.file(part.path)], stored_schema(part.kind)).collect()
    if frame.height != part.rows:
        raise IntegrityError(
            "A part of the lake is not what was written.", remedy="Restore it from a backup.", where=part.path
        )
    needed = _needed(frame, part.kind, keep)
    blanked = frame.with_columns(needed).with_columns(
        pl.when("_needed").then(pl.col(name)).otherwise(None).alias(name) for name in DETAILS[part.kind]
    )
    return write_part(writer, part.kind, part.day, number, blanked.drop("_needed"))


def _counts(frame: pl.DataFrame, kind: Kind, keep: Keep) -> tuple[int, int]:
    telling = frame.filter(pl.any_horizontal(pl.col(list(DETAILS[kind])).is_not_null()))
    kept = int(_needed(telling, kind, keep).sum())
    return telling.height - kept, kept


def _needed(frame: pl.DataFrame, kind: Kind, keep: Keep) -> pl.Series:
    """Return `_needed`, true for the rows that keep their details."""
    whole = keep.sources.filter(pl.col("offer_id").is_null())["affiliate_id"]
    pairs = keep.sources.drop_nulls("offer_id").unique().with_columns(_pair=pl.lit(value=True))
    joined = frame.join(pairs, on=["affiliate_id", "offer_id"], how="left", maintain_order="left")
    key = TABLES[kind].key[0]
    return joined.select(
        _needed=pl.col("_pair").fill_null(value=False)
        | pl.col("affiliate_id").is_in(whole.implode())
        | pl.col(key).is_in(keep.ids.implode())
    )["_needed"]


def _files(lake: Lake, kind: Kind) -> Iterator[tuple[str, int]]:
    remote = remote_of(lake.root)
    found = {
        str(path.relative_to(lake.root)): path.stat().st_size for path in lake.root.glob(f"{kind}/date=*/*.parquet")
    }
    if remote is not None:
        found |= {stored.path: stored.size for stored in remote.listed(str(kind))}
    yield from sorted(found.items())


def _reach(manifest: Mapping[str, Any], path: str) -> str:
    """Return the last day that the purge which made this manifest had looked at, for the part's kind."""
    state: Mapping[str, Any] = manifest["sidecars"].get(SIDECAR, {})
    return str(state.get(path.split("/", maxsplit=1)[0], {}).get("through", ""))


def _day_before(day: date) -> str:
    return date.fromordinal(day.toordinal() - 1).isoformat()
