"""Threads over HTTP: people hold, resume and cancel what an agent does, and the agent is told at its next call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rules.reasons import Reason
from rules.state.commands import AllowRetry, Approve, HandBack, OpenForm, Reject, RequestMoreEvidence, TakeOver
from rules.state.model import Status
from rules.state.service_commands import Climb, Expire, Lapse
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from tests.bot.api.threads.calls import (
    HARD_IN_THREAD,
    IN_THREAD,
    THREAD,
    checkpoint,
    count_events,
    done,
    faults,
    give,
    thread,
)
from tests.bot.service import AUTOMATIC, SOFT, AgentApi
from tests.rules.world import ADAM, DAY, HOUR, RITA, ROSS, SENTA
from tests.store.waiting_agents import Waits, soon
from tests.store.world import fresh

# What the agent reads.


async def test_a_thread_exists_as_soon_as_a_package_names_it(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    document = (await thread(api)).body
    assert (document["state"], document["agent_message"]) == ("running", "Go on.")
    assert [package["decision_package_id"] for package in document["packages"]] == [proposal.id]


async def test_every_spelling_names_the_same_thread(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA, thread_id="CASE-456 ")
    assert (await thread(api)).body["state"] == "held"
    assert (await api.submit(IN_THREAD | {"thread_id": "Case-456"})).problem == (409, "thread-held")


async def test_another_agent_does_not_learn_of_the_thread(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    other = await api.hire("Other")
    await api.submit(IN_THREAD | {"title": "In a thread of the same name"}, key=other)
    assert (await thread(api, key=other)).problem == (404, "thread-unknown")
    assert (await checkpoint(api, key=other)).problem == (404, "thread-unknown")
    assert (await api.get(f"/v1/threads/{THREAD}/history", key=other)).problem == (404, "thread-unknown")
    assert len((await thread(api)).body["packages"]) == 1


async def test_a_thread_that_nobody_named_is_unknown(api: AgentApi) -> None:
    assert (await thread(api)).problem == (404, "thread-unknown")


async def test_a_repeated_checkpoint_is_answered_once(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "one"}}
    first, again = await checkpoint(api, **key), await checkpoint(api, **key)
    assert (first.status, first.body["latest_checkpoint_id"], first.body["revision"]) == (200, "step-1", 2)
    assert (again.body["revision"], again.headers["Idempotent-Replayed"]) == (2, "true")
    other = await api.post(f"/v1/threads/{THREAD}/checkpoints", {"checkpoint_id": "b", "summary": "Else."}, **key)
    assert other.problem == (422, "idempotency-conflict")


async def test_a_state_of_200_kb_is_kept_and_a_larger_one_is_refused(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    fits: dict[str, Any] = {"checkpoint_id": "big", "summary": "All of it.", "state": {"text": "x" * (200 * 1024 - 11)}}
    assert (await api.post(f"/v1/threads/{THREAD}/checkpoints", fits)).status == 200
    fits["state"]["text"] += "x"
    refused = await api.post(f"/v1/threads/{THREAD}/checkpoints", fits)
    assert (refused.problem, refused.wrong) == ((422, "invalid"), ["state"])


async def test_the_history_has_the_events_of_the_thread_and_its_packages_in_order(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    api.clock.passes(timedelta(seconds=1))
    await done(api, HoldThread, RITA)
    api.clock.passes(timedelta(seconds=1))
    await done(api, CancelThread, RITA)
    events = (await api.get(f"/v1/threads/{THREAD}/history")).body["events"]
    assert [event["event_type"] for event in events] == [
        "package.submitted",
        "thread.held",
        "package.held",
        "thread.cancelled",
        "package.cancelled",
    ]
    assert {event["decision_package_id"] for event in events if event["event_type"].startswith("package")} == {
        proposal.id
    }


# Held.


async def test_a_held_thread_takes_no_submission_and_no_claim(api: AgentApi) -> None:
    approved = await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    assert (await api.submit(IN_THREAD | {"title": "Another"})).problem == (409, "thread-held")
    assert (await api.claim(approved)).problem == (409, "thread-held")
    assert (await api.read(approved)).body["may_proceed"] is False


async def test_a_package_that_names_only_the_run_does_not_escape_the_hold(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    assert (await api.submit(SOFT | {"run_id": "run-1"})).problem == (409, "thread-held")
    assert (await api.submit(SOFT | {"run_id": "run-1", "thread_id": "another"})).status == 202


async def test_another_agent_in_a_thread_of_the_same_name_is_stopped_too(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    other = await api.hire("Other")
    await done(api, HoldThread, RITA)
    assert (await api.submit(IN_THREAD, key=other)).problem == (409, "thread-held")


async def test_a_held_thread_says_who_held_it_and_why(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA, reason="The customer is calling.")
    document = (await thread(api)).body
    assert (document["state"], document["reason"]) == ("held", "The customer is calling.")
    assert document["by"] == {"reviewer_id": RITA, "name": "rita"}


async def test_a_running_execution_is_not_undone_and_its_outcome_is_still_taken(api: AgentApi) -> None:
    running = await api.submit(AUTOMATIC | {"thread_id": THREAD})
    assert (await api.claim(running)).status == 200
    await done(api, HoldThread, ADAM)
    assert (await api.report(running)).body["execution"]["state"] == "succeeded"


async def test_the_record_of_a_running_action_shows_what_people_did_with_its_thread(api: AgentApi) -> None:
    running = await api.submit(AUTOMATIC | {"thread_id": THREAD})
    assert (await api.claim(running)).status == 200
    await done(api, HoldThread, ADAM)
    await done(api, ResumeThread, ADAM)
    await done(api, CancelThread, ADAM)
    events = (await api.get(f"/v1/packages/{running.id}/events")).body["events"]
    changes = [event for event in events if event["event_type"] == "package.thread_changed"]
    assert [event["reason"].split()[0] for event in changes] == ["thread-held", "thread-resumed", "thread-cancelled"]
    assert (await api.report(running)).body["execution"]["state"] == "succeeded"
    assert await faults(api) == []


async def test_no_deadline_runs_while_the_thread_is_held(api: AgentApi) -> None:
    waiting, asked = await api.submit(HARD_IN_THREAD), await api.submit(HARD_IN_THREAD | {"title": "Two"})
    approved = await api.submit(IN_THREAD)
    await api.decide(RequestMoreEvidence, asked, by=SENTA, instructions="More.")
    await api.decide(Approve, approved, by=RITA)
    before = [await api.state(response) for response in (waiting, asked, approved)]
    await done(api, HoldThread, SENTA)
    api.clock.passes(10 * DAY)
    for kind, response in ((Climb, waiting), (Expire, asked), (Lapse, approved)):
        outcome = await api.world.do(kind(command_id=fresh("cmd"), decision_package_id=response.id))
        assert outcome.refusal is not None
        assert outcome.refusal.reason is Reason.NOT_DUE
    await done(api, ResumeThread, SENTA)
    after = [await api.state(response) for response in (waiting, asked, approved)]
    assert after[0].task.due_at - before[0].task.due_at == 10 * DAY
    assert before[1].answer_by is not None
    assert after[1].answer_by == before[1].answer_by + 10 * DAY
    assert before[2].lapses_at is not None
    assert after[2].lapses_at == before[2].lapses_at + 10 * DAY
    assert (await api.claim(approved)).status == 200


async def test_an_approval_given_during_the_hold_lasts_its_full_time_and_no_longer(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    api.clock.passes(DAY)
    await api.decide(Approve, proposal, by=ROSS)
    api.clock.passes(HOUR)
    await done(api, ResumeThread, RITA)
    state = await api.state(proposal)
    assert state.lapses_at == api.clock() + state.terms.approval_expiry


async def test_the_own_expiry_of_a_package_runs_on(api: AgentApi) -> None:
    ends = (api.clock() + HOUR).isoformat()
    proposal = await api.submit(HARD_IN_THREAD | {"expires_at": ends})
    await done(api, HoldThread, SENTA)
    api.clock.passes(2 * HOUR)
    await api.time(Expire, proposal)
    assert (await api.state(proposal)).status is Status.EXPIRED


async def test_people_may_decide_while_the_thread_is_held(api: AgentApi) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    await done(api, HoldThread, SENTA)
    await api.decide(Reject, proposal, by=SENTA)
    state = await api.state(proposal)
    assert (state.status, state.hold) == (Status.REJECTED, None)


async def test_an_agent_that_waits_is_told_at_once(api: AgentApi, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.submit(IN_THREAD)
    tag, waits = (await thread(api)).headers["ETag"], Waits(monkeypatch)
    poll = asyncio.create_task(thread(api, params={"wait": "30"}, headers={"If-None-Match": tag}))
    await waits.come()
    await done(api, HoldThread, RITA)
    answer = await soon(poll)
    assert (answer.status, answer.body["state"]) == (200, "held")


async def test_a_thread_that_has_not_changed_is_answered_without_a_body(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    tag = (await thread(api)).headers["ETag"]
    assert (await thread(api, headers={"If-None-Match": tag})).status == 304


async def test_a_held_approval_tells_the_agent_to_wait_and_not_that_it_expired(api: AgentApi) -> None:
    approved = await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    assert "on hold" in (await api.read(approved)).body["agent_message"]


async def test_a_hold_does_not_carry_an_approval_past_the_packages_own_end(api: AgentApi) -> None:
    ends = (api.clock() + HOUR).isoformat()
    approved = await api.submit(IN_THREAD | {"expires_at": ends})
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    api.clock.passes(2 * HOUR)
    await done(api, ResumeThread, RITA)
    assert (await api.claim(approved)).problem == (410, "approval-lapsed")


async def test_the_same_claim_is_answered_as_before_while_the_thread_is_held_or_cancelled(api: AgentApi) -> None:
    running = await api.submit(AUTOMATIC | {"thread_id": THREAD})
    first = await api.claim(running)
    for kind in (HoldThread, CancelThread):
        await done(api, kind, ADAM)
        again = await api.claim(running)
        assert (again.status, again.body["execution"]) == (200, first.body["execution"])


async def test_an_agent_that_waits_is_told_when_a_takeover_of_its_thread_begins_and_ends(
    api: AgentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = await api.submit(IN_THREAD)
    waits = Waits(monkeypatch)
    for kind, state in ((TakeOver, "taken_over"), (HandBack, "running")):
        tag = (await thread(api)).headers["ETag"]
        poll = asyncio.create_task(thread(api, params={"wait": "30"}, headers={"If-None-Match": tag}))
        await waits.come()
        await api.decide(kind, proposal, by=RITA)
        answer = await soon(poll)
        assert (answer.status, answer.body["state"]) == (200, state)


# Resumed.


async def test_resuming_lets_the_agent_go_on_with_what_the_person_says(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await checkpoint(api)
    await done(api, HoldThread, RITA)
    await done(
        api, ResumeThread, RITA, instruction="Use source 2.", modified_state={"sources": [2]}, checkpoint_id="step-1"
    )
    document = (await thread(api)).body
    assert (document["state"], document["instruction"]) == ("running", "Use source 2.")
    assert (document["modified_state"], document["resume_checkpoint_id"]) == ({"sources": [2]}, "step-1")
    assert (await api.submit(IN_THREAD | {"title": "Another"})).status == 202


async def test_a_modified_state_revokes_the_approvals_that_were_given_to_the_old_plan(api: AgentApi) -> None:
    approved, waiting = await api.submit(IN_THREAD), await api.submit(HARD_IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    await done(api, ResumeThread, RITA, modified_state={"plan": "B"})
    assert (await api.state(approved)).status is Status.REVOKED
    assert (await api.state(waiting)).status is Status.PENDING
    assert (await api.claim(approved)).problem == (409, "may-not-proceed")


async def test_a_plain_resumption_keeps_the_approvals(api: AgentApi) -> None:
    approved = await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, HoldThread, RITA)
    await done(api, ResumeThread, RITA)
    assert (await api.claim(approved)).status == 200


async def test_only_a_checkpoint_that_was_reported_can_be_resumed_from(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    outcome = await give(api, ResumeThread, RITA, checkpoint_id="step-9")
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.CHECKPOINT_UNKNOWN


async def test_a_thread_that_was_also_taken_over_stays_so_after_the_hold(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    await api.decide(TakeOver, proposal, by=RITA)
    await done(api, HoldThread, RITA)
    await done(api, ResumeThread, RITA)
    assert (await thread(api)).body["state"] == "taken_over"
    assert (await api.submit(IN_THREAD | {"title": "Another"})).problem == (409, "thread-taken-over")


async def test_a_retry_that_people_allowed_waits_with_the_thread_and_ends_with_it(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    await api.decide(Approve, proposal, by=RITA)
    assert (await api.claim(proposal)).status == 200
    assert (await api.report(proposal, "failed")).status == 200
    await api.decide(OpenForm, proposal, by=RITA)
    await api.decide(AllowRetry, proposal, by=RITA)
    await done(api, HoldThread, RITA)
    assert (await api.claim(proposal, "worker-2")).problem == (409, "thread-held")
    await done(api, ResumeThread, RITA)
    assert (await api.read(proposal)).body["may_proceed"] is True
    await done(api, CancelThread, RITA)
    assert (await api.state(proposal)).status is Status.REVOKED


# Cancelled.


async def test_a_cancelled_thread_ends_its_packages_and_takes_nothing_any_more(api: AgentApi) -> None:
    waiting, approved = await api.submit(HARD_IN_THREAD), await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    await done(api, CancelThread, RITA, rollback=True)
    assert (await api.state(waiting)).status is Status.CANCELLED
    assert (await api.state(approved)).status is Status.REVOKED
    document = (await thread(api)).body
    assert (document["state"], document["rollback_requested"]) == ("cancelled", True)
    assert "rollback" in document["agent_message"]
    assert (await api.submit(IN_THREAD | {"title": "Another"})).problem == (409, "thread-cancelled")
    assert (await checkpoint(api)).problem == (409, "thread-cancelled")
    for kind in (HoldThread, ResumeThread, CancelThread):
        outcome = await give(api, kind, RITA)
        assert outcome.refusal is not None
        assert outcome.refusal.reason is Reason.THREAD_CANCELLED


async def test_a_held_thread_can_be_cancelled(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await done(api, HoldThread, RITA)
    await done(api, CancelThread, ROSS)
    assert (await api.submit(IN_THREAD | {"title": "Another"})).problem == (409, "thread-cancelled")


# Races and the record.


async def test_of_two_people_who_hold_at_once_one_is_told_that_it_is_held(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    outcomes = await asyncio.gather(give(api, HoldThread, RITA), give(api, HoldThread, ROSS))
    refused = [outcome.refusal.reason for outcome in outcomes if outcome.refusal]
    assert refused == [Reason.THREAD_ALREADY_HELD]
    assert await count_events(api, "thread.held") == 1


async def test_a_repeated_click_is_one_command(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    for _ in range(2):
        outcome = await give(api, HoldThread, RITA, command_id="click-1")
        assert outcome.refusal is None
    assert await count_events(api, "thread.held") == 1


@pytest.mark.parametrize("turn", range(4))
async def test_a_claim_races_a_hold_and_has_one_right_outcome(api: AgentApi, turn: int) -> None:
    approved = await api.submit(IN_THREAD)
    await api.decide(Approve, approved, by=RITA)
    racing: list[Callable[[], Any]] = [lambda: api.claim(approved), lambda: done(api, HoldThread, RITA)]
    await asyncio.gather(*(start() for start in racing[:: 1 if turn % 2 else -1]))
    state = await api.state(approved)
    claimed, held = state.execution.state == "claimed", state.hold is not None
    assert claimed is not held


async def test_a_cancellation_races_an_approval_and_nothing_stays_permitted(api: AgentApi) -> None:
    proposal = await api.submit(IN_THREAD)
    state = await api.state(proposal)
    approve = api.world.do(Approve.model_validate(_approval(state)), RITA)
    await asyncio.gather(approve, done(api, CancelThread, RITA))
    assert (await api.state(proposal)).status in (Status.CANCELLED, Status.REVOKED)
    assert (await api.claim(proposal)).problem == (409, "thread-cancelled")


def _approval(state: Any) -> dict[str, Any]:
    ids = {"command_id": fresh("cmd"), "decision_package_id": state.decision_package_id}
    return ids | {"expected_package_version": state.version, "comment": "Yes."}


async def test_the_record_of_a_thread_is_verified_with_the_rest(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    approved = await api.submit(IN_THREAD | {"title": "Two"})
    await api.decide(Approve, approved, by=RITA)
    await checkpoint(api)
    await done(api, HoldThread, RITA)
    await done(api, ResumeThread, RITA, instruction="Go on.", modified_state={"a": 1})
    await done(api, CancelThread, RITA)
    assert await faults(api) == []
