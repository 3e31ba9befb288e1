"""Logs are events with ids: one line each, as text for people or as JSON for machines. Never parameters or keys."""

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

# Renderers spell out what is inside a container.
_PLAIN = (bool, int, float, type(None), list, tuple, dict)


def set_up(form: LogFormat, stream: TextIO | None = None) -> None:
    """The service's own events and the libraries' warnings, in the same form: on stderr, or where else they belong."""
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last, output = _renderer(form, stream), _output(stream)
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, legible, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[_bare, legible, last], foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _output(stream: TextIO) -> TextIO:
    """A stream without a file descriptor lies in memory: it takes everything."""
    try:
        output = LogOutput(stream)
    except UnsupportedOperation:
        return stream
    atexit.register(output.finish)
    return cast("TextIO", output)  # loggers write and flush, and ask for nothing else


def request_log() -> logging.Logger:
    """For the HTTP server itself. What it could not parse is told without its text: a key may stand in it."""
    logger = logging.getLogger("bot.http")
    logger.addFilter(_without_its_text)
    return logger


def _without_its_text(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.msg, record.args = "http.unreadable", ()
        record.exc_info = record.exc_text = None
    return True


def _renderer(form: LogFormat, stream: TextIO) -> structlog.typing.Processor:
    """JSON for machines, colours for somebody who looks on, plain `name=value` for a file."""
    if form is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    if stream.isatty():
        # A prettier traceback would show the variables of each frame, and among them keys.
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)


def legible(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What others wrote cannot move the cursor, colour a terminal, begin a line of its own or break the encoding."""
    return {name: value if isinstance(value, _PLAIN) else _escaped(name, str(value)) for name, value in event.items()}


def _escaped(name: str, text: str) -> str:
    """All that is not printed as it stands, spelled out; the lines of a traceback stay lines."""
    if text.isprintable():
        return text
    kept = "\n" if name in ("exception", "stack") else ""
    return "".join(each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text)


def _bare(_: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
