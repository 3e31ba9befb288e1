"""A rejection stays effective, whatever the agent does with the package afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.scales import HITLLevel, RiskLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ApproveWithEdits, HumanOverrideCommand, Object, Reject, Revoke, Withdraw
from rules.state.model import PackageState, Status
from rules.state.noes import No
from rules.state.service_commands import Consent
from tests.rules.world import DAY, HARD, HOUR, MINUTE, RITA, ROSS, SENTA, ask, package
from tests.store.soundness import faults
from tests.store.world import World, submission


def about(subject: str | None = None, nonce: int = 1, **fields: Any) -> DecisionPackage:
    """A package whose content alone needs a soft approval."""
    named = {"subject_type": "customer", "subject_id": subject} if subject else {}
    return package(action_parameters={"record": "42", "nonce": nonce}, **named, **fields)


async def submit_and_reject(world: World, what: DecisionPackage) -> PackageState:
    return await world.after(ask(Reject, await world.submit(what)), RITA)


async def submit_and_object(world: World, what: DecisionPackage) -> PackageState:
    return await world.after(ask(Object, await world.submit(what)), RITA)


async def submit_and_withdraw(world: World, what: DecisionPackage) -> PackageState:
    state = await submit_and_object(world, what)
    await world.execute_for_agent(ask(Withdraw, state))
    return await world.state(state.decision_package_id)


async def submit_and_revoke(world: World, what: DecisionPackage) -> PackageState:
    return await world.after(ask(Revoke, await world.submit_and_approve(what, by=SENTA)), SENTA)


SAYING_NO = [
    pytest.param(way, id=way.__name__)
    for way in (submit_and_reject, submit_and_object, submit_and_withdraw, submit_and_revoke)
]


def rules(state: PackageState) -> dict[str, HITLLevel]:
    return {why.rule: why.level for why in state.why}


async def earlier_no(world: World, what: DecisionPackage, **by: Any) -> No | None:
    """The rejection that affects this new package; if there is one, the package needs a hard approval and says why."""
    state = await world.submit(what, **by)
    bears = state.earlier_no is not None
    assert bears == (rules(state).get("earlier-no") is HITLLevel.HARD_APPROVAL)
    assert (state.level is HITLLevel.HARD_APPROVAL) or not bears
    return state.earlier_no


@pytest.mark.parametrize("say_no", SAYING_NO)
async def test_an_irrelevant_parameter_does_not_undo_a_rejection(world: World, say_no: Any) -> None:
    before = await say_no(world, about(nonce=1))
    no = await earlier_no(world, about(nonce=2))
    assert no is not None
    assert (no.decision_package_id, no.at) == (before.decision_package_id, world.clock.now)
    assert no.by == before.noes[0].by
    assert await world.read(faults) == []


@pytest.mark.parametrize("say_no", SAYING_NO)
async def test_the_same_action_is_refused_after_any_rejection(world: World, say_no: Any) -> None:
    before = await say_no(world, about())
    refused = (await world.execute_for_agent(submission(about()))).refusal
    assert refused is not None
    assert (refused.reason, refused.facts["package"]) == (Reason.ALREADY_REJECTED, before.decision_package_id)


async def test_the_same_action_with_a_material_change_waits_for_an_explicit_approval(world: World) -> None:
    await submit_and_withdraw(world, about())
    state = await world.submit(about(material_change="The customer confirmed it."))
    assert rules(state)["material-change"] is HITLLevel.HARD_APPROVAL
    assert state.earlier_no is not None


async def test_a_similar_action_that_would_be_automatic_waits_too(world: World) -> None:
    await submit_and_reject(world, about())
    state = await world.submit(about(nonce=2, risk_level="low"))
    assert (state.status, state.level) == (Status.PENDING, HITLLevel.HARD_APPROVAL)


async def test_the_same_action_of_another_agent_waits_for_an_explicit_approval(world: World) -> None:
    await submit_and_reject(world, about())
    other = await world.hire("Other")
    assert await earlier_no(world, about(), agent=other) is not None
    assert await earlier_no(world, about(nonce=2), agent=other) is None


async def test_another_spelling_of_the_action_type_is_held_back(world: World) -> None:
    await submit_and_reject(world, about())
    assert await earlier_no(world, about(action_type="Record.Read")) is not None


async def test_another_action_type_is_not_held_back(world: World) -> None:
    await submit_and_reject(world, about())
    assert await earlier_no(world, about(nonce=2, action_type="mail.send")) is None


async def test_a_rejection_is_forgotten_after_the_window(world: World) -> None:
    await submit_and_reject(world, about())
    world.clock.passes(DAY - MINUTE)
    assert await earlier_no(world, about(nonce=2)) is not None
    world.clock.passes(MINUTE)
    assert await earlier_no(world, about(nonce=3)) is None


async def test_another_subject_waits_until_a_person_has_approved_one_of_that_type(world: World) -> None:
    await submit_and_reject(world, about("ada"))
    first = await world.submit(about("bob"))
    assert first.earlier_no is not None
    world.clock.passes(MINUTE)
    await world.after(ask(Approve, first), SENTA)
    assert await earlier_no(world, about("cem")) is None


@pytest.mark.parametrize("subject", ["ada", None])
async def test_the_same_or_no_subject_waits_even_after_an_approval_of_that_type(
    world: World, subject: str | None
) -> None:
    await submit_and_reject(world, about("ada"))
    first = await world.submit(about("bob"))
    world.clock.passes(MINUTE)
    await world.after(ask(Approve, first), SENTA)
    assert await earlier_no(world, about(subject, nonce=2)) is not None


async def test_decisions_by_policy_or_for_another_agent_do_not_count_as_approvals_of_the_type(world: World) -> None:
    await submit_and_reject(world, about("ada"))
    other = await world.hire("Other")
    world.clock.passes(MINUTE)
    await world.submit_and_approve(about("bob"), by=SENTA, agent=other)
    stopped = await world.submit(about("cem", risk_level="high"))
    await world.after(ask(HumanOverrideCommand, stopped, override_decision="stop"), SENTA)
    assert await earlier_no(world, about("dan")) is not None


async def test_a_new_version_of_another_package_does_not_bring_it_in(world: World) -> None:
    state = await world.submit(about(nonce=1))
    await submit_and_reject(world, about(nonce=2))
    answered = await world.execute_for_agent(ask(NewVersion, state, package=about(nonce=3)))
    assert answered.document["level"] == HITLLevel.HARD_APPROVAL
    refused = (
        await world.execute_for_agent(ask(NewVersion, state, package=about(nonce=2), expected_package_version=2))
    ).refusal
    assert refused is not None
    assert refused.reason is Reason.ALREADY_REJECTED


async def test_an_edit_by_a_reviewer_does_not_let_silence_approve_a_rejected_action(world: World) -> None:
    state = await world.submit(about(nonce=1))
    await submit_and_reject(world, about(nonce=2))
    parameters = {"record": "42", "nonce": 2}
    edited = await world.after(ask(ApproveWithEdits, state, action_parameters=parameters), ROSS)
    assert (edited.status, edited.level, edited.version) == (Status.PENDING, HITLLevel.HARD_APPROVAL, 2)
    assert edited.earlier_no is not None


async def test_an_answer_to_an_objection_is_not_held_back_by_that_objection(world: World) -> None:
    state = await submit_and_object(world, about())
    answered = await world.execute_for_agent(ask(NewVersion, state, package=about()))
    assert answered.refusal is None


async def test_an_explicit_approval_settles_the_objection_to_that_action(world: World) -> None:
    state = await submit_and_object(world, about())
    approved = await world.after(ask(Approve, state), SENTA)
    assert [no.settled for no in approved.noes] == [True]
    events = await world.store.load_events(state.decision_package_id, world.agent.agent_id)
    assert events is not None
    assert (events[-1]["event_type"], events[-1]["reason"]) == ("package.approved", "objection-settled")
    assert await earlier_no(world, about()) is None
    assert await world.read(faults) == []


async def test_an_approval_of_another_version_does_not_settle_the_objection(world: World) -> None:
    state = await submit_and_object(world, about(nonce=1))
    await world.execute_for_agent(ask(NewVersion, state, package=about(nonce=2)))
    approved = await world.after(ask(Approve, await world.state(state.decision_package_id)), SENTA)
    assert [no.settled for no in approved.noes] == [False]
    refused = (await world.execute_for_agent(submission(about(nonce=1)))).refusal
    assert refused is not None
    assert refused.reason is Reason.ALREADY_REJECTED


async def test_a_rejection_of_the_same_action_outweighs_later_ones_of_other_actions(world: World) -> None:
    first = await submit_and_reject(world, about(nonce=1))
    for nonce in range(2, 5):
        world.clock.passes(MINUTE)
        await submit_and_reject(world, about(nonce=nonce))
    no = await earlier_no(world, about(nonce=1), agent=await world.hire("Other"))
    assert no is not None
    assert no.decision_package_id == first.decision_package_id


async def test_a_rejected_package_of_high_risk_counts_as_well(world: World) -> None:
    await world.after(ask(Reject, await world.submit(HARD)), SENTA)
    assert await earlier_no(world, about()) is not None


async def let_through(world: World, what: DecisionPackage) -> PackageState:
    return await world.submit(what.model_copy(update={"risk_level": RiskLevel.LOW}))


async def submit_and_consent(world: World, what: DecisionPackage) -> PackageState:
    state = await world.submit_and_show(what)
    world.clock.passes(HOUR)
    return await world.after(ask(Consent, state))


GIVEN_BY_NOBODY = [pytest.param(way, id=way.__name__) for way in (let_through, submit_and_consent)]


@pytest.mark.parametrize("granted", GIVEN_BY_NOBODY)
@pytest.mark.parametrize("nonce", [1, 2])
async def test_a_rejection_ends_permissions_for_the_same_action_that_no_person_gave(
    world: World, granted: Any, nonce: int
) -> None:
    permission = await granted(world, about(nonce=1))
    twin = await world.submit(about(nonce=nonce, risk_level="high"))
    await world.after(ask(Reject, twin), SENTA)
    refused = (await world.claim(permission)).refusal
    assert refused is not None
    assert refused.reason is Reason.APPROVAL_NO_LONGER_VALID
    assert (await world.state(permission.decision_package_id)).status is Status.REVOKED
    assert await world.read(faults) == []


@pytest.mark.parametrize("spelled", [" ACME ", "acme", "Ac\u200bme", "\uff21cme"])
async def test_another_spelling_of_the_subject_is_the_same_subject(world: World, spelled: str) -> None:
    await submit_and_reject(world, about("Acme"))
    world.clock.passes(MINUTE)
    await world.submit_and_approve(about("other"), by=SENTA)
    assert await earlier_no(world, about(spelled, nonce=2))
