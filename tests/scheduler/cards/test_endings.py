"""The end of a package is shown on its card at every place and in one thread note."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rules.state.commands import Verb
from rules.state.service_commands import Climb, ClockCommand, Consent, Expire, Lapse, LoseTrack, Remind, WakeUp
from tests.bot.slack.office import (
    CRITICAL,
    DECIDERS,
    HARD,
    POLICY,
    ROSE,
    SAUL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    Office,
    open_office,
)
from tests.rules.world import DAY, HOUR, NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NO_SECOND_EYES = POLICY + "\n[separation]\nsecond_pair_of_eyes = false\n"
REJECT = {"comment": "Too much."}
UNTIL = int((NOW + HOUR).timestamp())
SETTLED = [
    pytest.param(Verb.REJECT, REJECT, "Rejected", {"Details"}, id="rejected"),
    pytest.param(Verb.TAKE_OVER, {}, "Taken over", {"Details"}, id="taken over"),
    pytest.param(
        Verb.OVERRIDE,
        {"override_decision": "stop", "override_reason": "It is Sunday.", "evidence_refs": "calendar"},
        "Overridden: stop",
        {"Details"},
        id="overridden",
    ),
    pytest.param(
        Verb.APPROVE,
        {"comment": "Checked.", "confirmed": ["The agent may then do exactly this"]},
        "Approved",
        {"Details"},
        id="approved",
    ),
    pytest.param(
        Verb.REVISE, {"instructions": "Less."}, "Changes requested", {"Details", "Reject"}, id="revision requested"
    ),
    pytest.param(
        Verb.REQUEST_MORE_EVIDENCE,
        {"instructions": "More."},
        "Evidence requested",
        {"Details", "Reject"},
        id="evidence requested",
    ),
    pytest.param(
        Verb.DEFER, {"until": UNTIL, "comment": "Later."}, "Deferred", {"Details", "Reject", "Revise"}, id="deferred"
    ),
]


NOTED = {
    Verb.REJECT: "rejected this.",
    Verb.TAKE_OVER: "took this over.",
    Verb.OVERRIDE: "overrode the proposal: stop.",
    Verb.APPROVE: "approved this.",
    Verb.REVISE: "asked Clerk for changes.",
    Verb.REQUEST_MORE_EVIDENCE: "asked Clerk for more evidence.",
    Verb.DEFER: "deferred this.",
}


@pytest.mark.parametrize(("verb", "values", "says", "labels"), SETTLED)
async def test_a_decision_names_its_decider_on_the_card_and_in_one_note(
    office: Office, verb: Verb, values: Mapping[str, Any], says: str, labels: set[str]
) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, verb, values)
    card = await office.card(response)
    assert ("Senta (senior reviewer)" in card.shown, says.lower() in card.shown) == (True, True)
    assert {label for label in card.labels if label} == labels
    (note,) = office.thread(card)
    assert f"Senta (senior reviewer) {NOTED[verb]}" in note.shown
    assert note.notified == frozenset()


async def test_notes_overtaken_by_the_decision_are_not_posted(office: Office) -> None:
    """As after an hour without Slack: a note that says it waits would be wrong by now."""
    response, card = await office.submit_with_card(SOFT)
    gate = office.slack.faults.hold("chat.update")
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    await gate.wait_until_reached()
    await office.click(ROSE, card, "object")
    await office.version(response, {**SOFT, "action_parameters": {"record": "43"}})
    await office.cancel(response)
    gate.open()
    (note,) = office.thread(await office.card(response))
    assert "Clerk withdrew this" in note.shown


async def test_no_note_is_posted_twice_if_the_next_one_fails(office: Office) -> None:
    response, card = await office.submit_with_card({**HARD, "thread_id": "thr_1"})
    office.slack.faults.error("chat.update", "internal_error")
    await office.give(SENTA, card, Verb.TAKE_OVER, {})
    await office.deliver()
    await office.give(SENTA, card, Verb.HAND_BACK, {})
    assert office.thread(card) == []
    posting = office.slack.faults.hold("chat.postMessage")
    trying = asyncio.create_task(office.skip_pause())
    await posting.wait_until_reached()
    office.slack.faults.error("chat.postMessage", "internal_error")
    posting.open()
    await trying
    assert len(office.thread(card)) == 1
    await office.skip_pause()
    assert ["took this over" in note.shown for note in office.thread(await office.card(response))] == [True, False]


async def test_an_approval_with_edits_is_one_note_that_shows_the_changes(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, NO_SECOND_EYES) as office:
        response, card = await office.submit_with_card()
        await office.edit(SENTA, card, '{"record": "43"}')
        (note,) = office.thread(await office.card(response))
        assert ("edited the parameters and approved them" in note.shown, '"43"' in note.shown) == (True, True)


async def test_a_withdrawn_package_says_that_its_agent_withdrew_it(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.cancel(response, "The customer has left.")
    card = await office.card(response)
    assert ("Clerk withdrew this" in card.shown, "The customer has left." in card.shown) == (True, True)
    assert card.labels == ["Details"]
    (note,) = office.thread(card)
    assert "Clerk withdrew this" in note.shown


async def test_a_revocation_gets_its_own_note_after_the_approval(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    await office.give(SVEN, await office.card(response), Verb.REVOKE, {"comment": "Recalled."})
    card = await office.card(response)
    assert "approval revoked" in card.shown
    approved, revoked = office.thread(card)
    assert ("Senta" in approved.shown, "Sven" in revoked.shown) == (True, True)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        pytest.param("succeeded", "Approved, carried out", id="executed"),
        pytest.param("failed", "Approved, but it failed", id="failed"),
        pytest.param("rolled_back", "Approved, then rolled back", id="rolled back"),
    ],
)
async def test_the_execution_result_is_shown_on_the_approved_card(office: Office, outcome: str, says: str) -> None:
    response, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    assert "not carried out yet" in (await office.card(response)).shown
    await office.claim(response)
    assert "approved, being carried out" in (await office.card(response)).shown
    await office.report(response, outcome, detail="Record 42 it was.")
    card = await office.card(response)
    assert (says.lower() in card.shown, "Record 42 it was." in card.shown) == (True, True)


# What time did.


async def test_an_expired_package_says_that_time_ended_it_and_nobody_rejected_it(office: Office) -> None:
    response, _ = await office.submit_with_card(CRITICAL)
    office.clock.passes(DAY)
    await office.time(Expire, response)
    card = await office.card(response)
    assert ("expired" in card.shown, "nobody rejected it" in card.shown, card.labels) == (True, True, ["Details"])
    (note,) = office.thread(card)
    assert ("nobody rejected it" in note.shown, note.notified) == (True, frozenset())


async def test_a_missed_deadline_mentions_the_next_role_and_the_one_that_may_still_decide(office: Office) -> None:
    response, _ = await office.submit_with_card()
    office.clock.passes(DAY)
    await office.time(Climb, response)
    card = await office.card(response)
    (note,) = office.thread(card)
    assert "nobody answered in time" in card.shown
    assert ("nobody answered in time" in note.shown, note.notified) == (True, {SUSI, SAUL, "USILA", SENTA, SVEN})


async def test_a_reminder_mentions_the_role_in_the_thread(office: Office) -> None:
    response, _ = await office.submit_with_card()
    office.clock.passes(20 * HOUR)
    await office.time(Remind, response)
    (note,) = office.thread(await office.card(response))
    assert ("still waits for a senior reviewer" in note.shown, note.notified) == (True, DECIDERS)


async def test_a_package_that_returns_from_deferral_mentions_the_role_again(office: Office) -> None:
    response, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.DEFER, {"until": UNTIL, "comment": "Later."})
    await office.deliver()
    office.clock.passes(HOUR)
    await office.time(WakeUp, response)
    card = await office.card(response)
    put_off, back = office.thread(card)
    assert ("Approve" in card.labels, put_off.notified, back.notified) == (True, frozenset(), DECIDERS)


async def test_a_soft_package_that_returns_from_deferral_still_goes_ahead_by_itself(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    await office.give(SENTA, card, Verb.DEFER, {"until": UNTIL, "comment": "Later."})
    await office.deliver()
    office.clock.passes(HOUR)
    await office.time(WakeUp, response)
    note = office.thread(await office.card(response))[-1]
    assert ("If nobody decides" in note.shown, note.notified) == (False, frozenset())


async def test_consent_by_silence_is_never_called_an_approval(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    office.clock.passes(HOUR)
    await office.time(Consent, response)
    card = await office.card(response)
    assert ("nobody objected" in card.shown, "consent by silence, not an approval" in card.shown) == (True, True)
    (note,) = office.thread(card)
    assert ("Approved" in note.shown, note.notified) == (False, frozenset())


@pytest.mark.parametrize(
    ("claims", "kind", "says"),
    [
        pytest.param(False, Lapse, "Approved, not used in time", id="never claimed"),
        pytest.param(True, LoseTrack, "Approved, outcome unknown", id="never reported"),
    ],
)
async def test_an_approval_with_an_unknown_outcome_is_shown(
    office: Office, claims: bool, kind: type[ClockCommand], says: str
) -> None:
    response, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    for _ in range(claims):
        await office.claim(response)
    office.clock.passes(3 * DAY)
    await office.time(kind, response)
    assert says.lower() in (await office.card(response)).shown
