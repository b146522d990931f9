"""What one check of the self-check found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from screening.errors import WinnowError, of_system


class Health(StrEnum):
    """How something is; the order is that of severity, the worst last."""

    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"
    """The check could not be made. Never the same as ok."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: what was looked at, how it is, what was seen, and what to do (empty when it is ok)."""

    subject: str
    health: Health
    seen: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check that has a name and has not run yet. `look` may raise anything; `findings` never does."""

    subject: str
    look: Callable[[], Sequence[Finding]]

    def findings(self) -> Sequence[Finding]:
        """Run the check. Errors of winnow and the system are failures with a remedy; others leave it unknown."""
        try:
            return self.look()
        except WinnowError as error:
            return [self._failed(error)]
        except OSError as error:
            return [self._failed(of_system(error))]
        except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others find
            seen = f"The check broke off: {type(error).__name__}: {error}"
            return [Finding(self.subject, Health.UNKNOWN, seen, "Look into this error first, then check again.")]

    def _failed(self, error: WinnowError) -> Finding:
        place = f"{error.where}: " if error.where else ""
        return Finding(self.subject, Health.FAILED, f"{place}{error.cause}", error.remedy)
