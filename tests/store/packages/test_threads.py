"""The reach of a takeover: every spelling of its thread, and its run if a package names no thread."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.reasons import Reason, Refusal
from rules.state.commands import HandBack, TakeOver
from rules.state.model import PackageState
from tests.rules.world import HARD, SENTA, ask, package
from tests.store.soundness import faults
from tests.store.world import World, submission


async def taken_over(world: World, **fields: Any) -> PackageState:
    return await world.after(ask(TakeOver, await world.submit(package(risk_level="high", **fields))), SENTA)


async def refusal(world: World, what: DecisionPackage) -> Refusal | None:
    return (await world.execute_for_agent(submission(what))).refusal


def held_by(state: PackageState) -> Refusal:
    return Refusal(reason=Reason.THREAD_TAKEN_OVER, facts={"package": state.decision_package_id})


SPELLINGS = ["thr_1", " thr_1", "THR_1", "Thr_1\t", "\uff54\uff48\uff52_1", "thr\u200b_1", "thr_1\u00a0"]


@pytest.mark.parametrize("spelled", SPELLINGS)
async def test_no_spelling_of_a_thread_evades_its_takeover(world: World, spelled: str) -> None:
    state = await taken_over(world, thread_id="thr_1")
    assert await refusal(world, package(thread_id=spelled)) == held_by(state)
    await world.after(ask(HandBack, state), SENTA)
    assert await refusal(world, package(thread_id=spelled)) is None
    assert await world.read(faults) == []


@pytest.mark.parametrize("spelled", SPELLINGS)
async def test_an_approval_in_any_spelling_of_the_thread_is_not_claimed_while_a_person_holds_it(
    world: World, spelled: str
) -> None:
    approved = await world.submit_and_approve(package(thread_id=spelled, action_parameters={"record": "43"}), by=SENTA)
    state = await taken_over(world, thread_id="thr_1")
    assert (await world.claim(approved)).refusal == held_by(state)


async def test_the_document_contains_the_thread_as_the_agent_sent_it(world: World) -> None:
    answered = await world.execute_for_agent(submission(package(thread_id=" Thr_1 ")))
    assert answered.document["thread_id"] == " Thr_1 "


async def test_without_a_thread_a_takeover_reaches_the_run(world: World) -> None:
    state = await taken_over(world, thread_id=None, run_id="run_1")
    assert state.holds_thread
    assert await refusal(world, package(thread_id=None, run_id="RUN_1 ")) == held_by(state)
    assert await refusal(world, package(thread_id="thr_2", run_id="run_1")) == held_by(state)
    assert await refusal(world, package(thread_id=None, run_id="run_2")) is None
    await world.after(ask(HandBack, state), SENTA)
    assert await refusal(world, package(thread_id=None, run_id="run_1")) is None
    assert await world.read(faults) == []


async def test_omitting_the_thread_does_not_evade_a_takeover_within_the_run(world: World) -> None:
    approved = await world.submit_and_approve(package(thread_id=None, run_id="run_1", subject_id="other"), by=SENTA)
    state = await taken_over(world, thread_id="thr_1", run_id="run_1")
    assert await refusal(world, package(thread_id=None, run_id="run_1")) == held_by(state)
    assert (await world.claim(approved)).refusal == held_by(state)


async def test_a_takeover_of_one_thread_leaves_the_other_threads_of_its_run_alone(world: World) -> None:
    await taken_over(world, thread_id="thr_1", run_id="run_1")
    assert await refusal(world, package(thread_id="thr_2", run_id="run_1")) is None


async def test_a_run_and_a_thread_with_the_same_name_are_distinct(world: World) -> None:
    await taken_over(world, thread_id=None, run_id="one")
    assert await refusal(world, package(thread_id="one", run_id="other")) is None
    assert await refusal(world, HARD) is None
