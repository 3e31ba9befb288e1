"""Processes of their own, forked from one that has loaded what they import: most of a start is that.

There is one such server for each process of tests, and whoever names last what it loads names it for all: so here.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload([
    "bot.cli",
    "bot.running",
    "tests.bot.process.serving",
    "countersign.cli",
    "tests.scheduler.callbacks.carrier",
    "tests.machines.deliverer",
    "tests.machines.replica",
    "tests.scheduler.time.sweeping",
    "tests.sdk.forked",
    "tests.store.under_load",
    "countersign.langgraph",
    "langgraph.checkpoint.sqlite",
])  # fmt: skip
PATIENCE = 60

Line = Connection


class Forked:
    """`run` is called in it with these arguments and its end of a line, over which both say words."""

    def __init__(self, run: Callable[..., None], *arguments: Any) -> None:
        self._line, theirs = FORKED.Pipe()
        self.its = FORKED.Process(target=run, args=(*arguments, theirs), daemon=True)
        self.its.start()
        theirs.close()

    def say(self, word: str) -> None:
        self._line.send(word)

    async def said(self) -> str | None:
        """The next word; nothing, if it has ended before."""
        return await asyncio.to_thread(self._heard)

    def _heard(self) -> str | None:
        if not self._line.poll(PATIENCE):
            raise TimeoutError
        try:
            return str(self._line.recv())
        except (EOFError, ConnectionResetError):
            return None

    async def ended(self) -> int | None:
        """Its exit code: negative for the signal that killed it."""
        await asyncio.to_thread(self.its.join, PATIENCE)
        return self.its.exitcode

    async def killed(self) -> int | None:
        self.its.kill()
        return await self.ended()


class Program:
    """What `asyncio.create_subprocess_exec` gives, with pipes for its output and no input."""

    def __init__(
        self,
        run: Callable[[], object],
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        ends: tuple[Connection, Connection],
    ) -> None:
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        self._its = FORKED.Process(target=_program, args=(run, arguments, cwd, dict(env), ends), daemon=True)
        self._its.start()
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._its.sentinel, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._its.sentinel)
        self._its.join()
        self._ended.set()

    @property
    def pid(self) -> int:
        assert self._its.pid is not None
        return self._its.pid

    @property
    def returncode(self) -> int | None:
        return self._its.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self._its.exitcode is not None
        return self._its.exitcode

    async def communicate(self) -> tuple[bytes, bytes]:
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err


async def program(run: Callable[[], object], *arguments: str, cwd: Path, env: Mapping[str, str]) -> Program:
    """Calls `run` as a program is called: with these arguments, in this folder and environment."""
    (out, its_out), (err, its_err) = FORKED.Pipe(duplex=False), FORKED.Pipe(duplex=False)
    started = Program(run, arguments, cwd, env, (its_out, its_err))
    for end, reader in ((out, started.stdout), (err, started.stderr)):
        await _piped(end, reader)
    its_out.close()
    its_err.close()
    return started


async def _piped(end: Connection, reader: asyncio.StreamReader) -> None:
    pipe = os.fdopen(os.dup(end.fileno()), "rb", 0)
    end.close()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)


def _program(
    run: Callable[[], object],
    arguments: tuple[str, ...],
    cwd: Path,
    env: Mapping[str, str],
    ends: tuple[Connection, Connection],
) -> None:
    for number, end in enumerate(ends, 1):
        os.dup2(end.fileno(), number)
        end.close()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments
    run()
