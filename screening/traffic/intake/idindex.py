"""The index of all ids in the lake, kept beside the parts and made anew from them whenever it does not fit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.schema import TABLES, Kind, polars_schema
from screening.traffic.intake.idhashes import HASH, HashRuns, key_hash, merge, probe, to_be_merged
from screening.traffic.lake import Snapshot, scan_parts

SIDECAR = "index"


@dataclass(frozen=True, slots=True)
class IdIndex:
    """The sorted runs of id hashes of one kind, from the oldest to the newest."""

    root: Path
    kind: Kind
    runs: tuple[Path, ...]

    @property
    def folder(self) -> Path:
        """Where the runs stand that manifests name."""
        return self.root / SIDECAR / str(self.kind)

    @property
    def is_new(self) -> bool:
        """Whether the runs were made anew, so that they are not where the manifests say."""
        return any(run.parent != self.folder for run in self.runs)

    @classmethod
    def of(cls, snapshot: Snapshot, kind: Kind, scratch: Path) -> IdIndex:
        """Open the index of the snapshot; if it is of other parts or hashes, make it anew in `scratch`."""
        parts = snapshot.select((kind,))
        state = snapshot.sidecars.get(SIDECAR, {}).get(str(kind), {"runs": [], "rows": 0, "probe": probe()})
        runs = tuple(snapshot.file(run) for run in state["runs"])
        fits = state["rows"] == sum(part.rows for part in parts) and state["probe"] == probe()
        if fits and all(run.is_file() for run in runs):
            return cls(snapshot.root, kind, runs)
        made = HashRuns(scratch)
        schema = {name: polars_schema(kind)[name] for name in TABLES[kind].key}
        for part in parts:
            keys = scan_parts([snapshot.file(part.path)], schema)
            made.add(keys.select(key_hash(kind)).collect().to_series().to_numpy())
        return cls(snapshot.root, kind, tuple(made.finish()))

    def with_run(self, fresh: Path, stem: str, rows: int) -> dict[str, Any]:
        """Add the sorted hashes in `fresh` as the run of that name, and return the state for the manifest.

        `rows` is the number of rows of the kind that the version has. Runs are merged so that there are few.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{stem}.u64"
        runs = [*self.runs, fresh]
        foreign = next((at for at, run in enumerate(runs) if run.parent != self.folder), len(runs))
        lengths = [run.stat().st_size // HASH.itemsize for run in runs]
        merged = max(to_be_merged(lengths), len(runs) - foreign)
        if merged == 1:
            shutil.move(fresh, target)
        else:
            merge(runs[-merged:], target)
        kept = [*runs[:-merged], target]
        return {"runs": [str(run.relative_to(self.root)) for run in kept], "rows": rows, "probe": probe()}
