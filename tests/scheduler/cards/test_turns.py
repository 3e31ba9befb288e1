"""Agents take turns: a flood of one agent's cards delays only that agent's cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.slack import Slack
from store.outbox.rate_budget import Rates, Window
from tests.bot.service import CRITICAL, HARD, SOFT
from tests.bot.slack.office import POLICY, Office, furnish, open_office
from tests.bot.slack.operator_view import deliver_later, submit_packages
from tests.rules.world import RITA

BOARD = "C0BOARD"
ONE_A_SECOND = Rates(channel=Window(1, 1))
NOTE = SOFT | {"action_type": "record.note"}
OTHERS = "Send the other agent's mail"


# The clock of delivery is moved on by hand, a second and a half at a time, so that each look has one post to give away.


def pace(office: Office, rates: Rates) -> None:
    assert office.running.service.slack is not None
    office.running.service.slack.reconciler._pace.rates = rates


async def one_by_one(office: Office, posts: int, since: float) -> float:
    """Delivers so many times, one second apart."""
    for number in range(posts):
        await deliver_later(office, since + 1.5 * number)
    return since + 1.5 * posts


def place_of(office: Office, title: str) -> int:
    """The number of cards posted before the first with this title."""
    return [title in card.shown for card in office.cards()].index(True)


async def test_a_flood_of_critical_packages_does_not_keep_another_agents_card_waiting(office: Office) -> None:
    pace(office, ONE_A_SECOND)
    await submit_packages(office, CRITICAL, count=20)
    since = await one_by_one(office, 4, 0)
    other = await office.hire("Other")
    before = len(office.cards())
    assert (await office.submit(HARD | {"title": OTHERS}, key=other)).status == 202
    await one_by_one(office, 3, since)
    assert place_of(office, OTHERS) <= before + 2  # two may have been on their way


async def test_two_agents_that_flood_a_channel_take_turns_and_each_starts_with_its_gravest(office: Office) -> None:
    pace(office, ONE_A_SECOND)
    other = await office.hire("Other")
    assert office.running.service.slack is not None
    async with office.running.service.slack.reconciler._lock:
        await submit_packages(office, SOFT | {"title": "Clerk's, medium"}, count=2)
        await submit_packages(office, CRITICAL | {"title": "Clerk's, critical"}, count=2)
        for _ in range(4):
            assert (await office.submit(SOFT | {"title": OTHERS}, key=other)).status == 202
    await one_by_one(office, 8, 0)
    whose = ["other" if OTHERS in card.shown else "clerk" for card in office.cards()]
    assert sorted(whose[:2]) == sorted(whose[2:4]) == sorted(whose[4:6]) == sorted(whose[6:]) == ["clerk", "other"]
    clerks = [card.shown for card in office.cards() if OTHERS not in card.shown]
    assert ["critical" in shown for shown in clerks] == [True, True, False, False]


def with_a_board(slack: Slack) -> None:
    furnish(slack)
    slack.add_channel(BOARD, name="board", members=[RITA])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_agents_cards_in_one_channel_cost_it_no_turn_in_another(database_url: str, tmp_path: Path) -> None:
    policy = POLICY.replace('"record.note" = {', f'"record.note" = {{ channel = "{BOARD}",')
    async with open_office(database_url, tmp_path, policy, scene=with_a_board) as office:
        pace(office, ONE_A_SECOND)
        other, since = await office.hire("Other"), 0.0
        for _ in range(6):
            assert (await office.submit(SOFT | {"title": OTHERS}, key=other)).status == 202
        await submit_packages(office, SOFT, count=6)
        for _ in range(6):
            await submit_packages(office, NOTE)  # the clerk is served here each time
            since = await one_by_one(office, 1, since)
        whose = ["other" if OTHERS in card.shown else "clerk" for card in office.cards()]
        assert whose.count("clerk") >= 3
