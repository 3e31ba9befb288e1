"""The rate budget: calls stay within Slack's limits across all replicas, the gravest packages first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.slack import Slack
from rules.state.commands import Verb
from rules.state.model import Status
from store.outbox.rate_budget import AHEAD, LASTS, POSTS, UPDATES, Payment, RateBudget, Rates, Window, of_channel
from tests.bot.service import CRITICAL, HARD, SOFT
from tests.bot.slack.office import CHANNEL, GROUP, POLICY, UNLIMITED, Office, beside, furnish, open_office
from tests.bot.slack.operator_view import deliver_later, submit_packages
from tests.rules.world import ADAM, RITA, SENTA, SUSI

POST, UPDATE, MEMBERS = "chat.postMessage", "chat.update", "conversations.members"
BOARD = "C0BOARD"
NOTE = SOFT | {"action_type": "record.note"}


def with_a_board(slack: Slack) -> None:
    furnish(slack)
    slack.add_channel(BOARD, name="board", members=[RITA])


@pytest.fixture
def limited_office(office: Office) -> Office:
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
    await office.running.service.slack.reconciler._pace.within(lambda _, budget: budget.pause([key], now + 60))


def budget_wait(office: Office) -> float | None:
    assert office.running.service.slack is not None
    return office.running.service.slack.reconciler._budget_wait


async def test_posts_into_a_channel_stay_within_slacks_limit_and_the_rest_follows(limited_office: Office) -> None:
    await submit_packages(limited_office, count=12)
    await limited_office.deliver()
    assert len(limited_office.cards()) == 5
    wait = budget_wait(limited_office)
    assert wait is not None
    assert 0 < wait <= 5.2
    await deliver_later(limited_office, 5.2)
    assert len(limited_office.cards()) == 10
    await deliver_later(limited_office, 10.4)
    assert len(limited_office.cards()) == 12
    assert {call.error for call in limited_office.slack.calls_to(POST)} == {None}


async def test_channel_members_are_read_once_for_a_burst_of_cards_and_again_later(office: Office) -> None:
    await submit_packages(office, count=12)
    await office.deliver()
    assert (len(office.cards()), len(office.slack.calls_to(MEMBERS))) == (12, 1)
    await submit_packages(office)
    await deliver_later(office, 31)
    assert (len(office.cards()), len(office.slack.calls_to(MEMBERS))) == (13, 2)


async def test_the_gravest_packages_are_posted_first(limited_office: Office) -> None:
    await exhaust_budget(limited_office, POSTS)
    for package in (SOFT, HARD, CRITICAL):
        await submit_packages(limited_office, package, count=3)
    await limited_office.deliver()
    assert limited_office.cards() == []
    await deliver_later(limited_office, 61)
    texts = sorted(message.text.split(" risk")[0] for message in limited_office.cards())
    assert texts == ["Critical"] * 3 + ["High"] * 2


async def test_a_channel_at_its_limit_delays_no_other(database_url: str, tmp_path: Path) -> None:
    policy = POLICY.replace('"record.note" = {', f'"record.note" = {{ channel = "{BOARD}",')
    async with open_office(database_url, tmp_path, policy, scene=with_a_board) as office:
        pace(office, Rates())
        await submit_packages(office, count=12)
        await office.submit(NOTE)
        await office.deliver()
        assert (len(office.cards()), len(office.cards(BOARD))) == (5, 1)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_replicas_share_one_budget_and_post_each_card_once(limited_office: Office, tmp_path: Path) -> None:
    async with beside(
        limited_office.slack, limited_office.running.service.settings.database_url, tmp_path, clock=limited_office.clock
    ) as other:
        pace(other, Rates())
        await submit_packages(limited_office, count=7)
        await asyncio.gather(limited_office.deliver(), other.deliver(), limited_office.deliver(), other.deliver())
        assert len(limited_office.cards()) == 5
        await asyncio.gather(deliver_later(limited_office, 5.2), deliver_later(other, 5.2))
        assert len(limited_office.cards()) == 7


async def test_a_place_claimed_by_a_dead_replica_is_delivered_by_another(limited_office: Office) -> None:
    assert limited_office.running.service.slack is not None
    reconciler = limited_office.running.service.slack.reconciler
    async with reconciler._lock:
        await submit_packages(limited_office)
        claimed = await reconciler._claim_places()
    assert len(claimed) == 1
    await limited_office.deliver()
    assert limited_office.cards() == []
    await deliver_later(limited_office, 31)
    assert len(limited_office.cards()) == 1


async def test_without_update_budget_the_card_is_updated_through_the_response_url(limited_office: Office) -> None:
    response, card = await limited_office.submit_with_card(SOFT)
    updates = len(limited_office.slack.calls_to(UPDATE))
    await exhaust_budget(limited_office, UPDATES)
    await limited_office.click(RITA, card, "approve")
    await limited_office.deliver()
    assert await limited_office.status(response) is Status.APPROVED
    assert "Approve" not in limited_office.slack.message(CHANNEL, card.ts).labels
    assert len(limited_office.slack.calls_to(UPDATE)) == updates


async def test_if_the_response_url_fails_too_the_card_is_updated_when_there_is_budget(limited_office: Office) -> None:
    _, card = await limited_office.submit_with_card(SOFT)
    updates = len(limited_office.slack.calls_to(UPDATE))
    await exhaust_budget(limited_office, UPDATES)
    limited_office.slack.faults.status(404, "response_url")
    await limited_office.click(RITA, card, "approve")
    await limited_office.deliver()
    assert "Approve" in limited_office.slack.message(CHANNEL, card.ts).labels
    await deliver_later(limited_office, 61)
    assert "Approve" not in limited_office.slack.message(CHANNEL, card.ts).labels
    assert len(limited_office.slack.calls_to(UPDATE)) == updates + 1


async def test_a_card_whose_reply_was_lost_is_adopted_at_the_first_click(limited_office: Office) -> None:
    limited_office.slack.faults.lose_reply(POST)
    response = await limited_office.submit(SOFT)
    await limited_office.deliver()
    [card] = limited_office.cards()
    await limited_office.click(RITA, card, "approve")
    await limited_office.finish_background()
    await deliver_later(limited_office, 60)
    assert await limited_office.status(response) is Status.APPROVED
    assert limited_office.cards() == [limited_office.slack.message(CHANNEL, card.ts)]
    assert "Approve" not in limited_office.slack.message(CHANNEL, card.ts).labels


async def test_a_person_asked_directly_may_click_in_the_channel_and_both_cards_stay(
    database_url: str, tmp_path: Path
) -> None:
    """The seniors have a channel, the supervisors have none, and one supervisor is in the seniors' channel."""
    policy = POLICY.replace(f'default = "{CHANNEL}"', "").replace(
        f'groups = ["{GROUP}"]', f'groups = ["{GROUP}"]\nchannel = "{CHANNEL}"'
    )
    async with open_office(database_url, tmp_path, policy) as office:
        response, card = await office.submit_with_card()
        await office.give(SENTA, card, Verb.ESCALATE, {"comment": "Too big for me."})
        in_channel, in_person = await office.card(response), await office.card(response, SUSI)
        await office.click(SUSI, in_channel, "reject")
        await office.finish_background()
        assert office.slack.private_notes(SUSI) == []
        await office.slack.submit(SUSI, {"comment": "No."})
        for channel, card in ((CHANNEL, in_channel), (SUSI, in_person)):
            assert ((await office.card(response, channel)).ts, len(office.cards(channel))) == (card.ts, 1)


async def test_admins_are_alerted_once_about_a_channel_that_refuses_cards(limited_office: Office) -> None:
    limited_office.slack.change_channel(CHANNEL, archived=True)
    await submit_packages(limited_office, count=2)
    await limited_office.deliver()
    [alert] = [message for message in limited_office.slack.messages(ADAM) if "cannot show anything" in message.text]
    assert CHANNEL in alert.text
    assert "is_archived" in alert.text
    await deliver_later(limited_office, 600)
    assert (
        len([message for message in limited_office.slack.messages(ADAM) if "cannot show anything" in message.text]) == 1
    )


async def test_admins_who_cannot_be_reached_now_are_alerted_later(office: Office) -> None:
    pace(office, Rates(posts=Window(1, 60)))
    office.slack.faults.error(POST, "channel_is_archived")
    await submit_packages(office)
    await office.deliver()
    assert office.slack.messages(ADAM) == []
    pace(office, UNLIMITED)
    await deliver_later(office, 61)
    await deliver_later(office, 122)
    assert len([message for message in office.slack.messages(ADAM) if "cannot show anything" in message.text]) == 1


async def test_a_card_posted_again_is_posted_once_even_if_its_note_must_wait(office: Office) -> None:
    _, card = await office.submit_with_card()
    pace(office, Rates(posts=Window(2, 60)))
    office.slack.faults.error(UPDATE, "message_not_found", times=None)
    await office.click(SENTA, card, "reject")
    await office.slack.submit(SENTA, {"comment": "Not any more."})
    await office.deliver()
    assert (len(office.cards()), office.thread(office.cards()[-1])) == (2, [])
    await deliver_later(office, 61)
    assert (len(office.cards()), len(office.thread(office.cards()[-1]))) == (2, 1)


def pay(budget: RateBudget, key: str) -> Payment:
    spent = budget.spend([key])
    assert spent is not None
    return spent


def call(budget: RateBudget, key: str) -> None:
    """A call that Slack answers at once."""
    budget.settle(pay(budget, key), budget.now)


def test_a_window_begins_with_slacks_answer_and_lasts_as_much_longer_as_clocks_may_differ() -> None:
    budget, key = RateBudget(Rates(channel=Window(2, 5), apart=0.5), now=100.0), of_channel("C1")
    first, second = pay(budget, key), pay(budget, key)
    assert budget.wait([key]) == 5.5
    budget.now = 103.0
    assert budget.wait([key]) == 5.5
    budget.settle(first, 101.0)
    budget.settle(second, 103.0)
    assert budget.wait([key]) == pytest.approx(3.5)
    budget.now = 106.5
    assert budget.wait([key]) == 0
    call(budget, key)
    assert budget.wait([key]) == pytest.approx(2.0)


def test_a_call_with_budget_in_a_moment_is_paid_now_and_made_then() -> None:
    budget, key = RateBudget(Rates(channel=Window(2, 5), apart=0), now=100.0), of_channel("C1")
    call(budget, key)
    budget.now = 100.1
    call(budget, key)
    budget.now = 104.5
    assert budget.spend([key]) is None
    assert budget.full == pytest.approx({key: 0.5 - AHEAD})
    budget.now = 105.0 - AHEAD
    assert budget.full == {}
    assert pay(budget, key).at == pytest.approx(105.0)
    assert budget.wait([key]) == pytest.approx(105.1 - budget.now)


def test_a_paid_call_that_is_never_made_is_refunded() -> None:
    budget, key = RateBudget(Rates(channel=Window(1, 5), apart=0), now=100.0), of_channel("C1")
    spent = pay(budget, key)
    assert budget.wait([key]) == 5
    budget.settle(spent, None)
    budget.settle(spent, 100.0)
    assert budget.wait([key]) == 0


def test_a_call_that_is_never_reported_ends_at_the_latest_time() -> None:
    budget, key = RateBudget(Rates(channel=Window(1, 5), apart=0), now=100.0), of_channel("C1")
    pay(budget, key)
    budget.now = 100.0 + LASTS
    assert budget.wait([key]) == 5
    budget.now += 5
    assert budget.wait([key]) == 0


def test_a_rate_limit_lasts_as_long_as_slack_says() -> None:
    budget = RateBudget(Rates(), now=100.0)
    budget.pause([POSTS], 130)
    budget.pause([POSTS], 110)
    assert budget.wait([POSTS, of_channel("C1")]) == 30


def test_a_machine_whose_clock_is_ahead_delays_others_by_one_window_at_most() -> None:
    budget = RateBudget(Rates(channel=Window(1, 5), apart=0), now=100.0, spent={of_channel("C1"): [5_000.0]})
    assert budget.wait([of_channel("C1")]) == 5
