"""`POST /v1/packages/{id}/execution`: an approval is claimed once, and its outcome is reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from rules.state.commands import Answer, Approve, Defer, HumanOverrideCommand, Reject, Revise, Revoke, TakeOver
from rules.state.service_commands import Lapse, LoseTrack
from store.installation import directory
from tests.bot.service import AUTOMATIC, HARD, SOFT, AgentApi, Response
from tests.rules.world import DAY, HOUR, RITA, SENTA, people

OTHER_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
async def approved_package(api: AgentApi) -> Response:
    response = await api.submit()
    await api.decide(Approve, response, by=RITA)
    return await api.read(response)


async def test_an_approval_is_claimed_and_its_outcome_reported(api: AgentApi, approved_package: Response) -> None:
    assert approved_package.body["may_proceed"] is True
    claimed = await api.claim(approved_package)
    assert (claimed.status, claimed.body["execution"]["state"]) == (200, "claimed")
    assert claimed.body["may_proceed"] is False
    done = await api.report(approved_package, detail="Read it.")
    assert (done.status, done.body["execution"]["state"]) == (200, "succeeded")


async def test_a_package_settled_by_policy_can_be_claimed(api: AgentApi) -> None:
    assert (await api.claim(await api.submit(AUTOMATIC))).status == 200


async def test_the_same_claim_can_be_repeated(api: AgentApi, approved_package: Response) -> None:
    first = await api.claim(approved_package)
    again = await api.claim(approved_package)
    assert (again.status, again.body) == (200, first.body)


async def test_the_same_claim_is_answered_as_before_when_its_approver_is_gone(
    api: AgentApi, approved_package: Response
) -> None:
    first = await api.claim(approved_package)
    await api.people_are(people(URITA={"active": False}))
    again = await api.claim(approved_package)
    assert (again.status, again.body["execution"]) == (200, first.body["execution"])


async def test_a_claim_after_its_approver_is_gone_is_refused_and_ends_the_permission(
    api: AgentApi, approved_package: Response
) -> None:
    await api.people_are(people(URITA={"active": False}))
    response = await api.claim(approved_package)
    assert response.problem == (409, "approval-no-longer-valid")
    assert "The approval of rita no longer counts: their account is deactivated." in response.body["detail"]
    after = await api.read(approved_package)
    assert (after.body["status"], after.body["decision"]["basis"]) == ("revoked", "policy")
    assert "submit it with a new idempotency key" in after.body["agent_message"]
    last = (await api.get(f"/v1/packages/{approved_package.id}/events")).body["events"][-1]
    assert (last["event_type"], last["actor"]) == ("package.revoked", "auto")
    assert last["reason"].startswith("vote-no-longer-counts evt_")
    assert (await api.claim(approved_package)).problem == (409, "may-not-proceed")


async def test_a_stale_directory_refuses_claims_until_it_is_read_again(api: AgentApi) -> None:
    read_at = api.clock() - 999 * DAY
    await api.world.write(
        lambda connection: directory.replace_directory(connection, people().values(), {}, as_of=read_at)
    )
    response = await api.submit()
    await api.decide(Approve, response, by=RITA)
    api.clock.passes(1.5 * DAY)
    stale = await api.claim(response)
    assert (stale.problem, stale.headers["Retry-After"]) == ((503, "directory-stale"), "60")
    assert (await api.read(response)).body["status"] == "approved"
    await api.people_are(people())
    assert (await api.claim(response)).status == 200


async def test_a_second_claim_with_another_id_is_refused(api: AgentApi, approved_package: Response) -> None:
    await api.claim(approved_package)
    assert (await api.claim(approved_package, "worker-2")).problem == (409, "already-claimed")


async def test_only_one_of_many_workers_can_claim(api: AgentApi, approved_package: Response) -> None:
    responses = await asyncio.gather(*(api.claim(approved_package, f"worker-{number}") for number in range(6)))
    assert sorted(response.status for response in responses) == [200, 409, 409, 409, 409, 409]


async def test_only_the_approved_digest_can_be_claimed(api: AgentApi, approved_package: Response) -> None:
    assert (await api.claim(approved_package, digest=OTHER_DIGEST)).problem == (409, "digest-mismatch")
    assert (await api.claim(approved_package)).status == 200


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:" + "A" * 64, "md5:" + "0" * 32, 5, None])
async def test_an_action_digest_must_have_the_right_form(
    api: AgentApi, approved_package: Response, digest: object
) -> None:
    body = {"state": "claimed", "claim_id": "worker-1", "action_digest": digest}
    assert (await api.post(f"/v1/packages/{approved_package.id}/execution", body)).wrong == ["action_digest"]


async def test_an_approval_lapses(api: AgentApi, approved_package: Response) -> None:
    api.clock.passes(2 * DAY)
    assert (await api.claim(approved_package)).problem == (410, "approval-lapsed")
    await api.time(Lapse, approved_package)
    lapsed = await api.read(approved_package)
    assert (lapsed.body["execution"]["state"], lapsed.body["may_proceed"]) == ("lapsed", False)
    assert (await api.claim(approved_package)).problem == (410, "approval-lapsed")


async def test_an_approval_can_be_claimed_until_it_lapses(api: AgentApi, approved_package: Response) -> None:
    api.clock.passes(2 * DAY - timedelta(seconds=1))
    assert (await api.claim(approved_package)).status == 200


async def test_a_paused_agent_can_report_but_not_claim(api: AgentApi, approved_package: Response) -> None:
    other = await api.submit(SOFT | {"action_parameters": {"record": "43"}})
    await api.decide(Approve, other, by=RITA)
    await api.claim(other)
    await api.pause()
    assert (await api.claim(approved_package)).problem == (409, "agent-paused")
    assert (await api.report(other)).status == 200


async def test_a_freeze_refuses_claims(api: AgentApi, approved_package: Response) -> None:
    await api.freeze()
    assert (await api.claim(approved_package)).problem == (409, "agent-paused")
    await api.freeze(frozen=False)
    assert (await api.claim(approved_package)).status == 200


async def test_a_taken_over_thread_refuses_claims(api: AgentApi) -> None:
    approved_package = await api.submit(HARD | {"thread_id": "thr_1"})
    taken = await api.submit(HARD | {"thread_id": "thr_1", "action_parameters": {"record": "43"}})
    await api.decide(Approve, approved_package, by=SENTA)
    await api.decide(TakeOver, taken, by=SENTA)
    assert (await api.claim(approved_package)).problem == (409, "thread-taken-over")


async def test_an_unapproved_package_cannot_be_claimed(api: AgentApi) -> None:
    assert (await api.claim(await api.submit())).problem == (409, "may-not-proceed")


async def test_a_rejected_package_cannot_be_claimed(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(Reject, response, by=RITA)
    assert (await api.claim(response)).problem == (409, "may-not-proceed")


async def test_a_revoked_approval_cannot_be_claimed(api: AgentApi, approved_package: Response) -> None:
    await api.decide(Revoke, approved_package, by=RITA)
    response = await api.read(approved_package)
    assert (response.body["status"], response.body["may_proceed"]) == ("revoked", False)
    assert (await api.claim(approved_package)).problem == (409, "may-not-proceed")


async def test_an_answered_question_cannot_be_claimed(api: AgentApi) -> None:
    question = {name: value for name, value in SOFT.items() if name != "action_parameters"}
    response = await api.submit(question | {"kind": "question"})
    await api.decide(Answer, response, by=RITA, answer="The blue one.")
    answered = await api.read(response)
    assert (answered.body["status"], answered.body["decision"]["answer"]) == ("approved", "The blue one.")
    assert answered.body["may_proceed"] is False
    assert (await api.claim(response)).problem == (409, "may-not-proceed")


@pytest.mark.parametrize(("decided", "status"), [("proceed", 200), ("stop", 409), ("other", 409)])
async def test_only_an_override_to_proceed_can_be_claimed(api: AgentApi, decided: str, status: int) -> None:
    response = await api.submit()
    await api.decide(HumanOverrideCommand, response, by=RITA, override_decision=decided)
    overridden = await api.read(response)
    assert overridden.body["decision"]["override"]["override_decision"] == decided
    assert overridden.body["may_proceed"] is (status == 200)
    assert (await api.claim(response)).status == status


async def test_a_claim_without_an_outcome_becomes_unknown_and_cannot_be_repeated(
    api: AgentApi, approved_package: Response
) -> None:
    await api.claim(approved_package)
    api.clock.passes(HOUR)
    await api.time(LoseTrack, approved_package)
    assert (await api.read(approved_package)).body["execution"]["state"] == "unknown"
    assert (await api.claim(approved_package, "worker-2")).problem == (409, "already-claimed")
    assert (await api.claim(approved_package)).problem == (409, "already-reported")


async def test_an_outcome_can_be_reported_late(api: AgentApi, approved_package: Response) -> None:
    await api.claim(approved_package)
    api.clock.passes(HOUR)
    await api.time(LoseTrack, approved_package)
    assert (await api.report(approved_package, "failed")).body["execution"]["state"] == "failed"


async def test_an_outcome_is_reported_once(api: AgentApi, approved_package: Response) -> None:
    await api.claim(approved_package)
    first = await api.report(approved_package)
    assert (await api.report(approved_package)).body == first.body
    assert (await api.report(approved_package, "failed")).problem == (409, "already-reported")
    assert (await api.report(approved_package, "rolled_back")).body["execution"]["state"] == "rolled_back"


async def test_an_outcome_needs_the_claim_of_the_same_worker(api: AgentApi, approved_package: Response) -> None:
    assert (await api.report(approved_package)).problem == (409, "not-claimed")
    await api.claim(approved_package)
    assert (await api.report(approved_package, claim_id="worker-2")).problem == (409, "not-claimed")


async def test_an_outcome_is_refused_without_an_approval(api: AgentApi) -> None:
    response = await api.submit()
    assert (await api.report(response)).problem == (409, "not-in-this-state")
    await api.decide(Defer, response, by=RITA)
    assert (await api.report(response)).problem == (409, "is-deferred")
    await api.decide(Revise, response, by=RITA)
    assert (await api.report(response)).problem == (409, "awaits-agent")
    await api.cancel(response)
    assert (await api.report(response)).problem == (409, "already-decided")


@pytest.mark.parametrize("state", ["none", "unknown", "lapsed", "approved", "", None, 5, ["claimed"]])
async def test_no_other_state_can_be_reported(api: AgentApi, approved_package: Response, state: object) -> None:
    body = {"state": state, "claim_id": "worker-1"}
    assert (await api.post(f"/v1/packages/{approved_package.id}/execution", body)).wrong == ["state"]


@pytest.mark.parametrize("claim_id", ["", " ", "a b", "ä", "\n", "x" * 201, 5, None])
async def test_a_claim_id_must_be_printable_ascii_without_spaces(
    api: AgentApi, approved_package: Response, claim_id: object
) -> None:
    body = {"state": "claimed", "claim_id": claim_id, "action_digest": approved_package.body["action_digest"]}
    assert (await api.post(f"/v1/packages/{approved_package.id}/execution", body)).wrong == ["claim_id"]
