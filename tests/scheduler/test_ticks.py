"""Interval jobs finish at shutdown and are not interrupted."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from scheduler import ticks
from scheduler.ticks import ticking


class Looking:
    """A job that starts and runs until it is released."""

    def __init__(self) -> None:
        self.begun, self.let_go, self.finished = asyncio.Event(), asyncio.Event(), False

    async def tick(self) -> None:
        self.begun.set()
        await self.let_go.wait()
        self.finished = True


async def test_a_running_job_is_finished_at_shutdown() -> None:
    looking = Looking()
    async with ticking({"looking": (looking.tick, 0.01)}):
        await looking.begun.wait()
        asyncio.get_running_loop().call_later(0.05, looking.let_go.set)
    assert looking.finished


async def test_a_job_that_does_not_finish_is_cancelled_and_logged_without_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ticks, "FINISHES_WITHIN", 0.05)
    looking = Looking()
    with capture_logs() as logs:
        async with ticking({"looking": (looking.tick, 0.01)}):
            await looking.begun.wait()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=5)
    assert [(entry["event"], entry["tick"]) for entry in logs] == [("tick.cancelled", "looking")]
    assert [entry for entry in caplog.records if entry.levelname == "ERROR"] == []
    assert not looking.finished
