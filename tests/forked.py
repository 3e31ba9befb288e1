"""Processes of their own, forked from one that has loaded what they import: most of a start is that.

There is one such server for each process of tests, and whoever names last what it loads names it for all: so here.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload([
    "tests.callbacks.carrier",
    "tests.machines.deliverer",
    "tests.scheduler.sweeping",
    "tests.sdk.forked",
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
