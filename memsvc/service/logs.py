"""Logs on stderr: JSON lines, or readable ones on a terminal. Nobody's words are in them unless `log_contents` is set.

What the code logs are names, numbers and states. An exception is the exception: its message may quote a text, so that
of those handed to the log only the kind is written, and of a traceback only the places.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from memsvc.errors import DatabaseError, MissingDependency, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

request_id: ContextVar[str | None] = ContextVar("memsvc_request_id", default=None)
"""The id of the request that is being worked on, in its threads as well."""

SPEAKS_FREELY = (DatabaseError, MissingDependency, SettingsError)
"""Errors whose messages name files, packages and settings, and never hold what somebody wrote."""

_PLACES = 12
"""Places of a traceback that are written, the innermost: what lies around them is the web framework."""

FIELDS = ("verb", "status", "seconds", "code", "key_id", "peer")


def configure(level: str, *, contents: bool, stream: TextIO | None = None) -> None:
    """Send what memsvc and the web server log to stderr, at this level and above."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Readable(contents) if stream.isatty() else JsonLines(contents))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("memsvc").setLevel(level.upper())


def event(logger: logging.Logger, level: int, message: str, **known: Any) -> None:
    """Log one event with what is known of it (`FIELDS`)."""
    logger.log(level, message, extra={name: value for name, value in known.items() if value is not None})


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, contents: bool = False) -> None:
        super().__init__()
        self._contents = contents

    def format(self, record: logging.LogRecord) -> str:
        """`at`, `level`, `logger`, `message`, the request's id, and what the event brought along."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": said(record, self._contents),
            "request_id": request_id.get(), **_fields(record), "error": fault(record, self._contents),
        }  # fmt: skip
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


class Readable(logging.Formatter):
    """A record as a line for a person."""

    def __init__(self, contents: bool = False) -> None:
        super().__init__()
        self._contents = contents

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, and the rest as `name=value`."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        known: dict[str, Any] = {"request": request_id.get(), **_fields(record), "error": fault(record, self._contents)}
        if isinstance(known.get("seconds"), float):
            known["seconds"] = f"{known['seconds']:.3f}"
        rest = " ".join(f"{name}={value}" for name, value in known.items() if value is not None)
        return f"{at} {record.levelname.lower():<8}{said(record, self._contents)}  {rest}".rstrip()


def said(record: logging.LogRecord, contents: bool) -> str:
    """A record's message; of exceptions in it the kind alone, unless contents are wanted or it never holds any."""
    if contents or not isinstance(record.args, tuple):
        return record.getMessage()
    args = tuple(_kind(one) if isinstance(one, BaseException) else one for one in record.args)
    return str(record.msg) % args if args else str(record.msg)


def fault(record: logging.LogRecord, contents: bool) -> str | None:
    """What was raised and where, the innermost place last; its message only if contents are wanted."""
    if record.exc_info is None or record.exc_info[1] is None:
        return None
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    places = " > ".join(f"{Path(one.filename).stem}.{one.name}:{one.lineno}" for one in frames)
    return f"{type(error).__name__}: {error} at {places}" if contents else f"{_kind(error)} at {places}"


def _kind(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, SPEAKS_FREELY) else name


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
