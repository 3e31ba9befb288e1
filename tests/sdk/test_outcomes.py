"""Each thing that people, silence and time can decide comes to the agent as a type of its own."""

from __future__ import annotations

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
from tests.sdk.agents import PARAMETERS, Agent, told

QUESTION = {name: value for name, value in HARD.items() if name != "action_parameters"} | {"kind": "question"}


async def test_an_approval_carries_the_parameters_as_approved_and_who_approved(agent: Agent) -> None:
    outcome = await agent.approved(await agent.asks())
    assert isinstance(outcome, Approved)
    assert (outcome.parameters, outcome.permits, outcome.comment) == (PARAMETERS, True, "Checked.")
    assert [(who["reviewer_id"], who["role"]) for who in outcome.reviewers] == [(SENTA, "senior_reviewer")]


async def test_what_the_policy_lets_pass_is_approved_at_once_and_says_on_what_basis(agent: Agent) -> None:
    outcome = await (await agent.asks(SOFT, risk_level="low")).wait()
    assert isinstance(outcome, Approved)
    assert (outcome.basis, outcome.parameters) == ("policy", PARAMETERS)


async def test_an_edit_comes_back_as_the_parameters_to_act_on(agent: Agent) -> None:
    handle = await agent.asks()
    await agent.office.edit(SENTA, await agent.card(handle), '{"record": "43"}')
    await agent.office.approve(SUSI, await agent.card(handle))
    outcome = await handle.wait()
    assert isinstance(outcome, Approved)
    assert (outcome.parameters, handle.version) == ({"record": "43"}, 2)


async def test_a_rejection_carries_its_reason_and_permits_nothing(agent: Agent) -> None:
    outcome = await agent.decided(await agent.asks(), Verb.REJECT, {"comment": "Not this one."})
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.permits) == ("Not this one.", False)


async def test_a_revision_carries_instructions_and_the_new_version_is_decided_anew(agent: Agent) -> None:
    handle = await agent.asks()
    wanted = await agent.decided(handle, Verb.REVISE, {"instructions": "Read record 43."})
    assert isinstance(wanted, Revise)
    assert wanted.instructions == "Read record 43."
    await handle.revise(action_parameters={"record": "43"})
    assert (handle.status, handle.version) == ("pending", 2)
    outcome = await agent.approved(handle)
    assert isinstance(outcome, Approved)
    assert outcome.parameters == {"record": "43"}


async def test_a_wish_for_evidence_is_a_wish_of_its_own(agent: Agent) -> None:
    handle = await agent.asks()
    outcome = await agent.decided(handle, Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show the order."})
    assert isinstance(outcome, EvidenceWanted)
    assert outcome.instructions == "Show the order."


async def test_a_deferral_is_told_once_and_then_waited_for(agent: Agent) -> None:
    handle = await agent.asks()
    until = int((agent.office.clock() + timedelta(hours=2)).timestamp())
    outcome = await agent.decided(handle, Verb.DEFER, {"until": until, "comment": "After lunch."})
    assert isinstance(outcome, Deferred)
    assert outcome.reason == "After lunch."
    with pytest.raises(StillPendingError):
        await handle.wait(timeout=0.05)
    await agent.office.passes(timedelta(hours=3))
    assert isinstance(await agent.approved(handle), Approved)


@pytest.mark.parametrize(("decision", "permits"), [("proceed", True), ("stop", False), ("other", False)])
async def test_an_override_says_what_it_decided_and_only_proceed_permits(
    agent: Agent, decision: str, permits: bool
) -> None:
    handle = await agent.asks(recommendation="clarify")
    outcome = await agent.decided(
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


async def test_an_answer_is_an_answer_and_no_permission(agent: Agent) -> None:
    handle = await agent.asks(QUESTION)
    outcome = await agent.decided(handle, Verb.ANSWER, {"answer": "The blue one."})
    assert isinstance(outcome, Answered)
    assert (outcome.answer, outcome.permits) == ("The blue one.", False)


async def test_time_that_runs_out_is_told_as_that_and_not_as_a_refusal(agent: Agent) -> None:
    handle = await agent.asks(expires_at=(agent.office.clock() + timedelta(hours=1)).isoformat())
    await agent.office.passes(timedelta(hours=2))
    outcome = await handle.wait()
    assert isinstance(outcome, Expired)
    assert not isinstance(outcome, Rejected)
    assert outcome.basis == "timeout"


async def test_silence_is_consent_and_is_not_called_an_approval(agent: Agent) -> None:
    handle = await agent.asks(SOFT)
    await agent.card(handle)
    for _ in range(8):
        await agent.office.passes(timedelta(minutes=1))
    outcome = await handle.wait()
    assert isinstance(outcome, Consented)
    assert not isinstance(outcome, Approved)
    assert (outcome.parameters, outcome.basis) == (PARAMETERS, "silent_consent")


async def test_an_approval_that_is_taken_back_is_revoked(agent: Agent) -> None:
    handle = await agent.asks()
    await agent.approved(handle)
    await agent.office.give(SENTA, await agent.card(handle), Verb.REVOKE, {"comment": "Wrong customer."})
    assert isinstance(await handle.refresh(), Revoked)


async def test_what_is_withdrawn_is_cancelled(agent: Agent) -> None:
    handle = await agent.asks()
    await handle.cancel("No longer needed.")
    assert isinstance(await handle.wait(), Cancelled)


async def test_a_status_that_is_not_known_here_lets_nothing_through(agent: Agent) -> None:
    document = told(await agent.asks()).body | {"status": "waved_through"}
    with pytest.raises(ValueError, match="upgrade"):
        outcome_of(document)


async def test_what_is_done_inside_has_succeeded(agent: Agent) -> None:
    approved = await agent.asks()
    await agent.approved(approved)
    async with agent.executing(approved) as parameters:
        assert parameters == PARAMETERS
    assert await agent.execution(approved) == "succeeded"


async def test_what_raises_inside_has_failed_and_goes_on_raising(agent: Agent) -> None:
    approved = await agent.asks()
    await agent.approved(approved)
    with pytest.raises(ZeroDivisionError):
        async with agent.executing(approved):
            raise ZeroDivisionError("by zero")
    assert await agent.execution(approved) == "failed"
