"""Each decision that people, silence or time can make has its own type of outcome."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from countersign import (
    Answered,
    Approved,
    Cancelled,
    Consented,
    Deferred,
    EvidenceWanted,
    Expired,
    Overridden,
    Rejected,
    Revise,
    Revoked,
    StillPendingError,
    outcome_of,
)
from rules.state.commands import Verb
from tests.bot.slack.office import HARD, SENTA, SOFT, SUSI
from tests.sdk.agents import PARAMETERS, Agent, as_answer

QUESTION = {name: value for name, value in HARD.items() if name != "action_parameters"} | {"kind": "question"}


async def test_an_approval_carries_the_parameters_as_approved_and_who_approved(agent: Agent) -> None:
    outcome = await agent.approve_and_wait(await agent.request())
    assert isinstance(outcome, Approved)
    assert (outcome.parameters, outcome.permits, outcome.comment) == (PARAMETERS, True, "Checked.")
    assert [(who["reviewer_id"], who["role"]) for who in outcome.reviewers] == [(SENTA, "senior_reviewer")]


async def test_an_action_that_the_policy_permits_is_approved_at_once_with_the_policy_as_its_basis(agent: Agent) -> None:
    outcome = await (await agent.request(SOFT, risk_level="low")).wait()
    assert isinstance(outcome, Approved)
    assert (outcome.basis, outcome.parameters) == ("policy", PARAMETERS)


async def test_an_approval_carries_the_edited_parameters(agent: Agent) -> None:
    handle = await agent.request()
    await agent.office.edit(SENTA, await agent.card(handle), '{"record": "43"}')
    await agent.office.approve(SUSI, await agent.card(handle))
    outcome = await handle.wait()
    assert isinstance(outcome, Approved)
    assert (outcome.parameters, handle.version) == ({"record": "43"}, 2)


async def test_a_rejection_carries_its_reason_and_permits_nothing(agent: Agent) -> None:
    outcome = await agent.decide_and_wait(await agent.request(), Verb.REJECT, {"comment": "Not this one."})
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.permits) == ("Not this one.", False)


async def test_a_revision_carries_instructions_and_the_new_version_is_decided_again(agent: Agent) -> None:
    handle = await agent.request()
    wanted = await agent.decide_and_wait(handle, Verb.REVISE, {"instructions": "Read record 43."})
    assert isinstance(wanted, Revise)
    assert wanted.instructions == "Read record 43."
    await handle.revise(action_parameters={"record": "43"})
    assert (handle.status, handle.version) == ("pending", 2)
    outcome = await agent.approve_and_wait(handle)
    assert isinstance(outcome, Approved)
    assert outcome.parameters == {"record": "43"}


async def test_a_wish_for_evidence_has_its_own_outcome(agent: Agent) -> None:
    handle = await agent.request()
    outcome = await agent.decide_and_wait(handle, Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show the order."})
    assert isinstance(outcome, EvidenceWanted)
    assert outcome.instructions == "Show the order."


async def test_a_deferral_is_returned_once_and_then_waited_for(agent: Agent) -> None:
    handle = await agent.request()
    until = int((agent.office.clock() + timedelta(hours=2)).timestamp())
    outcome = await agent.decide_and_wait(handle, Verb.DEFER, {"until": until, "comment": "After lunch."})
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "After lunch."
    with pytest.raises(StillPendingError):
        await handle.wait(timeout=0.05)
    await agent.office.passes(timedelta(hours=3))
    assert isinstance(await agent.approve_and_wait(handle), Approved)


@pytest.mark.parametrize(("decision", "permits"), [("proceed", True), ("stop", False), ("other", False)])
async def test_an_override_carries_its_decision_and_only_proceed_permits(
    agent: Agent, decision: str, permits: bool
) -> None:
    handle = await agent.request(recommendation="clarify")
    outcome = await agent.decide_and_wait(
        handle,
        Verb.OVERRIDE,
        {
            "override_decision": decision,
            "override_reason": "I know the case.",
            "evidence_refs": "ticket 7",
        },
    )
    assert isinstance(outcome, Overridden)
    assert (outcome.override_decision, outcome.reason, outcome.permits) == (decision, "I know the case.", permits)
    assert outcome.parameters == (PARAMETERS if permits else {})


async def test_an_answer_permits_nothing(agent: Agent) -> None:
    handle = await agent.request(QUESTION)
    outcome = await agent.decide_and_wait(handle, Verb.ANSWER, {"answer": "The blue one."})
    assert isinstance(outcome, Answered)
    assert (outcome.answer, outcome.permits) == ("The blue one.", False)


async def test_an_offered_answer_comes_back_as_it_was_offered(agent: Agent) -> None:
    handle = await agent.request(QUESTION, answers=["The blue one", "The green one"], free_answer=False)
    waiting = asyncio.ensure_future(handle.wait())
    await agent.office.click(SENTA, await agent.card(handle), "answer_2")
    outcome = await waiting
    assert isinstance(outcome, Answered)
    assert (outcome.answer, outcome.answer_data) == ("The green one", None)


async def test_the_form_of_a_question_comes_back_as_data(agent: Agent) -> None:
    schema = {"type": "object", "properties": {"copies": {"type": "integer"}, "note": {"type": "string"}}}
    handle = await agent.request(QUESTION, response_schema=schema)
    outcome = await agent.decide_and_wait(handle, Verb.ANSWER, {"answer_data.0": "2"})
    assert isinstance(outcome, Answered)
    assert (outcome.answer_data, outcome.answer, outcome.permits) == ({"copies": 2}, "copies: 2", False)


async def test_an_expired_package_is_not_a_refusal(agent: Agent) -> None:
    handle = await agent.request(expires_at=(agent.office.clock() + timedelta(hours=1)).isoformat())
    await agent.office.passes(timedelta(hours=2))
    outcome = await handle.wait()
    assert isinstance(outcome, Expired)
    assert not isinstance(outcome, Rejected)
    assert outcome.basis == "timeout"


async def test_silence_is_consent_and_not_an_approval(agent: Agent) -> None:
    handle = await agent.request(SOFT)
    await agent.card(handle)
    for _ in range(8):
        await agent.office.passes(timedelta(minutes=1))
    outcome = await handle.wait()
    assert isinstance(outcome, Consented)
    assert not isinstance(outcome, Approved)
    assert (outcome.parameters, outcome.basis) == (PARAMETERS, "silent_consent")


async def test_an_approval_can_be_revoked(agent: Agent) -> None:
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    await agent.office.give(SENTA, await agent.card(handle), Verb.REVOKE, {"comment": "Wrong customer."})
    assert isinstance(await handle.refresh(), Revoked)


async def test_a_withdrawn_package_is_cancelled(agent: Agent) -> None:
    handle = await agent.request()
    await handle.cancel("No longer needed.")
    assert isinstance(await handle.wait(), Cancelled)


async def test_an_unknown_status_raises(agent: Agent) -> None:
    document = as_answer(await agent.request()).body | {"status": "waved_through"}
    with pytest.raises(ValueError, match="upgrade"):
        outcome_of(document)


async def test_a_block_that_ends_is_reported_as_succeeded(agent: Agent) -> None:
    approved = await agent.request()
    await agent.approve_and_wait(approved)
    async with agent.executing(approved) as parameters:
        assert parameters == PARAMETERS
    assert await agent.execution(approved) == "succeeded"


async def test_a_block_that_raises_is_reported_as_failed_and_the_exception_is_raised(agent: Agent) -> None:
    approved = await agent.request()
    await agent.approve_and_wait(approved)
    with pytest.raises(ZeroDivisionError):
        async with agent.executing(approved):
            raise ZeroDivisionError("by zero")
    assert await agent.execution(approved) == "failed"
