"""A log whose reader hangs or dies: requests succeed, and lines that could not be written are counted."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import aiohttp
import pytest

from bot.log_output import LINES_KEPT, LogOutput
from tests.bot.process.serving import Process, serve_process
from tests.bot.service import SOFT

REQUESTS = 600  # enough lines to fill the pipe and the buffer of asyncio's reader
DROPPED = "countersign_log_lines_dropped_total"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_requests_succeed_if_the_log_reader_hangs_or_dies(database_url: str, tmp_path: Path) -> None:
    async with (
        serve_process(database_url, tmp_path) as process,
        aiohttp.ClientSession(process.url, headers=process.headers) as http,
    ):
        log = process.program.stderr._transport  # type: ignore[attr-defined]
        log.pause_reading()
        try:
            async with asyncio.timeout(20):
                assert await _statuses(http, process, REQUESTS) == {200}
        finally:
            log.close()
        async with http.post("/v1/packages", json=SOFT) as posted:
            assert posted.status == 202
        assert await _statuses(http, process, 5) == {200}
        assert await _dropped_lines(http) > 0


async def _statuses(http: aiohttp.ClientSession, process: Process, times: int) -> set[int]:
    statuses = set()
    for _ in range(times):
        async with http.get(f"{process.url}/healthz") as answer:
            statuses.add(answer.status)
    return statuses


async def _dropped_lines(http: aiohttp.ClientSession) -> float:
    async with http.get("/metrics") as response:
        (line,) = [line for line in (await response.text()).splitlines() if line.startswith(DROPPED)]
    return float(line.split()[1])


def test_logging_while_a_line_is_written_does_not_deadlock() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    dropped: list[float] = []

    def on_drop(lines: float) -> None:
        if not dropped:
            dropped.append(lines)
            output.write("of a finalizer\n")

    with os.fdopen(writing, "w") as writer:
        output = LogOutput(writer, on_drop)
        thread = threading.Thread(target=output.write, args=("of a request\n",), daemon=True)
        thread.start()
        thread.join(5)
    assert (thread.is_alive(), dropped) == (False, [1])


def test_kept_lines_are_written_in_order_and_the_rest_is_dropped() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as writer:
        dropped: list[float] = []
        output = LogOutput(writer, dropped.append)
        lines = [f"{number:06} {'x' * 200}\n" for number in range(LINES_KEPT + 1000)]
        for line in lines:
            output.write(line)
        written = ""
        while len(written) < sum(map(len, lines[:LINES_KEPT])):
            written += os.read(reader.fileno(), 65536).decode()
            output.flush()
    assert written.startswith("".join(lines[:LINES_KEPT]))
    assert 0 < sum(dropped) <= 1000
