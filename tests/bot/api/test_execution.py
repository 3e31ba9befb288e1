"""`POST /v1/packages/{id}/execution`: an approval is claimed once, and its outcome is reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from rules.state.clock_commands import Lapse, LoseTrack
from rules.state.commands import Answer, Approve, Defer, HumanOverrideCommand, Reject, Revise, Revoke, TakeOver
from store.installation import directory
from tests.bot.service import AUTOMATIC, HARD, SOFT, Desk, Response
from tests.rules.world import DAY, HOUR, RITA, SENTA, people

OTHER_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
async def approved(desk: Desk) -> Response:
    response = await desk.submit()
    await desk.decide(Approve, response, by=RITA)
    return await desk.read(response)


async def test_an_approval_is_claimed_and_its_outcome_reported(desk: Desk, approved: Response) -> None:
    assert approved.body["may_proceed"] is True
    claimed = await desk.claim(approved)
    assert (claimed.status, claimed.body["execution"]["state"]) == (200, "claimed")
    assert claimed.body["may_proceed"] is False
    done = await desk.report(approved, detail="Read it.")
    assert (done.status, done.body["execution"]["state"]) == (200, "succeeded")


async def test_a_package_settled_by_policy_can_be_claimed(desk: Desk) -> None:
    assert (await desk.claim(await desk.submit(AUTOMATIC))).status == 200


async def test_the_same_claim_can_be_repeated(desk: Desk, approved: Response) -> None:
    first = await desk.claim(approved)
    again = await desk.claim(approved)
    assert (again.status, again.body) == (200, first.body)


async def test_the_same_claim_is_answered_as_before_when_its_approver_is_gone(desk: Desk, approved: Response) -> None:
    first = await desk.claim(approved)
    await desk.people_are(people(URITA={"active": False}))
    again = await desk.claim(approved)
    assert (again.status, again.body["execution"]) == (200, first.body["execution"])


async def test_a_claim_after_its_approver_is_gone_is_refused_and_ends_the_permission(
    desk: Desk, approved: Response
) -> None:
    await desk.people_are(people(URITA={"active": False}))
    response = await desk.claim(approved)
    assert response.problem == (409, "approval-no-longer-valid")
    assert "The approval of rita no longer counts: their account is deactivated." in response.body["detail"]
    after = await desk.read(approved)
    assert (after.body["status"], after.body["decision"]["basis"]) == ("revoked", "policy")
    assert "submit it with a new idempotency key" in after.body["agent_message"]
    last = (await desk.get(f"/v1/packages/{approved.id}/events")).body["events"][-1]
    assert (last["event_type"], last["actor"]) == ("package.revoked", "auto")
    assert last["reason"].startswith("vote-no-longer-counts evt_")
    assert (await desk.claim(approved)).problem == (409, "may-not-proceed")


async def test_a_stale_directory_refuses_claims_until_it_is_read_again(desk: Desk) -> None:
    read_at = desk.clock() - 999 * DAY
    await desk.world.write(
        lambda connection: directory.replace_directory(connection, people().values(), {}, as_of=read_at)
    )
    response = await desk.submit()
    await desk.decide(Approve, response, by=RITA)
    desk.clock.passes(1.5 * DAY)
    stale = await desk.claim(response)
    assert (stale.problem, stale.headers["Retry-After"]) == ((503, "directory-stale"), "60")
    assert (await desk.read(response)).body["status"] == "approved"
    await desk.people_are(people())
    assert (await desk.claim(response)).status == 200


async def test_a_second_claim_with_another_id_is_refused(desk: Desk, approved: Response) -> None:
    await desk.claim(approved)
    assert (await desk.claim(approved, "worker-2")).problem == (409, "already-claimed")


async def test_only_one_of_many_workers_can_claim(desk: Desk, approved: Response) -> None:
    responses = await asyncio.gather(*(desk.claim(approved, f"worker-{number}") for number in range(6)))
    assert sorted(response.status for response in responses) == [200, 409, 409, 409, 409, 409]


async def test_only_the_approved_digest_can_be_claimed(desk: Desk, approved: Response) -> None:
    assert (await desk.claim(approved, digest=OTHER_DIGEST)).problem == (409, "digest-mismatch")
    assert (await desk.claim(approved)).status == 200


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:" + "A" * 64, "md5:" + "0" * 32, 5, None])
async def test_an_action_digest_must_have_the_right_form(desk: Desk, approved: Response, digest: object) -> None:
    body = {"state": "claimed", "claim_id": "worker-1", "action_digest": digest}
    assert (await desk.post(f"/v1/packages/{approved.id}/execution", body)).wrong == ["action_digest"]


async def test_an_approval_lapses(desk: Desk, approved: Response) -> None:
    desk.clock.passes(2 * DAY)
    assert (await desk.claim(approved)).problem == (410, "approval-lapsed")
    await desk.time(Lapse, approved)
    lapsed = await desk.read(approved)
    assert (lapsed.body["execution"]["state"], lapsed.body["may_proceed"]) == ("lapsed", False)
    assert (await desk.claim(approved)).problem == (410, "approval-lapsed")


async def test_an_approval_can_be_claimed_until_it_lapses(desk: Desk, approved: Response) -> None:
    desk.clock.passes(2 * DAY - timedelta(seconds=1))
    assert (await desk.claim(approved)).status == 200


async def test_a_paused_agent_can_report_but_not_claim(desk: Desk, approved: Response) -> None:
    other = await desk.submit(SOFT | {"action_parameters": {"record": "43"}})
    await desk.decide(Approve, other, by=RITA)
    await desk.claim(other)
    await desk.pause()
    assert (await desk.claim(approved)).problem == (409, "agent-paused")
    assert (await desk.report(other)).status == 200


async def test_a_freeze_refuses_claims(desk: Desk, approved: Response) -> None:
    await desk.freeze()
    assert (await desk.claim(approved)).problem == (409, "agent-paused")
    await desk.freeze(frozen=False)
    assert (await desk.claim(approved)).status == 200


async def test_a_taken_over_thread_refuses_claims(desk: Desk) -> None:
    approved = await desk.submit(HARD | {"thread_id": "thr_1"})
    taken = await desk.submit(HARD | {"thread_id": "thr_1", "action_parameters": {"record": "43"}})
    await desk.decide(Approve, approved, by=SENTA)
    await desk.decide(TakeOver, taken, by=SENTA)
    assert (await desk.claim(approved)).problem == (409, "thread-taken-over")


async def test_an_unapproved_package_cannot_be_claimed(desk: Desk) -> None:
    assert (await desk.claim(await desk.submit())).problem == (409, "may-not-proceed")


async def test_a_rejected_package_cannot_be_claimed(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(Reject, response, by=RITA)
    assert (await desk.claim(response)).problem == (409, "may-not-proceed")


async def test_a_revoked_approval_cannot_be_claimed(desk: Desk, approved: Response) -> None:
    await desk.decide(Revoke, approved, by=RITA)
    response = await desk.read(approved)
    assert (response.body["status"], response.body["may_proceed"]) == ("revoked", False)
    assert (await desk.claim(approved)).problem == (409, "may-not-proceed")


async def test_an_answered_question_cannot_be_claimed(desk: Desk) -> None:
    question = {name: value for name, value in SOFT.items() if name != "action_parameters"}
    response = await desk.submit(question | {"kind": "question"})
    await desk.decide(Answer, response, by=RITA, answer="The blue one.")
    answered = await desk.read(response)
    assert (answered.body["status"], answered.body["decision"]["answer"]) == ("approved", "The blue one.")
    assert answered.body["may_proceed"] is False
    assert (await desk.claim(response)).problem == (409, "may-not-proceed")


@pytest.mark.parametrize(("decided", "status"), [("proceed", 200), ("stop", 409), ("other", 409)])
async def test_only_an_override_to_proceed_can_be_claimed(desk: Desk, decided: str, status: int) -> None:
    response = await desk.submit()
    await desk.decide(HumanOverrideCommand, response, by=RITA, override_decision=decided)
    overridden = await desk.read(response)
    assert overridden.body["decision"]["override"]["override_decision"] == decided
    assert overridden.body["may_proceed"] is (status == 200)
    assert (await desk.claim(response)).status == status


async def test_a_claim_without_an_outcome_becomes_unknown_and_cannot_be_repeated(
    desk: Desk, approved: Response
) -> None:
    await desk.claim(approved)
    desk.clock.passes(HOUR)
    await desk.time(LoseTrack, approved)
    assert (await desk.read(approved)).body["execution"]["state"] == "unknown"
    assert (await desk.claim(approved, "worker-2")).problem == (409, "already-claimed")
    assert (await desk.claim(approved)).problem == (409, "already-reported")


async def test_an_outcome_can_be_reported_late(desk: Desk, approved: Response) -> None:
    await desk.claim(approved)
    desk.clock.passes(HOUR)
    await desk.time(LoseTrack, approved)
    assert (await desk.report(approved, "failed")).body["execution"]["state"] == "failed"


async def test_an_outcome_is_reported_once(desk: Desk, approved: Response) -> None:
    await desk.claim(approved)
    first = await desk.report(approved)
    assert (await desk.report(approved)).body == first.body
    assert (await desk.report(approved, "failed")).problem == (409, "already-reported")
    assert (await desk.report(approved, "rolled_back")).body["execution"]["state"] == "rolled_back"


async def test_an_outcome_needs_the_claim_of_the_same_worker(desk: Desk, approved: Response) -> None:
    assert (await desk.report(approved)).problem == (409, "not-claimed")
    await desk.claim(approved)
    assert (await desk.report(approved, claim_id="worker-2")).problem == (409, "not-claimed")


async def test_an_outcome_is_refused_without_an_approval(desk: Desk) -> None:
    response = await desk.submit()
    assert (await desk.report(response)).problem == (409, "not-in-this-state")
    await desk.decide(Defer, response, by=RITA)
    assert (await desk.report(response)).problem == (409, "is-deferred")
    await desk.decide(Revise, response, by=RITA)
    assert (await desk.report(response)).problem == (409, "awaits-agent")
    await desk.cancel(response)
    assert (await desk.report(response)).problem == (409, "already-decided")


@pytest.mark.parametrize("state", ["none", "unknown", "lapsed", "approved", "", None, 5, ["claimed"]])
async def test_no_other_state_can_be_reported(desk: Desk, approved: Response, state: object) -> None:
    body = {"state": state, "claim_id": "worker-1"}
    assert (await desk.post(f"/v1/packages/{approved.id}/execution", body)).wrong == ["state"]


@pytest.mark.parametrize("claim_id", ["", " ", "a b", "ä", "\n", "x" * 201, 5, None])
async def test_a_claim_id_must_be_printable_ascii_without_spaces(
    desk: Desk, approved: Response, claim_id: object
) -> None:
    body = {"state": "claimed", "claim_id": claim_id, "action_digest": approved.body["action_digest"]}
    assert (await desk.post(f"/v1/packages/{approved.id}/execution", body)).wrong == ["claim_id"]
