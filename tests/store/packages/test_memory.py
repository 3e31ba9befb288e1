"""What the store remembers of an agent's actions: every No, levels and held threads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.people.directory import Agent
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import HandBack, Object, Reject, Revise, TakeOver, Withdraw
from rules.state.model import PackageState, Status
from rules.state.service_commands import Expire, Show
from tests.rules.world import DAY, HARD, HOUR, MINUTE, RITA, ROSS, SENTA, SOFT, SVEN, TAKEOVER, ask, package, policy
from tests.store.soundness import faults
from tests.store.world import LASTING, World, open_world, submission

DOUBTFUL = package(confidence=0.6)
CHANGED = package(material_change="It now has a subject that the customer confirmed.")
OTHER = package(action_parameters={"record": "43"})


async def refusal(world: World, what: DecisionPackage, agent: Agent | None = None) -> Refusal | None:
    return (await world.execute_for_agent(submission(what), agent)).refusal


async def submit_and_reject(world: World, what: DecisionPackage = SOFT, by: str = RITA) -> PackageState:
    return await world.after(ask(Reject, await world.submit(what)), by)


# ---- noes --------------------------------------------------------------------------------------------------------


async def test_a_rejected_action_is_refused_within_the_window(world: World) -> None:
    state = await submit_and_reject(world)
    world.clock.passes(DAY - MINUTE)
    refused = await refusal(world, package(title="The same in other words", confidence=0.99))
    assert refused == Refusal(
        reason=Reason.ALREADY_REJECTED, facts={"package": state.decision_package_id, "window": "1d"}
    )


async def test_a_rejected_action_may_be_submitted_again_after_the_window(world: World) -> None:
    await submit_and_reject(world)
    world.clock.passes(DAY)
    assert await refusal(world, SOFT) is None


async def test_each_window_shows_its_own_place(database_url: str) -> None:
    brief = policy(**LASTING, windows={"rejection": "1h"})
    async with open_world(database_url, brief) as world:
        await submit_and_reject(world, DOUBTFUL, SENTA)
        world.clock.passes(2 * HOUR)
        assert (await world.submit(SOFT)).level is HITLLevel.HARD_APPROVAL


async def test_a_rejected_action_with_a_material_change_waits_for_a_person(world: World) -> None:
    await submit_and_reject(world)
    assert (await world.submit(CHANGED)).level is HITLLevel.HARD_APPROVAL


async def test_a_rejection_does_not_affect_another_action_or_agent(world: World) -> None:
    await submit_and_reject(world)
    other = await world.hire("Other")
    assert (await refusal(world, OTHER), await refusal(world, SOFT, other)) == (None, None)


async def test_an_expired_package_does_not_count_as_rejected(world: World) -> None:
    state = await world.submit(package(risk_level="high", expires_at=world.clock.now + MINUTE))
    world.clock.passes(MINUTE)
    assert (await world.after(ask(Expire, state))).status is Status.EXPIRED
    assert await refusal(world, HARD) is None


async def test_only_the_rejected_version_is_remembered(world: World) -> None:
    state = await world.submit(SOFT)
    await world.execute_for_agent(ask(NewVersion, state, package=OTHER))
    await world.after(ask(Reject, await world.state(state.decision_package_id)), RITA)
    assert await refusal(world, SOFT) is None
    refused = await refusal(world, OTHER)
    assert refused is not None
    assert refused.reason is Reason.ALREADY_REJECTED


async def test_a_rejected_action_is_refused_as_a_new_version_of_another_package(world: World) -> None:
    await submit_and_reject(world)
    state = await world.submit(OTHER)
    answered = await world.execute_for_agent(ask(NewVersion, state, package=SOFT))
    assert answered.refusal is not None
    assert answered.refusal.reason is Reason.ALREADY_REJECTED
    assert await world.state(state.decision_package_id) == state


async def test_a_rejection_long_after_the_submission_counts_from_the_rejection(world: World) -> None:
    state = await world.submit(package(risk_level="high"))
    world.clock.passes(DAY - MINUTE)
    await world.after(ask(Reject, state), SENTA)
    world.clock.passes(DAY - MINUTE)
    refused = await refusal(world, HARD)
    assert refused is not None
    assert refused.reason is Reason.ALREADY_REJECTED


# ---- the level ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "level"),
    [(DAY - MINUTE, HITLLevel.HARD_APPROVAL), (DAY, HITLLevel.SOFT_APPROVAL)],
    ids=["within", "after"],
)
async def test_a_new_package_with_the_same_action_keeps_the_level_within_the_window(
    world: World, later: timedelta, level: HITLLevel
) -> None:
    assert (await world.submit(DOUBTFUL)).level is HITLLevel.HARD_APPROVAL
    world.clock.passes(later)
    assert (await world.submit(SOFT)).level is level


async def test_another_action_and_another_agent_keep_their_own_levels(world: World) -> None:
    await world.submit(DOUBTFUL)
    levels = [(await world.submit(OTHER)).level, (await world.submit(SOFT, await world.hire("Other"))).level]
    assert levels == [HITLLevel.SOFT_APPROVAL] * 2


async def test_withdrawing_and_resubmitting_does_not_evade_an_objection(world: World) -> None:
    state = await world.submit(SOFT)
    await world.after(ask(Show, state))
    await world.after(ask(Object, state), RITA)
    await world.execute_for_agent(ask(Withdraw, state))
    refused = await refusal(world, SOFT)
    assert refused is not None
    assert refused.reason is Reason.ALREADY_REJECTED
    assert (await world.submit(OTHER)).level is HITLLevel.HARD_APPROVAL


async def test_returning_to_the_first_version_does_not_lower_the_level(world: World) -> None:
    state = await world.submit(SOFT)
    await world.after(ask(Revise, state), RITA)
    await world.execute_for_agent(
        ask(NewVersion, state, package=package(confidence=0.6, action_parameters={"record": "43"}))
    )
    after = await world.execute_for_agent(ask(NewVersion, await world.state(state.decision_package_id), package=SOFT))
    assert after.document["level"] == "hard_approval"


# ---- threads -----------------------------------------------------------------------------------------------------


async def test_no_package_is_accepted_in_a_taken_over_thread_until_it_is_handed_back(world: World) -> None:
    taken = await world.after(ask(TakeOver, await world.submit(HARD)), SENTA)
    held = await refusal(world, OTHER)
    elsewhere = await refusal(world, package(thread_id="thr_2"))
    await world.after(ask(HandBack, taken), SENTA)
    assert held == Refusal(reason=Reason.THREAD_TAKEN_OVER, facts={"package": taken.decision_package_id})
    assert (elsewhere, await refusal(world, OTHER)) == (None, None)
    assert await world.read(faults) == []


async def test_a_package_that_needs_a_takeover_holds_its_thread_from_the_start(world: World) -> None:
    state = await world.submit(TAKEOVER)
    held = Refusal(reason=Reason.THREAD_TAKEN_OVER, facts={"package": state.decision_package_id})
    assert await refusal(world, OTHER) == held
    await world.execute_for_agent(ask(Withdraw, state))
    assert await refusal(world, OTHER) == held
    await world.after(ask(HandBack, state), SENTA)
    assert await refusal(world, OTHER) is None
    assert await world.read(faults) == []


async def test_a_thread_held_by_two_packages_is_free_once_both_release_it(world: World) -> None:
    first = await world.submit(HARD)
    second = await world.submit(TAKEOVER)
    await world.after(ask(TakeOver, first), SENTA)
    await world.after(ask(HandBack, first), SENTA)
    held = await refusal(world, OTHER)
    assert await world.read(faults) == []
    await world.after(ask(Reject, second), SVEN)
    assert held == Refusal(reason=Reason.THREAD_TAKEN_OVER, facts={"package": second.decision_package_id})
    assert await refusal(world, OTHER) is None
    assert await world.read(faults) == []


async def test_a_package_that_holds_its_thread_may_be_revised_unless_another_holds_it_too(world: World) -> None:
    other = await world.submit(HARD)
    own = await world.submit(TAKEOVER)
    better = package(recommendation="escalate", consequence="The better one.")
    revised = await world.execute_for_agent(ask(NewVersion, own, package=better))
    taken = await world.after(ask(TakeOver, other), SENTA)
    again = await world.execute_for_agent(ask(NewVersion, await world.state(own.decision_package_id), package=TAKEOVER))
    assert revised.refusal is None
    assert again.refusal == Refusal(reason=Reason.THREAD_TAKEN_OVER, facts={"package": taken.decision_package_id})


async def test_a_package_without_a_thread_holds_none(world: World) -> None:
    loose: Any = {"thread_id": None}
    await world.after(ask(TakeOver, await world.submit(package(risk_level="high", **loose))), SENTA)
    await world.submit(package(recommendation="escalate", **loose))
    assert await refusal(world, package(**loose)) is None
    assert await world.read(faults) == []


async def test_the_person_who_took_over_is_named_and_others_cannot_hand_back(world: World) -> None:
    taken = await world.after(ask(TakeOver, await world.submit(HARD)), SENTA)
    outcome = await world.do(ask(HandBack, taken), ROSS)
    assert outcome.refusal == Refusal(reason=Reason.NOT_YOURS_TO_HAND_BACK, facts={"by": f"<@{SENTA}>"})
    assert (await world.state(taken.decision_package_id)).holds_thread
