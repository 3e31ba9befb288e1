"""The process ends in order: clicks in progress are finished first."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.bot.process.serving import serve_process
from tests.bot.slack.office import HARD, SENTA

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST, UPDATE = "chat.postMessage", "chat.update"
MANY = 5


@pytest.mark.parametrize("socket", [False, True], ids=["over HTTP", "over the socket"])
async def test_a_click_in_progress_is_finished_before_the_process_ends(
    database_url: str, tmp_path: Path, *, socket: bool
) -> None:
    settings = {"SLACK_APP_TOKEN": "xapp-stand-in"} if socket else {}
    async with serve_process(database_url, tmp_path, **settings) as process:
        slack = process.slack
        await slack.until(lambda: slack.sockets.connected == int(socket))
        async with aiohttp.ClientSession(process.url, headers=process.headers) as http:
            assert (await http.post("/v1/packages", json=HARD)).status == 202
        card = await slack.until(lambda: next(iter(slack.messages(SENTA)), None))
        gate = slack.faults.hold("views.open")
        tapping = asyncio.create_task(slack.click(SENTA, card, "approve"))
        await gate.wait_until_reached()
        process.program.send_signal(signal.SIGTERM)
        await process.read_log(until="service.draining")
        gate.open()
        assert (await tapping).ok
        assert slack.modal(SENTA) is not None
        await process.read_log()
        assert await process.program.wait() == 0
        assert slack.sockets.connected == 0
    assert [event for event in process.log if event.get("level") in ("error", "critical")] == []
