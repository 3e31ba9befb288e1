"""Blind second looks in the database: who cannot be asked, what each person is asked, and that every draw is proven."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasons import Reason
from rules.record.replay import replay
from rules.state.commands import Approve, Comment, HumanOverrideCommand, Judge, OpenDetails
from rules.state.model import PackageState
from rules.threads.commands import CancelThread, HoldThread, ThreadCommand
from store.audit.reader import read_trails, verify_database
from store.oversight.looks import list_looks, load_traces
from store.packages.queue import list_unjudged
from tests.rules.world import ALL, MINUTE, SAUL, SENTA, SILA, SUSI, SVEN, ask, policy
from tests.store.oversight.history import approve_critical, unrelated
from tests.store.threads.thread_commands import IN_THREAD, give
from tests.store.world import LASTING, World, open_world

DRAWN = policy(**LASTING, audit={"sample": {"high": 1, "critical": 1}})


async def looks_of(world: World, user_id: str) -> list[str]:
    states = await world.read(lambda connection: list_looks(connection, world.tenant_id, user_id))
    return [state.decision_package_id for state in states]


def judge_of(state: PackageState) -> str:
    assert state.open_look is not None
    return state.open_look.judge


async def test_whoever_did_more_than_read_it_before_the_first_vote_cannot_look(database_url: str) -> None:
    async with open_world(database_url, DRAWN) as world:
        state = await world.submit(unrelated("critical"))
        await world.after(ask(OpenDetails, state), SVEN)
        await world.after(ask(Comment, state), SENTA)
        world.clock.passes(MINUTE)
        await approve_critical(world, state, SUSI)
        world.clock.passes(MINUTE)
        await world.after(ask(OpenDetails, state), SILA)
        key = (world.tenant_id, state.decision_package_id)
        involved = (await world.read(lambda connection: load_traces(connection, *key))).involved
        assert involved & ALL == {SENTA, SUSI, SILA}


async def test_a_person_is_asked_about_one_package_at_a_time_until_it_is_judged(database_url: str) -> None:
    async with open_world(database_url, DRAWN) as world:
        first = await world.submit_and_approve(unrelated("high"), by=SENTA)
        asked = judge_of(first)
        assert await looks_of(world, asked) == [first.decision_package_id]
        others = [judge_of(await world.submit_and_approve(unrelated("high"), by=SENTA)) for _ in range(4)]
        assert len({asked, *others}) == 5
        nobody = await world.submit_and_approve(unrelated("high"), by=SENTA)
        assert (nobody.look, nobody.audit_rate) == (None, 1)
        await world.after(ask(Judge, first, verdict="sound"), asked)
        assert await looks_of(world, asked) == []
        assert judge_of(await world.submit_and_approve(unrelated("high"), by=SENTA)) == asked


async def faults_with_rate(world: World, rate: float) -> list[str]:
    """What the audit would say if the event of the approval had this rate."""

    def read(connection: Any) -> list[str]:
        (trail,) = (one for one in read_trails(connection, world.tenant_id) if one.package_id.startswith("pkg_"))
        for event in trail.events:
            event["change"] |= {"audit_rate": rate} if "audit_rate" in event["change"] else {}
        return [str(fault) for fault in replay(trail) if "draw" in str(fault)]

    return await world.read(read)


@pytest.mark.parametrize(("rate", "other", "sentence"), [(1, 1e-12, "it was picked"), (1e-12, 1, "it was not picked")])
async def test_the_record_proves_each_draw(database_url: str, rate: float, other: float, sentence: str) -> None:
    async with open_world(database_url, policy(**LASTING, audit={"sample": {"high": rate}})) as world:
        await world.after(ask(Approve, await world.submit(unrelated("high"))), SENTA)
        assert await faults_with_rate(world, rate) == []
        (fault,) = await faults_with_rate(world, other)
        assert f"{sentence} for a blind second look, against its draw" in fault


async def test_those_who_voted_are_not_asked(database_url: str) -> None:
    async with open_world(database_url, DRAWN) as world:
        state = await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
        assert judge_of(state) not in {SUSI, SAUL}


@pytest.mark.parametrize(
    ("kind", "reason"), [(HoldThread, Reason.THREAD_HELD), (CancelThread, Reason.THREAD_CANCELLED)]
)
async def test_the_judge_can_stop_the_thread(database_url: str, kind: type[ThreadCommand], reason: Reason) -> None:
    async with open_world(database_url, DRAWN) as world:
        state = await world.submit_and_approve(IN_THREAD, by=SENTA)
        assert (await give(world, kind, judge_of(state))).refusal is None
        refusal = (await world.claim(state)).refusal
        assert refusal is not None
        assert refusal.reason is reason
        assert (await world.state(state.decision_package_id)).open_look is None
        assert await world.read(lambda connection: list(verify_database(connection))) == []


async def test_blind_looks_are_no_part_of_the_ordinary_sample(database_url: str) -> None:
    sampling = policy(**LASTING, audit={"sample": {"high": 1}}, soft={"sample": 1})
    async with open_world(database_url, sampling) as world:
        overridden = await world.after(
            ask(HumanOverrideCommand, await world.submit(unrelated("medium"))),
            SENTA,
        )
        blind = await world.submit_and_approve(unrelated("high"), by=SENTA)
        assert blind.look is not None
        unjudged = await world.read(lambda connection: list_unjudged(connection, world.tenant_id))
        assert [state.decision_package_id for state in unjudged] == [overridden.decision_package_id]
