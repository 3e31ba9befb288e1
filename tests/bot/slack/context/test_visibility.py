"""Who sees a package in Slack: in lists, by its id, in Details. An invisible package looks like a missing one."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.client.delivery import AppRequest
from playground.client.interactions import Press
from playground.model.messages import Message
from rules.reasons import Reason
from rules.state.commands import Verb
from tests.bot.service import HARD
from tests.bot.slack.office import ADAM, CHANNEL, NOBODY, OWEN, POLICY, RITA, ROSE, SENTA, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

UNKNOWN = "pkg_0000000000000000000000000000"
OTHER = {**HARD, "title": "Another record", "action_parameters": {"record": "7"}}
OPEN = POLICY.replace('admins = ["UADAM"]', 'admins = ["UADAM"]\nvisibility = "workspace"')


async def click_forged(office: Office, user: str, card: Message, package_id: str, action_id: str = "details") -> None:
    """A click on one card's button that names the package of another card."""
    client = office.slack.client
    element = Press(action_id=action_id).find(card.blocks)
    action = client.payloads.action(element, {}) | {"value": f"{package_id} 1 0 -"}
    payload = client.payloads.on_message(client.person(user), card, action, {})
    await client.delivery.send(AppRequest("interactive", payload))


async def home(office: Office, user: str) -> str:
    await office.slack.open_home(user)
    await office.finish_background()
    view = office.slack.home(user)
    assert view is not None
    return view.shown


@pytest.mark.parametrize("user", [NOBODY, RITA], ids=["no role", "a role that is not asked"])
async def test_a_package_is_not_listed_for_or_shown_to_uninvolved_members(office: Office, user: str) -> None:
    proposal, _ = await office.submit_with_card()
    assert "Nothing that you can see is waiting." in (await office.reviews(user, "queue")).shown
    shown = await office.reviews(user, f"show {proposal.id}")
    nothing = await office.reviews(user, f"show {UNKNOWN}")
    assert shown.shown == nothing.shown.replace(UNKNOWN, proposal.id)
    assert "There is no package" in shown.shown
    assert await office.refusals(proposal) == [(user, Reason.NOT_VISIBLE)]


@pytest.mark.parametrize("user", [SENTA, ROSE, OWEN, ADAM], ids=["reviewer", "requester", "owner", "admin"])
async def test_a_package_is_listed_for_and_shown_to_people_involved_in_it(office: Office, user: str) -> None:
    proposal, _ = await office.submit_with_card()
    assert HARD["title"] in (await office.reviews(user, "queue")).shown
    assert HARD["title"] in (await office.reviews(user, f"show {proposal.id}")).shown


async def test_the_queue_counts_only_packages_that_its_reader_may_see(office: Office) -> None:
    for number in range(3):
        await office.submit_with_card({**HARD, "action_parameters": {"record": str(number)}, "requested_by": NOBODY})
    await office.submit_with_card(OTHER)
    listed = (await office.reviews(NOBODY, "queue")).shown
    assert (listed.count(HARD["title"]), "Another record" in listed) == (3, False)


async def test_numbers_are_shown_to_everyone(office: Office) -> None:
    await office.submit_with_card()
    assert "1" in (await office.stats(NOBODY)).shown


async def test_members_of_the_cards_channel_may_open_details_and_turn_pages(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    view = await office.details(NOBODY, card)
    assert HARD["proposed_action"] in view.shown
    assert await office.refusals(proposal) == []


async def test_a_forged_press_on_another_card_opens_no_details(office: Office) -> None:
    proposal, _ = await office.submit_with_card()
    _, mine = await office.submit_with_card(OTHER)
    await click_forged(office, NOBODY, mine, proposal.id)
    refusal = await office.refused(NOBODY)
    assert ("There is no package" in refusal, HARD["title"] in refusal) == (True, False)
    assert office.slack.modal(NOBODY) is None
    assert await office.refusals(proposal) == [(NOBODY, Reason.NOT_VISIBLE)]


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
async def test_the_refusal_of_a_forged_press_does_not_name_the_package(office: Office, verb: Verb) -> None:
    proposal, card = await office.submit_with_card()
    _, mine = await office.submit_with_card(OTHER)
    await click_forged(office, NOBODY, mine, proposal.id, verb)
    assert HARD["title"] not in await office.refused(NOBODY)
    await click_forged(office, NOBODY, card, proposal.id, verb)
    assert HARD["title"] in await office.refused(NOBODY)


async def test_a_forged_press_for_a_package_that_does_not_exist_gets_the_same_answer(office: Office) -> None:
    _, card = await office.submit_with_card()
    await click_forged(office, NOBODY, card, UNKNOWN)
    assert f"There is no package {UNKNOWN} that you can see." in await office.refused(NOBODY)


async def test_details_opened_from_an_answer_require_visibility_of_the_package(office: Office) -> None:
    proposal, _ = await office.submit_with_card()
    note = await office.reviews(SENTA, f"show {proposal.id}", channel=CHANNEL)
    await office.click(SENTA, note, "details")
    assert office.slack.modal(SENTA) is not None


async def test_app_home_lists_only_decisions_on_packages_that_the_reader_may_still_see(office: Office) -> None:
    _, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.REJECT, {"comment": "No."})
    assert HARD["title"] in await home(office, SENTA)
    await office.regroup(removed=(SENTA,))
    assert HARD["title"] not in await home(office, SENTA)


async def test_a_policy_may_show_packages_to_the_whole_workspace(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, OPEN) as office:
        proposal, _ = await office.submit_with_card()
        assert HARD["title"] in (await office.reviews(NOBODY, "queue")).shown
        assert HARD["title"] in (await office.reviews(NOBODY, f"show {proposal.id}")).shown
