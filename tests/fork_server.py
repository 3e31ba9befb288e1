"""Run code in forked processes. Their parent, a fork server, has loaded what they import, which is most of a start.

Each test process has one fork server. The last call of `set_forkserver_preload` counts for all, so it is here.
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

FORK_CONTEXT = multiprocessing.get_context("forkserver")
FORK_CONTEXT.set_forkserver_preload([
    "tests.bot.every_command",
    "bot.running",
    "bot.demo.running",
    "tests.bot.process.serving",
    "countersign.cli",
    "tests.scheduler.callbacks.carrier",
    "tests.scheduler.feed.feed_process",
    "tests.machines.deliverer",
    "tests.machines.replica",
    "tests.scheduler.time.sweep_process",
    "tests.sdk.script_process",
    "tests.store.under_load",
    "countersign.langgraph",
    "langgraph.checkpoint.sqlite",
])  # fmt: skip
PATIENCE = 60

Line = Connection


class ForkedProcess:
    """A process that calls `run` with these arguments and a connection, over which both sides send words."""

    def __init__(self, run: Callable[..., None], *arguments: Any) -> None:
        self._line, child_end = FORK_CONTEXT.Pipe()
        self.process = FORK_CONTEXT.Process(target=run, args=(*arguments, child_end), daemon=True)
        self.process.start()
        child_end.close()

    def send(self, word: str) -> None:
        self._line.send(word)

    async def receive(self) -> str | None:
        """The next word; None if the process ended before it sent one."""
        return await asyncio.to_thread(self._receive)

    def _receive(self) -> str | None:
        if not self._line.poll(PATIENCE):
            raise TimeoutError
        try:
            return str(self._line.recv())
        except (EOFError, ConnectionResetError):
            return None

    async def wait(self) -> int | None:
        """Waits for its end and returns its exit code (negative: the signal that killed it)."""
        await asyncio.to_thread(self.process.join, PATIENCE)
        return self.process.exitcode

    async def kill(self) -> int | None:
        self.process.kill()
        return await self.wait()


class Program:
    """A forked process with the interface of `asyncio.subprocess.Process`: pipes for its output, and no input."""

    def __init__(
        self,
        run: Callable[[], object],
        arguments: tuple[str, ...],
        cwd: Path,
        env: Mapping[str, str],
        ends: tuple[Connection, Connection],
    ) -> None:
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        self._process = FORK_CONTEXT.Process(
            target=_run_program, args=(run, arguments, cwd, dict(env), ends), daemon=True
        )
        self._process.start()
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self._process.exitcode is not None
        return self._process.exitcode

    async def communicate(self) -> tuple[bytes, bytes]:
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err


async def start_program(
    run: Callable[[], object], *arguments: str, cwd: Path, env: Mapping[str, str], merged: bool = False
) -> Program:
    """Starts a process that calls `run` as a program: with these arguments, in this folder and environment.

    `merged`: its stderr goes where its stdout goes, as in a terminal.
    """
    (out, its_out), (err, its_err) = FORK_CONTEXT.Pipe(duplex=False), FORK_CONTEXT.Pipe(duplex=False)
    started = Program(run, arguments, cwd, env, (its_out, its_out if merged else its_err))
    for end, reader in ((out, started.stdout), (err, started.stderr)):
        await _connect_pipe(end, reader)
    its_out.close()
    its_err.close()
    return started


async def _connect_pipe(end: Connection, reader: asyncio.StreamReader) -> None:
    pipe = os.fdopen(os.dup(end.fileno()), "rb", 0)
    end.close()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)


def _run_program(
    run: Callable[[], object],
    arguments: tuple[str, ...],
    cwd: Path,
    env: Mapping[str, str],
    ends: tuple[Connection, Connection],
) -> None:
    for number, end in enumerate(ends, 1):
        os.dup2(end.fileno(), number)
    for end in ends:
        end.close()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments
    run()
