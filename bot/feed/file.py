"""Writes the feed to a file or to stdout, one event a line, for a program that collects logs.

**A file.** Lines are on disk before the database records that they were sent. If the disk is full, the whole lines
stay, and a half one is cut off. If a process died within a line, the next line begins on a new one. If the file was
renamed or deleted, by a program that rotates logs, it is opened again under its name; lines that were written while
this happened are written again, because the other file may be compressed or gone.

**A stream**: a pipe, or stdout in whatever form, because other programs may write there too. It has no disk and cannot
be cut: after a half line, the next line begins on a new one.

No reader and no other process can hang the service: the lock and the pipe are waited for only for a while.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import structlog

from bot.feed.lines import LinesWritten, append_lines, stream_lines
from rules.record.cloud_event import CloudEvent, encode_cloud_event
from scheduler.feed.receiver import Receipt

log = structlog.get_logger()

STDOUT = "-"
MODE = 0o600  # of a new file
OPEN_TO_OTHERS = stat.S_IWGRP | stat.S_IRWXO  # the group may read: that is how collectors of logs get access
HANGS_AFTER = 30.0  # seconds: a network drive can hang in ways that no timeout of ours ends
_MAX_ROTATIONS = 3  # of the file, while the same lines are written
_FLAGS = os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW


class FeedFile:
    """Implements `scheduler.feed.receiver.FeedReceiver`. `name`: the path of a file or a named pipe, or `STDOUT`."""

    at_once = 1  # lines are written one after the other anyway
    is_shared = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._descriptor: int | None = None
        self._is_torn = False  # the last line of a stream is not whole
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed-file")

    async def take(self, events: Sequence[CloudEvent]) -> Receipt:
        lines = [encode_cloud_event(event) + b"\n" for event in events]
        writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, lines)
        try:
            async with asyncio.timeout(HANGS_AFTER):
                count, fault = await writing
        except TimeoutError:
            count, fault = 0, TimeoutError(None, f"it takes longer than {HANGS_AFTER:g} s")
        return Receipt(count, f"cannot be written: {reason_of(fault)}" if fault else None)

    def check(self) -> None:
        """Raise OSError if `take` could not open it. Creates nothing: the caller may be another user."""
        if self.name == STDOUT:
            return
        try:
            os.close(_open_file(self.name, create=False))
        except FileNotFoundError:
            if not os.access(Path(self.name).parent, os.W_OK | os.X_OK):
                raise

    def close(self) -> None:
        """Does not wait for a file that hangs."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _write(self, lines: list[bytes]) -> LinesWritten:
        try:
            if self.name == STDOUT or not stat.S_ISREG(os.fstat(self._open()).st_mode):
                written, self._is_torn = stream_lines(self._open(), lines, is_torn=self._is_torn)
                return written
            return self._append(lines)
        except OSError as fault:
            return LinesWritten(0, fault)

    def _append(self, lines: list[bytes]) -> LinesWritten:
        for _ in range(_MAX_ROTATIONS):
            descriptor = self._open()
            written = append_lines(descriptor, lines)
            if written.fault or self._is_current(descriptor):
                return written
        return LinesWritten(0, OSError(None, "it is renamed again and again"))

    def _open(self) -> int:
        if self._descriptor is None or not self._is_current(self._descriptor):
            self._close()
            self._descriptor = 1 if self.name == STDOUT else _open_file(self.name, create=True)
            _warn_if_open_to_others(self.name, self._descriptor)
        return self._descriptor

    def _is_current(self, descriptor: int) -> bool:
        """Whether the name still leads to the open file."""
        if self.name == STDOUT:
            return True
        with suppress(FileNotFoundError):
            return os.path.samestat(Path(self.name).lstat(), os.fstat(descriptor))
        return False

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and self.name != STDOUT:
            os.close(descriptor)


def reason_of(fault: OSError) -> str:
    if fault.errno == errno.ELOOP:
        return "it is a symbolic link, which could lead anywhere: name the file itself (stdout is -)"
    return fault.strerror or str(fault)


def _open_file(name: str, *, create: bool) -> int:
    """Open a file for reading too, to see whether its last line is whole. A pipe would then be its own reader."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(Path(name).lstat().st_mode):
            return os.open(name, os.O_WRONLY | _FLAGS)
    return os.open(name, os.O_RDWR | _FLAGS | (os.O_CREAT if create else 0), MODE)


def _warn_if_open_to_others(name: str, descriptor: int) -> None:
    status = os.fstat(descriptor)
    if name != STDOUT and stat.S_ISREG(status.st_mode) and status.st_mode & OPEN_TO_OTHERS:
        log.warning("feed.file_open_to_others", file=name, mode=f"{stat.S_IMODE(status.st_mode):04o}", fix="chmod 0640")
