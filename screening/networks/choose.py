"""The networks that the settings name. API keys come from the environment or a file, never from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from screening.errors import SettingsError
from screening.networks import everflow
from screening.networks.adapter import Network
from screening.networks.everflow import Everflow, Window
from screening.networks.filenet import FileNetwork
from screening.networks.http import Api, Limits
from screening.settings.networks import EverflowSettings, NetworkSettings


def network_of(settings: NetworkSettings, root: Path, environment: Mapping[str, str]) -> Network | None:
    """Return the network that changes go to, None when the settings name none; `root` is the workspace's folder."""
    match settings.push.to:
        case "file":
            return FileNetwork(root / settings.file.folder)
        case "everflow":
            return everflow_of(settings.everflow, root, environment)
        case _:
            return None


def everflow_of(settings: EverflowSettings, root: Path, environment: Mapping[str, str]) -> Everflow:
    """Return the Everflow account of the settings. Raises SettingsError when there is no API key."""
    limits = Limits(
        requests_per_second=settings.requests_per_second,
        connect_seconds=settings.connect_seconds,
        read_seconds=settings.read_seconds,
        retries=settings.retries,
        backoff_seconds=settings.backoff_seconds,
        ca_file=root / settings.ca_file if settings.ca_file else None,
    )
    api = Api(settings.url, {everflow.KEY_HEADER: _key(settings, root, environment)}, limits)
    window = Window(settings.page_rows, settings.clicks_max, timedelta(days=settings.window_days), settings.utc_zone_id)
    return Everflow(api, window, settings.statuses_per_call)


def _key(settings: EverflowSettings, root: Path, environment: Mapping[str, str]) -> str:
    key = environment.get(settings.key_variable, "").strip()
    if not key and settings.key_file:
        path = root / settings.key_file
        try:
            key = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                "The file of the API key cannot be read.", remedy="Check name and rights.", where=str(path)
            ) from error
    if not key or not key.isprintable():
        raise SettingsError(
            "There is no API key for Everflow.",
            remedy=f"Set the variable {settings.key_variable}, or name a file in networks.everflow.key_file.",
            where="networks.everflow",
        )
    return key
