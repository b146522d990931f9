"""Backlinks and ranks from winnow's arrays beside what one would use instead: DuckDB over Parquet, and over the text.

    python benchmarks/bench_backlinks.py [--domains 300000] [--edges 5000000]

A graph with Zipf degrees is generated in Common Crawl's format (gzip text, reversed names). All ways answer the same
questions, and the answers are compared. Processor time is what counts on a busy machine; wall time is printed beside.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from screening.applicants.backlinks.graph import DomainGraph, open_graph
from screening.applicants.backlinks.graph_import import graph_files, import_graph

RELEASE = "cc-main-2026-jan-feb-mar-domain"
NIGHT = 10_000
MOST = 2_000


def generate(folder: Path, domains: int, edges: int, seed: int) -> list[str]:
    """Write vertices, edges and ranks; return the names, reversed."""
    rng = np.random.default_rng(seed)
    suffixes = np.array(["com", "org", "net", "de", "co.uk", "fr", "io", "info"])
    drawn = rng.choice(len(suffixes), domains, p=[0.5, 0.12, 0.08, 0.1, 0.06, 0.05, 0.04, 0.05])
    names = sorted(".".join(reversed(suffixes[kind].split("."))) + f".site{n:09}" for n, kind in enumerate(drawn))
    popular = rng.permutation(domains)
    target = popular[np.minimum(rng.zipf(1.35, edges) - 1, domains - 1)]
    source = rng.integers(0, domains, edges)
    pairs = np.unique(source.astype(np.uint64) * np.uint64(domains) + target.astype(np.uint64))
    sources, targets = pairs // np.uint64(domains), pairs % np.uint64(domains)
    others = sources != targets
    sources, targets = sources[others], targets[others]
    with gzip.open(folder / f"{RELEASE}-vertices.txt.gz", "wt", compresslevel=1) as file:
        file.writelines(f"{number}\t{name}\t1\n" for number, name in enumerate(names))
    with gzip.open(folder / f"{RELEASE}-edges.txt.gz", "wt", compresslevel=1) as file:
        for start in range(0, len(sources), 500_000):
            block = slice(start, start + 500_000)
            file.writelines(
                f"{a}\t{b}\n" for a, b in zip(sources[block].tolist(), targets[block].tolist(), strict=True)
            )
    with gzip.open(folder / f"{RELEASE}-ranks.txt.gz", "wt", compresslevel=1) as file:
        file.write("#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n")
        file.writelines(
            f"{place}\t{1e7 / place:.6g}\t{domains + 1 - place}\t{1 / place:.6g}\t{names[number]}\t1\n"
            for place, number in enumerate(popular.tolist(), start=1)
        )
    return names


@contextmanager
def measured(what: str, questions: int = 1) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    each = f"   {1000 * processor / questions:9.3f} ms CPU each" if questions > 1 else ""
    print(f"{what:52}{processor:9.2f} s CPU {wall:9.2f} s wall{each}", flush=True)


def size_of(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def peak(text: Path, root: Path) -> float:
    """Return the peak memory, in MB, of a process that only imports."""
    process = multiprocessing.get_context("spawn").Process(target=_import, args=(text, root / "again"))
    process.start()
    process.join()
    return float((root / "again" / "peak").read_text())


def _import(text: Path, arrays: Path) -> None:
    import_graph(graph_files(text), arrays, datetime.now(UTC), print_nothing)
    # not ru_maxrss, which a process inherits from the one that started it
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    (arrays / "peak").write_text(str(int(line.split()[1]) / 1024))


def print_nothing(part: str, done: int, total: int) -> None:
    """Nobody listens."""


def by_arrays(graph: DomainGraph, domains: list[str]) -> list[int]:
    counts = []
    for domain in domains:
        known = graph.standing(domain, MOST)
        counts.append(known.linking_domains if known is not None else -1)
    return counts


def parquet(folder: Path, text: Path) -> None:
    """Vertices sorted by name, edges sorted by target: what a point lookup needs."""
    db = duckdb.connect(config={"threads": 1})
    read = "read_csv('{}', delim='\t', header=false, quote='', columns={})"
    vertices = read.format(
        text / f"{RELEASE}-vertices.txt.gz", {"id": "UINTEGER", "name": "VARCHAR", "hosts": "UINTEGER"}
    )
    edges = read.format(text / f"{RELEASE}-edges.txt.gz", {"source": "UINTEGER", "target": "UINTEGER"})
    db.execute(f"COPY (SELECT * FROM {vertices} ORDER BY name) TO '{folder}/vertices.parquet' (COMPRESSION zstd)")
    db.execute(f"COPY (SELECT * FROM {edges} ORDER BY target) TO '{folder}/edges.parquet' (COMPRESSION zstd)")


def by_parquet(folder: Path, names: list[str]) -> Callable[[], list[int]]:
    db = duckdb.connect(config={"threads": 1})
    query = f"""
        SELECT list(source)[:{MOST}], count(source) FROM '{folder}/edges.parquet'
        WHERE target = (SELECT id FROM '{folder}/vertices.parquet' WHERE name = ?)"""

    def ask() -> list[int]:
        rows = (db.execute(query, [name]).fetchone() for name in names)
        return [int(row[1]) if row is not None else -1 for row in rows]

    return ask


def by_join(source: str, vertices: str, names: list[str]) -> list[int]:
    """Answer a whole batch with one scan of all edges: no index, nothing kept."""
    db = duckdb.connect(config={"threads": 1})
    db.execute("CREATE TABLE wanted (place INTEGER, name VARCHAR)")
    db.executemany("INSERT INTO wanted VALUES (?, ?)", list(enumerate(names)))
    rows = db.execute(
        f"""WITH ids AS (SELECT place, id FROM wanted JOIN {vertices} USING (name))
        SELECT place, count(source) FROM ids LEFT JOIN {source} ON target = id GROUP BY place"""
    ).fetchall()
    counts = dict(rows)
    return [int(counts.get(place, -1)) for place in range(len(names))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=300_000)
    parser.add_argument("--edges", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        text, arrays, columns = root / "text", root / "arrays", root / "parquet"
        for folder in (text, columns):
            folder.mkdir()
        names = generate(text, options.domains, options.edges, options.seed)
        with measured("winnow: import into arrays"):
            done = import_graph(graph_files(text), arrays, datetime.now(UTC), print_nothing)
        print(f"{done.domains:,} domains, {done.edges:,} links; peak memory of the import {peak(text, root):,.0f} MB")
        with measured("DuckDB: import into sorted Parquet"):
            parquet(columns, text)
        print(
            f"on disk: text {size_of(text):.0f} MB, arrays {size_of(arrays):.0f} MB, Parquet {size_of(columns):.0f} MB"
        )
        rng = np.random.default_rng(options.seed + 1)
        asked = [names[number] for number in rng.integers(0, len(names), NIGHT)]
        graph = open_graph(arrays)
        assert graph is not None
        plain = [".".join(reversed(name.split("."))) for name in asked]
        with measured(f"winnow: {NIGHT:,} lookups", NIGHT):
            ours = by_arrays(graph, plain)
        few = asked[:200]
        with measured("DuckDB over Parquet: 200 lookups", 200):
            theirs = by_parquet(columns, few)()
        assert theirs == ours[:200]
        with measured(f"DuckDB over Parquet: {NIGHT:,} in one join", NIGHT):
            joined = by_join(f"'{columns}/edges.parquet'", f"'{columns}/vertices.parquet'", asked)
        assert joined == ours
        read = "read_csv('{}', delim='\t', header=false, quote='', columns={})"
        with measured(f"DuckDB over the gzip text: {NIGHT:,} in one join", NIGHT):
            scanned = by_join(
                read.format(text / f"{RELEASE}-edges.txt.gz", {"source": "UINTEGER", "target": "UINTEGER"}),
                read.format(
                    text / f"{RELEASE}-vertices.txt.gz", {"id": "UINTEGER", "name": "VARCHAR", "hosts": "UINTEGER"}
                ),
                asked,
            )
        assert scanned == ours
        print("all answers agree")


if __name__ == "__main__":
    main()
