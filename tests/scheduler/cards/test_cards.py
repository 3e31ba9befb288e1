"""Cards: one per place, updated in place, with the right mentions and thread notes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rules.state.commands import Verb
from tests.bot.slack.office import (
    ADAM,
    CHANNEL,
    CRITICAL,
    GROUP,
    HARD,
    NOBODY,
    POLICY,
    RITA,
    ROSE,
    ROSS,
    SAUL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    Office,
    open_office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SUPERVISORS = {SUSI, SAUL, "USILA"}
BALANCED = POLICY + '\n[queue]\nassign = "balanced"\n'


# One card, kept up to date.


async def test_a_card_is_posted_once_and_then_updated_in_place(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    later = await office.card(response)
    await office.approve(SENTA, later)
    decided = await office.card(response)
    assert {card.ts, later.ts, decided.ts} == {card.ts}
    assert [message.ts for message in office.cards()] == [card.ts]
    assert [card.edits, later.edits, decided.edits] == [0, 1, 2]


async def test_ten_quick_changes_cost_one_update_more_than_the_first(office: Office) -> None:
    response, card = await office.submit_with_card()
    gate = office.slack.faults.hold("chat.update")
    await office.give(SENTA, card, Verb.COMMENT, {"comment": "Remark 1."})
    await gate.wait_until_reached()
    for number in range(2, 11):
        await office.give(SENTA, card, Verb.COMMENT, {"comment": f"Remark {number}."})
    gate.open()
    shown = (await office.card(response)).shown
    assert "Remark 10." in shown
    assert len(office.slack.calls_to("chat.update")) == 2
    assert len(office.cards()) == 1


async def test_a_change_without_visible_effect_updates_no_card(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.click(RITA, card, "approve")
    await office.refused(RITA)
    assert len(await office.refusals(response)) == 1
    await office.deliver()
    assert office.slack.calls_to("chat.update") == []


async def test_packages_do_not_share_a_card(office: Office) -> None:
    first, one = await office.submit_with_card()
    second, other = await office.submit_with_card({**HARD, "action_parameters": {"record": "7"}})
    assert one.ts != other.ts
    await office.approve(SENTA, one)
    assert "Approve" not in (await office.card(first)).labels
    assert "Approve" in (await office.card(second)).labels


# Whom it pings.


@pytest.mark.parametrize(
    ("package", "called"),
    [
        pytest.param(SOFT, set(), id="soft: nobody"),
        pytest.param(HARD, {SENTA, SVEN, *SUPERVISORS}, id="hard: people who may decide"),
        pytest.param(CRITICAL, set(SUPERVISORS), id="critical: people with the authority"),
    ],
)
async def test_a_card_mentions_the_people_who_may_decide(
    office: Office, package: Mapping[str, Any], called: set[str]
) -> None:
    _, card = await office.submit_with_card(package)
    assert card.notified == called


async def test_if_more_than_five_people_may_decide_their_group_is_mentioned(office: Office) -> None:
    await office.regroup(added=(NOBODY,))
    _, card = await office.submit_with_card()
    assert (card.mentioned, card.notified) == ({GROUP}, {SENTA, SVEN, NOBODY})


@pytest.mark.parametrize("party", [{"requested_by": SENTA}, {"on_behalf_of": [SENTA]}], ids=["requester", "chain"])
async def test_people_who_may_not_decide_are_not_asked(office: Office, party: Mapping[str, Any]) -> None:
    office.slack.change_person(SVEN, deleted=True)
    await office.slack.event(office.slack.person_event(SVEN))
    _, card = await office.submit_with_card({**HARD, **party})
    assert (card.mentioned, card.notified) == (set(SUPERVISORS), set(SUPERVISORS))


async def test_an_assigned_task_mentions_only_its_assignee(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, BALANCED) as office:
        response, card = await office.submit_with_card()
        assignee = (await office.read(response)).body["interrupt"]["assigned_to"]
        assert card.notified == {assignee}


async def test_a_new_assignee_is_mentioned(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.slack.command(ADAM, "/reviews", f"assign {response.id} <@{SVEN}>")
    card = await office.card(response)
    (note,) = office.thread(card)
    assert (note.notified, "Adam assigned this to Sven." in note.shown) == ({SVEN}, True)


async def test_a_package_that_needs_nobody_gets_a_card_without_mentions(office: Office) -> None:
    response = await office.submit({**SOFT, "action_type": "record.note", "risk_level": "low"})
    assert (response.status, response.body["level"]) == (201, "notify_only")
    card = await office.card(response)
    assert ("This is for your information" in card.shown, card.labels, card.notified) == (True, ["Details"], set())


async def test_an_autonomous_package_has_no_card(office: Office) -> None:
    response = await office.submit({**SOFT, "risk_level": "low"})
    await office.deliver()
    assert (response.status, office.cards()) == (201, [])


async def test_after_an_objection_five_people_are_mentioned_holders_of_the_role_first(office: Office) -> None:
    """Silence no longer counts. An update notifies nobody, so a note must mention the deciders."""
    response, card = await office.submit_with_card(SOFT)
    await office.click(ROSE, card, "object")
    card = await office.card(response)
    (note,) = office.thread(card)
    assert (card.notified, len(note.notified), {RITA, ROSS} <= note.notified) == (set(), 5, True)
    assert "asks a reviewer, for" in card.shown


async def test_updates_mention_nobody(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    await office.give(
        SVEN, await office.card(response), Verb.COMMENT, {"comment": "I know her.", "audience": "Reviewers only"}
    )
    await office.card(response)
    assert [message.ts for message in office.slack.messages(CHANNEL)] == [card.ts]


async def test_words_of_the_agent_mention_nobody(office: Office) -> None:
    text = "Ask <@URITA>, <!subteam^S0SENIORS> and <!channel> or @here."
    _, card = await office.submit_with_card({**SOFT, "title": text[:150], "rationale": text, "proposed_action": text})
    assert (card.mentioned, card.notified) == (set(), set())


async def test_an_escalation_in_the_same_channel_mentions_the_new_role_in_the_thread(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.ESCALATE, {"comment": "Too big for me."})
    card = await office.card(response)
    (note,) = office.thread(card)
    assert note.notified == SUPERVISORS
    assert ("Senta escalated this" in note.shown, "Too big for me." in note.shown) == (True, True)
    assert len(office.cards()) == 1


async def test_a_new_version_is_announced_in_the_thread_to_the_deciders(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.REVISE, {"instructions": "Name the record."})
    await office.deliver()
    await office.version(response, {**HARD, "action_parameters": {"record": "43"}})
    card = await office.card(response)
    asked, came = office.thread(card)
    assert ("Name the record." in asked.shown, asked.notified) == (True, frozenset())
    assert ('"43"' in came.shown, came.notified) == (True, {SENTA, SVEN, *SUPERVISORS})


NOT_READ = "Replies here are not read: use Comment in Details."


async def test_only_the_first_note_of_a_thread_says_that_replies_are_not_read(office: Office) -> None:
    response, card = await office.submit_with_card()
    assert office.thread(card) == []
    await office.give(SENTA, card, Verb.REVISE, {"instructions": "Name the record."})
    await office.deliver()
    await office.version(response, {**HARD, "action_parameters": {"record": "43"}})
    first, second = office.thread(await office.card(response))
    assert first.shown.endswith(NOT_READ)
    assert NOT_READ in first.text
    assert NOT_READ not in second.shown


async def test_notes_under_a_card_that_says_it_do_not_repeat_it_until_the_card_is_decided(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.REVISE, {"instructions": "Name the record."})
    await office.version(response, {**HARD, "action_parameters": {"record": "43"}})
    await office.give(SENTA, await office.card(response), Verb.ESCALATE, {})
    card = await office.card(response)
    assert NOT_READ in card.shown
    assert [NOT_READ in note.shown for note in office.thread(card)] == [False] * len(office.thread(card))
    await office.give("USAUL", card, Verb.REJECT, {"comment": "No."})
    card = await office.card(response)
    assert NOT_READ not in card.shown
    assert [NOT_READ in note.shown for note in office.thread(card)[-2:]] == [False, True]


async def test_the_thread_of_a_card_that_is_posted_again_says_it_again(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.REVISE, {"instructions": "Name the record."})
    card = await office.card(response)
    office.slack.delete(card)
    await office.version(response, {**HARD, "action_parameters": {"record": "43"}})
    again = await office.card(response)
    await office.give(SENTA, again, Verb.REVISE, {"instructions": "Again."})
    notes = office.thread(await office.card(response))
    assert again.ts != card.ts
    assert [NOT_READ in note.shown for note in notes] == [False, True]
