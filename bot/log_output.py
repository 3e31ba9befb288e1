"""A stream for log lines that never blocks and never raises, even if its reader hangs or has died.

Writing to a pipe blocks if the reader hangs, and raises if it has died. So the output is polled before every write.
Lines that it does not take now are kept, up to `LINES_KEPT`; further lines are dropped and counted.
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
FINISH_WITHIN = 1.0  # seconds to wait for the reader when the process ends
PIPE_CHUNK = select.PIPE_BUF  # bytes that a pipe takes without blocking, once it is writable

# One counter per process, as there is one log; every service registers it among its own metrics.
DROPPED = Counter(
    "countersign_log_lines_dropped",
    "Log lines that could not be written: their reader hangs or is gone.",
    registry=None,
)


class LogOutput:
    """Wraps a stream that has a file descriptor. Safe to share between threads."""

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
        """At the end of the process, give the reader `FINISH_WITHIN` seconds to take the kept lines."""
        with self._lock:
            self._write_lines(wait=FINISH_WITHIN)

    def _write_lines(self, wait: float) -> None:
        try:
            while self._lines and self._poll.poll(wait * 1000):
                self._write_some()
        except BlockingIOError:
            return  # another process filled the pipe after the poll
        except OSError:
            self._on_drop(len(self._lines))
            self._lines.clear()

    def _write_some(self) -> None:
        if not self._lines:  # a finalizer logged during the poll, and wrote the lines
            return
        line = self._lines[0]
        count = os.write(self._descriptor, line[:PIPE_CHUNK])
        if count < len(line):
            self._lines[0] = line[count:]
        else:
            self._lines.popleft()
