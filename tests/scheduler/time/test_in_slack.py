"""What the clock does, as people see it in Slack: silence, reminders, escalations, absences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.state.commands import Verb
from rules.state.model import PackageState, Status
from tests.bot.service import Response
from tests.bot.slack.office import CHANNEL, HARD, RITA, ROSS, SAUL, SENTA, SOFT, SUSI, SVEN, Office
from tests.rules.world import DAY, HOUR, MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_soft_card_says_that_silence_counted_and_the_result(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    assert "unless someone objects" in card.shown
    await office.passes(5 * MINUTE)
    card = await office.card(response)
    assert await office.status(response) is Status.CONSENTED
    assert "consent by silence, not an approval" in card.shown
    assert "Object" not in card.labels
    body = (await office.read(response)).body
    assert (body["status"], body["decision"]["basis"]) == ("consented", "silent_consent")


async def test_silence_does_not_count_while_slack_is_away_and_goes_on_when_it_is_back(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    assert office.running.service.slack is not None
    await office.slack.go_down()
    await office.running.service.slack.clockwork.heart.tick()
    await office.passes(HOUR)
    assert await office.status(response) is Status.PENDING
    await office.slack.come_up()
    await office.running.service.slack.clockwork.heart.tick()
    await office.passes(5 * MINUTE)
    assert await office.status(response) is Status.CONSENTED


async def test_silence_does_not_count_while_everybody_who_sees_the_card_is_away(office: Office) -> None:
    """Others may decide, but none of them is in the channel."""
    for other in (ROSS, SENTA, SVEN, SUSI, SAUL, "USILA"):
        office.slack.leave(other, CHANNEL)
    await office.slack.command(RITA, "/reviews", "away 1h")
    response, card = await office.submit_with_card(SOFT)
    assert "after a reviewer can see this card if nobody objects" in card.shown
    await office.passes(10 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await office.slack.command(RITA, "/reviews", "back")
    await office.passes(MINUTE)
    assert "unless someone objects" in (await office.card(response)).shown
    assert await office.status(response) is Status.PENDING
    await office.passes(5 * MINUTE)
    assert await office.status(response) is Status.CONSENTED


async def test_an_objection_in_time_stops_consent_and_mentions_the_role(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    await office.passes(4 * MINUTE)
    await office.click(RITA, await office.card(response), "object")
    await office.passes(10 * MINUTE)
    assert await office.status(response) is Status.PENDING
    assert any(note.notified for note in office.thread(card))


async def test_people_are_reminded_in_the_thread_and_then_the_next_role_is_asked(office: Office) -> None:
    response, card = await office.submit_with_card(HARD)
    await office.passes(20 * HOUR)
    reminders = [note for note in office.thread(card) if "still waits" in note.shown]
    assert len(reminders) == 1
    assert {SENTA, SVEN} <= reminders[0].notified
    await office.passes(4 * HOUR)
    state = await office.state(response)
    assert (state.task.rung, state.task.required_role) == (1, "supervisor")
    assert "supervisor" in (await office.card(response)).shown


async def test_an_unused_approval_is_reminded_and_lapses(office: Office) -> None:
    response, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    await office.passes(DAY)
    assert "not carried out yet" in office.thread(card)[-1].shown
    await office.passes(DAY)
    body = (await office.read(response)).body
    assert (body["may_proceed"], body["execution"]["state"]) == (False, "lapsed")


async def test_an_absent_assignees_task_goes_to_their_delegate_and_back(office: Office) -> None:
    response, card = await office.submit_with_card(HARD)
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    await office.slack.close(SENTA, everything=True)
    await office.slack.command(SENTA, "/reviews", f"away 2d <@{SVEN}>")
    await office.passes(MINUTE)
    assert (await office.state(response)).task.assigned_to == SVEN
    await office.slack.command(SENTA, "/reviews", "back")
    await office.passes(MINUTE)
    assert (await office.state(response)).task.assigned_to == SENTA


async def while_slack_is_away(office: Office, response: Response, span: timedelta) -> PackageState:
    """Lets time pass while Slack is down; no call is in progress afterwards."""
    assert office.running.service.slack is not None
    await office.slack.go_down()
    office.clock.passes(span)
    await office.running.service.slack.clockwork.sweep.tick()
    await office.deliver()
    return await office.state(response)


async def test_an_escalation_before_the_reminder_was_posted_mentions_the_next_role_once(office: Office) -> None:
    response, card = await office.submit_with_card(HARD)
    state = await while_slack_is_away(office, response, 25 * HOUR)
    assert state.task.required_role == "supervisor"
    await office.slack.come_up()
    await office.skip_pause()
    calls = [note.shown for note in office.thread(card) if note.notified]
    assert [("supervisor" in call, "still waits" in call) for call in calls] == [(True, False)]


async def test_no_unused_approval_note_is_posted_if_it_was_used_meanwhile(office: Office) -> None:
    response, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    await office.deliver()
    state = await while_slack_is_away(office, response, DAY)
    assert state.execution.reminded
    assert (await office.claim(response)).status == 200
    await office.slack.come_up()
    await office.skip_pause()
    assert not [note for note in office.thread(card) if "not carried out yet" in note.shown]
