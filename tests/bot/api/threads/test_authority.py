"""Who may hold, resume and cancel a thread."""

from __future__ import annotations

import pytest

from rules.reasons import Reason
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from tests.bot.api.threads.calls import HARD_IN_THREAD, IN_THREAD, THREAD, checkpoint, done, faults, give, thread
from tests.bot.service import AgentApi
from tests.rules.world import ADAM, OWEN, RITA, ROSE, ROSS, SENTA, SUSI, people, person


@pytest.mark.parametrize("by", [RITA, SENTA, ROSE, OWEN, ADAM])
async def test_reviewers_the_requester_the_owner_and_admins_may_hold(api: AgentApi, by: str) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, by)
    assert (await thread(api)).body["state"] == "held"


async def test_a_person_without_a_part_in_the_thread_may_not_hold_it(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await api.people_are(people() | {"UNEW": person("UNEW")})
    outcome = await give(api, HoldThread, "UNEW")
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_YOUR_THREAD
    assert (await thread(api)).body["state"] == "running"


async def test_a_person_who_is_no_member_any_more_may_not_hold(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await api.people_are(people(URITA={"active": False}))
    outcome = await give(api, HoldThread, RITA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.DEACTIVATED


@pytest.mark.parametrize("by", [ROSE, OWEN])
async def test_the_requester_and_the_owner_do_not_end_the_hold_of_another(api: AgentApi, by: str) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    outcome = await give(api, ResumeThread, by)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_YOURS_TO_RESUME


@pytest.mark.parametrize("by", [ROSE, OWEN])
async def test_they_may_end_their_own_hold(api: AgentApi, by: str) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, by)
    await done(api, ResumeThread, by)
    assert (await thread(api)).body["state"] == "running"


async def test_a_reviewer_can_take_over_the_hold_of_the_owner_who_then_cannot_end_it(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, OWEN)
    await done(api, HoldThread, RITA)
    outcome = await give(api, ResumeThread, OWEN)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_YOURS_TO_RESUME
    assert await faults(api) == []


async def test_a_hold_that_the_sender_has_not_seen_is_not_ended(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    outcome = await give(api, ResumeThread, RITA, seen_event_id="evt_0")
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.THREAD_HELD_AGAIN


async def test_the_owner_of_one_agent_does_not_stop_the_packages_of_another_owners_agent(api: AgentApi) -> None:
    await checkpoint(api)
    other = await api.hire("Other", owner=SENTA)
    await api.submit(IN_THREAD, key=other)
    outcome = await give(api, CancelThread, OWEN)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.NOT_YOUR_THREAD
    await done(api, HoldThread, RITA)


async def test_resuming_asks_for_authority_over_the_gravest_open_package(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await api.submit(HARD_IN_THREAD)
    await done(api, HoldThread, SENTA)
    outcome = await give(api, ResumeThread, ROSS)
    assert outcome.refusal is not None
    assert outcome.refusal.reason in (Reason.WRONG_ROLE, Reason.ABOVE_AUTHORITY)
    await done(api, ResumeThread, SUSI)


async def test_no_agent_can_hold_resume_or_cancel(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    for action in ("hold", "resume", "cancel"):
        assert (await api.post(f"/v1/threads/{THREAD}/{action}", {})).status == 404
