"""Writes whole lines to a file or to a stream, and tells how many of them are there.

A receiver must never see a part of a line as an event. In a file, a torn line is cut off again under a lock; a stream
cannot be cut, so the next write begins with a line break. `bot.feed.file` opens the descriptors.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import NamedTuple

WAIT_FOR_READER = 10.0  # seconds, for the reader of a pipe
WAIT_FOR_LOCK = 10.0  # seconds
_LOOK_AT_LOCK_EVERY = 0.05  # seconds
_CHUNK = select.PIPE_BUF  # bytes that a pipe takes without blocking, once it is writable


class LinesWritten(NamedTuple):
    """How many of the lines were written, from the first on, and why the next one was not."""

    taken: int
    fault: OSError | None = None


def append_lines(descriptor: int, lines: Sequence[bytes]) -> LinesWritten:
    """Append to a file. The lock keeps other processes of this machine from writing meanwhile."""
    with _locked(descriptor):
        size = os.fstat(descriptor).st_size
        start = b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""  # a process died within a line
        length, fault = _write_until_fault(partial(os.write, descriptor), start + b"".join(lines))
        count = _count_whole(lines, length - len(start))
        if fault:
            os.ftruncate(descriptor, size + min(length, len(start)) + _length(lines[:count]))
        os.fsync(descriptor)
    return LinesWritten(count, fault)


def stream_lines(descriptor: int, lines: Sequence[bytes], *, is_torn: bool) -> tuple[LinesWritten, bool]:
    """Write to a stream. `is_torn`: its last line is not whole. The second result is `is_torn` for the next call."""
    start, poll = b"\n" if is_torn else b"", select.poll()
    poll.register(descriptor, select.POLLOUT)
    until = time.monotonic() + WAIT_FOR_READER

    def write(content: bytes) -> int:
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError(None, f"its reader took nothing for {WAIT_FOR_READER:g} s")
        return os.write(descriptor, content[:_CHUNK])

    length, fault = _write_until_fault(write, start + b"".join(lines))
    count = _count_whole(lines, length - len(start))
    return LinesWritten(count, fault), length - len(start) != _length(lines[:count])


def _write_until_fault(write: Callable[[bytes], int], content: bytes) -> tuple[int, OSError | None]:
    length = 0
    try:
        while length < len(content):
            length += write(content[length:])
    except OSError as fault:
        return length, fault
    return length, None


def _count_whole(lines: Sequence[bytes], length: int) -> int:
    """How many of the lines fit into this many bytes."""
    return sum(end <= length for end in accumulate(map(len, lines)))


def _length(lines: Sequence[bytes]) -> int:
    return sum(map(len, lines))


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    until = time.monotonic() + WAIT_FOR_LOCK
    while not _lock(descriptor):
        if time.monotonic() > until:
            raise TimeoutError(None, f"another process has locked it for {WAIT_FOR_LOCK:g} s")
        time.sleep(_LOOK_AT_LOCK_EVERY)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
