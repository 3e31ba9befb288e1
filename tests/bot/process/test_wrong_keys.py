"""Wrong keys are delayed and counted; they never delay or refuse a right key."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.process.wrong_keys import ANSWER_INTERVAL, MAX_DELAY
from tests.bot.service import AgentApi, open_api

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PACKAGES = "/v1/packages"


async def time_answer(api: AgentApi, key: str, address: str | None = None) -> tuple[int, float]:
    """Return the status, and the time of the answer."""
    headers = {"X-Forwarded-For": address} if address else {}
    response = await api.get(PACKAGES, key=key, headers=headers)
    return response.status, time.monotonic()


async def test_wrong_keys_are_answered_one_after_the_other_and_counted(api: AgentApi) -> None:
    answers = await asyncio.gather(*(time_answer(api, f"csk_{number}") for number in range(6)))
    assert {status for status, _ in answers} == {401}
    times = sorted(at for _, at in answers)
    assert times[-1] - times[0] > 4 * ANSWER_INTERVAL
    assert "countersign_wrong_keys_total 6.0" in (await api.get("/metrics")).text


async def test_a_right_key_does_not_wait_for_the_wrong_ones_of_its_address(api: AgentApi) -> None:
    wrong = [asyncio.create_task(time_answer(api, f"csk_{number}")) for number in range(8)]
    await asyncio.wait(wrong, return_when=asyncio.FIRST_COMPLETED)
    assert (await api.get(PACKAGES)).status == 200
    assert not all(task.done() for task in wrong)
    await asyncio.gather(*wrong)


async def test_many_wrong_keys_are_all_answered_within_the_maximum_delay(api: AgentApi) -> None:
    began = time.monotonic()
    answers = await asyncio.gather(*(time_answer(api, f"csk_{number}") for number in range(60)))
    assert {status for status, _ in answers} == {401}
    assert max(at for _, at in answers) - began < MAX_DELAY + 60 * ANSWER_INTERVAL / 2


async def test_wrong_keys_of_one_address_do_not_delay_other_addresses(database_url: str, tmp_path: Path) -> None:
    async with open_api(database_url, tmp_path, COUNTERSIGN_TRUSTED_PROXIES="127.0.0.0/8") as api:
        first = [asyncio.create_task(time_answer(api, "csk_wrong", "192.0.2.1")) for _ in range(8)]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        assert (await time_answer(api, "csk_wrong", "192.0.2.2"))[0] == 401
        assert not all(task.done() for task in first)
        await asyncio.gather(*first)
