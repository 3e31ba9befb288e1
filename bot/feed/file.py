"""Writes the feed to a file or to stdout, one event a line, for a program that collects logs.

A reader never sees half a line: a file that is full is cut back to its last whole line. If the file was renamed or
deleted, by a program that rotates logs, it is opened again under its name. Lines are on disk before the database
records that they were sent. stdout has no disk and cannot be cut back: after a break, the next line begins on a new
one. A pipe whose reader hangs keeps nobody else waiting, because it is polled before each write.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from rules.record.cloud_event import CloudEvent, encode_cloud_event
from scheduler.feed.receiver import Receipt

STDOUT = "-"
MODE = 0o600
WAIT_FOR_READER = 10.0  # seconds
_CHUNK = select.PIPE_BUF  # bytes that a pipe takes without blocking, once it is writable


class FeedFile:
    at_once = 1  # chains: lines are written one after the other anyway

    def __init__(self, name: str) -> None:
        self.name = name
        self._descriptor: int | None = None
        self._torn = False  # the last line of a stream is not whole
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed-file")

    async def take(self, events: Sequence[CloudEvent]) -> Receipt:
        lines = b"".join(encode_cloud_event(event) + b"\n" for event in events)
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, lines)
        except OSError as fault:
            return Receipt(0, f"cannot be written: {fault.strerror or fault}")
        return Receipt(len(events))

    def check(self) -> None:
        """Open it, as `take` would, and raise OSError if that fails."""
        self._open()

    def close(self) -> None:
        self._thread.shutdown()
        if self._descriptor is not None and self.name != STDOUT:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, lines: bytes) -> None:
        descriptor = self._open()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            _append(descriptor, lines)
        else:
            self._stream(descriptor, lines)

    def _open(self) -> int:
        if self._descriptor is None or not self._is_current(self._descriptor):
            self._reopen()
        assert self._descriptor is not None  # noqa: S101 - just opened
        return self._descriptor

    def _is_current(self, descriptor: int) -> bool:
        if self.name == STDOUT:
            return True
        with suppress(FileNotFoundError):
            return os.path.samestat(Path(self.name).stat(), os.fstat(descriptor))
        return False

    def _reopen(self) -> None:
        before, self._descriptor = self._descriptor, None
        if before is not None:
            os.close(before)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = 1 if self.name == STDOUT else os.open(self.name, flags, MODE)

    def _stream(self, descriptor: int, lines: bytes) -> None:
        rest = b"\n" + lines if self._torn else lines
        poll, until = select.poll(), time.monotonic() + WAIT_FOR_READER
        poll.register(descriptor, select.POLLOUT)
        while rest:
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                raise TimeoutError(None, f"its reader took nothing for {WAIT_FOR_READER:g} s")
            rest = rest[os.write(descriptor, rest[:_CHUNK]) :]
            self._torn = bool(rest)


def _append(descriptor: int, lines: bytes) -> None:
    """Write all lines or none. The lock keeps other processes of this machine from writing meanwhile."""
    with _locked(descriptor):
        size = os.lseek(descriptor, 0, os.SEEK_END)  # stdout may be a file that was not opened to append
        try:
            rest = lines
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
