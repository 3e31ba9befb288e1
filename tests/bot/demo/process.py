"""`countersign demo` as a separate process, as in a terminal."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot import cli
from tests.fork_server import Program, start_program


@dataclass
class DemoProcess:
    process: Program
    output: list[str] = field(default_factory=list)
    url: str = ""

    async def read(self, until: str | None = None) -> str:
        """Read up to the first line with this text, or to the end."""
        async for line in self.process.stdout:
            self.output.append(line.decode())
            if until and until in self.output[-1]:
                return self.output[-1]
        assert until is None, self.output
        return ""


@asynccontextmanager
async def start_demo(*options: str, cwd: Path, **environment: str) -> AsyncIterator[DemoProcess]:
    given = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    process = await start_program(cli.main, "demo", *options, cwd=cwd, env=given | environment, merged=True)
    try:
        async with asyncio.timeout(60):
            yield DemoProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def running(*options: str, cwd: Path, **environment: str) -> AsyncIterator[DemoProcess]:
    """Wait until the demo has printed its address."""
    async with start_demo("--port", "0", *options, cwd=cwd, **environment) as process:
        line = await process.read(until="/playground")
        (process.url,) = re.findall(r"(http://127\.0\.0\.1:\d+)/playground", line)
        await process.read(until="Ctrl-C")
        yield process
