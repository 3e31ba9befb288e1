"""Database outages: reviewers are told, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.slack.app import NOT_ANSWERED, UNAVAILABLE
from bot.slack.clicks import reading
from rules.state.commands import Verb
from rules.state.model import Status
from store.engine.workers import UnavailableError
from tests.bot.slack.office import HARD, RITA, SENTA, SOFT, Office
from tests.bot.slack.operator_view import deliver_later, read_metric, submit_packages

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST, UPDATE = "chat.postMessage", "chat.update"
MANY = 5


@contextmanager
def without_its_database(office: Office) -> Iterator[None]:
    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.store.database, "read", away)
        patch.setattr(office.store.database, "write", away)
        yield


async def test_a_tap_without_a_database_is_answered_with_the_fault_and_counts_when_repeated(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    with without_its_database(office):
        assert (await office.click(RITA, card, "approve")).status == 503
        assert await office.refused(RITA) == UNAVAILABLE
    assert await office.status(proposal) is Status.PENDING
    assert await read_metric(office, 'countersign_clicks_total{outcome="fault"}') == 1
    assert (await office.click(RITA, card, "approve")).ok
    assert await office.status(proposal) is Status.APPROVED


async def test_a_command_that_was_done_but_not_shown_is_not_reported_as_unchanged(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    proposal, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card)
    monkeypatch.setattr(reading, "refresh", away)
    assert (await office.slack.click_modal(RITA, Verb.CLAIM_TASK.value)).ok
    view = office.slack.modal(RITA)
    assert view is not None
    assert NOT_ANSWERED in view.shown
    assert (await office.state(proposal)).task.assigned_to == RITA


async def test_without_a_database_a_form_stays_open_and_can_be_sent_again(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    await office.click(SENTA, card, "reject")
    with without_its_database(office):
        assert (await office.slack.submit(SENTA, {"comment": "Not now."})).status == 503
    assert await office.status(proposal) is Status.PENDING
    assert (await office.slack.submit(SENTA, {"comment": "Not now."})).ok
    assert await office.status(proposal) is Status.REJECTED


async def test_a_command_without_a_database_says_so(office: Office) -> None:
    with without_its_database(office):
        assert (await office.slack.command(RITA, "/reviews", "queue")).ok
    assert await office.notes(RITA) == UNAVAILABLE


async def test_opening_home_without_a_database_is_acknowledged(office: Office) -> None:
    with without_its_database(office):
        assert (await office.slack.open_home(RITA)).ok
        await office.finish_background()
    assert (await office.slack.open_home(RITA)).ok
    await office.slack.until(lambda: office.slack.home(RITA))


async def test_slack_sends_an_unsaved_event_again(office: Office) -> None:
    office.slack.change_person(RITA, deleted=True)
    with without_its_database(office):
        lost = await office.slack.event(office.slack.person_event(RITA))
    again = await office.slack.redeliver(lost, retry=1)
    assert (lost.status, again.status) == (503, 200)
    assert not await is_active(office, RITA)


async def test_after_an_unsaved_event_the_directory_is_read_again(office: Office) -> None:
    office.slack.change_person(RITA, deleted=True)
    with without_its_database(office):
        await office.slack.event(office.slack.person_event(RITA))
    assert await is_active(office, RITA)
    await office.read_directory()
    assert not await is_active(office, RITA)


async def is_active(office: Office, user: str) -> bool:
    roster = await office.store.read(office.store.installation.roster)
    person = roster.person(user)
    assert person is not None
    return person.active


async def test_delivery_resumes_after_a_database_outage(office: Office) -> None:
    await submit_packages(office)
    with without_its_database(office):
        await office.deliver()
    await deliver_later(office)
    assert len(office.cards()) == 1


async def test_a_card_whose_post_could_not_be_saved_is_found_again(office: Office) -> None:
    """The database fails between Slack's answer and the record of it."""
    gate = office.slack.faults.hold(POST)
    proposal = await office.submit(SOFT)
    posting = asyncio.create_task(office.deliver())
    await gate.wait_until_reached()
    with without_its_database(office):
        gate.open()
        await posting
    await deliver_later(office)
    assert (await office.state(proposal)).shown is not None
    assert await read_metric(office, "countersign_places_behind") == 0
    assert len(office.cards()) == 2


async def test_a_card_whose_proof_could_not_be_saved_is_proven_later_and_not_posted_again(office: Office) -> None:
    """Otherwise silence on it would never count."""

    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.store, "execute", away)
        proposal = await office.submit(SOFT)
        await office.deliver()
        assert len(office.cards()) == 1
    await deliver_later(office)
    assert (await office.state(proposal)).shown is not None
    assert len(office.cards()) == 1
