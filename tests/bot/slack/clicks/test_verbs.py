"""Every verb once, from where it is offered through its form to what the agent reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import (
    ADAM,
    CONFIRMED,
    HARD,
    POLICY,
    RITA,
    ROSE,
    ROSS,
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
THREADED = {**HARD, "thread_id": "thr_1", "recommendation": "proceed"}
UNSURE = {**SOFT, "confidence": 0.6}  # hard, and asked of a reviewer first
OVERRIDE = {"override_reason": "The audit is tomorrow.", "evidence_refs": "ticket 7\n\n ticket 8 "}


class VerbCase(NamedTuple):
    """A verb with its form values, and what the agent then reads."""

    verb: Verb
    values: Mapping[str, Any]
    status: str
    decision: Mapping[str, Any]
    may_proceed: bool = False


def overridden(how: str, *, may_proceed: bool = False) -> VerbCase:
    override = {
        "original_recommendation": "proceed",
        "override_decision": how,
        "override_reason": "The audit is tomorrow.",
        "evidence_refs": ["ticket 7", "ticket 8"],
    }
    values = {"override_decision": how, **OVERRIDE}
    return VerbCase(Verb.OVERRIDE, values, "overridden", {"decision": "override", "override": override}, may_proceed)


ENDS = [
    pytest.param(
        VerbCase(
            Verb.APPROVE,
            {"comment": "Checked.", "confirmed": [CONFIRMED]},
            "approved",
            {"decision": "approve", "comment": "Checked.", "action_parameters": {"record": "42"}},
            may_proceed=True,
        ),
        id="approve",
    ),
    pytest.param(
        VerbCase(Verb.REJECT, {"comment": "Too much."}, "rejected", {"decision": "reject", "comment": "Too much."}),
        id="reject",
    ),
    pytest.param(
        VerbCase(
            Verb.REVISE,
            {"instructions": "Name the record."},
            "revision_requested",
            {"decision": "revise", "instructions": "Name the record."},
        ),
        id="revise",
    ),
    pytest.param(
        VerbCase(
            Verb.REQUEST_MORE_EVIDENCE,
            {"instructions": "Show the order."},
            "evidence_requested",
            {"decision": "request_more_evidence", "instructions": "Show the order."},
        ),
        id="request evidence",
    ),
    pytest.param(
        VerbCase(
            Verb.DEFER,
            {"until": int((NOW + HOUR).timestamp()), "comment": "The bank is closed."},
            "deferred",
            {"decision": "defer", "comment": "The bank is closed."},
        ),
        id="defer",
    ),
    pytest.param(overridden("proceed", may_proceed=True), id="override: go ahead"),
    pytest.param(overridden("stop"), id="override: stop"),
    pytest.param(overridden("other"), id="override: something else"),
    pytest.param(
        VerbCase(
            Verb.TAKE_OVER, {"comment": "I do it."}, "taken_over", {"decision": "take_over", "comment": "I do it."}
        ),
        id="take over",
    ),
]


@pytest.mark.parametrize("given", ENDS)
async def test_each_verb_on_the_card_reaches_the_agents_document(office: Office, given: VerbCase) -> None:
    proposal, card = await office.submit_with_card(THREADED)
    submitted = await office.give(SENTA, card, given.verb, given.values)
    assert (submitted.ok, submitted.errors, office.slack.modal(SENTA)) == (True, {}, None)
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == (given.status, given.may_proceed)
    assert given.decision.items() <= read["decision"].items()
    assert (read["decision"]["basis"], read["decision"]["package_version"]) == ("human", 1)
    assert read["decision"]["reviewers"] == [
        {"reviewer_id": SENTA, "name": "Senta", "role": "senior_reviewer"},
    ]


async def test_a_soft_approval_is_one_tap(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.click(RITA, card, "approve")
    read = (await office.read(proposal)).body
    assert (read["status"], read["decision"]["decision"], read["may_proceed"]) == ("approved", "approve", True)
    assert office.slack.modal(RITA) is None


async def test_an_objection_is_one_tap_and_makes_it_hard(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.click(RITA, card, "object")
    read = (await office.read(proposal)).body
    assert (read["status"], read["level"]) == ("pending", "hard_approval")
    card = await office.card(proposal)
    assert "someone objected, so it needs an explicit approval" in card.shown
    assert ("Object" in card.labels, "Approve" in card.labels) == (False, True)
    await office.click(RITA, card, "approve")
    assert await office.status(proposal) is Status.APPROVED


async def test_a_hard_package_offers_no_objection(office: Office) -> None:
    _, card = await office.submit_with_card()
    assert "Object" not in card.labels


async def test_a_new_version_answers_a_revision_and_the_card_says_what_changed(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.REVISE, {"instructions": "Name the record."})
    assert "Name the record." in (await office.card(proposal)).shown
    await office.version(proposal, {**HARD, "action_parameters": {"record": "the blue one"}})
    card = await office.card(proposal)
    assert ("Approve" in card.labels, "the blue one" in card.shown) == (True, True)
    assert "Version 2: " in card.shown
    assert "Name the record." not in card.shown  # this version answers it
    await office.approve(SENTA, card)
    read = (await office.read(proposal)).body
    assert (read["version"], read["decision"]["package_version"], read["may_proceed"]) == (2, 2, True)


async def test_a_tap_on_the_previous_version_is_refused_with_that_reason(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.version(proposal, {**HARD, "action_parameters": {"record": "43"}})
    await office.click(SENTA, card, "approve", old_copy=True)
    assert "Version 1 is out of date" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.STALE_VERSION)]


async def test_a_tap_after_the_decision_is_refused_with_the_name_of_the_decider(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    await office.click(SVEN, card, "reject", old_copy=True)
    assert "already approved by" in await office.refused(SVEN)
    assert await office.refusals(proposal) == [(SVEN, Reason.ALREADY_DECIDED)]


async def test_an_escalated_package_asks_the_next_role_instead_of_the_previous_one(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.ESCALATE, {"comment": "Too big for me."})
    read = (await office.read(proposal)).body
    assert (read["status"], read["interrupt"]["required_role"], read["interrupt"]["rung"]) == (
        "pending",
        "supervisor",
        1,
    )
    await office.click(SVEN, card, "approve", old_copy=True)
    assert "escalated to a supervisor" in await office.refused(SVEN)
    await office.approve(SUSI, await office.card(proposal))
    assert await office.status(proposal) is Status.APPROVED
    assert await office.refusals(proposal) == [(SVEN, Reason.STALE_RUNG)]


async def test_a_reviewer_of_an_earlier_rung_may_still_stop_a_package(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.ESCALATE, {})
    await office.give(SVEN, await office.card(proposal), Verb.REJECT, {"comment": "No."})
    assert await office.status(proposal) is Status.REJECTED


async def test_an_escalation_can_name_a_role_further_up(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.give(RITA, card, Verb.ESCALATE, {"to_role": "supervisor"})
    read = (await office.read(proposal)).body
    assert (read["interrupt"]["required_role"], read["interrupt"]["rung"], read["level"]) == (
        "supervisor",
        2,
        "hard_approval",
    )


async def test_an_escalation_can_name_a_person_who_then_has_the_task(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    outcome = await office.give(SENTA, card, Verb.ESCALATE, {"to_person": SUSI, "comment": "You know her."})
    assert outcome.ok
    card = await office.card(proposal)
    state = await office.state(proposal)
    assert (state.task.required_role, state.task.assigned_to) == ("supervisor", SUSI)
    assert office.thread(card)[-1].notified == {SUSI}
    (event,) = await office.events(proposal, "package.escalated")
    assert (event["actor"], event["change"]["task"]["assigned_to"]) == (SENTA, SUSI)
    audit = (await office.reviews(ADAM, f"audit {proposal.id}")).shown
    assert "Senta\n · to \nSusi" in audit


async def test_a_person_who_may_already_decide_can_be_named(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    before = await office.state(proposal)
    await office.give(SENTA, card, Verb.ESCALATE, {"to_person": SVEN, "comment": "You know the applicant."})
    state = await office.state(proposal)
    assert (state.task.assigned_to, state.task.rung, state.task.due_at) == (SVEN, 0, before.task.due_at)
    note = office.thread(await office.card(proposal))[-1]
    assert note.notified == {SVEN}
    assert "Senta handed this over to Sven." in note.shown
    assert "You know the applicant." in note.shown


async def test_a_soft_package_that_is_handed_over_gets_one_note_that_says_so(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.give(RITA, card, Verb.ESCALATE, {"to_person": ROSS})
    (note,) = office.thread(await office.card(proposal))
    assert note.notified == {ROSS}
    assert "Rita handed this over to Ross." in note.shown


@pytest.mark.parametrize(
    ("who", "because"),
    [
        pytest.param(ROSE, "they asked for it", id="the requester"),
        pytest.param(RITA, "none of their roles is asked", id="a role below"),
        pytest.param("UGUEST", "they are a guest", id="a guest"),
        pytest.param("UROBOT", "this account is a bot", id="a bot"),
    ],
)
async def test_a_person_who_could_not_decide_is_refused_beside_their_name(
    office: Office, who: str, because: str
) -> None:
    proposal, card = await office.submit_with_card()
    outcome = await office.give(SENTA, card, Verb.ESCALATE, {"to_person": who})
    assert outcome.errors == {"to_person": f"This person cannot decide it: {because}. Name someone else."}
    assert (await office.state(proposal)).task.rung == 0


async def test_a_person_who_is_away_cannot_be_named(office: Office) -> None:
    _, card = await office.submit_with_card()
    await office.reviews(SUSI, "away 2d")
    outcome = await office.give(SENTA, card, Verb.ESCALATE, {"to_person": SUSI})
    assert "they are away until 2026-11-22 12:00 UTC" in outcome.errors["to_person"]


async def test_a_card_of_the_earlier_rung_takes_a_click_after_time_ran_out(office: Office) -> None:
    proposal, card = await office.submit_with_card(UNSURE)
    await office.passes(DAY)
    assert (await office.state(proposal)).task.required_role == "senior_reviewer"
    await office.click(RITA, card, "approve", old_copy=True)
    assert await office.status(proposal) is Status.APPROVED
    (event,) = await office.events(proposal, "human.decision_recorded")
    assert (event["actor"], event["authority"]["roles"]) == (RITA, ["reviewer"])


async def test_after_time_ran_out_the_package_waits_at_home_for_both_roles(office: Office) -> None:
    _, _ = await office.submit_with_card(UNSURE)
    await office.passes(DAY)
    for user in (RITA, SENTA):
        assert "Read the record" in (await office.reviews(user, "mine")).shown
    note = office.thread(office.cards()[0])[-1]
    assert "A reviewer may still decide." in note.shown


async def test_with_ladder_keeps_off_the_earlier_role_is_refused(database_url: str, tmp_path: Path) -> None:
    moves = POLICY.replace("[tiers.medium]", "[tiers.medium]\nladder_keeps = false")
    async with open_office(database_url, tmp_path, moves) as office:
        proposal, card = await office.submit_with_card(UNSURE)
        await office.passes(DAY)
        await office.click(RITA, card, "approve", old_copy=True)
        assert "was escalated to a senior reviewer" in await office.refused(RITA)
        assert await office.refusals(proposal) == [(RITA, Reason.STALE_RUNG)]


async def test_at_the_top_of_the_ladder_escalation_is_not_offered(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.ESCALATE, {})
    assert "Escalate" not in (await office.card(proposal)).labels
    await office.click(SUSI, card, "escalate", old_copy=True)
    assert "Nobody is above" in await office.refused(SUSI)
    assert await office.refusals(proposal) == [(SUSI, Reason.TOP_OF_LADDER)]


async def test_a_deferred_package_waits_until_an_eligible_reviewer_wakes_it(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.DEFER, {"until": int((NOW + HOUR).timestamp()), "comment": "Later."})
    card = await office.card(proposal)
    assert ("Approve" in card.labels, "Reject" in card.labels) == (False, True)
    await office.give(SVEN, card, Verb.WAKE)
    read = (await office.read(proposal)).body
    assert (read["status"], read["decision"]) == ("pending", None)
    await office.approve(SVEN, await office.card(proposal))
    assert await office.status(proposal) is Status.APPROVED


async def test_an_edit_needs_a_second_person(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.edit(SENTA, card, '{"record": "43"}')
    read = (await office.read(proposal)).body
    assert (read["version"], read["status"], read["may_proceed"]) == (2, "pending", False)
    assert '"42"' in (shown := (await office.card(proposal)).shown)
    assert ('"43"' in shown, "Senta" in shown) == (True, True)


async def test_an_edit_is_an_approval_if_the_policy_requires_no_second_person(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, NO_SECOND_EYES) as office:
        proposal, card = await office.submit_with_card()
        await office.edit(SENTA, card, '{"record": "43"}')
        read = (await office.read(proposal)).body
        assert (read["status"], read["version"], read["may_proceed"]) == ("approved", 2, True)
        decision = read["decision"]
        assert (decision["decision"], decision["comment"], decision["action_parameters"]) == (
            "approve_with_edits",
            "Corrected.",
            {"record": "43"},
        )
        assert read["action_digest"] != proposal.body["action_digest"]
        assert "approved with edits" in (await office.card(proposal)).shown


async def test_parameters_too_large_for_a_form_are_sent_back_for_revision(office: Office) -> None:
    _, card = await office.submit_with_card({**HARD, "action_parameters": {"text": "x" * 4_000}})
    view = await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    assert "longer than" in view.shown
    assert "action_parameters" not in view.action_ids
