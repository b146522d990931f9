"""The domain graph: every answer of the imported arrays against the plain edges, damage, kills, and no way back."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.applicants.backlinks import spill
from screening.applicants.backlinks.graph import open_graph, reversed_name
from screening.applicants.backlinks.graph_import import graph_files, import_graph
from screening.errors import InputError, IntegrityError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RELEASE = "cc-main-2026-jan-feb-mar-domain"


def quiet(part, done, total):
    """Nobody listens."""


def write(folder, names, edges, *, ranks=True, packed=True):
    """Write a release as Common Crawl publishes it; `names` are reversed, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "vertices": "".join(f"{number}\t{name}\t{number % 5 + 1}\n" for number, name in enumerate(names)),
        "edges": "".join(f"{source}\t{target}\n" for source, target in edges),
    }
    if ranks:
        head = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
        texts["ranks"] = head + "".join(
            f"{place}\t{2.3e7 / place}\t{len(names) + 1 - place}\t{1 / place}\t{name}\t1\n"
            for place, name in enumerate(reversed(names), start=1)
        )
    for part, text in texts.items():
        path = folder / f"{RELEASE}-{part}.txt{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return folder


def made(tmp_path, names, edges, **more):
    import_graph(graph_files(write(tmp_path / "cc", names, edges, **more)), tmp_path / "g", NOW, quiet)
    return open_graph(tmp_path / "g")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_every_domain_has_the_links_and_ranks_of_the_files(tmp_path_factory, count, seed, packed):
    names = sorted({f"com.site{number}" for number in range(count)} | {"org.a", "org.a-b", "xn--p1ai.xn--e1afmkfd"})
    rng = np.random.default_rng(seed)
    edges = sorted({(int(a), int(b)) for a, b in rng.integers(0, len(names), (4 * count, 2))})
    graph = made(tmp_path_factory.mktemp("g"), names, edges, packed=packed)
    assert (graph.domains, graph.release) == (len(names), RELEASE)
    for number, name in enumerate(names):
        domain = reversed_name(name)
        wanted = {reversed_name(names[a]) for a, b in edges if b == number and a != b}
        known = graph.standing(domain, 10_000)
        assert (set(known.linking), known.linking_domains) == (wanted, len(wanted))
        assert (known.hosts, known.harmonic, known.pagerank) == (number % 5 + 1, len(names) - number, number + 1)
    assert graph.standing("unknown.net", 1) is None
    for source, target in edges[:20]:
        if source != target:
            assert graph.links(reversed_name(names[source]), reversed_name(names[target]))


def test_a_domain_that_nearly_everybody_links_to_needs_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(spill, "PAIRS_AT_A_TIME", 100)
    names = [f"com.s{number:04}" for number in range(1000)]
    edges = [(number, 7) for number in range(1000) if number != 7] + [(7, 8), (999, 0)]
    graph = made(tmp_path, names, sorted(edges))
    known = graph.standing("s0007.com", 5)
    assert (known.linking_domains, len(known.linking)) == (999, 5)
    assert graph.standing("s0008.com", 5).linking == ("s0007.com",)
    assert graph.links("s0999.com", "s0000.com")
    assert graph.links("s0000.com", "s0999.com") is False
    assert graph.links("s0000.com", "absent.org") is None


def test_without_ranks_they_are_not_known(tmp_path):
    graph = made(tmp_path, ["com.a", "com.b"], [(0, 1)], ranks=False)
    assert (graph.standing("b.com", 1).harmonic, graph.standing("b.com", 1).linking) == (None, ("a.com",))


def test_files_are_found_from_any_of_them(tmp_path):
    folder = write(tmp_path / "cc", ["com.a"], [])
    other = folder / "cc-main-2025-oct-nov-dec-domain-vertices.txt.gz"
    assert graph_files(folder / f"{RELEASE}-ranks.txt.gz") == graph_files(folder)
    other.write_bytes(b"")
    with pytest.raises(InputError, match="several releases"):
        graph_files(folder)
    assert graph_files(folder / f"{RELEASE}-edges.txt.gz").release == RELEASE
    with pytest.raises(InputError, match=r"edges of .* are not there"):
        graph_files(other)
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(InputError, match="no files of a domain graph"):
        graph_files(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("part", "text", "place", "says"),
    [
        ("edges", "0\t1\n0\t7\n", ":2", "none of the 2 vertices"),
        ("edges", "0\t1\nzero\t1\n", ":2", "from, to separated by tabs"),
        ("edges", "0\t1\n\t1\n", ":2", "from, to separated by tabs"),
        ("edges", "0 1\n", ":1", "from, to separated by tabs"),
        ("edges", "0\t1\n5000000000\t1\n", "edges.txt.gz", "too large"),
        ("vertices", "0\tcom.a\t1\n2\tcom.b\t1\n", ":2", "ids count up from 0"),
        ("vertices", "", "vertices.txt.gz", "no domains"),
        ("ranks", "#h\n1\t1.0\t1\t1.0\tcom.stranger\t1\n", "ranks.txt.gz", "not among the vertices"),
    ],
)
def test_damaged_files_are_named_and_leave_the_old_graph(tmp_path, part, text, place, says):
    made(tmp_path, ["com.a", "com.b"], [(0, 1)])
    folder = write(tmp_path / "new", ["com.a", "com.b"], [(1, 0)])
    (folder / f"{RELEASE}-{part}.txt.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(InputError, match=says) as refused:
        import_graph(graph_files(folder), tmp_path / "g", NOW, quiet)
    assert place in str(refused.value)
    assert open_graph(tmp_path / "g").standing("b.com", 1).linking == ("a.com",)
    assert [path.name for path in (tmp_path / "g").iterdir() if "building" in path.name] == []


def test_a_download_that_was_cut_is_refused(tmp_path):
    folder = write(tmp_path / "cc", ["com.a", "com.b"], [(0, 1)] * 5000)
    path = folder / f"{RELEASE}-edges.txt.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InputError, match="to its end"):
        import_graph(graph_files(folder), tmp_path / "g", NOW, quiet)
    assert open_graph(tmp_path / "g") is None


def test_the_new_graph_takes_the_place_of_the_old_one(tmp_path):
    old = made(tmp_path, ["com.a", "com.b"], [(0, 1)])
    folder = write(tmp_path / "new", ["com.a", "com.b", "com.c"], [(2, 1)])
    import_graph(graph_files(folder), tmp_path / "g", NOW, quiet)
    assert open_graph(tmp_path / "g").standing("b.com", 9).linking == ("c.com",)
    assert old.standing("b.com", 9).linking == ("a.com",)  # who has it open goes on
    assert len(list((tmp_path / "g").glob("graph-*"))) == 1


@pytest.mark.parametrize("name", ["sources.u4", "manifest.json", "names.bin"])
def test_a_damaged_graph_is_never_used(tmp_path, name):
    made(tmp_path, ["com.a", "com.b"], [(0, 1)])
    (path,) = (tmp_path / "g").glob(f"graph-*/{name}")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="Import the domain graph again"):
        open_graph(tmp_path / "g")


def test_a_kill_leaves_the_old_graph_and_the_next_import_cleans_up(tmp_path):
    made(tmp_path, ["com.a", "com.b"], [(0, 1)])
    names = [f"com.s{number:06}" for number in range(30_000)]
    folder = write(tmp_path / "new", names, [(number, (number * 7) % 30_000) for number in range(30_000)] * 20)
    program = (
        "import sys, datetime; from pathlib import Path\n"
        "from screening.applicants.backlinks.graph_import import graph_files, import_graph\n"
        "def told(part, done, total):\n    print(part, flush=True)\n"
        f"import_graph(graph_files(Path({str(folder)!r})), Path({str(tmp_path / 'g')!r}),"
        " datetime.datetime.now(datetime.UTC), told)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    while (line := child.stdout.readline()) and line.strip() != "edges":
        pass
    time.sleep(0.02)
    child.kill()
    child.wait()
    child.stdout.close()
    graph = open_graph(tmp_path / "g")
    assert graph.domains in {2, 30_000}  # 30,000 only if it was done before the kill came
    import_graph(graph_files(folder), tmp_path / "g", NOW, quiet)
    assert open_graph(tmp_path / "g").domains == 30_000
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "g").iterdir()) == ["graph", "graph.json"]
    assert json.loads((tmp_path / "g" / "graph.json").read_text())["folder"].startswith("graph-")
