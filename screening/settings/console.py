"""Settings of the console and of the HTTP API."""

from __future__ import annotations

from pydantic import IPvAnyNetwork

from screening.settings.section import Section, setting


class LoginSettings(Section):
    """Signing in."""

    password_letters_min: int = setting("shortest password", unit="letters", ge=8, le=128)
    given_password_hours: float = setting(
        "how long a password that an admin gave holds until its owner has changed it", unit="hours", ge=0.1, le=720
    )
    idle_minutes: int = setting("a session that nobody used for this long ends", unit="minutes", ge=1, le=10080)
    session_hours: float = setting("a session ends after this long in any case", unit="hours", ge=0.1, le=720)
    window_minutes: float = setting("time over which failed logins are counted", unit="minutes", ge=1, le=1440)
    failures_per_account: int = setting(
        "failed logins to one account from browsers that never signed in to it before such browsers must wait",
        unit="logins",
        ge=1,
        le=1000,
    )
    failures_per_device: int = setting(
        "failed logins to one account from one browser that signed in to it before", unit="logins", ge=1, le=1000
    )
    failures_per_address: int = setting("failed logins from one address", unit="logins", ge=1, le=100000)
    device_days: int = setting("a browser that signed in is known for this long", unit="days", ge=1, le=730)


class ApiSettings(Section):
    """The HTTP API."""

    page_rows: int = setting("rows of a page when the caller names no number", unit="rows", ge=1, le=1000)
    page_rows_max: int = setting("most rows of a page", unit="rows", ge=1, le=10000)
    decisions_per_call: int = setting("most conversions of one payout request", unit="rows", ge=1, le=100000)
    answers_hours: float = setting(
        "how long the answer to an idempotency key is kept and given again", unit="hours", ge=1, le=8760
    )
    key_seconds: float = setting(
        "how long a key once found good is taken without asking the database; a revoked key works that much longer",
        unit="s",
        ge=0,
        le=300,
    )
    metrics_seconds: float = setting("how long counted metrics are given again", unit="s", ge=0, le=3600)


class WebhookSettings(Section):
    """Messages to other programs."""

    allow_networks: tuple[IPvAnyNetwork, ...] = setting(
        "private networks that messages may go to, such as 10.1.2.0/24; empty: public addresses only",
        unit="networks",
    )
    timeout_seconds: float = setting("how long a receiver may take to answer", unit="s", ge=0.1, le=120)
    attempts_max: int = setting("how often a message is tried before it counts as failed", unit="tries", ge=1, le=50)
    first_wait_seconds: float = setting(
        "wait after the first failed try; it doubles each time", unit="s", ge=0.1, le=3600
    )
    longest_wait_seconds: float = setting("longest wait between two tries", unit="s", ge=1, le=604800)


class ConsoleSettings(Section):
    """The console and the HTTP API: `winnow serve`."""

    host: str = setting("address that the server listens at", unit="text")
    port: int = setting("port that the server listens at", unit="number", ge=1, le=65535)
    public_url: str = setting(
        "how people reach the console, such as https://winnow.example.com; empty: the address it listens at",
        unit="text",
        pattern=r"^$|^https?://[^/\s?#@]+$",
    )
    allowed_hosts: tuple[str, ...] = setting(
        "names in requests that are answered, beside that of public_url and of this machine", unit="names"
    )
    trusted_proxies: tuple[str, ...] = setting(
        "addresses of proxies whose word on the caller's address is believed", unit="addresses"
    )
    request_bytes_max: int = setting("largest request without a file", unit="bytes", ge=1024, le=1 << 30)
    upload_bytes_max: int = setting("largest request with a file", unit="bytes", ge=1024, le=1 << 36)
    login: LoginSettings
    api: ApiSettings
    webhooks: WebhookSettings
