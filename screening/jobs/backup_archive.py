"""The file of a backup: a compressed tar, read as untrusted.

database/...      one state of the database (screening.store.copies)
lake/...          manifests, parts, ledger and index
workspace/...     settings, models, evidence, lists and everything else but what is named in `backup`
backup.json       the last member: what winnow made the copy, of what, and size and SHA-256 of every other member
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

import zstandard

from screening.errors import InputError, UnavailableError

CONTENTS = "backup.json"
FORMAT = 1
"""Version of the layout above."""
_LEVEL = 3
_CHUNK_BYTES = 1 << 20
_OWNERS_ONLY = 0o600
_CONTENTS_BYTES_MAX = 1 << 30
_REMEDY = "Use another backup."


@dataclass(slots=True)
class ArchiveWriter:
    """Adds files to a backup and remembers what it added."""

    tar: tarfile.TarFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_file(self, name: str, path: Path) -> None:
        """Add a file as it is now. One that grows meanwhile is copied up to the size that it had at first."""
        with path.open("rb") as source:
            size = path.stat().st_size
            self._add(name, source, size)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a member with that content."""
        self._add(name, io.BytesIO(content), len(content))

    def finish(self, about: Mapping[str, Any]) -> str:
        """Add the table of contents, with `about` in it, and return its SHA-256."""
        body = json.dumps({"format": FORMAT, **about, "members": self.members}, default=str).encode()
        self._add(CONTENTS, io.BytesIO(body), len(body))
        return hashlib.sha256(body).hexdigest()

    def _add(self, name: str, source: BinaryIO, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, _OWNERS_ONLY
        hashing = _Hashing(source, size)
        try:
            self.tar.addfile(info, hashing)
        except OSError as error:
            if hashing.left == 0:
                raise
            raise UnavailableError(
                "A file changed while it was copied.", remedy="Run the backup again.", where=name
            ) from error
        self.members[name] = {"size": size, "digest": hashing.digest.hexdigest()}


@dataclass(slots=True)
class _Hashing:
    """Reads at most `left` bytes of a source and hashes what it reads."""

    source: BinaryIO
    left: int
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        chunk = self.source.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(chunk)
        self.digest.update(chunk)
        return chunk


@contextmanager
def writing_archive(stream: IO[bytes]) -> Iterator[ArchiveWriter]:
    """Write a backup into a stream."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        compressor.stream_writer(stream, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield ArchiveWriter(tar)


def unpack(path: Path, folder: Path) -> Mapping[str, Any]:
    """Unpack a backup into an empty folder and return its table of contents.

    Only plain files with plain relative names are taken, and every one must be in the table of contents with its size
    and digest. Raises InputError otherwise: nothing of such a file may be used.
    """
    digests: dict[str, tuple[int, str]] = {}
    contents: bytes | None = None
    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    name = _safe_name(member, digests, path)
                    source = tar.extractfile(member)
                    if contents is not None or source is None:
                        raise _unusable(path, "something follows its table of contents")
                    if name == CONTENTS:
                        contents = _small(source, member.size, path)
                    else:
                        digests[name] = _extract(source, folder / name, member.size, path)
            while stream.read(_CHUNK_BYTES):
                pass  # to the end, where the checksum is
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise _unusable(path, f"it is cut short or not a backup ({error})") from error
    except OSError as error:
        if error.filename is None or error.filename == str(path):
            raise _unusable(path, f"it cannot be read ({error.strerror or error})") from error
        raise
    return _checked(contents, digests, path)


def _safe_name(member: tarfile.TarInfo, seen: Mapping[str, Any], path: Path) -> str:
    pure = PurePosixPath(member.name)
    plain = str(pure) == member.name and not pure.is_absolute() and ".." not in pure.parts and "\\" not in member.name
    if not member.isreg() or member.sparse is not None or not plain or member.name in ("", "."):
        raise _unusable(path, f"it holds {member.name!r}, which is no plain file below it")
    if member.name in seen:
        raise _unusable(path, f"it holds {member.name!r} twice")
    return member.name


def _extract(source: IO[bytes], target: Path, size: int, path: Path) -> tuple[int, str]:
    if size > shutil.disk_usage(path.parent if not target.parent.exists() else target.parent).free:
        raise UnavailableError(
            "There is no room for what the backup holds.", remedy="Free some space.", where=str(path)
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    hashing = _Hashing(source, size)  # type: ignore[arg-type] # it needs read() only
    with target.open("xb") as out:
        while chunk := hashing.read(_CHUNK_BYTES):
            out.write(chunk)
    target.chmod(_OWNERS_ONLY)
    return size - hashing.left, hashing.digest.hexdigest()


def _small(source: IO[bytes], size: int, path: Path) -> bytes:
    if size > _CONTENTS_BYTES_MAX:
        raise _unusable(path, "its table of contents is too large")
    return source.read()


def _checked(contents: bytes | None, found: Mapping[str, tuple[int, str]], path: Path) -> Mapping[str, Any]:
    if contents is None:
        raise _unusable(path, "it has no table of contents, so it is not whole")
    try:
        body: Mapping[str, Any] = json.loads(contents)
        told = {name: (int(entry["size"]), str(entry["digest"])) for name, entry in body["members"].items()}
        layout = int(body["format"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, "its table of contents cannot be read") from error
    if layout != FORMAT:
        raise InputError("A newer winnow made this backup.", remedy="Restore it with that winnow.", where=str(path))
    for name in sorted({*told, *found}):
        if told.get(name) != found.get(name):
            raise _unusable(path, f"{name} is not what was backed up")
    return body


def _unusable(path: Path, why: str) -> InputError:
    return InputError(f"The backup cannot be used: {why}.", remedy=_REMEDY, where=str(path))
