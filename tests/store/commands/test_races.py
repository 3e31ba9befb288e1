"""Simultaneous commands: exactly one succeeds, the others are refused with its result, and nothing is doubled or lost.

On PostgreSQL all commands load the package before any of them writes; on SQLite they wait for the single writer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from rules.reasons import Reason
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, Command, OpenDetails, Reject, Revise, Revoke, TakeOver, Withdraw
from rules.state.decisions import ExecutionState
from rules.state.model import Status
from store.commands.execute import Outcome
from store.commands.situation import load_situation
from store.engine.engines import transact
from store.installation import tenancy
from tests.rules.world import ADAM, CRITICAL, HARD, NOW, SENTA, SUSI, SVEN, ask, package, policy
from tests.store.soundness import faults
from tests.store.world import LASTING, World, all_load_first, open_world, replica, submission

QUORUM = policy(**LASTING, tiers={"high": {"quorum": 2}})


def reasons(outcomes: list[Outcome]) -> Counter[str]:
    """The number of each answer."""
    return Counter(outcome.refusal.reason.value if outcome.refusal else "done" for outcome in outcomes)


async def at_once(monkeypatch: pytest.MonkeyPatch, world: World, *asked: tuple[Command, str]) -> list[Outcome]:
    all_load_first(monkeypatch, world, len(asked))
    return list(await asyncio.gather(*(world.do(command, by) for command, by in asked)))


async def test_one_of_two_concurrent_decisions_wins_and_the_other_learns_who_won(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    outcomes = await at_once(monkeypatch, world, (ask(Approve, state), SENTA), (ask(Reject, state), SVEN))
    assert reasons(outcomes) == {"done": 1, "already-decided": 1}
    after = await world.state(state.decision_package_id)
    winner = after.decision.reviewers[0].reviewer_id if after.decision else None
    [refusal] = [outcome.refusal for outcome in outcomes if outcome.refusal]
    assert refusal.facts == {"status": after.status, "by": f"<@{winner}>"}
    assert await world.read(faults) == []


async def test_one_of_two_concurrent_approvals_decides_if_one_is_enough(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    outcomes = await at_once(monkeypatch, world, (ask(Approve, state), SENTA), (ask(Approve, state), SVEN))
    assert reasons(outcomes) == {"done": 1, "already-decided": 1}
    assert await world.read(faults) == []


async def test_two_approvals_at_once_complete_a_quorum_of_two(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(database_url, QUORUM) as world:
        state = await world.submit(HARD)
        outcomes = await at_once(monkeypatch, world, (ask(Approve, state), SENTA), (ask(Approve, state), SVEN))
        after = await world.state(state.decision_package_id)
        assert reasons(outcomes) == {"done": 2}
        assert after.status is Status.APPROVED
        assert {seat.reviewer_id for seat in after.decision.reviewers} == {SENTA, SVEN}  # type: ignore[union-attr]
        assert await world.read(faults) == []


async def test_one_person_who_approves_twice_at_once_is_counted_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(database_url, QUORUM) as world:
        state = await world.submit(HARD)
        outcomes = await at_once(monkeypatch, world, (ask(Approve, state), SENTA), (ask(Approve, state), SENTA))
        after = await world.state(state.decision_package_id)
        assert reasons(outcomes) == {"done": 1, "already-counted": 1}
        assert (after.status, [vote.reviewer_id for vote in after.votes]) == (Status.PENDING, [SENTA])


async def test_a_crowd_that_completes_a_quorum_decides_exactly_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    critical = policy(**LASTING, tiers={"critical": {"details_first": False}})
    async with open_world(database_url, critical) as world:
        state = await world.submit(CRITICAL)
        crowd = ("USUSI", "USAUL", "USILA", "UDORA")
        outcomes = await at_once(monkeypatch, world, *((ask(Approve, state), who) for who in crowd))
        assert reasons(outcomes) == {"done": 2, "already-decided": 2}
        assert await world.read(faults) == []


async def test_a_command_delivered_twice_at_once_is_executed_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    vote = ask(Approve, state)
    outcomes = await at_once(monkeypatch, world, (vote, SENTA), (vote, SENTA))
    assert reasons(outcomes) == {"done": 2}
    assert sorted(outcome.replayed for outcome in outcomes) == [False, True]
    assert outcomes[0].state == outcomes[1].state
    assert await world.read(faults) == []


async def test_the_same_refused_command_twice_at_once_is_one_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    vote = ask(Approve, state)
    outcomes = await at_once(monkeypatch, world, (vote, "URITA"), (vote, "URITA"))
    assert reasons(outcomes) == {"wrong-role": 2}
    assert (await world.state(state.decision_package_id)).revision == state.revision + 1


async def test_a_submission_delivered_twice_at_once_is_one_package(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_load_first(monkeypatch, world, 2)
    posts = (submission(HARD, package_id, "key") for package_id in ("pkg_a", "pkg_b"))
    answers = await asyncio.gather(*(world.execute_for_agent(post, digest="content") for post in posts))
    assert sorted(answered.replayed for answered in answers) == [False, True]
    assert answers[0].document == answers[1].document
    documents, _ = await world.store.list_documents(world.agent.agent_id, limit=10)
    assert len(documents) == 1


async def test_a_decision_during_a_new_version_never_approves_an_unseen_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    all_load_first(monkeypatch, world, 2)
    better = package(risk_level="high", consequence="The better one.")
    await asyncio.gather(
        world.do(ask(Approve, state), SENTA), world.execute_for_agent(ask(NewVersion, state, package=better))
    )
    after = await world.state(state.decision_package_id)
    assert (after.version, after.status) in {(1, Status.APPROVED), (2, Status.PENDING)}
    assert await world.read(faults) == []


async def test_a_concurrent_withdrawal_and_decision_have_one_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    all_load_first(monkeypatch, world, 2)
    outcome, answered = await asyncio.gather(
        world.do(ask(Reject, state), SENTA), world.execute_for_agent(ask(Withdraw, state))
    )
    refused = [refusal.reason for refusal in (outcome.refusal, answered.refusal) if refusal]
    assert refused == [Reason.ALREADY_DECIDED]
    assert await world.read(faults) == []


async def test_one_of_two_concurrent_claims_gets_the_permission(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    all_load_first(monkeypatch, world, 2)
    claims = await asyncio.gather(*(world.claim(state, claim_id=claim) for claim in ("clm_1", "clm_2")))
    [refusal] = [answered.refusal for answered in claims if answered.refusal]
    after = await world.state(state.decision_package_id)
    assert (refusal.reason, refusal.facts) == (Reason.ALREADY_CLAIMED, {"claim_id": after.execution.claim_id})
    assert await world.read(faults) == []


async def test_concurrent_claims_on_two_replicas_get_one_permission(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    async with replica(world) as other:
        claims = [
            replica_world.claim(state, claim_id=f"clm_{number}")
            for number in range(8)
            for replica_world in (world, other)
        ]
        refusals = [answered.refusal for answered in await asyncio.gather(*claims)]
    # Both workers with the same claim id may succeed: the second one repeats a claim whose reply may have been lost.
    assert refusals.count(None) in {1, 2}
    assert await world.read(faults) == []


async def test_a_concurrent_revocation_and_claim_have_one_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    all_load_first(monkeypatch, world, 2)
    await asyncio.gather(world.do(ask(Revoke, state), SVEN), world.claim(state))
    after = await world.state(state.decision_package_id)
    assert (after.status, after.execution.state) in {
        (Status.REVOKED, ExecutionState.NONE),
        (Status.APPROVED, ExecutionState.CLAIMED),
    }
    assert await world.read(faults) == []


async def test_concurrent_commands_of_different_people_are_all_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(CRITICAL)
    readers = (SENTA, SVEN, SUSI, "UDORA")
    outcomes = await at_once(monkeypatch, world, *((ask(OpenDetails, state), who) for who in readers))
    after = await world.state(state.decision_package_id)
    assert reasons(outcomes) == {"done": 4}
    assert {seen.reviewer_id for seen in after.details} == set(readers)
    assert await world.read(faults) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_freeze_during_a_claim_stops_the_claim(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)

    def frozen_meanwhile(*arguments: Any) -> Any:
        transact(world.store.database.engine, lambda other: tenancy.set_frozen(other, frozen=True, actor=ADAM, now=NOW))
        return load_situation(*arguments)

    monkeypatch.setattr("store.commands.execute.load_situation", frozen_meanwhile)
    claimed = await world.claim(state)
    assert claimed.refusal is not None
    assert claimed.refusal.reason is Reason.AGENT_PAUSED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_freeze_waits_for_running_claims(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    froze: list[bool] = []

    def freeze(other: Connection) -> bool:
        other.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with suppress(OperationalError):
            tenancy.set_frozen(other, frozen=True, actor=ADAM, now=NOW)
            return True
        return False

    def tried_meanwhile(*arguments: Any) -> Any:
        situation = load_situation(*arguments)
        with world.store.database.engine.connect() as other:
            froze.append(freeze(other))
        return situation

    monkeypatch.setattr("store.commands.execute.load_situation", tried_meanwhile)
    claimed = await world.claim(state)
    with world.store.database.engine.connect() as other:
        froze.append(freeze(other))
    assert (claimed.refusal, froze) == (None, [False, True])


async def test_a_concurrent_takeover_and_revision_have_one_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(HARD)
    outcomes = await at_once(monkeypatch, world, (ask(TakeOver, state), SENTA), (ask(Revise, state), SVEN))
    after = await world.state(state.decision_package_id)
    assert after.status in {Status.TAKEN_OVER, Status.REVISION_REQUESTED}
    assert await world.read(faults) == []
    assert len([outcome for outcome in outcomes if outcome.refusal is None]) >= 1
