"""The object storage behind a lake's local mirror.

A lake on S3-compatible storage has the files of a local one, under the same names below its prefix. A workspace keeps a
mirror: the manifests and parts that it has read or written. They are immutable, so a copy never goes stale, and reading
is as fast as from a local lake. A version exists once its manifest does, and that is put under the condition that none
is there: of two writers one wins, and the other has written nothing that anybody sees.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from screening.errors import InputError, IntegrityError, SettingsError, UnavailableError
from screening.workspace import LAKE_ORIGIN

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_TRANSFERS = 8
"""Files that travel at the same time."""
_DELETED_AT_A_TIME = 1000
"""Most objects that S3 deletes in one request."""
_DRAFT = ".fetching"
_REMEDY = "Check the network, and the storage's address and rights (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...)."


class Named(Protocol):
    """What has a path relative to the lake."""

    @property
    def path(self) -> str:
        """The path."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of the storage: its path relative to the lake and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Remote:
    """Object storage under a URL such as `s3://bucket/prefix`. Credentials come from the environment (AWS_...).

    Every method raises UnavailableError when the storage does not answer or refuses.
    """

    url: str
    store: ObjectStore

    def newest_manifest(self, folder: str, known: int, name: Callable[[int], str]) -> int:
        """Return the number of the newest manifest in `folder`, given that number `known` is there (0: none)."""
        after = f"{folder}/{name(known)}" if known else None
        with self._answering():
            numbers = [_number(entry["path"]) for batch in self._list(folder, after) for entry in batch]
        return max([known, *numbers])

    def fetch(self, path: str, root: Path) -> bool:
        """Copy an object to its place in the mirror, in one step. False when there is none."""
        import obstore  # noqa: PLC0415 - an extra, needed by lakes on object storage only

        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{os.getpid()}{_DRAFT}")
        try:
            with self._answering(), draft.open("wb") as file:
                for chunk in obstore.get(self.store, path).stream():
                    file.write(chunk)
            draft.replace(target)
        except FileNotFoundError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def fetch_all(self, paths: Iterable[str], root: Path) -> None:
        """Copy the objects that the mirror lacks. One that is not there is left out."""
        lacking = [path for path in dict.fromkeys(paths) if not (root / path).is_file()]
        if lacking:
            with ThreadPoolExecutor(_TRANSFERS, "winnow-fetch") as pool:
                list(pool.map(lambda path: self.fetch(path, root), lacking))

    def read(self, path: str) -> bytes:
        """Return the content of an object. Raises IntegrityError when there is none."""
        import obstore  # noqa: PLC0415

        try:
            with self._answering():
                return bytes(obstore.get(self.store, path).bytes())
        except FileNotFoundError as error:
            raise IntegrityError(
                "A file of the lake is missing.", remedy="Restore it from a backup.", where=f"{self.url}/{path}"
            ) from error

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of an object without keeping it, None when there is none."""
        import obstore  # noqa: PLC0415

        digest = hashlib.sha256()
        try:
            with self._answering():
                for chunk in obstore.get(self.store, path).stream():
                    digest.update(chunk)
        except FileNotFoundError:
            return None
        return digest.hexdigest()

    def upload(self, files: Mapping[str, Path]) -> None:
        """Store local files under paths relative to the lake."""
        import obstore  # noqa: PLC0415

        def one(path: str) -> None:
            obstore.put(self.store, path, files[path])

        with self._answering(), ThreadPoolExecutor(_TRANSFERS, "winnow-upload") as pool:
            list(pool.map(one, files))

    def publish(self, path: str, content: bytes) -> bool:
        """Store an object where none is yet. False when another one is there.

        An answer that was lost on the way is asked for again: the same content there is this call's own.
        """
        import obstore  # noqa: PLC0415
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        with self._answering():
            try:
                obstore.put(self.store, path, content, mode="create")
            except AlreadyExistsError:
                return bytes(obstore.get(self.store, path).bytes()) == content
        return True

    def listed(self, folder: str) -> list[Stored]:
        """Return the objects below a folder."""
        with self._answering():
            return [Stored(entry["path"], entry["size"]) for batch in self._list(folder, None) for entry in batch]

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; one that is gone already is no error."""
        import obstore  # noqa: PLC0415

        wanted = list(paths)
        with self._answering():
            for start in range(0, len(wanted), _DELETED_AT_A_TIME):
                obstore.delete(self.store, wanted[start : start + _DELETED_AT_A_TIME])

    def _list(self, folder: str, after: str | None) -> Iterator[Any]:
        import obstore  # noqa: PLC0415

        return iter(obstore.list(self.store, folder, offset=after))

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, PermissionError) as error:
            said = str(error).partition("\n")[0].partition(" in ")[0]
            raise UnavailableError(
                f"The lake's storage did not answer: {said}.", remedy=_REMEDY, where=self.url
            ) from error


def remote_of(root: Path) -> Remote | None:
    """Return the storage that the folder mirrors, None when the folder is the lake itself."""
    try:
        text = (root / LAKE_ORIGIN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        origin = json.loads(text)
        return _opened(str(origin["url"]), float(origin["seconds"]))
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "The mirror does not say of which storage it is one.",
            remedy="Remove the mirror's folder: nothing is lost, it is filled again.",
            where=str(root / LAKE_ORIGIN),
        ) from error


@lru_cache
def _opened(url: str, seconds: float) -> Remote:
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415
        from obstore.store import from_url  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            "A lake on object storage needs an extra package.",
            remedy="Install it: pip install 'winnow[s3]'.",
            where="lake.url",
        ) from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    silence = f"{seconds}s"
    try:
        store = from_url(
            url,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": silence,
                "timeout": silence,
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=seconds)},
        )
    except (BaseError, ValueError) as error:
        raise InputError(f"The lake's URL cannot be used: {error}.", remedy=_REMEDY, where="lake.url") from error
    return Remote(url, store)


def _number(path: str) -> int:
    stem = Path(path).stem
    return int(stem) if stem.isdigit() else 0
