"""Handoffs over HTTP: an agent offers its thread to another one, and what that changes for the people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.people.agent_keys import KeyScope
from rules.people.directory import AgentStanding
from rules.reasons import Reason
from rules.scales import RiskLevel
from rules.state.commands import Approve, Reject, TakeOver
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from scheduler.time.handoffs import HandoffEnds
from store.agents import agent_admin
from tests.bot.api.threads.calls import HARD_IN_THREAD, IN_THREAD, THREAD, checkpoint, done, faults, thread
from tests.bot.api.threads.handoffs import (
    CONTEXT,
    NEEDS_PERSON,
    STATE,
    answer,
    handed_over,
    listed,
    offer,
    open_handoffs,
)
from tests.bot.service import SOFT, AgentApi, Response
from tests.rules.world import OWEN, RITA, ROSS, SENTA, SVEN
from tests.scheduler.callbacks.receiver import Receiver
from tests.store.waiting_agents import Waits, soon


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    async with open_handoffs(database_url, tmp_path, COUNTERSIGN_CALLBACK_ALLOW="127.0.0.0/8") as api:
        yield api


@pytest.fixture
async def writer(api: AgentApi) -> str:
    """The key of another agent of the same owner."""
    return await api.hire("Writer")


async def pass_time(api: AgentApi, **span: float) -> None:
    api.clock.passes(timedelta(**span))
    await HandoffEnds(api.store).tick()


# The way of a handoff.


async def test_a_peer_gets_the_thread_and_its_open_packages_for_good(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    offered = await offer(api)
    assert (offered.status, offered.body["status"], offered.body["due_at"]) == (202, "offered", "2026-11-20T13:00:00Z")
    assert (await thread(api)).body["owner_agent"] == offered.body["from_agent_id"]
    accepted = await answer(api, offered, key=writer)
    assert (accepted.body["status"], accepted.body["captured_state"], accepted.body["user_context"]) == (
        "accepted", STATE, CONTEXT,
    )  # fmt: skip
    theirs = (await thread(api, key=writer)).body
    assert theirs["owner_agent"] == accepted.body["to_agent_id"]
    assert [package["decision_package_id"] for package in theirs["packages"]] == [proposal.id]
    assert (await api.read(proposal)).problem == (404, "not-found")
    await api.decide(Approve, proposal, by=SENTA)
    assert (await api.claim(proposal)).problem == (404, "not-found")
    assert (await api.claim(proposal, key=writer)).status == 200
    assert await faults(api) == []


async def test_a_delegate_returns_the_thread_with_a_result(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    lent = await handed_over(api, writer, mode="delegate")
    assert lent.body["due_at"] == "2026-11-20T14:00:00Z"
    more = await api.submit(HARD_IN_THREAD | {"title": "Write the report"}, key=writer)
    body = {"result": "The report is written.", "result_state": {"report": 7}}
    assert (await answer(api, lent, "return", key=writer, body=body)).status == 200
    read = (await api.get(f"/v1/handoffs/{lent.body['handoff_id']}")).body
    assert (read["status"], read["result"], read["result_state"]) == ("returned", body["result"], {"report": 7})
    assert (await thread(api)).body["owner_agent"] == lent.body["from_agent_id"]
    assert (await api.read(more)).status == 200
    assert (await thread(api, key=writer)).problem == (404, "thread-unknown")
    assert await faults(api) == []


async def test_a_declined_offer_changes_nothing(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    offered = await offer(api)
    declined = await answer(api, offered, "decline", key=writer, body={"reason": "I write no reports."})
    assert (declined.body["status"], declined.body["decline_reason"]) == ("declined", "I write no reports.")
    assert (await api.read(proposal)).status == 200
    assert (await answer(api, offered, key=writer)).problem == (409, "handoff-not-open")
    assert (await offer(api)).status == 202


async def test_of_two_workers_one_accepts_and_the_other_is_told(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    offered = await offer(api)
    both = await asyncio.gather(*(answer(api, offered, key=writer) for _ in range(2)))
    assert sorted(response.status for response in both) == [200, 409]
    assert (
        next(response for response in both if response.status == 409)
        .body["detail"]
        .startswith("This handoff is accepted")
    )


async def test_the_same_request_again_is_the_same_handoff(api: AgentApi, writer: str) -> None:
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "one"}}
    first, again = await offer(api, **key), await offer(api, **key)
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    accepted, repeated = await answer(api, first, key=writer, **key), await answer(api, first, key=writer, **key)
    assert (repeated.status, repeated.body) == (200, accepted.body)


async def test_the_target_is_told_within_its_long_poll_and_the_giver_reads_what_it_gave(
    api: AgentApi, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await listed(api, "?status=offered&wait=0.01", key=writer) == []
    waits = Waits(monkeypatch)
    waiting = asyncio.create_task(listed(api, "?status=offered&wait=30", key=writer))
    await waits.come()
    await offer(api)
    assert await soon(waiting) == ["offered"]
    assert (await listed(api), await listed(api, "?direction=given")) == ([], ["offered"])


async def test_both_agents_are_called_back(api: AgentApi, receiver: Receiver) -> None:
    writer = await api.hire("Writer")
    for name in ("Clerk", "Writer"):
        await api.world.write(
            lambda connection, name=name: agent_admin.set_callback_url(  # type: ignore[misc]
                connection, name, receiver.url(f"/{name}"), api.clock()
            )
        )
    lent = await handed_over(api, writer, mode="delegate")
    await answer(api, lent, "return", key=writer)
    await receiver.wait_for(3)
    events = {path: [got.payload["type"] for got in receiver.got if got.path == path] for path in ("/Clerk", "/Writer")}
    assert events == {"/Clerk": ["handoff.accepted", "handoff.returned"], "/Writer": ["handoff.offered"]}
    assert {got.payload["data"]["handoff_id"] for got in receiver.got} == {lent.body["handoff_id"]}


async def test_what_is_running_stays_with_the_agent_that_runs_it(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    await api.decide(Approve, proposal, by=SENTA)
    await api.claim(proposal)
    await handed_over(api, writer)
    assert (await api.report(proposal)).status == 200


async def test_only_the_two_agents_know_of_a_handoff(api: AgentApi, writer: str) -> None:
    offered, other = await offer(api), await api.hire("Other")
    path = f"/v1/handoffs/{offered.body['handoff_id']}"
    assert (await api.get(path, key=other)).problem == (404, "handoff-unknown")
    for verb in ("accept", "decline", "return"):
        assert (await answer(api, offered, verb, key=other)).problem == (404, "handoff-unknown")
    assert (await answer(api, offered)).problem == (404, "handoff-unknown")
    assert (await api.get(path, key=writer)).status == 200


async def test_the_thread_lists_its_handoffs_and_its_history_has_their_events(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    await handed_over(api, writer)
    assert [handoff["status"] for handoff in (await thread(api, key=writer)).body["handoffs"]] == ["accepted"]
    events = (await api.get(f"/v1/threads/{THREAD}/history", key=writer)).body["events"]
    names = [event["event_type"] for event in events]
    assert [name for name in names if "hand" in name] == ["handoff.offered", "handoff.accepted", "package.handed_over"]


# To whom.


async def test_a_handoff_needs_an_active_agent_that_the_policy_lets_have_it(database_url: str, tmp_path: Path) -> None:
    async with open_handoffs(database_url, tmp_path, handoffs="") as api:
        await api.hire("Writer")
        await api.hire("Stranger", owner=ROSS)
        await api.hire("Paused")
        await api.pause("Paused")
        await api.hire("Revoked")
        await api.pause("Revoked", AgentStanding.REVOKED)
        for name in ("Nobody", "Stranger", "Paused", "Revoked"):
            refused = await offer(api, name)
            assert refused.problem == (409, "handoff-not-allowed")
            assert f"hand it to {name} as a peer" in refused.body["detail"]
        assert "cannot hand over to itself" in (await offer(api, "Clerk")).body["detail"]
        assert (await offer(api)).status == 202
        assert "already offered" in (await offer(api)).body["detail"]


async def test_an_offer_is_proved_again_when_it_is_accepted(api: AgentApi, writer: str) -> None:
    offered = await offer(api)
    await api.pause("Clerk")
    assert "paused or revoked" in (await answer(api, offered, key=writer)).body["detail"]
    await api.pause("Clerk", AgentStanding.ACTIVE)
    await api.pause("Writer")
    assert (await answer(api, offered, key=writer)).problem == (409, "agent-paused")
    await api.pause("Writer", AgentStanding.ACTIVE)
    assert (await answer(api, offered, key=writer)).status == 200


@pytest.mark.parametrize(
    ("scope", "beyond"),
    [
        (KeyScope(may=("report.*",)), "record.read"),
        (KeyScope(requesters=("*@example.org",)), "its requester"),
        (KeyScope(max_risk=RiskLevel.MEDIUM), "high risk"),
    ],
)
async def test_a_key_that_does_not_cover_an_open_package_cannot_take_the_thread(
    api: AgentApi, scope: KeyScope, beyond: str
) -> None:
    proposal, narrow = await api.submit(HARD_IN_THREAD), await api.hire("Writer", scope)
    refused = await answer(api, await offer(api), key=narrow)
    assert (refused.problem, beyond in refused.body["detail"]) == ((403, "out-of-scope"), True)
    assert (await api.read(proposal)).status == 200


async def test_a_lent_thread_is_lent_on_but_not_given_away_and_not_in_a_circle(api: AgentApi, writer: str) -> None:
    editor = await api.hire("Editor")
    first = await handed_over(api, writer, mode="delegate")
    assert "can only return it or lend it on" in (await offer(api, "Editor", key=writer)).body["detail"]
    assert "Clerk waits for its return" in (await offer(api, "Clerk", "delegate", key=writer)).body["detail"]
    second = await handed_over(api, editor, "Editor", "delegate", key=writer)
    assert (await answer(api, first, "return", key=writer)).problem == (404, "thread-unknown")
    assert (await answer(api, second, "return", key=editor)).status == 200
    assert (await answer(api, first, "return", key=writer)).status == 200


# People.


async def test_the_owners_of_all_agents_of_a_thread_are_barred(api: AgentApi) -> None:
    keys = {name: await api.hire(name, owner=owner) for name, owner in (("First", ROSS), ("Second", RITA))}
    old = await api.submit(IN_THREAD, key=keys["First"])
    await handed_over(api, keys["Second"], "Second", key=keys["First"])
    await handed_over(api, api.key, "Clerk", key=keys["Second"])
    new = await api.submit(IN_THREAD | {"title": "Of the third agent", "action_parameters": {"record": "43"}})
    for proposal in (old, new):
        for owner in (ROSS, RITA):
            with pytest.raises(AssertionError, match=r"You own the agent|You had a part in this thread"):
                await api.decide(Approve, proposal, by=owner)
        await api.decide(Approve, proposal, by=SENTA)


async def test_an_approval_of_the_new_owner_no_longer_counts(api: AgentApi) -> None:
    writer = await api.hire("Writer", owner=SENTA)
    proposal = await api.submit(HARD_IN_THREAD)
    await api.decide(Approve, proposal, by=SENTA)
    await handed_over(api, writer)
    assert (await api.claim(proposal, key=writer)).problem == (409, "approval-no-longer-valid")


async def test_a_refusal_follows_the_thread(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(IN_THREAD)
    await api.decide(Reject, proposal, by=RITA)
    await handed_over(api, writer)
    assert (await api.submit(IN_THREAD, key=writer)).problem == (409, "already-rejected")
    like = IN_THREAD | {"action_parameters": {"record": "43"}}
    assert (await api.submit(like, key=writer)).body["level"] == "hard_approval"
    elsewhere = like | {"thread_id": None, "action_parameters": {"record": "44"}}
    assert (await api.submit(elsewhere, key=writer)).body["level"] == "soft_approval"


async def test_the_stricter_earned_autonomy_counts_in_a_thread(api: AgentApi, writer: str) -> None:
    trusted = SOFT | {"thread_id": THREAD}
    for number in range(10):
        sent = await api.submit(trusted | {"action_parameters": {"record": str(number)}, "thread_id": None}, key=writer)
        await api.decide(Approve, sent, by=RITA)
        await api.claim(sent, key=writer)
        body = {"state": "succeeded", "claim_id": "worker-1"}
        await api.post(f"/v1/packages/{sent.id}/execution", body, key=writer)
    eased = await api.submit(trusted | {"thread_id": None, "action_parameters": {"record": "a"}}, key=writer)
    await handed_over(api, writer)
    held = await api.submit(trusted | {"action_parameters": {"record": "b"}}, key=writer)
    assert (eased.body["level"], held.body["level"]) == ("notify_only", "soft_approval")


async def test_a_reviewer_who_had_the_task_and_owns_the_new_agent_loses_it(api: AgentApi) -> None:
    writer = await api.hire("Writer", owner=SENTA)
    proposal = await api.submit(HARD_IN_THREAD)
    await handed_over(api, writer)
    state = await api.state(proposal)
    assert (state.owner, state.barred[SENTA], state.barred[OWEN]) == (SENTA, "owner", "owner")
    await api.decide(Approve, proposal, by=SVEN)


# Stopped threads.


async def test_a_stopped_thread_is_not_handed_over(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    offered = await offer(api)
    await done(api, HoldThread, SENTA)
    assert (await answer(api, offered, key=writer)).problem == (409, "thread-held")
    assert (await offer(api)).problem == (409, "thread-held")
    await done(api, ResumeThread, SENTA)
    await api.decide(TakeOver, proposal, by=SENTA, comment="I do it.")
    assert (await answer(api, offered, key=writer)).problem == (409, "thread-taken-over")


async def test_an_offer_ends_with_its_thread(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    offered = await offer(api)
    await done(api, CancelThread, SENTA)
    assert (await answer(api, offered, key=writer)).problem == (409, "thread-cancelled")
    assert await listed(api, key=writer) == ["cancelled"]


# Time.


async def test_an_offer_that_nobody_answers_times_out(api: AgentApi, writer: str) -> None:
    offered = await offer(api)
    await pass_time(api, minutes=59)
    assert await listed(api, key=writer) == ["offered"]
    await pass_time(api, minutes=1)
    assert await listed(api, key=writer) == ["timed_out"]
    assert (await answer(api, offered, key=writer)).problem == (409, "handoff-not-open")
    assert await faults(api) == []


async def test_a_thread_that_is_not_returned_in_time_goes_back(api: AgentApi, writer: str) -> None:
    editor = await api.hire("Editor")
    proposal = await api.submit(HARD_IN_THREAD)
    await handed_over(api, writer, mode="delegate")
    await pass_time(api, minutes=90)
    await handed_over(api, editor, "Editor", "delegate", key=writer)
    await pass_time(api, minutes=30)
    assert await listed(api, "?direction=given") == await listed(api, key=editor) == ["timed_out"]
    assert (await thread(api)).status == 200
    assert (await api.read(proposal, key=editor)).problem == (404, "not-found")
    assert await faults(api) == []


async def test_time_stands_still_while_the_thread_is_on_hold(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    await offer(api)
    await done(api, HoldThread, SENTA)
    await pass_time(api, hours=5)
    assert await listed(api, key=writer) == ["offered"]
    await done(api, ResumeThread, SENTA)
    await pass_time(api, minutes=59)
    assert await listed(api, key=writer) == ["offered"]


# A person allows it first.


def _ask_for(mode: str = "peer", to_agent: str = "Writer") -> dict[str, Any]:
    parameters = {"thread_id": THREAD, "to_agent": to_agent, "mode": mode}
    return SOFT | {"action_type": "hand_over_thread", "thread_id": THREAD, "action_parameters": parameters}


async def _approved(api: AgentApi, package: dict[str, Any], by: str = SENTA) -> Response:
    proposal = await api.submit(package | {"risk_level": "high"})
    await api.decide(Approve, proposal, by=by)
    return proposal


async def test_the_policy_can_ask_a_person_first(database_url: str, tmp_path: Path) -> None:
    async with open_handoffs(database_url, tmp_path, NEEDS_PERSON) as api:
        await api.hire("Writer", owner=SVEN)
        asked = await offer(api)
        assert (asked.problem, "hand_over_thread" in asked.body["detail"]) == ((409, "handoff-needs-person"), True)
        for package, by, because in (
            (_ask_for(mode="delegate"), SENTA, "just the parameters"),
            (_ask_for(), SVEN, "owner approved it; someone independent must"),
            (SOFT | {"thread_id": THREAD}, SENTA, "must have the type hand_over_thread"),
        ):
            permit = await _approved(api, package, by)
            fields = {"decision_package_id": permit.id}
            await api.claim(permit)
            assert because in (await offer(api, fields=fields)).body["detail"]
        permit = await _approved(api, _ask_for() | {"title": "Hand it to the writer", "material_change": "Anew."})
        unclaimed = await offer(api, fields={"decision_package_id": permit.id})
        assert "it is not approved and claimed" in unclaimed.body["detail"]
        await api.claim(permit)
        allowed = await offer(api, fields={"decision_package_id": permit.id})
        assert (allowed.status, allowed.body["decision_package_id"]) == (202, permit.id)


async def test_a_large_state_is_handed_over_and_a_checkpoint_is_the_new_owners(api: AgentApi, writer: str) -> None:
    large = {"text": "x" * (200 * 1024 - 11)}
    lent = await handed_over(api, writer, fields={"captured_state": large, "user_context": None})
    assert (await api.get(f"/v1/handoffs/{lent.body['handoff_id']}", key=writer)).body["captured_state"] == large
    assert (await checkpoint(api, key=writer)).status == 200
    assert Reason.THREAD_UNKNOWN.value == (await checkpoint(api)).kind
