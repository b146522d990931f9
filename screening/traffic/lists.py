"""The reference lists of a workspace: what was imported, when and from where, and the book made of it all.

Below `lists/` each imported list has a folder with a manifest and its ranges, operators or agent patterns as Parquet;
`lists/packages/` keeps what installed packages ship, converted once. The manifest is replaced last, in one step, so
that a killed update leaves the list as it was; the version before stays beside it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

import polars as pl

from features.intelligence import AddressBook, AddressList, AgentBook
from features.intelligence.agents import AgentClass, AgentPattern
from features.intelligence.networks import carried_facts_digest, carried_names
from features.intelligence.ranges import disjoint
from screening.errors import IntegrityError
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED, PackagedList, packaged_agents

_MANIFEST = "manifest.json"
_PACKAGES = "packages"
_DIGEST_SHOWN = 16


class ListKind(StrEnum):
    """What the rows of a list are."""

    ADDRESSES = "addresses"
    OPERATORS = "operators"
    AGENTS = "agents"


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One imported version of a list.

    `list_date` is the date of the data themselves where the file states it, otherwise the file's own date; None for a
    copy, whose own date says nothing of the data: their age is not known. `rows` and `refused` count its lines.
    """

    name: str
    kind: ListKind
    digest: str
    sources: tuple[str, ...]
    file_format: str
    list_date: date | None
    imported_at: datetime
    rows: int
    refused: int
    previous: str | None = None
    """Digest of the version before, which is kept on disk."""

    @property
    def version(self) -> str:
        """What a run records to be repeated with the same list."""
        return f"{self.list_date or 'undated'} sha256:{self.digest}"


@dataclass(frozen=True, slots=True)
class ListFolder:
    """The folder `lists/` of a workspace."""

    root: Path

    def versions(self) -> tuple[ListVersion, ...]:
        """Return the current version of every imported list, by name. Raises IntegrityError for a broken manifest."""
        if not self.root.is_dir():
            return ()
        return tuple(_read_manifest(path) for path in sorted(self.root.glob(f"*/{_MANIFEST}")))

    def rows(self, version: ListVersion) -> pl.DataFrame:
        """Return the rows of a version. Raises IntegrityError when its file is missing or not what was imported."""
        path = self.root / version.name / f"{version.digest[:_DIGEST_SHOWN]}.parquet"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self._damaged(version, path, f"cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != version.digest:
            raise self._damaged(version, path, "is not what was imported")
        return pl.read_parquet(content)

    @staticmethod
    def _damaged(version: ListVersion, path: Path, what: str) -> IntegrityError:
        return IntegrityError(
            f"The list `{version.name}` {what}.",
            remedy=f"Import it again: winnow lists update {version.name} FILE.",
            where=str(path),
        )

    def keep(self, draft: ListVersion, rows: pl.DataFrame) -> ListVersion:
        """Make these rows the current version of their list; the one before stays on disk, older ones go.

        Returns the draft with its digest.
        """
        folder = self.root / draft.name
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / _MANIFEST
        before = _read_manifest(manifest) if manifest.is_file() else None
        content = io.BytesIO()
        rows.write_parquet(content)
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        unchanged = before is not None and before.digest == digest
        previous = None if before is None else before.previous if unchanged else before.digest
        version = replace(draft, digest=digest, previous=previous)
        _put(folder / f"{version.digest[:_DIGEST_SHOWN]}.parquet", content.getvalue())
        _put(manifest, json.dumps(asdict(version), default=str, indent=1).encode())
        kept = {kept[:_DIGEST_SHOWN] for kept in (version.digest, version.previous) if kept}
        for old in folder.glob("*.parquet"):
            if old.stem not in kept:
                old.unlink(missing_ok=True)
        return version


def load_book(
    folder: Path, packages: Sequence[PackagedList] = PACKAGED
) -> tuple[AddressBook, AgentBook, dict[str, str]]:
    """Load everything known of addresses and agents.

    `folder` is the workspace's `lists/`. Imported lists answer before packaged ones. The third value names the version
    of every list that took part, for replay. Raises IntegrityError when a list on disk is not what was imported.
    """
    lists = ListFolder(folder)
    imported = [(version, lists.rows(version)) for version in lists.versions()]
    names = carried_names()
    for version, rows in imported:
        if version.kind is ListKind.OPERATORS:
            names = names.preceded_by(rows)
    addresses = [AddressList(version.name, rows) for version, rows in imported if version.kind is ListKind.ADDRESSES]
    addresses += [AddressList(package.name, _packaged(folder, package)) for package in packages]
    patterns = [
        AgentPattern(pattern, AgentClass(agent_class))
        for version, rows in imported
        if version.kind is ListKind.AGENTS
        for pattern, agent_class in rows.select("pattern", "agent_class").rows()
    ]
    versions = {
        **{version.name: version.version for version, _ in imported},
        **{package.name: package.version for package in (*packages, AGENTS_VERSIONED)},
        "carried-facts": f"sha256:{carried_facts_digest()}",
    }
    return AddressBook.of(addresses, names), AgentBook.of([*patterns, *packaged_agents()]), versions


def _packaged(folder: Path, package: PackagedList) -> pl.DataFrame:
    """Read a package's list from its converted copy; convert it first where there is none."""
    key = package.version.rsplit(":", 1)[-1][:_DIGEST_SHOWN]
    copy = folder / _PACKAGES / f"{package.name}-{key}.parquet"
    if copy.is_file():
        try:
            return pl.read_parquet(copy)
        except pl.exceptions.PolarsError:
            copy.unlink(missing_ok=True)
    frame = package.read()
    frame = frame if "ip_class" in frame.columns else disjoint(frame)
    copy.parent.mkdir(parents=True, exist_ok=True)
    for old in copy.parent.glob(f"{package.name}-*.parquet"):
        old.unlink(missing_ok=True)
    content = io.BytesIO()
    frame.write_parquet(content)
    _put(copy, content.getvalue())
    return frame


def _put(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read_manifest(path: Path) -> ListVersion:
    try:
        fields = json.loads(path.read_bytes())
        imported_at = datetime.fromisoformat(fields["imported_at"]).astimezone(UTC)
        return ListVersion(
            fields["name"],
            ListKind(fields["kind"]),
            fields["digest"],
            tuple(fields["sources"]),
            fields["file_format"],
            None if fields["list_date"] is None else date.fromisoformat(fields["list_date"]),
            imported_at,
            fields["rows"],
            fields["refused"],
            fields["previous"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"The record of an imported list cannot be read: {error}.",
            remedy="Delete its folder and import the list again.",
            where=str(path),
        ) from error
