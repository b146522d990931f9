"""The database: SQLite by default, PostgreSQL by URL."""

from screening.store.appeals import Answer, Appeal
from screening.store.audit import AuditEvent, AuditHead
from screening.store.cases import AnsweredCase, Case, CaseEvent
from screening.store.frames import CAPS, DECISIONS, SCREENINGS, SOURCES
from screening.store.keys import ApiKey, KeptAnswer
from screening.store.labels import Label
from screening.store.ledger import RELEASES, ReleasedBeforeError
from screening.store.observations import Observation
from screening.store.outbox import LetterStatus, Outcome, StoredLetter
from screening.store.pushes import Push
from screening.store.recommendations import CapVerdict
from screening.store.registry import ModelRecord
from screening.store.runs import LATEST, RunRecord
from screening.store.sessions import Session
from screening.store.store import Records, Store, open_store
from screening.store.users import User
from screening.store.verdicts import VERDICT_COLUMNS

__all__ = [
    "CAPS",
    "DECISIONS",
    "LATEST",
    "RELEASES",
    "SCREENINGS",
    "SOURCES",
    "VERDICT_COLUMNS",
    "Answer",
    "AnsweredCase",
    "ApiKey",
    "Appeal",
    "AuditEvent",
    "AuditHead",
    "CapVerdict",
    "Case",
    "CaseEvent",
    "KeptAnswer",
    "Label",
    "LetterStatus",
    "ModelRecord",
    "Observation",
    "Outcome",
    "Push",
    "Records",
    "ReleasedBeforeError",
    "RunRecord",
    "Session",
    "Store",
    "StoredLetter",
    "User",
    "open_store",
]
