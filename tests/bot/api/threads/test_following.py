"""The packages of a stopped thread follow it, also those that come late, name only the run, or are very many."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.commands import AllowRetry, Approve, OpenForm
from rules.state.model import Status
from rules.threads.checks import MAX_CHECKPOINTS
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from scheduler.time.threads import StoppedThreads
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
from store.packages.packages import PACKAGES, list_soft_waiting
from store.threads.follow import AT_ONCE
from store.threads.members import NEWEST
from tests.bot.api.threads.calls import HARD_IN_THREAD, IN_THREAD, checkpoint, copy_package, done, faults, give, thread
from tests.bot.service import SOFT, AgentApi, Response
from tests.rules.world import DAY, HOUR, OWEN, RITA, ROSS, SENTA
from tests.store.waiting_agents import Waits, soon
from tests.store.world import submission

ONLY_RUN = SOFT | {"run_id": "run-1"}


async def clock_looks(api: AgentApi) -> None:
    await StoppedThreads(api.store).tick()


async def submitted_by_an_older_release(api: AgentApi, package: dict[str, Any]) -> Response:
    """A row as code writes it that does not know the columns for threads."""
    proposal = await api.submit(package)
    columns = {"thread_key": None, "stop_name": None, "held_by": None, "followed": None}
    this = update(PACKAGES).where(PACKAGES.c.package_id == proposal.id).values(**columns)
    await api.world.write(lambda connection: connection.execute(this))
    return proposal


@pytest.mark.parametrize("kind", [HoldThread, CancelThread])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_package_that_is_submitted_in_the_moment_of_the_stop_follows_it(
    api: AgentApi, kind: type[HoldThread | CancelThread]
) -> None:
    await api.submit(HARD_IN_THREAD)
    engine = make_engine(parse_database_url(api.world.url))
    [agent_id] = await api.world.read(
        lambda connection: list(connection.execute(text("SELECT agent_id FROM agents")).scalars())
    )
    late = submission(DecisionPackage.model_validate(HARD_IN_THREAD | {"title": "Late"}), "pkg_late")
    invocation = Invocation(command=late, now=api.clock(), agent_id=agent_id)
    with engine.begin() as not_yet_committed:
        assert execute(not_yet_committed, api.store.installation, invocation).refusal is None
        await done(api, kind, SENTA)
    engine.dispose()
    api.clock.passes(HOUR)
    await clock_looks(api)
    state = await api.world.state("pkg_late")
    assert (state.hold is not None, state.status is Status.CANCELLED) == (kind is HoldThread, kind is CancelThread)
    assert await faults(api) == []


async def test_packages_of_an_older_release_are_held_resumed_and_cancelled(api: AgentApi) -> None:
    waiting = await submitted_by_an_older_release(api, HARD_IN_THREAD)
    await clock_looks(api)
    await done(api, HoldThread, SENTA)
    assert (await api.state(waiting)).hold is not None
    await done(api, ResumeThread, SENTA)
    assert (await api.state(waiting)).hold is None
    await done(api, CancelThread, SENTA)
    assert (await api.state(waiting)).status is Status.CANCELLED


async def test_a_package_that_names_only_the_run_waits_without_its_clock_running_out(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    approved = await api.submit(ONLY_RUN)
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    api.clock.passes(3 * DAY)
    assert (await api.claim(approved)).problem == (409, "thread-held")
    await done(api, ResumeThread, RITA)
    assert (await api.claim(approved)).status == 200
    assert await faults(api) == []


async def test_a_package_that_names_only_the_run_ends_with_the_cancelled_thread(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    waiting, elsewhere = await api.submit(ONLY_RUN), await api.submit(SOFT | {"run_id": "run-2"})
    await done(api, CancelThread, RITA)
    assert (await api.state(waiting)).status is Status.CANCELLED
    assert (await api.state(elsewhere)).status is Status.PENDING


async def test_an_owner_does_not_stop_what_another_owners_agent_does_in_a_run_of_the_same_name(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    other = await api.hire("Other", owner=SENTA)
    foreign = await api.submit(ONLY_RUN, key=other)
    outcome = await give(api, CancelThread, OWEN)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_YOUR_THREAD
    assert (await api.state(foreign)).status is Status.PENDING


async def test_more_packages_than_one_transaction_takes_follow_by_and_by(
    api: AgentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposals = [await api.submit(HARD_IN_THREAD | {"title": f"No {number}"}) for number in range(AT_ONCE + 8)]
    await done(api, HoldThread, SENTA)
    held = [bool((await api.state(proposal)).hold) for proposal in proposals]
    assert sum(held) == AT_ONCE
    waits = Waits(monkeypatch)
    tag = {"If-None-Match": (await thread(api)).headers["ETag"]}
    poll = asyncio.create_task(thread(api, params={"wait": "30"}, headers=tag))
    await waits.come()
    await clock_looks(api)
    assert (await soon(poll)).status == 200
    assert all([(await api.state(proposal)).hold for proposal in proposals])
    await done(api, ResumeThread, SENTA)
    await clock_looks(api)
    assert not any([(await api.state(proposal)).hold for proposal in proposals])
    await done(api, CancelThread, SENTA)
    await clock_looks(api)
    assert {(await api.state(proposal)).status for proposal in proposals} == {Status.CANCELLED}
    assert await faults(api) == []


async def test_an_open_package_is_held_and_asked_about_however_many_ended_ones_are_newer(api: AgentApi) -> None:
    grave, ended = await api.submit(HARD_IN_THREAD), await api.submit(IN_THREAD)
    await api.cancel(ended)
    await copy_package(api, ended, 2 * NEWEST)
    await done(api, HoldThread, SENTA)
    assert (await api.state(grave)).hold is not None
    outcome = await give(api, ResumeThread, ROSS)
    assert outcome.refusal is not None


async def test_an_agent_that_reports_checkpoints_without_pause_does_not_keep_a_hold_from_being_written(
    api: AgentApi,
) -> None:
    await api.submit(IN_THREAD)

    async def report() -> None:
        while (await thread(api)).body["state"] == "running":
            await asyncio.gather(*(checkpoint(api, f"step-{number}") for number in range(4)))

    async with asyncio.TaskGroup() as group:
        group.create_task(report())
        await done(api, HoldThread, RITA)
    assert (await thread(api)).body["state"] == "held"


async def test_a_retry_that_people_allow_during_the_hold_is_held_too(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    await api.decide(Approve, proposal, by=RITA)
    assert (await api.claim(proposal)).status == 200
    await done(api, HoldThread, RITA)
    assert (await api.report(proposal, "failed")).status == 200
    await api.decide(OpenForm, proposal, by=RITA)
    await api.decide(AllowRetry, proposal, by=RITA)
    api.clock.passes(HOUR)
    await clock_looks(api)
    assert (await api.state(proposal)).hold is not None
    await done(api, ResumeThread, RITA)
    assert (await api.claim(proposal, "worker-2")).status == 200


async def test_what_a_cancelled_thread_ended_is_refused_in_another_thread_too(api: AgentApi) -> None:
    approved = await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, CancelThread, RITA)
    assert (await api.submit(IN_THREAD | {"thread_id": "case-456b"})).problem == (409, "already-rejected")
    like = await api.submit(IN_THREAD | {"thread_id": "case-456b", "action_parameters": {"record": "43"}})
    assert (await api.state(like)).level is HITLLevel.HARD_APPROVAL


async def test_silence_that_cannot_be_proven_hardens_nothing_while_the_thread_is_held(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    assert await api.world.read(lambda connection: list_soft_waiting(connection, api.world.tenant_id)) == []
    await done(api, ResumeThread, RITA)
    assert len(await api.world.read(lambda connection: list_soft_waiting(connection, api.world.tenant_id))) == 1


# Checkpoints need a package, and have a rate.


async def test_a_checkpoint_needs_a_package_of_the_agent_in_the_thread(api: AgentApi) -> None:
    free = await checkpoint(api, thread_id="free")
    await api.submit(IN_THREAD, key=await api.hire("Other"))
    foreign = await checkpoint(api)
    assert free.problem == foreign.problem == (404, "thread-unknown")
    assert free.body["detail"] == foreign.body["detail"]


async def test_an_agent_reports_60_checkpoints_a_minute_at_most(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    for number in range(MAX_CHECKPOINTS):
        assert (await checkpoint(api, f"step-{number}")).status == 200
    api.clock.passes(timedelta(seconds=20))
    refused = await checkpoint(api, "one-more")
    assert (refused.problem, refused.headers["Retry-After"]) == ((429, "rate-limited"), "40")
    api.clock.passes(timedelta(seconds=40))
    assert (await checkpoint(api, "one-more")).status == 200
