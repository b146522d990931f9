"""The structured log: one JSON object per line, for machines that watch winnow.

Events carry names, ids and counts. What could be a secret or personal data is masked on the way out, whoever logged it:
passwords in URLs, members named like secrets, mail and network addresses. Of an exception its type and the places it
went through are kept, never its text, which may quote a row.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import datetime
from ipaddress import IPv6Address
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict

from screening.settings import without_passwords
from screening.settings.logs import LogSettings

LOG_FOLDER = "logs"
_OWN = "winnow"
_LOGGERS = (_OWN, "screening")
_SECRET_NAMES = re.compile(r"password|secret|token|credential|authorization|cookie|api_?key", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@'\"<>]+@[^\s@'\"<>]+\.[^\s@'\"<>]+")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_PERHAPS_IPV6 = re.compile(r"(?<![\w:])[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*:[0-9a-fA-F:.]*(?![\w:])")
_DEEPEST_FRAMES = 12


def events() -> structlog.stdlib.BoundLogger:
    """Return the log of what jobs did. Nothing is written until `start_log` says where to."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(_OWN)
    return logger


def start_log(settings: LogSettings, workspace: Path, now: datetime) -> None:
    """Send events to where the settings say; for `file` to logs/winnow-DAY.jsonl in the workspace.

    A log that cannot be written stops nothing: it goes to standard error instead, which says so.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for handler in [handler for handler in logger.handlers if isinstance(handler, _JsonLines)]:
            logger.removeHandler(handler)
            handler.close()
    if settings.target == "none":
        return
    handler = _handler(settings, workspace, now)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(settings.level.upper())
        logger.addHandler(handler)
        logger.propagate = False


class _JsonLines(logging.StreamHandler[Any]):
    """Writes to a stream; `owned` when the stream is a file that closes with it."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path.open("a", encoding="utf-8") if path else sys.stderr)
        self._owned = path is not None
        self.setFormatter(_formatter())

    def close(self) -> None:
        """Close the file; standard error stays open."""
        if self._owned:
            self.stream.close()
        super().close()


def _handler(settings: LogSettings, workspace: Path, now: datetime) -> _JsonLines:
    if settings.target == "stderr":
        return _JsonLines(None)
    folder = workspace / LOG_FOLDER
    try:
        folder.mkdir(exist_ok=True)
        return _JsonLines(folder / f"winnow-{now:%Y-%m-%d}.jsonl")
    except OSError as error:
        handler = _JsonLines(None)
        record = {"event": "the log cannot be written", "folder": str(folder), "cause": error.strerror}
        handler.handle(logging.LogRecord(_OWN, logging.ERROR, "", 0, str(record), None, None))
        return handler


def _formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_exception_text,
            _masked,
            structlog.processors.JSONRenderer(sort_keys=False, default=str),
        ],
    )


def _without_exception_text(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    raised = event.pop("exc_info", None)
    error = raised if isinstance(raised, BaseException) else raised[1] if isinstance(raised, tuple) else None
    if error is None and raised is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["error"] = type(error).__name__
        event["at"] = _places(error.__traceback__)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_DEEPEST_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _masked(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    return {name: "***" if _SECRET_NAMES.search(name) else _mask(value) for name, value in event.items()}


def _mask(value: Any) -> Any:  # noqa: ANN401 - whatever somebody logged
    if isinstance(value, str):
        text = _MAIL.sub("<mail>", str(without_passwords(value)))
        return _IPV4.sub("<address>", _PERHAPS_IPV6.sub(_without_ipv6, text))
    if isinstance(value, dict):
        return {key: "***" if _SECRET_NAMES.search(str(key)) else _mask(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(inner) for inner in value]
    return value


def _without_ipv6(found: re.Match[str]) -> str:
    try:
        IPv6Address(found[0])
    except ValueError:
        return found[0]  # a time of day, or whatever else has colons
    return "<address>"


_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

logging.getLogger(_OWN).addHandler(logging.NullHandler())
logging.getLogger(_OWN).propagate = False
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)
