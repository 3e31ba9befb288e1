"""An agent asks for an exception with the SDK, and reads that it spared a later decision."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign import Approved
from tests.bot.slack.clicks.test_exceptions import EXCEPTION, MARKED, REFUND
from tests.bot.slack.office import SENTA, SVEN, Office, open_office
from tests.sdk.agents import Agent


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, MARKED) as opened:
        yield opened


async def test_an_exception_that_people_approved_is_the_basis_of_what_it_spared(agent: Agent) -> None:
    handle = await agent.request(EXCEPTION)
    await agent.office.approve(SENTA, await agent.card(handle))
    asked = await agent.approve_and_wait(handle, by=SVEN)
    assert (asked.basis, asked.document["may_proceed"]) == ("quorum", False)
    spared = await (await agent.request(REFUND)).wait()
    assert isinstance(spared, Approved)
    assert spared.basis == "exception"
    assert spared.document["decision"] is not None
    assert spared.document["decision"]["grant_id"] == asked.document["decision_package_id"]
