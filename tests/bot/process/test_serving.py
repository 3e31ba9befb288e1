"""The service as a process: it shuts down in order, and large bodies take no memory."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]
import pytest

from tests.bot.process import wire
from tests.bot.process.serving import Process, serve_process
from tests.bot.process.wire import connect, read_answer
from tests.bot.service import POLICY, SOFT

MEGABYTE = 1024 * 1024
BODY = json.dumps(SOFT).encode()


@pytest.fixture
async def process(database_url: str, tmp_path: Path) -> AsyncIterator[Process]:
    async with serve_process(database_url, tmp_path) as process:
        yield process


async def test_shutdown_answers_long_polls_and_finishes_requests(process: Process) -> None:
    await process.slack.go_down()  # otherwise a posted card would change the package and end the polls
    async with aiohttp.ClientSession(process.url, headers=process.headers) as http:
        async with http.post("/v1/packages", json=SOFT) as posted:
            package = await posted.json()
        one = f"/v1/packages/{package['decision_package_id']}"
        tag = {"If-None-Match": posted.headers["ETag"]}
        polls = [asyncio.create_task(_poll(http, one, tag)) for _ in range(20)]
        reader, writer = await _half_a_post(process)
        await _all_wait(http, len(polls))
        process.program.send_signal(signal.SIGTERM)
        await process.read_log(until="service.draining")
        writer.write(BODY[10:])
        async with asyncio.timeout(20):
            assert await asyncio.gather(*polls) == [(304, b"")] * 20
            assert (await read_answer(reader)).status == 202
            writer.close()
            await process.read_log()
            assert await process.program.wait() == 0
    assert process.log[-1]["event"] == "service.stopped"
    assert [event for event in process.log if event.get("level") in ("error", "critical")] == []


async def test_an_agent_that_hangs_up_mid_request_is_not_logged_as_an_error(process: Process) -> None:
    _, writer = await _half_a_post(process)
    async with aiohttp.ClientSession(process.url) as http:
        await _metrics(http)  # its answer shows that the server has read the other request
    writer.transport.abort()
    async with asyncio.timeout(20):
        while (await process.read_log(until="http.request"))["route"] != "/v1/packages":
            pass
    assert process.log[-1]["status"] == 400
    assert [event for event in process.log if event.get("level") in ("error", "critical")] == []


async def _poll(http: aiohttp.ClientSession, path: str, tag: dict[str, str]) -> tuple[int, bytes]:
    async with http.get(path, params={"wait": 30}, headers=tag) as response:
        return response.status, await response.read()


async def _half_a_post(process: Process) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await connect(process.url)
    writer.write(wire.head(process.key, f"Content-Length: {len(BODY)}") + BODY[:10])
    await writer.drain()
    return reader, writer


async def _all_wait(http: aiohttp.ClientSession, number: int) -> None:
    """Wait until the metric shows this number of long polls."""
    async with asyncio.timeout(20):
        while f"countersign_long_polls {number}.0" not in await _metrics(http):
            pass


async def _metrics(http: aiohttp.ClientSession) -> str:
    async with http.get("/metrics") as response:
        return await response.text()


async def test_a_second_signal_changes_nothing(process: Process) -> None:
    process.program.send_signal(signal.SIGINT)
    process.program.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        await process.read_log()
        assert await process.program.wait() == 0


async def test_a_hundred_megabytes_in_chunks_are_refused_and_take_no_memory(process: Process) -> None:
    server = psutil.Process(process.program.pid)
    async with aiohttp.ClientSession(process.url, headers=process.headers) as http:
        async with http.post("/v1/packages", json=SOFT) as posted:
            assert posted.status == 202
        before = server.memory_info().rss
        async with asyncio.timeout(20):
            statuses = await asyncio.gather(*(_flood(process) for _ in range(4)))
        assert [status for status in statuses if status != 413] == []
        assert server.memory_info().rss - before < 16 * MEGABYTE


async def _flood(process: Process) -> int:
    """Send all chunks, whatever is answered, until the service hangs up."""
    reader, writer = await connect(process.url)
    writer.write(wire.head(process.key, "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
    try:
        for _ in range(100):
            writer.write(chunk)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return (await read_answer(reader)).status
    finally:
        writer.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_start_logs_roles_without_people_and_missing_alert_recipients(
    database_url: str, tmp_path: Path
) -> None:
    policy = POLICY.replace('admins = ["UADAM"]', "").replace('["USUSI", "USAUL", "USILA"]', "[]")
    async with serve_process(database_url, tmp_path, policy=policy) as process:
        roles = await process.read_log(until="policy.incomplete")
        admins = await process.read_log(until="policy.incomplete")
    assert (roles["level"], admins["level"]) == ("warning", "warning")
    assert roles["because"].startswith("nobody holds these roles, so packages that need them are refused: supervisor.")
    assert admins["because"].startswith("nobody is told if Slack refuses calls.")
