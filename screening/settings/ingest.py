"""Settings of ingest: how event files are read and which rows are refused."""

from __future__ import annotations

from datetime import date

from screening.settings.section import Section, setting

_KIB = 1024
_MIB = 1024 * _KIB


class IngestSettings(Section):
    """Reading event files into the lake."""

    block_bytes: int = setting(
        "text read at a time; memory is a small multiple of it", unit="bytes", ge=4 * _KIB, le=256 * _MIB
    )
    part_rows: int = setting("rows after which a day's part is written", unit="rows", ge=1_000, le=10_000_000)
    buffered_rows: int = setting("rows of all days held back for larger parts", unit="rows", ge=1_000, le=50_000_000)
    field_bytes_max: int = setting("longest field", unit="bytes", ge=256, le=16 * _MIB)
    id_bytes_max: int = setting("longest identifier", unit="bytes", ge=32, le=8 * _KIB)
    record_bytes_max: int = setting("longest record, all its lines together", unit="bytes", ge=1_024, le=64 * _MIB)
    record_lines_max: int = setting("most lines that a quoted record may span", unit="lines", ge=1, le=10_000)
    quarantine_raw_bytes: int = setting("bytes of a refused row kept as text", unit="bytes", ge=100, le=_MIB)
    timezone: str = setting("zone of times that name none, as in `Europe/Berlin`", unit="text")
    future_tolerance_minutes: int = setting(
        "how far ahead of the clock an event may be", unit="minutes", ge=0, le=1_440
    )
    earliest: date = setting("events before this day are refused as mistaken", unit="day")
    extra_currencies: list[str] = setting("currency codes taken beside those of ISO 4217, such as USDT", unit="codes")
    lock_wait_seconds: float = setting("wait for another writer of the lake", unit="s", ge=0, le=86_400)
