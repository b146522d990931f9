"""The database: SQLite by default, PostgreSQL by URL."""

from screening.store.frames import CAPS, DECISIONS, SCREENINGS, SOURCES
from screening.store.runs import LATEST, RunRecord
from screening.store.store import Store, open_store

__all__ = ["CAPS", "DECISIONS", "LATEST", "SCREENINGS", "SOURCES", "RunRecord", "Store", "open_store"]
