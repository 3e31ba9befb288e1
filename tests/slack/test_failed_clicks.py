"""A click that fails may have been an objection: the package it was for needs an explicit approval from then on."""

from __future__ import annotations

import pytest

from bot.slack import taps
from rules.commands import Verb
from rules.scales import HITLLevel
from rules.state import Status
from tests.rules.world import MINUTE
from tests.slack.office import GUEST, HARD, NOBODY, RITA, ROSE, SOFT, Office
from tests.slack.test_database_away import without_its_database
from tests.slack.test_proof import HARD_NOW, STILL_SOFT, stands

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def beats(office: Office) -> bool:
    assert office.its.service.slack is not None
    heart = office.its.service.slack.clockwork.heart
    await heart.tick()
    return heart.beating


async def test_an_objection_that_finds_no_database_makes_its_package_hard_as_soon_as_it_is_back(office: Office) -> None:
    told, card = await office.asked(SOFT)
    with without_its_database(office):
        assert (await office.click(RITA, card, "object")).status == 503
        assert not await beats(office)
    await office.passes(5 * MINUTE)
    assert await stands(office, told) == HARD_NOW
    (hardened,) = await office.events(told, "package.hardened")
    assert (hardened["actor"], hardened["reason"]) == ("auto", "click-failed")
    said = "Someone's click could not be carried out. Explicit approval is now required."
    assert said in office.thread(card)[-1].shown


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.ESCALATE])
async def test_every_failed_click_counts_whatever_it_was(office: Office, verb: Verb) -> None:
    told, card = await office.asked(SOFT)
    with without_its_database(office):
        await office.click(RITA, card, verb.value)
    assert await beats(office)
    assert await stands(office, told) == HARD_NOW


async def test_a_fault_of_our_own_counts_as_a_lost_database_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    told, card = await office.asked(SOFT)
    monkeypatch.setattr(taps, "_decided", broken)
    assert (await office.click(RITA, card, "object")).status == 503
    await beats(office)
    assert await stands(office, told) == HARD_NOW


async def test_a_form_that_did_not_open_counts_as_a_failed_click(office: Office) -> None:
    told, card = await office.asked(SOFT)
    office.slack.faults.error("views.open", "internal_error")
    await office.click(RITA, card, "reject")
    await beats(office)
    assert await stands(office, told) == HARD_NOW


async def test_a_form_that_was_lost_counts_as_a_failed_click(office: Office) -> None:
    told, card = await office.asked(SOFT)
    await office.click(RITA, card, "reject")
    with without_its_database(office):
        assert (await office.slack.submit(RITA, {"comment": "No."})).status == 503
    await beats(office)
    assert await stands(office, told) == HARD_NOW


async def test_the_requester_could_have_objected_too(office: Office) -> None:
    told, card = await office.asked(SOFT)
    with without_its_database(office):
        await office.click(ROSE, card, "object")
    await beats(office)
    assert await stands(office, told) == HARD_NOW


@pytest.mark.parametrize("user", [GUEST, NOBODY])
async def test_a_failed_click_of_someone_who_could_not_object_changes_nothing(office: Office, user: str) -> None:
    told, card = await office.asked(SOFT)
    with without_its_database(office):
        await office.click(user, card, "object")
    assert await beats(office)
    assert await stands(office, told) == STILL_SOFT


async def test_a_failed_click_on_a_hard_package_leaves_it_as_it_is(office: Office) -> None:
    told, card = await office.asked(HARD)
    with without_its_database(office):
        await office.click(RITA, card, "reject")
    assert await beats(office)
    assert await stands(office, told) == (Status.PENDING, HITLLevel.HARD_APPROVAL)
    assert await office.events(told, "package.hardened") == []
