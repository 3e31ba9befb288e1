"""Slack does not document its burst limit: the service learns it from the first refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from http import HTTPStatus
from pathlib import Path

import pytest

from playground.model.rates import Rates as Strict
from scheduler.cards.reconciler import ROUND_EVERY, Reconciler
from store.outbox.rate_budget import AHEAD, NO_BURSTS_FOR, Payment, RateBudget, Rates, Window, of_channel
from tests.bot.service import SOFT
from tests.bot.slack.office import CHANNEL, POLICY, Office, open_office
from tests.bot.slack.operator_view import submit_packages
from tests.rules.world import RITA

POST = "chat.postMessage"
FASTER = 20.0  # times as fast as Slack: a second of its lasts a twentieth
PROMISED = Rates(channel=Window(5, 5 / FASTER), posts=Window(300, 60 / FASTER), apart=0.005)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr("store.outbox.rate_budget.AHEAD", AHEAD / FASTER)
    async with open_office(database_url, tmp_path) as opened:
        reconciler(opened)._pace.rates = PROMISED
        yield opened


def reconciler(office: Office) -> Reconciler:
    assert office.running.service.slack is not None
    return office.running.service.slack.reconciler


async def wait_for_cards(office: Office, count: int) -> None:
    """Runs the service's own loop in real time."""
    await office.slack.until(lambda: len(office.cards()) == count, seconds=20)


def refusals(office: Office) -> int:
    return sum(call.status == HTTPStatus.TOO_MANY_REQUESTS for call in office.slack.calls_to(POST))


async def test_after_a_rate_limit_posts_keep_to_one_per_second_and_none_is_refused(office: Office) -> None:
    office.slack.workspace.rates = Strict(speed=FASTER, burst=1)
    await submit_packages(office, SOFT, count=5)
    await wait_for_cards(office, 5)
    learned = refusals(office)
    assert 1 <= learned <= 4
    await submit_packages(office, SOFT, count=28)
    await wait_for_cards(office, 33)
    assert refusals(office) == learned


async def test_a_rate_limited_call_is_repeated_as_soon_as_slack_allows(office: Office) -> None:
    office.slack.faults.rate_limited(POST, seconds=1)
    await submit_packages(office, SOFT)
    await office.deliver()
    assert refusals(office) == 1
    assert 0 < reconciler(office)._pause() <= 1.0 < ROUND_EVERY


async def test_a_direct_channel_has_one_budget_for_its_cards_and_their_notes(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, POLICY.replace(f'default = "{CHANNEL}"', "")) as office:
        _, card = await office.submit_with_card(SOFT, RITA)
        await office.click(RITA, card, "approve")
        await office.deliver()
        assert len(office.thread(card)) == 1
        keys: Collection[str] = await reconciler(office)._pace.within(lambda _, budget: set(budget.keys))
        assert of_channel(RITA) in keys
        assert of_channel(card.channel) not in keys


def test_bursts_come_back_after_a_day() -> None:
    budget, key = RateBudget(Rates(channel=Window(5, 5), apart=0), now=100.0), of_channel("C1")
    refused = _call(budget, key)
    budget.back_off(refused, 101.0)
    budget.now = 101.0
    _call(budget, key)
    assert budget.wait([key]) == pytest.approx(1.0)
    budget.now += NO_BURSTS_FOR
    _call(budget, key)
    assert budget.wait([key]) == 0


def _call(budget: RateBudget, key: str) -> Payment:
    """A call that is answered at once."""
    spent = budget.spend([key])
    assert spent is not None
    budget.settle(spent, budget.now)
    return spent
