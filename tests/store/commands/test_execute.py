"""Every command is executed once: a repeated one gets the same answer, and a refused one is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason, refuse
from rules.scales import HITLLevel
from rules.state.agent_commands import ClaimExecution, NewVersion, ReportExecution
from rules.state.commands import Approve, Command, Comment, OpenDetails, Reject, Revise, Withdraw
from rules.state.model import Status
from rules.state.service_commands import Expire
from tests.rules.world import (
    AUTOMATIC,
    CRITICAL,
    HARD,
    MINUTE,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    ask,
    package,
    people,
    person,
    policy,
)
from tests.store.soundness import faults
from tests.store.world import LASTING, World, fresh, open_world, replica, submission


async def count(world: World, table: str, where: str = "1 = 1", **values: Any) -> int:
    query = text(f"SELECT count(*) FROM {table} WHERE {where}")
    return int(await world.read(lambda connection: connection.execute(query, values).scalar_one()))


# ---- said again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [SOFT, HARD, AUTOMATIC], ids=["soft", "hard", "automatic"])
async def test_a_repeated_submission_is_the_same_package(world: World, what: Any) -> None:
    first = await world.execute_for_agent(submission(what, "pkg_first", "key"), digest="content")
    again = await world.execute_for_agent(submission(what, "pkg_again", "key"), digest="content")
    assert (first.replayed, again.replayed, again.refusal) == (False, True, None)
    assert again.document == first.document
    assert await count(world, "packages") == 1
    assert await world.read(faults) == []


async def test_a_repeated_submission_returns_a_decision_made_meanwhile(world: World) -> None:
    await world.execute_for_agent(submission(HARD, "pkg_first", "key"), digest="content")
    await world.after(ask(Reject, await world.state("pkg_first")), SENTA)
    again = await world.execute_for_agent(submission(HARD, "pkg_again", "key"), digest="content")
    assert (again.replayed, again.refusal, again.document["status"]) == (True, None, "rejected")


async def test_the_same_key_with_other_content_is_refused_and_names_the_package(world: World) -> None:
    await world.execute_for_agent(submission(HARD, "pkg_first", "key"), digest="content")
    other = await world.execute_for_agent(submission(SOFT, "pkg_other", "key"), digest="other content")
    assert other.refusal is not None
    assert (other.refusal.reason, other.refusal.facts) == (Reason.IDEMPOTENCY_CONFLICT, {"package": "pkg_first"})
    assert await count(world, "packages") == 1


async def test_a_refused_submission_can_be_repeated_with_the_same_key(world: World) -> None:
    await world.people_are({ROSE: person(ROSE)})
    refused = await world.execute_for_agent(submission(HARD, "pkg_first", "key"), digest="content")
    await world.people_are(people())
    accepted = await world.execute_for_agent(submission(HARD, "pkg_again", "key"), digest="content")
    assert refused.refusal is not None
    assert refused.refusal.reason is Reason.NO_ELIGIBLE_REVIEWER
    assert (accepted.refusal, accepted.replayed) == (None, False)


async def test_a_click_whose_answer_was_lost_is_answered_again_and_counts_once(world: World) -> None:
    state = await world.submit(CRITICAL)
    vote = ask(Approve, await _with_details(world, state, SUSI))
    first, again = await world.do(vote, SUSI), await world.do(vote, SUSI)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.state == first.state
    assert [item.reviewer_id for item in again.state.votes] == [SUSI]  # type: ignore[union-attr]
    assert await world.read(faults) == []


async def test_a_repeated_refused_command_gets_the_same_refusal_after_any_change(world: World) -> None:
    state = await world.submit(HARD)
    vote = ask(Approve, state)
    first = await world.do(vote, RITA)
    await world.after(ask(Approve, state), SENTA)
    again = await world.do(vote, RITA)
    assert again.refusal == first.refusal
    assert (again.replayed, again.refusal and again.refusal.reason) == (True, Reason.WRONG_ROLE)


async def test_a_claim_and_a_report_whose_answers_were_lost_are_answered_again(world: World) -> None:
    state = await world.submit_and_approve(HARD, by=SENTA)
    claims = [await world.claim(state, claim_id="clm_1") for _ in range(2)]
    reports = [await world.report(state, claim_id="clm_1") for _ in range(2)]
    assert [item.refusal for item in (*claims, *reports)] == [None] * 4
    assert claims[0].document == claims[1].document
    assert reports[0].document == reports[1].document
    assert await count(world, "events", "event_type LIKE 'execution.%'") == 2


async def test_a_repeated_clock_command_changes_nothing(world: World) -> None:
    state = await world.submit(package(risk_level="high", expires_at=world.clock.now + MINUTE))
    world.clock.passes(MINUTE)
    expire = ask(Expire, state)
    first, again = await world.do(expire), await world.do(expire)
    assert first.state is not None
    assert first.state.status is Status.EXPIRED
    assert again.refusal is not None
    assert again.refusal.reason is Reason.NOT_DUE
    assert await world.read(faults) == []


# ---- too late ----------------------------------------------------------------------------------------------------


async def test_a_decision_on_version_1_is_refused_once_version_2_is_posted(world: World) -> None:
    state = await world.submit(HARD)
    better = package(risk_level="high", consequence="The better one.")
    await world.execute_for_agent(ask(NewVersion, state, package=better))
    outcome = await world.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert (outcome.refusal.reason, outcome.refusal.facts) == (Reason.STALE_VERSION, {"seen": "1", "current": "2"})
    assert (await world.state(state.decision_package_id)).status is Status.PENDING


async def test_a_decision_after_the_end_is_refused_and_names_who_decided(world: World) -> None:
    state = await world.submit(HARD)
    await world.after(ask(Reject, state), SENTA)
    late = await world.do(ask(Approve, state), SVEN)
    assert late.refusal is not None
    assert late.refusal.reason is Reason.ALREADY_DECIDED
    assert late.refusal.facts == {"status": "rejected", "by": f"<@{SENTA}>"}
    assert (await world.state(state.decision_package_id)).status is Status.REJECTED


async def test_a_version_that_states_a_lower_risk_keeps_level_and_risk(world: World) -> None:
    state = await world.submit(HARD)
    await world.after(ask(Revise, state), SENTA)
    meek = package(risk_level="low", confidence=1.0)
    answered = await world.execute_for_agent(ask(NewVersion, state, package=meek))
    assert answered.refusal is None
    after = await world.state(state.decision_package_id)
    assert (after.version, after.level, after.risk) == (2, HITLLevel.HARD_APPROVAL, state.risk)
    assert await world.read(faults) == []


# ---- whose it is -------------------------------------------------------------------------------------------------


async def test_an_agent_does_not_find_another_agents_package(world: World) -> None:
    other = await world.hire("Other")
    state = await world.submit(HARD)
    package_id, other_id = state.decision_package_id, other.agent_id
    assert await world.store.load_document(package_id, other_id) is None
    assert await world.store.load_events(package_id, other_id) is None
    assert await world.store.wait_for_change(package_id, other_id, None, 30) is None
    assert await world.store.list_documents(other_id, limit=10) == ([], None)


@pytest.mark.parametrize("kind", [NewVersion, Withdraw, ClaimExecution, ReportExecution])
async def test_an_agent_can_do_nothing_with_another_agents_package(world: World, kind: type[Command]) -> None:
    other = await world.hire("Other")
    state = await world.submit_and_approve(HARD, by=SENTA)
    answered = await world.execute_for_agent(ask(kind, state), other)
    assert answered.refusal is not None
    assert (answered.refusal.reason, answered.document) == (Reason.NOT_FOUND, {})
    assert (await world.state(state.decision_package_id)) == state


async def test_no_agent_learns_anything_from_the_command_id_of_another_agent(world: World) -> None:
    other = await world.hire("Other")
    await world.execute_for_agent(submission(HARD, "pkg_first", "key"), digest="content")
    answered = await world.execute_for_agent(submission(HARD, "pkg_other", "key"), other, digest="content")
    assert answered.refusal is not None
    assert (answered.refusal, answered.document) == (refuse(Reason.NOT_FOUND), {})


# ---- the policy of today -----------------------------------------------------------------------------------------


async def test_a_stricter_policy_raises_the_quorum_of_pending_packages(world: World) -> None:
    state = await world.submit(HARD)
    stricter = policy(**LASTING, tiers={"high": {"quorum": 2}})
    async with replica(world, stricter) as today:
        first = await today.after(ask(Approve, state), SENTA)
        second = await today.after(ask(Approve, state), SVEN)
    assert (first.status, second.status) == (Status.PENDING, Status.APPROVED)
    assert await world.read(faults) == []


async def test_a_milder_policy_does_not_lower_the_quorum_of_pending_packages(database_url: str) -> None:
    strict = policy(**LASTING, tiers={"high": {"quorum": 2}})
    async with open_world(database_url, strict) as world:
        state = await world.submit(HARD)
        async with replica(world) as today:
            assert (await today.after(ask(Approve, state), SENTA)).status is Status.PENDING


async def test_a_person_who_lost_the_role_after_submission_cannot_approve(world: World) -> None:
    state = await world.submit(HARD)
    without = policy(**LASTING, roles={"senior_reviewer": {"members": [SVEN]}})
    async with replica(world, without) as today:
        outcome = await today.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.WRONG_ROLE


async def test_a_deactivated_person_cannot_approve_on_any_replica(world: World) -> None:
    state = await world.submit(HARD)
    async with replica(world) as other:
        await other.do(ask(Comment, state), SENTA)
        await world.people_are(people(USENTA={"active": False}))
        outcome = await other.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.DEACTIVATED


async def test_a_vote_of_a_person_who_lost_the_role_does_not_complete_a_quorum(world: World) -> None:
    state = await world.submit(CRITICAL)
    for who in (SUSI, SENTA, SVEN):
        state = await _with_details(world, state, who)
    high = {"roles": {"senior_reviewer": {"max_risk": "critical"}}}
    without = {"roles": {"supervisor": {"members": []}, "senior_reviewer": {"max_risk": "critical"}}}
    async with replica(world, policy(**LASTING, **high)) as then:
        await then.after(ask(Approve, state), SUSI)
    async with replica(world, policy(**LASTING, **without)) as today:
        after = await today.after(ask(Approve, state), SENTA)
    assert (after.status, [vote.reviewer_id for vote in after.votes]) == (Status.PENDING, [SENTA])


# ---- refused attempts --------------------------------------------------------------------------------------------


async def test_refused_attempts_are_one_event_for_each_person_reason_and_minute_and_counted(world: World) -> None:
    state = await world.submit(HARD)
    for who in (RITA, RITA, RITA, ROSS):
        await world.do(ask(Approve, state), who)
    await world.do(ask(Approve, state, expected_package_version=7), RITA)
    world.clock.passes(MINUTE)
    await world.do(ask(Approve, state), RITA)
    query = text("SELECT person, reason, count FROM refusals ORDER BY minute, person, reason")
    counted = await world.read(lambda connection: [tuple(row) for row in connection.execute(query)])
    assert counted == [
        (RITA, "stale-version", 1),
        (RITA, "wrong-role", 3),
        (ROSS, "wrong-role", 1),
        (RITA, "wrong-role", 1),
    ]
    assert await count(world, "events", "event_type = 'human.decision_refused'") == 4
    assert await world.read(faults) == []


async def test_strangers_to_the_workspace_leave_no_event(world: World) -> None:
    state = await world.submit(HARD)
    outcome = await world.do(ask(Approve, state), "UNOBODY")
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.UNKNOWN_PERSON
    assert await world.state(state.decision_package_id) == state
    assert await count(world, "refusals") == 0


async def test_a_missing_package_cannot_be_decided(world: World) -> None:
    missing = Approve(command_id=fresh("click"), decision_package_id="pkg_none", expected_package_version=1)
    outcome = await world.do(missing, SENTA)
    assert (outcome.state, outcome.refusal and outcome.refusal.reason) == (None, Reason.NOT_FOUND)


async def test_no_agent_can_decide_whatever_edge_lets_it_through(world: World) -> None:
    state = await world.submit(HARD)
    outcome = await world.do(ask(Approve, state), Actor(kind=ActorKind.AGENT, actor_id=world.agent.agent_id))
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.A_BOT


async def _with_details(world: World, state: Any, who: str) -> Any:
    return await world.after(ask(OpenDetails, state), who)
