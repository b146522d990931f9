"""Settings: one typed, frozen tree; every default stands in config.yaml, never in code."""

from screening.settings.load import Loaded, Source, load_settings
from screening.settings.tree import Settings

__all__ = ["Loaded", "Settings", "Source", "load_settings"]
