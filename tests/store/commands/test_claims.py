"""An approval is claimed once, before it expires, for exactly the approved action, by an agent that may act."""

from __future__ import annotations

import pytest

from rules.people.directory import AgentStanding
from rules.reasons import Reason, Refusal
from rules.state.commands import Revoke, TakeOver
from rules.state.decisions import ExecutionState
from rules.state.service_commands import Lapse, LoseTrack
from store.agents import agent_admin
from store.installation import tenancy
from store.replies import AgentReply
from tests.rules.world import ADAM, DAY, HARD, HOUR, QUESTION, SENTA, SVEN, ask, package
from tests.store.notes import Threads
from tests.store.soundness import faults
from tests.store.world import World


def why(answered: AgentReply) -> Reason | None:
    return answered.refusal.reason if answered.refusal else None


async def test_a_repeated_claim_is_the_same_claim(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    first, again = await world.claim(state), await world.claim(state)
    assert (why(first), why(again)) == (None, None)
    assert first.document["execution"]["state"] == "claimed"
    assert again.document == first.document
    assert await world.read(faults) == []


async def test_a_second_claim_learns_which_one_was_first(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state, claim_id="clm_1")
    other = await world.claim(state, claim_id="clm_2")
    assert other.refusal == Refusal(reason=Reason.ALREADY_CLAIMED, facts={"claim_id": "clm_1"})


async def test_a_claim_with_a_different_digest_is_refused(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    other = await world.claim(state, action_digest="sha256:" + "0" * 64)
    assert why(other) is Reason.DIGEST_MISMATCH
    assert why(await world.claim(state)) is None


async def test_a_claim_after_the_approval_lapsed_is_refused_even_before_the_clock_saw_it(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    world.clock.passes(2 * DAY)
    before = await world.claim(state)
    lapsed = await world.after(ask(Lapse, state))
    after = await world.claim(state)
    assert (why(before), why(after)) == (Reason.APPROVAL_LAPSED, Reason.APPROVAL_LAPSED)
    assert lapsed.execution.state is ExecutionState.LAPSED
    assert await world.read(faults) == []


async def test_a_claimed_approval_does_not_lapse(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state)
    world.clock.passes(2 * DAY)
    outcome = await world.do(ask(Lapse, state))
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_DUE


async def test_an_unreported_outcome_becomes_unknown_and_cannot_be_claimed_again(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state, claim_id="clm_1")
    world.clock.passes(HOUR)
    assert (await world.after(ask(LoseTrack, state))).execution.state is ExecutionState.UNKNOWN
    again, other = [await world.claim(state, claim_id=claim) for claim in ("clm_1", "clm_2")]
    assert (why(again), why(other)) == (Reason.ALREADY_REPORTED, Reason.ALREADY_CLAIMED)
    assert why(await world.report(state, claim_id="clm_1")) is None
    assert await world.read(faults) == []


async def test_while_the_agent_is_paused_nothing_is_claimed_and_afterwards_it_is(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await _stand(world, AgentStanding.PAUSED)
    paused = await world.claim(state)
    await _stand(world, AgentStanding.ACTIVE)
    assert (why(paused), why(await world.claim(state))) == (Reason.AGENT_PAUSED, None)


async def test_while_all_agents_are_frozen_nothing_is_claimed_and_afterwards_it_is(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await _freeze(world, frozen=True)
    frozen = await world.claim(state)
    await _freeze(world, frozen=False)
    assert (why(frozen), why(await world.claim(state))) == (Reason.AGENT_PAUSED, None)


async def test_a_claimed_package_may_be_reported_while_the_agent_is_paused(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state)
    await _stand(world, AgentStanding.PAUSED)
    assert why(await world.report(state)) is None


async def test_a_revoked_approval_cannot_be_claimed(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.after(ask(Revoke, state), SVEN)
    assert why(await world.claim(state)) is Reason.MAY_NOT_PROCEED


async def test_nothing_is_claimed_in_a_taken_over_thread(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    taken = await world.submit(package(risk_level="high", subject_id="other"))
    await world.after(ask(TakeOver, taken), SVEN)
    refused = await world.claim(state)
    assert refused.refusal is not None
    assert (refused.refusal.reason, refused.refusal.facts) == (
        Reason.THREAD_TAKEN_OVER,
        {"package": taken.decision_package_id},
    )


@pytest.mark.parametrize("claim_id", ["clm_2", "clm_1 "])
async def test_only_the_claimant_can_report(world: World, claim_id: str) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state, claim_id="clm_1")
    assert why(await world.report(state, claim_id=claim_id)) is Reason.NOT_CLAIMED


async def test_an_unapproved_package_cannot_be_claimed(world: World) -> None:
    waiting, question = await world.submit(HARD), await world.submit(QUESTION)
    claims = [await world.claim(waiting), await world.claim(question)]
    assert [why(claim) for claim in claims] == [Reason.MAY_NOT_PROCEED] * 2


async def _stand(world: World, standing: AgentStanding) -> None:
    await world.write(lambda connection: agent_admin.set_standing(connection, "Clerk", standing, world.clock()))


async def _freeze(world: World, *, frozen: bool) -> None:
    await world.write(lambda connection: tenancy.set_frozen(connection, frozen=frozen, actor=ADAM, now=world.clock()))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_report_locks_its_agent_in_a_transaction_of_its_own(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    await world.claim(state)
    async with Threads(world.store.database) as threads:
        assert why(await world.report(state)) is None
        assert not any(task.done() for task in threads.held)
