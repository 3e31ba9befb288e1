"""The primary is lost and its standby promoted: no acknowledged data is lost, and no silence continued meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rules.state.model import Status
from store.migrations.migrate import migrate
from tests.bot.slack.office import HARD, POLICY, SENTA, SOFT, Office, open_office
from tests.machines.pair import Pair, pair

MINUTE = timedelta(minutes=1)
AT_ONCE = 40


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair() as servers:
        migrate(servers.url, datetime.now(UTC))
        yield servers


async def test_a_promoted_standby_has_all_acknowledged_data_and_no_silence_continued(
    servers: Pair, tmp_path: Path
) -> None:
    async with open_office(servers.url, tmp_path, POLICY) as office:
        soft, _ = await office.submit_with_card(SOFT)
        hard, card = await office.submit_with_card(HARD)
        await office.approve(SENTA, card)
        await office.passes(4 * MINUTE)  # of the five that silence takes
        posted = [asyncio.ensure_future(office.submit(HARD | {"subject_id": str(turn)})) for turn in range(AT_ONCE)]
        await asyncio.wait(posted, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(servers.lose_the_primary)
        answers = await asyncio.gather(*posted)
        acknowledged = [answer for answer in answers if answer.status == 202]
        assert {answer.status for answer in answers} <= {202, 503}
        assert acknowledged
        assert (await office.submit(HARD)).status == 503
        await _hours_without_a_database(office)
        await asyncio.to_thread(servers.promote)
        await _found_again(office)
        assert {(await office.read(answer)).status for answer in acknowledged} == {200}
        assert (await office.claim(hard)).status == 200
        assert await office.status(soft) is Status.PENDING  # its last minute is still to come
        await office.passes(2 * MINUTE)
        assert await office.status(soft) is Status.CONSENTED


async def _hours_without_a_database(office: Office) -> None:
    assert office.running.service.slack is not None
    office.clock.passes(180 * MINUTE)
    await office.running.service.slack.clockwork.heart.tick()


async def _found_again(office: Office) -> None:
    async with asyncio.timeout(30):
        while (await office.get("/readyz")).status != 200:
            pass
    await office.passes(timedelta(seconds=1))
