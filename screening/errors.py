"""Every error that winnow raises on purpose, how each ends a command, and the HTTP status that it gets.

    WinnowError                    exit 1   500   something in winnow or around it failed
    ├── InputError                 exit 2   422   arguments or input that cannot be used
    │   ├── NotFoundError          exit 2   404   nothing of that name or number is recorded
    │   └── SettingsError          exit 2   500   an unknown key or a bad value in a settings file or variable
    ├── WorkspaceError             exit 2   500   the workspace is missing, newer than this winnow, or not a workspace
    ├── DeniedError                exit 2   403   this person may not do that
    ├── BusyError                  exit 1   503   another winnow holds the lock; trying later helps
    │   └── ConflictError          exit 1   409   somebody else changed it meanwhile; look again, then decide
    ├── IntegrityError             exit 1   500   stored data is not what was recorded: never continue with it
    └── UnavailableError           exit 1   503   database, lake or network did not answer; trying later may help

Each says the cause, what follows from it, and what to do.
"""

from __future__ import annotations

import errno
import re
from enum import IntEnum
from http import HTTPStatus

_SYSTEM_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk, then do the same again.",
    errno.EDQUOT: "Free some of this user's quota on that disk, then do the same again.",
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), then do the same again.",
    errno.EROFS: "Mount that place so that it can be written, then do the same again.",
    errno.EACCES: "Give the user that runs winnow the right to that place, then do the same again.",
    errno.EPERM: "Give the user that runs winnow the right to that place, then do the same again.",
    errno.EIO: "The disk may be failing: look at the system's log, and keep a backup elsewhere.",
    errno.EMFILE: "Raise the limit on open files (ulimit -n), then do the same again.",
}
"""What to do about an error of the operating system, by its number."""


class ExitCode(IntEnum):
    """Exit statuses of every command."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    """The arguments or the input cannot be used."""
    INCOMPLETE = 3
    """Done, but something was quarantined or held for lack of evidence."""


class WinnowError(Exception):
    """Root of all errors that winnow raises on purpose.

    `cause` is a sentence that says what happened, `remedy` what the reader can do; `where` names file, line and field
    as far as they are known; `retry` says whether the same call may succeed later.
    """

    exit_code = ExitCode.FAILED
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR
    retry = False

    def __init__(self, cause: str, *, remedy: str, where: str | None = None) -> None:
        super().__init__(cause, remedy, where)
        self.cause = cause
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.cause} {self.remedy}"

    def as_data(self) -> dict[str, object]:
        """Return what --json prints for this error."""
        body = {"error": type(self).__name__, "where": self.where, "cause": self.cause, "remedy": self.remedy}
        return {**body, "retry": self.retry}


class InputError(WinnowError):
    """The arguments or an input file cannot be used."""

    exit_code = ExitCode.UNUSABLE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotFoundError(InputError):
    """Nothing of that name or number is recorded."""

    http_status = HTTPStatus.NOT_FOUND


class SettingsError(InputError):
    """A settings file or variable has an unknown key or a bad value."""

    http_status = HTTPStatus.INTERNAL_SERVER_ERROR


class WorkspaceError(WinnowError):
    """The workspace is missing, was made by a newer winnow, or is not a workspace."""

    exit_code = ExitCode.UNUSABLE


class BusyError(WinnowError):
    """Another winnow process holds the lock that this one needs."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    retry = True


class ConflictError(BusyError):
    """Somebody else changed what this call was about to change. Look at it again before trying again."""

    http_status = HTTPStatus.CONFLICT
    retry = False


class DeniedError(WinnowError):
    """A person asked for something that their role does not allow."""

    exit_code = ExitCode.UNUSABLE
    http_status = HTTPStatus.FORBIDDEN


class IntegrityError(WinnowError):
    """Stored data differ from what was recorded when they were written."""


class UnavailableError(WinnowError):
    """A database, lake or network service did not answer."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    retry = True


def of_system(error: OSError) -> UnavailableError:
    """Return what a person is told of an error of the operating system: a full or read-only disk, a missing right."""
    # libraries in Rust give the number in their text only: "No space left on device (os error 28)"
    number = error.errno or next((int(said) for said in re.findall(r"os error (\d+)", str(error))), 0)
    return UnavailableError(
        f"{error.strerror or error}.",
        remedy=_SYSTEM_REMEDIES.get(number, "Look at that place, then do the same again."),
        where=str(error.filename) if error.filename is not None else None,
    )
