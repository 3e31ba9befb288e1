"""Where log lines go: writing one never fails and never waits, whatever became of the reader.

A pipe whose reader hangs blocks its writer, and one whose reader has died raises. So the output is asked
first whether it takes anything now. Lines that it does not take wait, up to `LINES_KEPT`; what is more is dropped and
counted.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import TextIO

from prometheus_client import Counter

LINES_KEPT = 10_000
AT_THE_END = 1.0  # seconds that the end of the process waits for the reader
AT_ONCE = select.PIPE_BUF  # so many bytes go into a pipe without waiting, once it takes any

# It belongs to the process, as the log does: each service shows it among its own metrics.
DROPPED = Counter(
    "countersign_log_lines_dropped",
    "Log lines that could not be written: their reader hangs or is gone.",
    registry=None,
)


class LogOutput:
    """A stream for loggers, over one that has a file descriptor. Safe to share between threads."""

    def __init__(self, stream: TextIO, on_drop: Callable[[float], object] = DROPPED.inc) -> None:
        self._descriptor, self._on_drop = stream.fileno(), on_drop
        self._lines: deque[bytes] = deque()
        self._lock = threading.RLock()  # a finalizer may log while a line is written, in the same thread
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, line: str) -> None:
        with self._lock:
            if len(self._lines) < LINES_KEPT:
                self._lines.append(line.encode("utf-8", "backslashreplace"))
            else:
                self._on_drop(1)
            self._write_lines(wait=0)

    def flush(self) -> None:
        with self._lock:
            self._write_lines(wait=0)

    def finish(self) -> None:
        """At the end of the process: what waits may still be read."""
        with self._lock:
            self._write_lines(wait=AT_THE_END)

    def _write_lines(self, wait: float) -> None:
        try:
            while self._lines and self._poll.poll(wait * 1000):
                self._write_some()
        except BlockingIOError:
            return  # the reader was slower after all
        except OSError:
            self._on_drop(len(self._lines))
            self._lines.clear()

    def _write_some(self) -> None:
        if not self._lines:  # a finalizer logged while the output was asked, and wrote them
            return
        line = self._lines[0]
        written = os.write(self._descriptor, line[:AT_ONCE])
        if written < len(line):
            self._lines[0] = line[written:]
        else:
            self._lines.popleft()
