"""The domain graph of Common Crawl as sorted arrays on disk: who links to a domain, and its ranks, in microseconds.

    names.bin, name_ends.u8      reversed names one after the other, and where each ends, by domain id
    name_hashes.u8, name_ids.u4  64-bit hashes of the names in ascending order, and whose they are
    in_ends.u8, sources.u4       the linking domains of all domains one after the other, and where each one's end
    hosts.u4, harmonic.u4, pagerank.u4   by id; 0 where not known

Arrays are mapped, not read: memory is what is touched. Measured beside Parquet and DuckDB in
benchmarks/bench_backlinks.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mmh3
import numpy as np
import numpy.typing as npt

from screening.errors import IntegrityError

POINTER = "graph.json"
"""Names the folder of the graph that holds; replaced as one when an import is complete."""
MANIFEST = "manifest.json"
VERSION = 1
"""Of the layout above."""
FILES = {
    "names.bin": ("u1", "bytes"),
    "name_ends.u8": ("<u8", "domains"),
    "name_hashes.u8": ("<u8", "domains"),
    "name_ids.u4": ("<u4", "domains"),
    "in_ends.u8": ("<u8", "domains"),
    "sources.u4": ("<u4", "edges"),
    "hosts.u4": ("<u4", "domains"),
    "harmonic.u4": ("<u4", "domains"),
    "pagerank.u4": ("<u4", "domains"),
}
"""Each file's type, and which count of the manifest its length is."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the graph knows of a domain.

    `linking_domains` counts domains with at least one link to it of any kind (pictures and scripts too); `linking`
    are the first of them in the graph's order, as many as were asked for. `hosts` counts its host names in the crawl.
    `harmonic` and `pagerank` are positions from 1, the best, among `domains`; None when the graph came without ranks.
    """

    domain: str
    linking_domains: int
    linking: tuple[str, ...]
    hosts: int | None
    harmonic: int | None
    pagerank: int | None
    domains: int


class DomainGraph:
    """One imported release; made by `open_graph`, safe to share between threads."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.release = str(manifest["release"])
        self.imported_at = datetime.fromisoformat(manifest["imported_at"])
        self.domains = int(manifest["domains"])
        self.edges = int(manifest["edges"])
        counts = {"bytes": int(manifest["bytes"]), "domains": self.domains, "edges": self.edges}
        self._arrays = {name: _mapped(folder / name, kind, counts[of]) for name, (kind, of) in FILES.items()}

    def standing(self, domain: str, most: int) -> Standing | None:
        """Return what is known of a registered domain (lower case ASCII), with at most so many of its linking domains.

        None when no link to or from the domain was crawled: then nothing is known of it.
        """
        found = self._id(domain)
        if found is None:
            return None
        begin, end = self._span("in_ends.u8", found)
        sources = self._arrays["sources.u4"][begin : min(end, begin + most)]
        return Standing(
            domain=domain,
            linking_domains=end - begin,
            linking=tuple(self._name(int(source)) for source in sources),
            hosts=self._number("hosts.u4", found),
            harmonic=self._number("harmonic.u4", found),
            pagerank=self._number("pagerank.u4", found),
            domains=self.domains,
        )

    def links(self, source: str, target: str) -> bool | None:
        """Say whether one domain links to another, None when the graph does not know one of them."""
        one, other = self._id(source), self._id(target)
        if one is None or other is None:
            return None
        begin, end = self._span("in_ends.u8", other)
        return bool((self._arrays["sources.u4"][begin:end] == np.uint32(one)).any())

    def _id(self, domain: str) -> int | None:
        name = reversed_name(domain).encode("ascii", "ignore")
        wanted = np.uint64(name_hash(name))
        hashes, ids = self._arrays["name_hashes.u8"], self._arrays["name_ids.u4"]
        place = int(np.searchsorted(hashes, wanted))
        while place < len(hashes) and hashes[place] == wanted:
            if self._bytes(int(ids[place])) == name:
                return int(ids[place])
            place += 1
        return None

    def _name(self, identity: int) -> str:
        return reversed_name(self._bytes(identity).decode("ascii", "replace"))

    def _bytes(self, identity: int) -> bytes:
        begin, end = self._span("name_ends.u8", identity)
        return self._arrays["names.bin"][begin:end].tobytes()

    def _span(self, ends: str, identity: int) -> tuple[int, int]:
        array = self._arrays[ends]
        return (int(array[identity - 1]) if identity else 0), int(array[identity])

    def _number(self, name: str, identity: int) -> int | None:
        return int(self._arrays[name][identity]) or None


def open_graph(folder: Path) -> DomainGraph | None:
    """Open the graph that was imported last into a folder, None when there is none.

    Raises IntegrityError when its files are not what the import wrote.
    """
    pointer = folder / POINTER
    try:
        named = folder / json.loads(pointer.read_text("utf-8"))["folder"]
        manifest = json.loads((named / MANIFEST).read_text("utf-8"))
        if manifest["version"] != VERSION:
            raise IntegrityError(
                f"The domain graph was imported in layout {manifest['version']}; this winnow reads {VERSION}.",
                remedy="Import the domain graph again.",
                where=str(named),
            )
        return DomainGraph(named, manifest)
    except FileNotFoundError as error:
        if not pointer.exists():
            return None
        raise _damaged(pointer, error) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(pointer, error) from error


def reversed_name(name: str) -> str:
    """Return a name with its labels in reverse order, as the graph writes names: `example.com` as `com.example`."""
    return ".".join(reversed(name.split(".")))


def name_hash(name: bytes) -> int:
    """Return the 64-bit hash under which a reversed name is filed (the first half of MurmurHash3 x64 128)."""
    return int(mmh3.hash64(name, signed=False)[0])


def _mapped(path: Path, kind: str, length: int) -> Array:
    dtype = np.dtype(kind)
    if path.stat().st_size != length * dtype.itemsize:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes instead of {length * dtype.itemsize}")
    return np.memmap(path, dtype, "r", shape=(length,)) if length else np.empty(0, dtype)


def _damaged(pointer: Path, error: Exception) -> IntegrityError:
    return IntegrityError(
        f"The imported domain graph is damaged: {error}.", remedy="Import the domain graph again.", where=str(pointer)
    )
