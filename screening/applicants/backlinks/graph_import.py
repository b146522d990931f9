"""Import a release of Common Crawl's domain graph (vertices, edges, ranks) into the arrays that `graph` reads.

Memory is bounded whatever the release's size: names and edges are read in blocks, edges are spread over files by the
domain they lead to and put in place file by file. The new graph is built beside the old one and takes its place at the
very end, so a process that is killed leaves the old one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from screening.applicants.backlinks.graph import FILES, MANIFEST, POINTER, VERSION, Array, name_hash
from screening.applicants.backlinks.lines import column_blocks
from screening.applicants.backlinks.spill import Spill, chunks
from screening.errors import InputError

_PARTS = ("vertices", "edges", "ranks")
_SUFFIXES = (".txt.gz", ".txt", ".tsv.gz", ".tsv", ".gz")
_BUILDING, _GRAPH = "building-", "graph-"
_RANKS = ("harmonic", "pagerank")
Told = Callable[[str, int, int], None]
"""Is told the part (`vertices`, `edges`, `ranks`), and how many of how many bytes of its file are read."""


@dataclass(frozen=True, slots=True)
class GraphFiles:
    """The files of one release; `ranks` is None when they were not given: then no rank is known."""

    release: str
    vertices: Path
    edges: Path
    ranks: Path | None


@dataclass(frozen=True, slots=True)
class GraphImported:
    """What was imported: the release, its domains and links between them, and domains that have a rank."""

    release: str
    domains: int
    edges: int
    ranked: int


def graph_files(path: Path) -> GraphFiles:
    """Find the files of a release from its folder or from any one of them.

    Raises InputError when vertices or edges are not there, or when a folder holds several releases.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise InputError("There is no such file or folder.", remedy="Check the path.", where=str(path))
    wanted = None if path.is_dir() else _release_of(path.name)
    if not path.is_dir() and wanted is None:
        raise _not_named(path)
    found: dict[str, dict[str, Path]] = {}
    for entry in sorted(folder.iterdir()):
        named = _release_of(entry.name)
        if named is not None and (wanted is None or named[0] == wanted[0]):
            found.setdefault(named[0], {}).setdefault(named[1], entry)
    if len(found) > 1:
        raise InputError(
            f"The folder holds several releases: {', '.join(found)}.",
            remedy="Name a file of the one that is meant.",
            where=str(folder),
        )
    if not found:
        raise _not_named(path)
    ((release, parts),) = found.items()
    for part in ("vertices", "edges"):
        if part not in parts:
            raise InputError(
                f"The {part} of {release} are not there.",
                remedy=f"Put {release}-{part}.txt.gz beside the others.",
                where=str(folder),
            )
    return GraphFiles(release, parts["vertices"], parts["edges"], parts.get("ranks"))


def import_graph(files: GraphFiles, folder: Path, now: datetime, told: Told) -> GraphImported:
    """Build the graph below `folder` and put it in the place of the one before; one import at a time.

    Raises InputError that names file and line when a file is not what Common Crawl publishes; the graph that was there
    then stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = _current(folder)
    for left in (*folder.glob(f"{_BUILDING}*"), *folder.glob(f"{_GRAPH}*")):
        if left.name != old:
            shutil.rmtree(left)  # what a killed import left
    name = f"{_GRAPH}{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    building = folder / f"{_BUILDING}{name}"
    building.mkdir()
    try:
        imported = _built(files, building, now, told)
        building.rename(folder / name)
        _point(folder, name)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    if old is not None:
        shutil.rmtree(folder / old, ignore_errors=True)
    return imported


def _built(files: GraphFiles, building: Path, now: datetime, told: Told) -> GraphImported:
    work = building / "work"
    domains, size = _names(files.vertices, building, work, told)
    edges = _edges(files.edges, building, work, domains, told)
    ranked = _ranks(files.ranks, building, domains, told) if files.ranks is not None else _unranked(building, domains)
    shutil.rmtree(work)
    manifest = {
        "version": VERSION,
        "release": files.release,
        "imported_at": now.isoformat(),
        "files": [path.name for path in (files.vertices, files.edges, files.ranks) if path is not None],
        "domains": domains,
        "edges": edges,
        "bytes": size,
        "ranked": ranked,
    }
    (building / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in building.iterdir():
        _synced(path)
    return GraphImported(files.release, domains, edges, ranked)


def _names(path: Path, building: Path, work: Path, told: Told) -> tuple[int, int]:
    """Write the names and their index; return the number of domains and of bytes of all names."""
    columns = {"id": pl.UInt32, "domain": pl.String, "hosts": pl.UInt32}
    domains = size = 0
    with (
        Spill(work / "names", 2**64) as spill,
        (building / "names.bin").open("wb") as blob,
        (building / "name_ends.u8").open("wb") as ends,
        (building / "hosts.u4").open("wb") as hosts,
    ):
        for line, rows in column_blocks(path, columns, _telling(told, "vertices"), optional=1):
            ids = np.arange(domains, domains + len(rows), dtype=np.uint32)
            _check_ids(rows["id"].to_numpy(), ids, path, line)
            names = [name.encode() for name in rows["domain"].to_list()]
            lengths = np.fromiter(map(len, names), np.uint64, len(names))
            blob.write(b"".join(names))
            ends.write((np.cumsum(lengths) + np.uint64(size)).astype("<u8").tobytes())
            count = rows["hosts"].to_numpy() if "hosts" in rows.columns else np.zeros(len(rows), np.uint32)
            hosts.write(count.astype("<u4").tobytes())
            spill.add(np.fromiter(map(name_hash, names), np.uint64, len(names)), ids)
            domains += len(rows)
            size += int(lengths.sum())
    if not domains:
        raise InputError("The file has no domains.", remedy="Download it again.", where=str(path))
    with (building / "name_hashes.u8").open("wb") as hashes, (building / "name_ids.u4").open("wb") as of:
        for _, _, bucket in spill.buckets():
            # hashes spread evenly: a file holds a hundredth of all names
            parts = list(chunks(bucket))
            if parts:
                keys, values = (np.concatenate(column) for column in zip(*parts, strict=True))
                order = np.argsort(keys, kind="stable")
                hashes.write(keys[order].astype("<u8").tobytes())
                of.write(values[order].astype("<u4").tobytes())
            bucket.unlink()
    return domains, size


def _edges(path: Path, building: Path, work: Path, domains: int, told: Told) -> int:
    """Write who links to whom, by the domain that is linked to; return the number of links."""
    edges = 0
    with Spill(work / "edges", domains) as spill:
        for line, rows in column_blocks(path, {"from": pl.UInt32, "to": pl.UInt32}, _telling(told, "edges")):
            source, target = rows["from"].to_numpy(), rows["to"].to_numpy()
            _check_known(source, target, domains, path, line)
            others = source != target
            spill.add(target[others].astype(np.uint64), source[others].astype(np.uint32))
            edges += int(others.sum())
    file = building / "sources.u4"
    file.touch()
    sources = np.memmap(file, "<u4", "w+", shape=(edges,)) if edges else np.empty(0, np.uint32)
    before = 0
    with (building / "in_ends.u8").open("wb") as ends:
        for first, width, bucket in spill.buckets():
            counts = np.zeros(width, np.int64)
            for keys, _ in chunks(bucket):
                counts += np.bincount((keys - np.uint64(first)).astype(np.int64), minlength=width)
            closing = np.cumsum(counts) + before
            ends.write(closing.astype("<u8").tobytes())
            _place(bucket, first, closing - counts, sources)
            before = int(closing[-1])
            bucket.unlink()
    if isinstance(sources, np.memmap):
        sources.flush()
    return edges


def _place(bucket: Path, first: int, free: Array, sources: Array) -> None:
    """Put the sources of a file where they belong; `free` is the next free place of each key and is used up."""
    for keys, values in chunks(bucket):
        local = (keys - np.uint64(first)).astype(np.int64)
        order = np.argsort(local, kind="stable")
        local = local[order]
        counts = np.bincount(local, minlength=len(free))
        within = np.arange(len(local)) - np.repeat(np.cumsum(counts) - counts, counts)
        sources[free[local] + within] = values[order]
        free += counts


def _ranks(path: Path, building: Path, domains: int, told: Told) -> int:
    """Write the ranks of all domains; return how many have one."""
    columns = {
        "harmonic": pl.UInt32,
        "harmonic_value": pl.String,
        "pagerank": pl.UInt32,
        "pagerank_value": pl.String,
        "domain": pl.String,
        "hosts": pl.UInt32,
    }
    hashes = np.memmap(building / "name_hashes.u8", "<u8", "r")
    ids = np.memmap(building / "name_ids.u4", "<u4", "r")
    written = {name: np.memmap(building / f"{name}.u4", "<u4", "w+", shape=(domains,)) for name in _RANKS}
    ranked = 0
    for line, rows in column_blocks(path, columns, _telling(told, "ranks"), optional=1):
        wanted = np.fromiter((name_hash(name.encode()) for name in rows["domain"].to_list()), np.uint64, len(rows))
        place = np.minimum(np.searchsorted(hashes, wanted), domains - 1)
        known = hashes[place] == wanted
        if not known.all():
            number = int(np.flatnonzero(~known)[0])
            raise InputError(
                f"The domain {rows['domain'][number]} is not among the vertices.",
                remedy="Give vertices, edges and ranks of the same release.",
                where=f"{path}, in the block that begins at line {line}",
            )
        for name, array in written.items():
            array[ids[place]] = rows[name].to_numpy()
        ranked += len(rows)
    for array in written.values():
        array.flush()
    return ranked


def _unranked(building: Path, domains: int) -> int:
    for name in (f"{rank}.u4" for rank in _RANKS):
        with (building / name).open("wb") as file:
            file.truncate(domains * np.dtype(FILES[name][0]).itemsize)
    return 0


def _check_ids(found: Array, expected: Array, path: Path, line: int) -> None:
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        raise InputError(
            f"The id {found[wrong[0]]} stands where {expected[wrong[0]]} is due: ids count up from 0.",
            remedy="Give the whole vertices file of a release.",
            where=f"{path}:{line + int(wrong[0])}",
        )


def _check_known(source: Array, target: Array, domains: int, path: Path, line: int) -> None:
    wrong = np.flatnonzero((source >= domains) | (target >= domains))
    if len(wrong):
        raise InputError(
            f"The link {source[wrong[0]]} to {target[wrong[0]]} is to or from none of the {domains:,} vertices.",
            remedy="Give vertices and edges of the same release.",
            where=f"{path}:{line + int(wrong[0])}",
        )


def _release_of(name: str) -> tuple[str, str] | None:
    """Return the release and the part that a file's name says, such as cc-main-2026-jan-feb-mar-domain, edges."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            stem, _, part = name.removesuffix(suffix).rpartition("-")
            return (stem, part) if part in _PARTS and stem else ("domain", stem or part) if part in _PARTS else None
    return None


def _not_named(path: Path) -> InputError:
    return InputError(
        "These are no files of a domain graph.",
        remedy="Name its folder or one of RELEASE-domain-vertices.txt.gz, -edges.txt.gz, -ranks.txt.gz.",
        where=str(path),
    )


def _current(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / POINTER).read_text("utf-8"))["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _point(folder: Path, name: str) -> None:
    unfinished = folder / f".{POINTER}"
    unfinished.write_text(json.dumps({"folder": name}), encoding="utf-8")
    _synced(unfinished)
    unfinished.replace(folder / POINTER)
    _synced(folder)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _telling(told: Told, part: str) -> Callable[[int, int], None]:
    return lambda done, total: told(part, done, total)
