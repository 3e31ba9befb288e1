"""The rate budget: calls stay within Slack's limits across all replicas, the gravest packages first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.slack import Slack
from rules.state.commands import Verb
from rules.state.model import Status
from store.outbox.rate_budget import AHEAD, LASTS, POSTS, UPDATES, Payment, Purse, Rates, Window, of_channel
from tests.bot.service import CRITICAL, HARD, SOFT
from tests.bot.slack.office import CHANNEL, GROUP, POLICY, UNLIMITED, Office, beside, furnish, open_office
from tests.bot.slack.operating import later, submitted
from tests.rules.world import ADAM, RITA, SENTA, SUSI

POST, UPDATE, MEMBERS = "chat.postMessage", "chat.update", "conversations.members"
BOARD = "C0BOARD"
NOTE = SOFT | {"action_type": "record.note"}


def with_a_board(slack: Slack) -> None:
    furnish(slack)
    slack.add_channel(BOARD, name="board", members=[RITA])


@pytest.fixture
def paced(office: Office) -> Office:
    """A service with Slack's real rate limits."""
    pace(office, Rates())
    return office


def pace(office: Office, rates: Rates) -> None:
    assert office.running.service.slack is not None
    office.running.service.slack.reconciler._pace.rates = rates


async def exhaust_budget(office: Office, key: str) -> None:
    """Pauses this budget for a minute."""
    now = datetime.now(UTC).timestamp()
    assert office.running.service.slack is not None
    await office.running.service.slack.reconciler._pace.within(lambda _, purse: purse.pause([key], now + 60))


def budget_wait(office: Office) -> float | None:
    assert office.running.service.slack is not None
    return office.running.service.slack.reconciler._budget_wait


async def test_posts_into_a_channel_stay_within_slacks_limit_and_the_rest_follows(paced: Office) -> None:
    await submitted(paced, count=12)
    await paced.delivered()
    assert len(paced.cards()) == 5
    wait = budget_wait(paced)
    assert wait is not None
    assert 0 < wait <= 5.2
    await later(paced, 5.2)
    assert len(paced.cards()) == 10
    await later(paced, 10.4)
    assert len(paced.cards()) == 12
    assert {call.error for call in paced.slack.calls_to(POST)} == {None}


async def test_channel_members_are_read_once_for_a_burst_of_cards_and_again_later(office: Office) -> None:
    await submitted(office, count=12)
    await office.delivered()
    assert (len(office.cards()), len(office.slack.calls_to(MEMBERS))) == (12, 1)
    await submitted(office)
    await later(office, 31)
    assert (len(office.cards()), len(office.slack.calls_to(MEMBERS))) == (13, 2)


async def test_the_gravest_packages_are_posted_first(paced: Office) -> None:
    await exhaust_budget(paced, POSTS)
    for package in (SOFT, HARD, CRITICAL):
        await submitted(paced, package, count=3)
    await paced.delivered()
    assert paced.cards() == []
    await later(paced, 61)
    texts = sorted(message.text.split(" risk")[0] for message in paced.cards())
    assert texts == ["Critical"] * 3 + ["High"] * 2


async def test_a_channel_at_its_limit_delays_no_other(database_url: str, tmp_path: Path) -> None:
    policy = POLICY.replace('"record.note" = {', f'"record.note" = {{ channel = "{BOARD}",')
    async with open_office(database_url, tmp_path, policy, scene=with_a_board) as office:
        pace(office, Rates())
        await submitted(office, count=12)
        await office.submit(NOTE)
        await office.delivered()
        assert (len(office.cards()), len(office.cards(BOARD))) == (5, 1)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_replicas_share_one_budget_and_post_each_card_once(paced: Office, tmp_path: Path) -> None:
    async with beside(paced.slack, paced.running.service.settings.database_url, tmp_path, clock=paced.clock) as other:
        pace(other, Rates())
        await submitted(paced, count=7)
        await asyncio.gather(paced.delivered(), other.delivered(), paced.delivered(), other.delivered())
        assert len(paced.cards()) == 5
        await asyncio.gather(later(paced, 5.2), later(other, 5.2))
        assert len(paced.cards()) == 7


async def test_a_place_claimed_by_a_dead_replica_is_delivered_by_another(paced: Office) -> None:
    assert paced.running.service.slack is not None
    reconciler = paced.running.service.slack.reconciler
    async with reconciler._lock:
        await submitted(paced)
        claimed = await reconciler._claim_places()
    assert len(claimed) == 1
    await paced.delivered()
    assert paced.cards() == []
    await later(paced, 31)
    assert len(paced.cards()) == 1


async def test_without_update_budget_the_card_is_updated_through_the_response_url(paced: Office) -> None:
    response, card = await paced.asked(SOFT)
    updates = len(paced.slack.calls_to(UPDATE))
    await exhaust_budget(paced, UPDATES)
    await paced.click(RITA, card, "approve")
    await paced.delivered()
    assert await paced.status(response) is Status.APPROVED
    assert "Approve" not in paced.slack.message(CHANNEL, card.ts).labels
    assert len(paced.slack.calls_to(UPDATE)) == updates


async def test_if_the_response_url_fails_too_the_card_is_updated_when_there_is_budget(paced: Office) -> None:
    _, card = await paced.asked(SOFT)
    updates = len(paced.slack.calls_to(UPDATE))
    await exhaust_budget(paced, UPDATES)
    paced.slack.faults.status(404, "response_url")
    await paced.click(RITA, card, "approve")
    await paced.delivered()
    assert "Approve" in paced.slack.message(CHANNEL, card.ts).labels
    await later(paced, 61)
    assert "Approve" not in paced.slack.message(CHANNEL, card.ts).labels
    assert len(paced.slack.calls_to(UPDATE)) == updates + 1


async def test_a_card_whose_reply_was_lost_is_adopted_at_the_first_click(paced: Office) -> None:
    paced.slack.faults.lose_reply(POST)
    response = await paced.submit(SOFT)
    await paced.delivered()
    [card] = paced.cards()
    await paced.click(RITA, card, "approve")
    await paced.all_said()
    await later(paced, 60)
    assert await paced.status(response) is Status.APPROVED
    assert paced.cards() == [paced.slack.message(CHANNEL, card.ts)]
    assert "Approve" not in paced.slack.message(CHANNEL, card.ts).labels


async def test_a_person_asked_directly_may_click_in_the_channel_and_both_cards_stay(
    database_url: str, tmp_path: Path
) -> None:
    """The seniors have a channel, the supervisors have none, and one supervisor is in the seniors' channel."""
    policy = POLICY.replace(f'default = "{CHANNEL}"', "").replace(
        f'groups = ["{GROUP}"]', f'groups = ["{GROUP}"]\nchannel = "{CHANNEL}"'
    )
    async with open_office(database_url, tmp_path, policy) as office:
        response, card = await office.asked()
        await office.give(SENTA, card, Verb.ESCALATE, {"comment": "Too big for me."})
        in_channel, in_person = await office.card(response), await office.card(response, SUSI)
        await office.click(SUSI, in_channel, "reject")
        await office.all_said()
        assert office.slack.private_notes(SUSI) == []
        await office.slack.submit(SUSI, {"comment": "No."})
        for channel, card in ((CHANNEL, in_channel), (SUSI, in_person)):
            assert ((await office.card(response, channel)).ts, len(office.cards(channel))) == (card.ts, 1)


async def test_admins_are_alerted_once_about_a_channel_that_refuses_cards(paced: Office) -> None:
    paced.slack.change_channel(CHANNEL, archived=True)
    await submitted(paced, count=2)
    await paced.delivered()
    [alert] = [message for message in paced.slack.messages(ADAM) if "cannot show anything" in message.text]
    assert CHANNEL in alert.text
    assert "is_archived" in alert.text
    await later(paced, 600)
    assert len([message for message in paced.slack.messages(ADAM) if "cannot show anything" in message.text]) == 1


async def test_admins_who_cannot_be_reached_now_are_alerted_later(office: Office) -> None:
    pace(office, Rates(posts=Window(1, 60)))
    office.slack.faults.error(POST, "channel_is_archived")
    await submitted(office)
    await office.delivered()
    assert office.slack.messages(ADAM) == []
    pace(office, UNLIMITED)
    await later(office, 61)
    await later(office, 122)
    assert len([message for message in office.slack.messages(ADAM) if "cannot show anything" in message.text]) == 1


async def test_a_card_posted_again_is_posted_once_even_if_its_note_must_wait(office: Office) -> None:
    _, card = await office.asked()
    pace(office, Rates(posts=Window(2, 60)))
    office.slack.faults.error(UPDATE, "message_not_found", times=None)
    await office.click(SENTA, card, "reject")
    await office.slack.submit(SENTA, {"comment": "Not any more."})
    await office.delivered()
    assert (len(office.cards()), office.thread(office.cards()[-1])) == (2, [])
    await later(office, 61)
    assert (len(office.cards()), len(office.thread(office.cards()[-1]))) == (2, 1)


def paid(purse: Purse, key: str) -> Payment:
    spent = purse.spend([key])
    assert spent is not None
    return spent


def called(purse: Purse, key: str) -> None:
    """A call that Slack answers at once."""
    purse.settle(paid(purse, key), purse.now)


def test_a_window_begins_with_slacks_answer_and_lasts_as_much_longer_as_clocks_may_differ() -> None:
    purse, key = Purse(Rates(channel=Window(2, 5), apart=0.5), now=100.0), of_channel("C1")
    first, second = paid(purse, key), paid(purse, key)
    assert purse.wait([key]) == 5.5
    purse.now = 103.0
    assert purse.wait([key]) == 5.5
    purse.settle(first, 101.0)
    purse.settle(second, 103.0)
    assert purse.wait([key]) == pytest.approx(3.5)
    purse.now = 106.5
    assert purse.wait([key]) == 0
    called(purse, key)
    assert purse.wait([key]) == pytest.approx(2.0)


def test_a_call_with_budget_in_a_moment_is_paid_now_and_made_then() -> None:
    purse, key = Purse(Rates(channel=Window(2, 5), apart=0), now=100.0), of_channel("C1")
    called(purse, key)
    purse.now = 100.1
    called(purse, key)
    purse.now = 104.5
    assert purse.spend([key]) is None
    assert purse.full == pytest.approx({key: 0.5 - AHEAD})
    purse.now = 105.0 - AHEAD
    assert purse.full == {}
    assert paid(purse, key).at == pytest.approx(105.0)
    assert purse.wait([key]) == pytest.approx(105.1 - purse.now)


def test_a_paid_call_that_is_never_made_is_refunded() -> None:
    purse, key = Purse(Rates(channel=Window(1, 5), apart=0), now=100.0), of_channel("C1")
    spent = paid(purse, key)
    assert purse.wait([key]) == 5
    purse.settle(spent, None)
    purse.settle(spent, 100.0)
    assert purse.wait([key]) == 0


def test_a_call_that_is_never_reported_ends_at_the_latest_time() -> None:
    purse, key = Purse(Rates(channel=Window(1, 5), apart=0), now=100.0), of_channel("C1")
    paid(purse, key)
    purse.now = 100.0 + LASTS
    assert purse.wait([key]) == 5
    purse.now += 5
    assert purse.wait([key]) == 0


def test_a_rate_limit_lasts_as_long_as_slack_says() -> None:
    purse = Purse(Rates(), now=100.0)
    purse.pause([POSTS], 130)
    purse.pause([POSTS], 110)
    assert purse.wait([POSTS, of_channel("C1")]) == 30


def test_a_machine_whose_clock_is_ahead_delays_others_by_one_window_at_most() -> None:
    purse = Purse(Rates(channel=Window(1, 5), apart=0), now=100.0, spent={of_channel("C1"): [5_000.0]})
    assert purse.wait([of_channel("C1")]) == 5
