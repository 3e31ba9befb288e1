"""The words of `/reviews` for admins."""

from __future__ import annotations

import pytest

from tests.bot.service import Response
from tests.bot.slack.office import ADAM, CHANNEL, NOBODY, RITA, SENTA, SOFT, SUSI, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_an_admin_assigns_a_package_to_someone_who_may_decide_it(office: Office) -> None:
    proposal, _ = await office.submit_with_card()
    note = await office.reviews(ADAM, f"assign {proposal.id} <@{SENTA}|senta>")
    assert "This is now with" in note.shown
    assert "Read the record" in note.shown
    assert proposal.id not in note.shown
    assert (await office.state(proposal)).task.assigned_to == SENTA
    assert [event["actor"] for event in await office.events(proposal, "task.assigned")] == [ADAM]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("assign {id} <@URITA>", "cannot decide it: none of their roles is asked", id="no role"),
        pytest.param("assign {id} <@UROSE>", "cannot decide it: they asked for it", id="the requester"),
        pytest.param("assign {id} <@UGUEST>", "cannot decide it: they are a guest", id="a guest"),
        pytest.param("assign {id} <@UNEMO>", "cannot decide it: they are not in", id="nobody"),
        pytest.param("assign pkg_nowhere <@USENTA>", "no such package", id="an unknown id"),
        pytest.param("assign {id}", "Write it as: /reviews assign ID @user.", id="nobody named"),
        pytest.param("assign <@USENTA>", "Write it as: /reviews assign ID @user.", id="no id"),
        pytest.param("assign", "Write it as: /reviews assign ID @user.", id="nothing"),
    ],
)
async def test_a_package_is_assigned_only_to_someone_who_may_decide_it(office: Office, text: str, why: str) -> None:
    proposal, _ = await office.submit_with_card()
    assert why in (await office.reviews(ADAM, text.format(id=proposal.id))).shown
    assert (await office.state(proposal)).task.assigned_to is None


async def test_audit_shows_what_happened_to_a_package(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    note = await office.reviews(ADAM, f"audit {proposal.id}")
    headings = ("Submitted", "Card shown (a reviewer can see it)", "Decision: approve", "Approved")
    assert [line for line in note.shown.split("\n") if line in headings] == list(headings)
    assert (
        "There is no package pkg_nowhere that you can see." in (await office.reviews(ADAM, "audit pkg_nowhere")).shown
    )
    assert "Write it as: /reviews audit ID." in (await office.reviews(ADAM, "audit")).shown


async def test_policy_shows_the_policy_in_force(office: Office) -> None:
    note = await office.reviews(ADAM, "policy")
    assert "test-1" in note.shown
    assert "senior reviewer" in note.shown


async def _asks(office: Office) -> Response:
    return await office.submit(SOFT | {"action_parameters": {}})


async def test_proposals_of_a_paused_agent_are_refused_until_it_is_resumed(office: Office) -> None:
    assert "The agent Clerk is paused" in (await office.reviews(ADAM, "pause Clerk")).shown
    assert (await _asks(office)).problem == (409, "agent-paused")
    assert "The agent Clerk is resumed." in (await office.reviews(ADAM, "resume Clerk")).shown
    assert (await _asks(office)).status == 202


async def test_an_agent_may_have_a_name_of_several_words(office: Office) -> None:
    await office.hire("Billing  Clerk")
    await office.hire("Billing Clerk")
    assert "The agent Billing Clerk is paused" in (await office.reviews(ADAM, "pause Billing Clerk")).shown


@pytest.mark.parametrize("word", ["pause", "resume"])
async def test_pause_without_an_agent_says_what_to_write(office: Office, word: str) -> None:
    assert f"Which one? Write it as: /reviews {word} AGENT." in (await office.reviews(ADAM, word)).shown


@pytest.mark.parametrize("text", ["pause Nobody", "resume nobody", "pause <!channel>"])
async def test_pausing_an_unknown_agent_says_so(office: Office, text: str) -> None:
    note = await office.reviews(ADAM, text)
    assert "agent" in note.shown
    assert "is paused:" not in note.shown
    assert (await _asks(office)).status == 202


@pytest.mark.parametrize("word", ["assign", "audit", "policy", "pause"])
@pytest.mark.parametrize("user", [RITA, SUSI, NOBODY])
async def test_admin_words_are_refused_to_others(office: Office, word: str, user: str) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    note = await office.reviews(user, f"{word} {proposal.id} <@{RITA}> Clerk")
    assert "Only the policy's admins can do this." in note.shown
    assert (await office.state(proposal)).task.assigned_to is None
    assert (await office.submit(SOFT | {"action_parameters": {}})).status == 202


async def test_the_queue_tells_admins_which_channels_cannot_show_cards(office: Office) -> None:
    office.slack.change_channel(CHANNEL, bot_in=False)
    await office.submit(SOFT)
    await office.deliver()
    note = await office.reviews(ADAM, "queue")
    assert "not_in_channel" in note.shown
    assert "Invite the app there." in note.shown
    assert "Read the record" in note.shown
    assert "not_in_channel" not in (await office.reviews(RITA, "queue")).shown
