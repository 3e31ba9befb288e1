"""A failed click may have been an objection: its package requires explicit approval from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.app import POLICY_UNREADABLE
from bot.slack.clicks import taps
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import Status
from scheduler.common.messenger import UnreachableError
from store.engine.database import StaleError
from store.installation.policy_texts import UnreadablePolicyError
from tests.bot.slack.context.test_database_away import without_its_database
from tests.bot.slack.office import GUEST, HARD, NOBODY, POLICY, RITA, ROSE, SOFT, Office, open_office
from tests.bot.slack.transport.test_proof import HARD_NOW, STILL_SOFT, stands
from tests.rules.world import MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def beats(office: Office) -> bool:
    assert office.running.service.slack is not None
    heart = office.running.service.slack.clockwork.heart
    await heart.tick()
    return heart.hears_clicks


async def test_an_objection_during_a_database_outage_makes_its_package_hard_once_it_is_back(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    with without_its_database(office):
        assert (await office.click(RITA, card, "object")).status == 503
        assert not await beats(office)
    await office.passes(5 * MINUTE)
    assert await stands(office, proposal) == HARD_NOW
    (hardened,) = await office.events(proposal, "package.hardened")
    assert (hardened["actor"], hardened["reason"]) == ("auto", "click-failed")
    sentence = "Someone's click could not be carried out. Explicit approval is now required."
    assert sentence in office.thread(card)[-1].shown


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.ESCALATE])
async def test_every_failed_click_counts_whatever_its_verb(office: Office, verb: Verb) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    with without_its_database(office):
        await office.click(RITA, card, verb.value)
    assert await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_an_internal_error_counts_as_a_failed_click(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    proposal, card = await office.submit_with_card(SOFT)
    monkeypatch.setattr(taps, "_decide", broken)
    assert (await office.click(RITA, card, "object")).status == 503
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_form_that_does_not_open_counts_as_a_failed_click(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    office.slack.faults.error("views.open", "internal_error")
    await office.click(RITA, card, "reject")
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_lost_form_counts_as_a_failed_click(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.click(RITA, card, "reject")
    with without_its_database(office):
        assert (await office.slack.submit(RITA, {"comment": "No."})).status == 503
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_the_requester_could_have_objected_too(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    with without_its_database(office):
        await office.click(ROSE, card, "object")
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


@pytest.mark.parametrize("user", [GUEST, NOBODY])
async def test_a_failed_click_of_someone_who_may_not_object_changes_nothing(office: Office, user: str) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    with without_its_database(office):
        await office.click(user, card, "object")
    assert await beats(office)
    assert await stands(office, proposal) == STILL_SOFT


async def test_a_failed_click_on_a_hard_package_leaves_it_as_it_is(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    with without_its_database(office):
        await office.click(RITA, card, "reject")
    assert await beats(office)
    assert await stands(office, proposal) == (Status.PENDING, HITLLevel.HARD_APPROVAL)
    assert await office.events(proposal, "package.hardened") == []


@pytest.fixture
async def forgetful(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """An office whose directory becomes stale in three minutes."""
    policy = POLICY.replace('max_age = "1000d"', 'max_age = "8m"')
    async with open_office(database_url, tmp_path, policy) as office:
        await office.read_directory()
        await office.passes(5 * MINUTE)
        yield office


@pytest.mark.parametrize("verb", [Verb.OBJECT, Verb.REJECT])
async def test_a_click_refused_for_a_stale_directory_counts_as_a_failed_click(forgetful: Office, verb: Verb) -> None:
    proposal, card = await forgetful.submit_with_card(SOFT)
    await forgetful.passes(4 * MINUTE)
    await forgetful.click(RITA, card, verb.value)
    assert "directory of people is out of date" in await forgetful.refused(RITA)
    await forgetful.read_directory()
    await beats(forgetful)
    assert await stands(forgetful, proposal) == HARD_NOW


async def test_time_with_a_stale_directory_does_not_count_as_silence(forgetful: Office) -> None:
    proposal, _ = await forgetful.submit_with_card(SOFT)
    await forgetful.passes(2 * MINUTE)
    await forgetful.passes(2 * MINUTE)
    await forgetful.read_directory()
    for _ in range(5):
        await forgetful.passes(MINUTE)
        assert await stands(forgetful, proposal) == STILL_SOFT
    await forgetful.passes(MINUTE)
    assert await forgetful.status(proposal) is Status.CONSENTED


async def test_an_objection_that_loses_every_race_counts_as_a_failed_click(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stale(*_: object, **__: object) -> None:
        raise StaleError

    proposal, card = await office.submit_with_card(SOFT)
    with monkeypatch.context() as patch:
        patch.setattr(office.store.database, "write", stale)
        await office.click(RITA, card, "object")
        assert "again" in await office.refused(RITA)
    assert await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_an_objection_at_a_replica_that_cannot_read_the_policy_counts_as_a_failed_click(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object, **__: object) -> None:
        raise UnreadablePolicyError("of a later release")

    proposal, card = await office.submit_with_card(SOFT)
    with monkeypatch.context() as patch:
        patch.setattr(office.store.database, "read", unreadable)
        assert (await office.click(RITA, card, "object")).status == 503
        assert await office.refused(RITA) == POLICY_UNREADABLE
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_click_before_slack_has_answered_auth_test_counts_as_failed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown() -> None:
        raise UnreachableError("no answer")

    assert office.running.service.slack is not None
    proposal, card = await office.submit_with_card(SOFT)
    with monkeypatch.context() as patch:
        patch.setattr(type(office.running.service.slack.client), "installation", lambda _: unknown())
        assert (await office.click(RITA, card, "object")).status == 503
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW
