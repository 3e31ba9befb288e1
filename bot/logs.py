"""Logging: events with ids, one line each, as text or JSON. Action parameters, tokens and keys are never logged.

`set_up` runs once, at the start. The libraries' own logs go through the same renderer. Values from outside are escaped,
so that none can begin a line of its own; `LogOutput` keeps a slow reader from stopping the service.
"""

from __future__ import annotations

import atexit
import logging
import sys
from io import UnsupportedOperation
from typing import TextIO, cast

import structlog
from aiohttp.http_exceptions import HttpProcessingError

from bot.log_output import LogOutput
from bot.settings import LogFormat

# Renderers escape what is inside a container.
_SAFE_TYPES = (bool, int, float, type(None), list, tuple, dict)


def set_up(form: LogFormat, stream: TextIO | None = None) -> None:
    """Write the service's events and the libraries' warnings to one stream, by default stderr, in the same format."""
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer, output = _renderer(form, stream), _output(stream)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, escape_values, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[_drop_internal_fields, escape_values, renderer], foreign_pre_chain=shared
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _output(stream: TextIO) -> TextIO:
    """Wrap the stream, unless it has no file descriptor: writing to memory never blocks."""
    try:
        output = LogOutput(stream)
    except UnsupportedOperation:
        return stream
    atexit.register(output.finish)
    return cast("TextIO", output)  # loggers only call write and flush


def request_log() -> logging.Logger:
    """The logger of the HTTP server. It omits the text of requests that could not be parsed: it may hold a key."""
    logger = logging.getLogger("bot.http")
    logger.addFilter(_hide_unparsed_text)
    return logger


def _hide_unparsed_text(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.msg, record.args = "http.unreadable", ()
        record.exc_info = record.exc_text = None
    return True


def _renderer(form: LogFormat, stream: TextIO) -> structlog.typing.Processor:
    """JSON for machines, colours on a terminal, plain `name=value` for a file."""
    if form is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    if stream.isatty():
        # Rich tracebacks show the variables of each frame, and keys among them.
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)


def escape_values(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape values, so that they cannot move the cursor, colour a terminal, start a line or break the encoding."""
    return {
        name: value if isinstance(value, _SAFE_TYPES) else _escape(name, str(value)) for name, value in event.items()
    }


def _escape(name: str, text: str) -> str:
    """Escape unprintable characters, except the line breaks of a traceback."""
    if text.isprintable():
        return text
    allowed = "\n" if name in ("exception", "stack") else ""
    return "".join(char if char.isprintable() or char in allowed else ascii(char)[1:-1] for char in text)


def _drop_internal_fields(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
