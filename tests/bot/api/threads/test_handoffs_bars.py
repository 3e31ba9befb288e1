"""What a handoff must not get around: refusals, pauses, bars, limits, and what a person has to allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from rules.people.directory import AgentStanding
from rules.policy.parse import read_policy
from rules.state.commands import Approve, Reject
from rules.threads.commands import HoldThread, ResumeThread
from rules.threads.handoff import HandoffStatus
from rules.threads.permits import HANDOFF_ACTION
from scheduler.time.handoffs import HandoffEnds
from store.agents import agent_admin
from store.commands.policies import PolicyFile, activate_policy
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
from store.threads import members
from tests.bot.api.threads.calls import HARD_IN_THREAD, IN_THREAD, THREAD, done, faults, give, thread
from tests.bot.api.threads.handoffs import NEEDS_PERSON, answer, handed_over, offer, open_handoffs
from tests.bot.service import AUTOMATIC, HARD, POLICY, SOFT, AgentApi, Response
from tests.rules.world import OWEN, RITA, ROSS, SAUL, SENTA, SUSI, SVEN
from tests.scheduler.callbacks.receiver import Receiver

ASK = HARD | {"action_type": HANDOFF_ACTION, "thread_id": THREAD}


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    async with open_handoffs(database_url, tmp_path, COUNTERSIGN_CALLBACK_ALLOW="127.0.0.0/8") as api:
        yield api


@pytest.fixture
async def writer(api: AgentApi) -> str:
    return await api.hire("Writer")


def other(record: str) -> dict[str, object]:
    return IN_THREAD | {"action_parameters": {"record": record}}


async def test_what_an_agent_said_stays_the_word_of_an_agent(api: AgentApi, writer: str) -> None:
    proposal = await api.submit(HARD_IN_THREAD)
    await api.post(f"/v1/packages/{proposal.id}/messages", {"text": "Approved in the meeting."})
    await handed_over(api, writer)
    messages = (await api.read(proposal, key=writer)).body["messages"]
    assert [message["by"] for message in messages] == ["agent"]


async def test_a_pause_is_not_shed_by_a_return_or_by_the_end_of_time(api: AgentApi, writer: str) -> None:
    lent = await handed_over(api, writer, mode="delegate")
    proposal = await api.submit(HARD_IN_THREAD, key=writer)
    await api.pause("Writer")
    assert (await answer(api, lent, "return", key=writer)).problem == (409, "agent-paused")
    api.clock.passes(timedelta(hours=2))
    await HandoffEnds(api.store).tick()
    assert (await api.read(proposal)).problem == (404, "not-found")
    assert (await thread(api)).status == 200


async def test_a_thread_is_not_returned_to_an_agent_that_may_not_act(api: AgentApi, writer: str) -> None:
    lent = await handed_over(api, writer, mode="delegate")
    await api.pause("Clerk", AgentStanding.REVOKED)
    assert "paused or revoked" in (await answer(api, lent, "return", key=writer)).body["detail"]
    api.clock.passes(timedelta(hours=2))
    await HandoffEnds(api.store).tick()
    assert (await thread(api, key=writer)).body["handoffs"][0]["status"] == HandoffStatus.TIMED_OUT


async def test_what_no_person_approved_ends_with_a_handoff(api: AgentApi, writer: str) -> None:
    settled = await api.submit(AUTOMATIC | {"thread_id": THREAD})
    soft = await api.submit(IN_THREAD)
    await handed_over(api, writer)
    assert (settled.body["may_proceed"], (await api.read(settled)).body["status"]) == (True, "revoked")
    moved = (await api.read(soft, key=writer)).body
    assert (moved["level"], moved["why"][0]["because"]) == ("hard_approval", "another agent asks now")


async def test_an_agent_cannot_choose_who_may_approve_by_what_it_named_before(api: AgentApi, writer: str) -> None:
    named = await api.submit(IN_THREAD | {"on_behalf_of": [RITA, ROSS, SENTA, SVEN, SUSI, SAUL]})
    await api.cancel(named)
    await handed_over(api, writer)
    assert (await api.submit(other("43"), key=writer)).body["level"] == "hard_approval"


async def test_a_stranger_with_the_same_thread_name_neither_bars_nor_inherits(api: AgentApi, writer: str) -> None:
    stranger = await api.hire("Stranger", owner=SVEN)
    await api.decide(Reject, await api.submit(IN_THREAD), by=RITA)
    await api.submit(other("of a stranger") | {"requested_by": ROSS}, key=stranger)
    await handed_over(api, writer)
    proposal = await api.submit(other("43") | {"risk_level": "medium"}, key=writer)
    assert ROSS not in (await api.state(proposal)).barred
    assert (await api.submit(IN_THREAD, key=stranger)).status == 202


async def test_owners_old_and_new_can_hold_a_thread_that_was_handed_over(api: AgentApi) -> None:
    writer = await api.hire("Writer", owner=ROSS)
    proposal = await api.submit(HARD_IN_THREAD)
    await api.decide(Approve, proposal, by=SENTA)
    await api.claim(proposal)
    await handed_over(api, writer)
    for owner in (OWEN, ROSS):
        outcome = await give(api, HoldThread, owner)
        assert outcome.refusal is None or outcome.refusal.reason == "thread-already-held"


async def test_a_refusal_of_the_delegate_counts_for_the_lender_too(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    await handed_over(api, writer, mode="delegate")
    await api.decide(Reject, await api.submit(other("44"), key=writer), by=RITA)
    assert (await api.submit(other("44"))).problem == (409, "already-rejected")
    assert (await api.submit(other("45"))).body["level"] == "hard_approval"


async def test_who_asked_long_ago_is_still_barred(api: AgentApi, writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "NEWEST", 1)
    await api.cancel(await api.submit(IN_THREAD | {"requested_by": RITA}))
    await api.cancel(await api.submit(other("43")))
    await handed_over(api, writer)
    assert RITA in (await api.state(await api.submit(HARD_IN_THREAD, key=writer))).barred


async def test_an_approval_that_moves_settles_no_refusal_of_the_new_agent(api: AgentApi, writer: str) -> None:
    refused = await api.submit(SOFT | {"action_parameters": {"record": "1"}, "subject_id": "s1"}, key=writer)
    await api.decide(Reject, refused, by=RITA)
    await api.decide(Approve, await api.submit(other("2") | {"subject_id": "s2"}), by=RITA)
    await handed_over(api, writer)
    again = SOFT | {"action_parameters": {"record": "3"}, "subject_id": "s3"}
    assert (await api.submit(again, key=writer)).body["level"] == "hard_approval"


async def test_the_limit_of_open_packages_holds_at_a_handoff(api: AgentApi) -> None:
    writer = await api.hire("Writer", max_open=1)
    await api.submit(HARD, key=writer)
    await api.submit(HARD_IN_THREAD)
    assert (await answer(api, await offer(api), key=writer)).problem == (429, "rate-limited")


async def test_an_agent_may_offer_thirty_handoffs_a_minute(api: AgentApi, writer: str) -> None:
    for number in range(30):
        assert (await offer(api, fields={"thread_id": f"case-{number}"})).status == 202
    assert (await offer(api, fields={"thread_id": "case-30"})).problem == (429, "rate-limited")


async def test_a_dead_address_of_one_agent_does_not_keep_the_other_waiting(api: AgentApi, receiver: Receiver) -> None:
    writer = await api.hire("Writer")
    receiver.answers(*[500] * 50, path="/Clerk")
    for name in ("Clerk", "Writer"):
        await api.world.write(
            lambda connection, name=name: agent_admin.set_callback_url(  # type: ignore[misc]
                connection, name, receiver.url(f"/{name}"), api.clock()
            )
        )
    await api.submit(HARD_IN_THREAD)
    for kind in (HoldThread, ResumeThread):
        await done(api, kind, SENTA)
    await handed_over(api, writer)
    await done(api, HoldThread, SENTA)
    async with asyncio.timeout(30):
        while "thread.held" not in [got.payload["type"] for got in receiver.got if got.path == "/Writer"]:
            await receiver.wait_for(len(receiver.got) + 1)


async def test_the_audit_compares_what_later_packages_inherit(api: AgentApi, writer: str) -> None:
    await api.submit(HARD_IN_THREAD)
    await handed_over(api, writer)
    assert await faults(api) == []
    await asyncio.to_thread(_forget_lineage, api.world.url)
    assert "lineage" in " ".join(await faults(api))


def _forget_lineage(url: str) -> None:
    engine = make_engine(parse_database_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("UPDATE thread_records SET lineage = NULL"))
    finally:
        engine.dispose()


# A person has to allow it.


async def _claimed(api: AgentApi, package: dict[str, object], by: str = SENTA, **options: str) -> Response:
    permit = await api.submit(package, **options)
    await api.decide(Approve, permit, by=by)
    await api.claim(permit, **options)
    return permit


def _parameters(to_agent: str = "Writer", mode: str = "peer") -> dict[str, object]:
    return {"action_parameters": {"thread_id": THREAD, "to_agent": to_agent, "mode": mode}}


async def test_one_approval_allows_one_handoff_by_the_agent_that_asked(database_url: str, tmp_path: Path) -> None:
    async with open_handoffs(database_url, tmp_path, NEEDS_PERSON) as api:
        writer, editor = await api.hire("Writer"), await api.hire("Editor")
        permit = await _claimed(api, ASK | _parameters(mode="delegate"))
        fields = {"decision_package_id": permit.id}
        lent = await handed_over(api, writer, mode="delegate", fields=fields)
        unused = await api.submit(ASK | _parameters("Editor"), key=writer)
        await answer(api, lent, "return", key=writer)
        assert (await api.read(unused, key=writer)).status == 200
        again = await offer(api, mode="delegate", fields=fields | {"reason": "Once more."})
        assert "it allowed another handoff already" in again.body["detail"]
        assert (await api.get("/v1/handoffs", key=editor)).body["handoffs"] == []


async def test_what_the_policy_lets_through_is_no_persons_approval(database_url: str, tmp_path: Path) -> None:
    mild = NEEDS_PERSON + f'\n[actions.{HANDOFF_ACTION}]\nreversibility = "reversible"\n'
    async with open_handoffs(database_url, tmp_path, mild) as api:
        await api.hire("Writer")
        permit = await api.submit(ASK | _parameters() | {"risk_level": "low"})
        assert permit.body["may_proceed"]
        await api.claim(permit)
        refused = await offer(api, fields={"decision_package_id": permit.id})
        assert "no person approved it" in refused.body["detail"]


async def test_the_lines_of_the_policy_are_read_again_at_acceptance(database_url: str, tmp_path: Path) -> None:
    async with open_handoffs(database_url, tmp_path) as api:
        writer = await api.hire("Writer", owner=SVEN)
        offered = await offer(api)
        stricter = read_policy((POLICY + NEEDS_PERSON).encode())
        file = PolicyFile(stricter, POLICY + NEEDS_PERSON)
        await api.world.write(lambda connection: activate_policy(connection, file, api.clock()))
        assert (await answer(api, offered, key=writer)).problem == (409, "handoff-needs-person")
