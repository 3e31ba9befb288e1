"""Delivery is killed between two steps: another process delivers each card, with at most one copy."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from playground.slack import Slack, stand_in
from rules.state.commands import Approve
from rules.state.model import PackageState, Status
from scheduler.cards.lease import CLAIMED_FOR
from store.installation import directory
from tests.bot.slack.office import CHANNEL, RITA, SECRET, Office, beside, furnish
from tests.bot.slack.operator_view import deliver_later
from tests.fork_server import FORK_CONTEXT
from tests.machines.deliverer import deliver, delivery
from tests.rules.world import SOFT, ask, people
from tests.store.test_crash import wait_for_death
from tests.store.world import World

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

# How many cards there are in the end of one that was to be posted, by the step at which the process died.
CARDS = {
    "claiming": 1,
    "claimed": 1,
    "drawn": 1,
    "sent": 2,
    "located": 1,
    "proving": 1,
    "noted": 1,
    "recording": 1,
    "settled": 1,
}
# The number of notes in the thread of a card that had to be updated and announced.
NOTES = {
    "claiming": 1,
    "claimed": 1,
    "drawn": 1,
    "sent": 1,
    "located": 1,
    "notes posted": 2,
    "noted": 1,
    "recording": 1,
    "settled": 1,
}


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with stand_in(signing_secret=SECRET) as workspace:
        furnish(workspace)
        yield workspace


@asynccontextmanager
async def submitted_package(url: str, slack: Slack) -> AsyncIterator[tuple[World, PackageState]]:
    """A package without a posted card."""
    async with delivery(url, slack.api_url, slack.bot_token) as (world, _):
        now = world.clock.now
        await world.write(lambda connection: directory.replace_directory(connection, people().values(), {}, as_of=now))
        world.agent = await world.hire("Clerk")
        yield world, await world.submit(SOFT)


async def approved_package(url: str, slack: Slack) -> PackageState:
    """An approved package whose posted card still shows it as pending."""
    async with submitted_package(url, slack) as (world, state):
        async with delivery(url, slack.api_url, slack.bot_token) as (_, reconciler):
            await reconciler.tick()
        return await world.after(ask(Approve, state), RITA)


async def run_until_killed(url: str, slack: Slack, step: str) -> None:
    process = FORK_CONTEXT.Process(target=deliver, args=(url, slack.api_url, slack.bot_token, step))
    process.start()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode == -signal.SIGKILL
    await asyncio.to_thread(wait_for_death, url)


@asynccontextmanager
async def afterwards(url: str, slack: Slack, folder: Path) -> AsyncIterator[Office]:
    """Run another process once all claims have expired."""
    async with beside(slack, url, folder) as office:
        await deliver_later(office, CLAIMED_FOR.total_seconds() + 1)
        yield office


@pytest.mark.parametrize(("step", "cards"), CARDS.items())
async def test_an_interrupted_post_is_completed_by_another_process_with_at_most_one_copy(
    database_url: str, slack: Slack, tmp_path: Path, step: str, cards: int
) -> None:
    async with submitted_package(database_url, slack) as (_, state):
        pass
    await run_until_killed(database_url, slack, step)
    async with afterwards(database_url, slack, tmp_path) as office:
        assert len(office.cards()) == cards
        assert (await office.world.state(state.decision_package_id)).shown is not None
        card = office.cards()[-1]
        assert (await office.click(RITA, card, "approve")).ok
        assert (await office.world.state(state.decision_package_id)).status is Status.APPROVED
        await deliver_later(office, 120)
        assert "Approve" not in slack.message(CHANNEL, card.ts).labels
        assert len(office.thread(card)) == 1


@POSTGRESQL
async def test_a_click_on_the_copy_counts_and_retires_it(database_url: str, slack: Slack, tmp_path: Path) -> None:
    async with submitted_package(database_url, slack) as (_, state):
        pass
    await run_until_killed(database_url, slack, "sent")
    async with afterwards(database_url, slack, tmp_path) as office:
        copy, card = office.cards()
        assert (await office.click(RITA, copy, "approve")).ok
        await office.finish_background()
        assert (await office.world.state(state.decision_package_id)).status is Status.APPROVED
        retired = slack.message(CHANNEL, copy.ts)
        assert (retired.labels, "showed this card twice" in retired.text) == ([], True)
        await deliver_later(office, 120)
        assert "Approve" not in slack.message(CHANNEL, card.ts).labels


@POSTGRESQL
@pytest.mark.parametrize(("step", "notes"), NOTES.items())
async def test_an_interrupted_card_update_is_completed_and_at_most_one_note_is_posted_twice(
    database_url: str, slack: Slack, tmp_path: Path, step: str, notes: int
) -> None:
    await approved_package(database_url, slack)
    await run_until_killed(database_url, slack, step)
    async with afterwards(database_url, slack, tmp_path) as office:
        (card,) = office.cards()
        assert "Approve" not in card.labels
        assert len(office.thread(card)) == notes
