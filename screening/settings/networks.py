"""Settings of affiliate networks: where events come from, where caps and statuses go, and each network's limits."""

from __future__ import annotations

from typing import Literal

from screening.settings.section import Section, setting

_HTTPS = r"^https://"


class PushSettings(Section):
    """How caps and conversion statuses are handed to the network."""

    to: Literal["none", "file", "everflow"] = setting("where changes go", unit="choice")
    attempts: int = setting("times a change is sent before it is left for the next run", unit="times", ge=1, le=10)
    settle_seconds: float = setting(
        "how long a network may take to show a change that it accepted", unit="s", ge=0.0, le=600
    )
    poll_seconds: float = setting("pause between two looks at whether it shows", unit="s", ge=0.01, le=60)
    status_days: int = setting("age of conversions up to which their statuses are pushed", unit="days", ge=1, le=365)


class FileNetworkSettings(Section):
    """A folder of files that a person uploads to the network."""

    folder: str = setting("folder below the workspace, or a full path", unit="text")


class EverflowSettings(Section):
    """Everflow, through its network API."""

    pull: bool = setting("take clicks and conversions from there every night", unit="switch")
    url: str = setting("address of the API, with its version", unit="text", pattern=_HTTPS)
    key_variable: str = setting("environment variable that holds the API key", unit="text")
    key_file: str = setting("file that holds the API key, where no variable does; empty: none", unit="text")
    ca_file: str = setting(
        "certificates of a private authority that the API's may be of; empty: the public ones", unit="text"
    )
    requests_per_second: float = setting("most requests per second", unit="1/s", ge=0.1, le=1000)
    connect_seconds: float = setting("longest wait for a connection", unit="s", ge=0.1, le=60)
    read_seconds: float = setting("longest silence of the API inside an answer", unit="s", ge=0.1, le=300)
    retries: int = setting("times that a refused or failed call is made again", unit="times", ge=0, le=10)
    backoff_seconds: float = setting("pause before the first repetition; it doubles with each", unit="s", ge=0, le=60)
    page_rows: int = setting("rows of one page of an answer", unit="rows", ge=1, le=10_000)
    clicks_max: int = setting(
        "clicks that one answer holds at most; a period with as many is halved", unit="rows", ge=1, le=100_000
    )
    window_days: int = setting("longest period that one call asks for", unit="days", ge=1, le=14)
    first_days: int = setting("how far back the first pull reaches", unit="days", ge=1, le=90)
    overlap_hours: int = setting(
        "how far before the end of the last pull the next one of conversions begins, for late and revised ones",
        unit="h",
        ge=0,
        le=2160,
    )
    overlap_clicks_hours: int = setting(
        "how far before the end of the last pull the next one of clicks begins, for late ones", unit="h", ge=0, le=336
    )
    statuses_per_call: int = setting("conversions that one call changes", unit="conversions", ge=1, le=1000)
    utc_zone_id: int = setting("the API's number of the time zone UTC", unit="id", ge=0, le=10_000)


class NetworkSettings(Section):
    """Affiliate networks."""

    push: PushSettings
    file: FileNetworkSettings
    everflow: EverflowSettings
