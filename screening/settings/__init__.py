"""Settings: one typed, frozen tree; every default stands in config.yaml, never in code."""

from screening.settings.describe import Description, descriptions
from screening.settings.document import Source
from screening.settings.load import Loaded, load_settings
from screening.settings.secret import without_passwords
from screening.settings.tree import Settings

__all__ = ["Description", "Loaded", "Settings", "Source", "descriptions", "load_settings", "without_passwords"]
