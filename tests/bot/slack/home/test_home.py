"""App Home: the packages that wait for a person, their decisions, and their absence."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from playground.client.delivery import AppRequest
from playground.model.views import View
from rules.people.directory import Person
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.service import Response
from tests.bot.slack.clicks.test_kinds import QUESTION
from tests.bot.slack.office import (
    ADAM,
    BOT,
    GONE,
    GUEST,
    HARD,
    NOBODY,
    RITA,
    ROSS,
    SENTA,
    SOFT,
    STRANGER,
    SUSI,
    SVEN,
    Office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DAY = timedelta(days=1)


async def home(office: Office, user: str) -> View:
    """The Home view that is published when this user opens it."""
    drawn = len(office.slack.calls_to("views.publish"))
    assert (await office.slack.open_home(user)).ok
    await office.slack.until(lambda: len(office.slack.calls_to("views.publish")) > drawn)
    await office.finish_background()
    return at_home(office, user)


def at_home(office: Office, user: str) -> View:
    view = office.slack.home(user)
    assert view is not None
    return view


def titles(view: View) -> list[str]:
    return re.findall(r"^Ask \d+$", view.shown, re.MULTILINE)


async def ask(office: Office, number: int, package: dict[str, Any] = SOFT) -> Response:
    """Submit a package and move the clock, so that deadlines differ."""
    office.clock.passes(timedelta(seconds=1))
    proposal = await office.submit(package | {"title": f"Ask {number}", "action_parameters": {"record": str(number)}})
    assert proposal.status == 202, proposal
    return proposal


async def absence(office: Office, user: str) -> tuple[bool, str | None]:
    roster = await office.world.read(office.store.installation.roster)
    person: Person | None = roster.person(user)
    assert person is not None
    return person.is_away(office.clock()), person.delegate


# Waiting packages.


async def test_the_queue_lists_assigned_packages_first_then_the_most_urgent_then_the_earliest_due(
    office: Office,
) -> None:
    soft = [await ask(office, number) for number in range(1, 4)]
    hard = [await ask(office, number, HARD) for number in range(4, 6)]
    await office.slack.command(ADAM, "/reviews", f"assign {soft[2].id} <@{SENTA}>")
    view = await home(office, SENTA)
    assert view.blocks[0]["text"]["text"] == "Senta, 5 packages wait for you, the most urgent first."
    assert titles(view) == ["Ask 3", "Ask 4", "Ask 5", "Ask 1", "Ask 2"]
    assert view.shown.count("assigned to you") == 1
    assert titles(await home(office, RITA)) == ["Ask 1", "Ask 2"]
    assert {await office.status(proposal) for proposal in (*soft, *hard)} == {Status.PENDING}


async def test_a_long_queue_is_paged_forward_to_its_end_and_back(office: Office) -> None:
    for number in range(23):
        proposal = await ask(office, number)
        assert number > 11 or (await office.slack.command(ADAM, "/reviews", f"assign {proposal.id} <@{RITA}>")).ok
    pages = [await home(office, RITA)]
    while "More" in pages[-1].labels:
        await office.slack.click_home(RITA, "home_mine", having_value=_value(pages[-1], "More"))
        pages.append(at_home(office, RITA))
    assert [len(titles(page)) for page in pages] == [10, 10, 3]
    assert [title for page in pages for title in titles(page)] == [f"Ask {number}" for number in range(23)]
    assert ["Back" in page.labels for page in pages] == [False, True, True]
    await office.slack.click_home(RITA, "home_mine", having_value=_value(pages[-1], "Back"))
    assert titles(at_home(office, RITA)) == titles(pages[0])


def _value(view: View, label: str) -> str:
    return next(str(element.data["value"]) for element in view.elements if element.label == label)


@pytest.mark.parametrize("action_id", ["home_mine", "home_decided"])
@pytest.mark.parametrize(
    "value",
    ["", "second", "first x y z", "first -1 2026-01-01 rt_1", "2099-01-01 evt", "9999-12-31T23:59:59Z", 1_999 * "9"],
)
async def test_an_unknown_page_falls_back_to_the_first(office: Office, action_id: str, value: str) -> None:
    await ask(office, 1)
    await home(office, RITA)
    client = office.slack.client
    action = {"type": "button", "action_id": action_id, "block_id": "b", "value": value}
    payload = client.payloads.on_view(client.person(RITA), at_home(office, RITA), action)
    assert (await client.delivery.send(AppRequest("interactive", payload))).status == 200
    assert office.slack.modal(RITA) is None
    assert titles(at_home(office, RITA)) == ["Ask 1"]


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        pytest.param(RITA, "New requests appear in the app's Home", id="a reviewer"),
        pytest.param(NOBODY, "You hold no role in the policy. Ask an admin", id="no role"),
        pytest.param(ADAM, "Put people into a role in the policy's file.", id="an admin without a role"),
        pytest.param(GUEST, "You hold no role", id="a guest"),
    ],
)
async def test_a_person_without_a_role_is_told_why_their_queue_is_empty(
    office: Office, user: str, sentence: str
) -> None:
    view = await home(office, user)
    assert sentence in view.shown
    assert "nothing waits for you" in view.shown
    assert titles(view) == []


async def test_packages_waiting_for_others_are_counted(office: Office) -> None:
    await ask(office, 1, HARD)
    assert "1 package waits for others: /reviews queue lists them." in (await home(office, RITA)).shown


async def test_help_lists_the_admin_words_for_admins(office: Office) -> None:
    assert "You are an admin" in (await home(office, ADAM)).shown
    assert "You are an admin" not in (await home(office, RITA)).shown


async def test_details_open_from_home_and_actions_in_them_update_home(office: Office) -> None:
    proposal = await ask(office, 1)
    await home(office, RITA)
    await office.slack.click_home(RITA, "details")
    await office.slack.click_modal(RITA, "claim_task")
    await office.finish_background()
    assert (await office.state(proposal)).task.assigned_to == RITA
    assert "assigned to you" in at_home(office, RITA).shown


# Decisions.


async def test_my_decisions_are_listed_with_their_current_state(office: Office) -> None:
    proposal = await ask(office, 1)
    await office.click(RITA, await office.card(proposal), "approve")
    view = await home(office, RITA)
    assert titles(view) == ["Ask 1"]
    assert "You approved this" in view.shown
    assert "now: approved" in view.shown
    assert "You have not decided anything yet." in (await home(office, ROSS)).shown


async def test_answers_and_handed_back_threads_are_listed_as_such(office: Office) -> None:
    _, question = await office.submit_with_card(QUESTION)
    await office.give(SENTA, question, Verb.ANSWER, {"answer": "The blue one."})
    proposal, card = await office.submit_with_card({**HARD, "thread_id": "thr_1"})
    await office.give(SENTA, card, Verb.TAKE_OVER, {})
    await office.give(SENTA, await office.card(proposal), Verb.HAND_BACK, {})
    text = (await home(office, SENTA)).shown
    assert ("now: answered" in text, "now: taken over, handed back" in text) == (True, True)
    assert "approved" not in text


async def test_my_decisions_are_paged_newest_first(office: Office) -> None:
    for number in range(12):
        await office.click(RITA, await office.card(await ask(office, number)), "approve")
    first = await home(office, RITA)
    assert titles(first) == [f"Ask {number}" for number in range(11, 1, -1)]
    await office.slack.click_home(RITA, "home_decided")
    second = at_home(office, RITA)
    assert titles(second) == ["Ask 1", "Ask 0"]
    await office.slack.click_home(RITA, "home_decided")
    assert titles(at_home(office, RITA)) == titles(first)


async def test_after_a_form_the_sender_sees_the_decision_at_home(office: Office) -> None:
    proposal = await ask(office, 1, HARD)
    assert "assigned to you" not in (await home(office, SENTA)).shown
    await office.approve(SENTA, await office.card(proposal))
    await office.finish_background()
    assert "You approved this" in at_home(office, SENTA).shown


# Away.


async def test_a_person_who_goes_away_names_a_delegate_and_comes_back(office: Office) -> None:
    await home(office, SENTA)
    await office.slack.click_home(SENTA, "home_away")
    until = int((office.clock() + DAY).timestamp())
    done = await office.slack.submit(SENTA, {"until": until, "delegate": SVEN})
    await office.finish_background()
    assert (done.errors, office.slack.modal(SENTA)) == ({}, None)
    assert await absence(office, SENTA) == (True, SVEN)
    away = at_home(office, SENTA)
    assert "You are away until" in away.shown
    assert "Sven stands in for you" in away.shown
    await office.slack.click_home(SENTA, "home_back")
    await office.finish_background()
    assert await absence(office, SENTA) == (False, None)
    assert "Going away?" in at_home(office, SENTA).shown


async def test_an_absence_ends_by_itself(office: Office) -> None:
    await office.slack.command(SENTA, "/reviews", "away 1h")
    assert "You are away until" in (await home(office, SENTA)).shown
    office.clock.passes(timedelta(hours=2))
    assert "Going away?" in (await home(office, SENTA)).shown


@pytest.mark.parametrize(
    ("after", "delegate", "field"),
    [
        pytest.param(-DAY, SVEN, "until", id="an end in the past"),
        pytest.param(DAY, SENTA, "delegate", id="themselves"),
        pytest.param(DAY, STRANGER, "delegate", id="a stranger"),
        pytest.param(DAY, GUEST, "delegate", id="a guest"),
        pytest.param(DAY, BOT, "delegate", id="a bot"),
        pytest.param(DAY, GONE, "delegate", id="someone who has left"),
        pytest.param(DAY, "UNEMO", "delegate", id="nobody"),
    ],
)
async def test_an_invalid_absence_is_reported_beside_its_field(
    office: Office, after: timedelta, delegate: str, field: str
) -> None:
    await home(office, SENTA)
    await office.slack.click_home(SENTA, "home_away")
    until = int((office.clock() + after).timestamp())
    refused = await office.slack.submit(SENTA, {"until": until, "delegate": delegate})
    assert list(refused.errors) == [field]
    assert await absence(office, SENTA) == (False, None)


# Slack does not open it.


@pytest.mark.parametrize("action_id", ["home_away", "details"])
async def test_a_tap_at_home_that_is_too_old_is_reported_at_home(office: Office, action_id: str) -> None:
    await ask(office, 1)
    await home(office, RITA)
    office.slack.faults.error("views.open", "expired_trigger_id")
    assert (await office.slack.click_home(RITA, action_id)).ok
    assert office.slack.modal(RITA) is None
    assert "Please try again." in at_home(office, RITA).shown
    assert titles(at_home(office, RITA)) == ["Ask 1"]
    assert "Please try again." not in (await home(office, RITA)).shown


async def test_a_refusal_to_open_a_package_from_home_is_shown_in_a_view(office: Office) -> None:
    await ask(office, 1)
    await home(office, SUSI)
    office.slack.change_person(SUSI, guest="multi")
    await office.slack.event(office.slack.person_event(SUSI))
    await office.slack.click_home(SUSI, "details")
    modal = office.slack.modal(SUSI)
    assert modal is not None
    assert "Guests cannot" in modal.shown


async def test_opening_another_tab_publishes_nothing(office: Office) -> None:
    assert (await office.slack.open_home(RITA, tab="messages")).ok
    await office.finish_background()
    assert office.slack.calls_to("views.publish") == []
