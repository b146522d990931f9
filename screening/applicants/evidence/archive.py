"""The archive of one application's crawl: a WARC file (ISO 28500) that any web archive tool can open and replay."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from screening.applicants.records import Fetch
from screening.errors import IntegrityError

WARC_NAME = "crawl.warc.gz"
LINKS_WARC_NAME = "links.warc.gz"
"""Holds the pages that were looked at for links to the applicant's sites."""
_LEVEL = 1
"""Compression level: pages shrink to a fifth at a third of the time of the library's 9."""
_GZIP = zlib.MAX_WBITS | 16
_UNDONE = frozenset({"content-encoding", "transfer-encoding", "content-length"})
"""Headers that no longer describe the body, which is kept decoded; the originals stay beside them under a prefix."""
_ORIGINAL = "x-original-"


class Archive:
    """Writes the fetches of one application; used by one thread at a time."""

    def __init__(self, folder: Path, most_bytes: int, about: Sequence[tuple[str, str]], name: str = WARC_NAME) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name
        self._file: BinaryIO = self._path.open("wb")
        self._room = most_bytes
        self.cut = False
        lines = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in about)
        self._write("warcinfo", None, lines.encode(), {}, "application/warc-fields")

    def keep(self, fetch: Fetch) -> Fetch:
        """Write a fetch and return it with the id of the record that holds it.

        An answer becomes a `response` record with the decoded body, and beside it a `metadata` record tells the whole
        story: hops, flags, failure, address. Without an answer there is only the latter.
        """
        identifier = f"<urn:uuid:{uuid4()}>"
        story = {"WARC-Date": fetch.fetched_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        if fetch.address is not None:
            story["WARC-IP-Address"] = fetch.address
        if fetch.status is not None:
            self._response(fetch, identifier, story)
            story = {**story, "WARC-Concurrent-To": identifier}
        else:
            story = {**story, "WARC-Record-ID": identifier}
        self._write("metadata", fetch.final_url, _story(fetch), story, "application/json")
        return replace(fetch, record_id=identifier)

    def close(self) -> None:
        """Finish the file; it is on disk afterwards."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _response(self, fetch: Fetch, identifier: str, story: dict[str, str]) -> None:
        body = fetch.body[: self._room]
        self._room -= len(body)
        headers = {**story, "WARC-Record-ID": identifier}
        if len(body) < len(fetch.body):
            self.cut = True
        if len(body) < len(fetch.body) or "truncated" in fetch.flags:
            headers["WARC-Truncated"] = "time" if fetch.error == "deadline" else "length"
        self._write("response", fetch.final_url, body, headers, None, _http(fetch, len(body)))

    def _write(
        self,
        kind: str,
        url: str | None,
        body: bytes,
        headers: dict[str, str],
        content_type: str | None,
        http: StatusAndHeaders | None = None,
    ) -> None:
        buffer = io.BytesIO()
        writer = WARCWriter(buffer, gzip=False, warc_version="1.1")
        record = writer.create_warc_record(
            url,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            warc_content_type=content_type or "",
            warc_headers_dict=headers,
            http_headers=http,
        )
        writer.write_record(record)
        engine = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._file.write(engine.compress(buffer.getvalue()) + engine.flush())


def read_bodies(folder: Path) -> dict[str, bytes]:
    """Return the body of every response in an archive by record id. Raises IntegrityError when it cannot be read."""
    path = folder / WARC_NAME
    try:
        with path.open("rb") as file:
            return {
                record.rec_headers.get_header("WARC-Record-ID"): record.content_stream().read()
                for record in ArchiveIterator(file, no_record_parse=False)
                if record.rec_type == "response"
            }
    except (OSError, ArchiveLoadFailed, ValueError) as error:
        raise IntegrityError(
            f"The archive of a crawl cannot be read: {error}.", remedy="Screen the applicant again.", where=str(path)
        ) from error


def _http(fetch: Fetch, length: int) -> StatusAndHeaders:
    status = fetch.status or 0
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = [(f"{_ORIGINAL}{name}" if name in _UNDONE else name, _one_line(value)) for name, value in fetch.headers]
    headers.append(("content-length", str(length)))
    return StatusAndHeaders(f"{status} {phrase}", headers, protocol="HTTP/1.1")


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _story(fetch: Fetch) -> bytes:
    return json.dumps(
        {
            "asked": fetch.url,
            "final": fetch.final_url,
            "hops": [{"url": hop.url, "status": hop.status, "location": hop.location} for hop in fetch.hops],
            "status": fetch.status,
            "flags": list(fetch.flags),
            "error": fetch.error,
            "elapsed_seconds": round(fetch.elapsed_seconds, 6),
            "address": fetch.address,
            "body_sha256": fetch.body_digest,
        }
    ).encode()
