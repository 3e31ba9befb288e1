"""Start the service as a process (`bench.service`) for the time of a measurement."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp


class Server(NamedTuple):
    """The service's address, an agent's key, and the pipe that takes the ids of packages to approve."""

    url: str
    key: str
    pid: int
    decide: asyncio.StreamWriter


@asynccontextmanager
async def start_server(database_url: str, *arguments: str, **environment: str) -> AsyncIterator[Server]:
    """Starts it with its usual logging, because logging costs time wherever the log goes."""
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command, variables = (sys.executable, "-m", "bench.service", database_url, *arguments), os.environ | environment
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere, env=variables)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server has no pipes")
    try:
        address = json.loads(await process.stdout.readline())
        yield Server(address["url"], address["key"], process.pid, process.stdin)
    finally:
        process.stdin.close()
        await process.wait()


def agent_session(server: Server) -> aiohttp.ClientSession:
    """A session without a limit on connections, so that no request waits for another."""
    headers = {"Authorization": f"Bearer {server.key}"}
    return aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=0), headers=headers)
