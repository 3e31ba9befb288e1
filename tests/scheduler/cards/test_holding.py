"""A place is leased by the process that delivers it, for as long as that takes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from scheduler.cards.reconciler import Reconciler
from store.outbox.cards import CARDS
from tests.bot.service import SOFT
from tests.bot.slack.office import HARD, ROSE, Office, beside
from tests.bot.slack.operator_view import deliver_later, submit_packages

BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
POST, MEMBERS = "chat.postMessage", "conversations.members"


def reconciler(office: Office) -> Reconciler:
    assert office.running.service.slack is not None
    return office.running.service.slack.reconciler


async def held_until(office: Office) -> datetime:
    query = select(CARDS.c.held_until)
    held: datetime = await office.running.service.store.read(lambda connection: connection.execute(query).scalar_one())
    return held


async def wait_for_renewal(office: Office) -> None:
    """Waits until the lease on the only place was renewed, which happens in another task."""
    before = await held_until(office)
    async with asyncio.timeout(10):
        while await held_until(office) <= before:
            pass


@BOTH
async def test_a_card_is_delivered_by_one_process_while_its_lease_is_renewed(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack takes longer to list the channel's members than a claim lasts."""
    monkeypatch.setattr("scheduler.cards.lease.CLAIMED_FOR", timedelta(seconds=1))
    url = office.running.service.settings.database_url
    async with beside(office.slack, url, tmp_path, clock=office.clock) as other:
        gate = office.slack.faults.hold(MEMBERS)
        await submit_packages(office)
        await gate.wait_until_reached()
        for _ in range(4):
            await wait_for_renewal(office)
        await other.deliver()
        assert (office.slack.calls_to(MEMBERS), office.cards()) == ([], [])
        gate.open()
        await asyncio.gather(office.deliver(), other.deliver())
        assert len(office.cards()) == 1
        assert len(office.slack.calls_to(POST)) == 1


@BOTH
async def test_a_process_that_lost_its_lease_does_not_post_the_card(office: Office, tmp_path: Path) -> None:
    """As after a machine that was suspended for a minute."""
    url = office.running.service.settings.database_url
    async with beside(office.slack, url, tmp_path, clock=office.clock) as other:
        gate = office.slack.faults.hold(MEMBERS)
        response = await office.submit(SOFT)
        await gate.wait_until_reached()
        await deliver_later(other, 60)
        assert len(office.cards()) == 1
        gate.open()
        await office.deliver()
        card = await office.card(response)
        assert office.cards() == [card]
        assert len(office.slack.calls_to(POST)) == 1
        await deliver_later(other, 0)
        assert (await office.click(ROSE, card, "object")).ok
        await asyncio.gather(office.deliver(), other.deliver())
        assert len(office.thread(card)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_large_channel_is_read_completely_despite_a_rate_limit_in_the_middle(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.outgoing.client._PAGE_SIZE", 2)
    pages = -(-(len(office.slack.workspace.channels["C0REVIEWS"].members) + 1) // 2)
    first = office.slack.faults.hold(MEMBERS)
    await office.submit(HARD)
    await first.wait_until_reached()
    second = office.slack.faults.hold(MEMBERS)
    first.open()
    await second.wait_until_reached()
    office.slack.faults.error(MEMBERS, "ratelimited", carried_out=False)
    second.open()
    await office.deliver()
    office.slack.faults.clear()
    await deliver_later(office, 31)
    asked = [call.arguments.get("cursor") or "" for call in office.slack.calls_to(MEMBERS) if call.error is None]
    assert len(office.cards()) == 1
    assert len(asked) == len(set(asked)) == pages
