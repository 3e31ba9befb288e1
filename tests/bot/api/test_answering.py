"""New versions, and withdrawing."""

from __future__ import annotations

import pytest

from rules.state.commands import Approve, Reject, RequestMoreEvidence, Revise, TakeOver
from tests.bot.service import AUTOMATIC, CRITICAL, HARD, SOFT, TAKEOVER, Desk
from tests.rules.world import DAY, RITA, SENTA


async def test_a_revision_request_is_answered_with_a_new_version(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(Revise, response, by=RITA, instructions="Name the record.")
    asked = await desk.read(response)
    assert (asked.body["status"], asked.body["decision"]["instructions"]) == ("revision_requested", "Name the record.")
    answered = await desk.version(response, SOFT | {"proposed_action": "Read record 42 of the register."})
    assert (answered.status, answered.body["version"], answered.body["status"]) == (202, 2, "pending")
    assert answered.headers["Retry-After"] == "5"
    assert answered.body["decision"] is None


async def test_an_evidence_request_is_answered_with_a_new_version(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(RequestMoreEvidence, response, by=RITA)
    assert (await desk.version(response, SOFT | {"evidence_refs": ["doc_1", "doc_2"]})).body["version"] == 2


async def test_a_version_answers_the_one_it_names(desk: Desk) -> None:
    response = await desk.submit()
    await desk.version(response)
    assert (await desk.version(response)).problem == (409, "stale-version")
    assert (await desk.version(response, expected=3)).problem == (409, "stale-version")


async def test_a_version_has_to_name_the_one_it_answers(desk: Desk) -> None:
    response = await desk.submit()
    refused = await desk.post(f"/v1/packages/{response.id}/versions", SOFT)
    assert (refused.problem, refused.wrong) == ((422, "invalid"), ["expected_package_version"])


@pytest.mark.parametrize("expected", ["1", 1.5, 0, -1, True, None, 2**70])
async def test_a_version_is_named_by_its_number(desk: Desk, expected: object) -> None:
    response = await desk.submit()
    body = SOFT | {"expected_package_version": expected}
    refused = await desk.post(f"/v1/packages/{response.id}/versions", body)
    assert refused.problem == (422, "invalid")
    assert (await desk.version(response, expected=1.0)).status == 202


async def test_the_same_version_again_is_the_same_version(desk: Desk) -> None:
    response = await desk.submit()
    first = await desk.version(response, headers={"Idempotency-Key": "once"})
    again = await desk.version(response, headers={"Idempotency-Key": "once"})
    assert (again.status, again.headers["Idempotent-Replayed"], again.body) == (200, "true", first.body)
    other = await desk.version(response, SOFT | {"title": "Other"}, headers={"Idempotency-Key": "once"})
    assert other.problem == (422, "idempotency-conflict")


async def test_a_key_is_good_for_one_address(desk: Desk) -> None:
    response = await desk.submit(SOFT, "once")
    assert (await desk.version(response, headers={"Idempotency-Key": "once"})).status == 202
    assert (await desk.cancel(response, headers={"Idempotency-Key": "once"})).status == 200


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"action_type": "payment.send"}, "action_type"),
        ({"kind": "tool_call"}, "kind"),
        ({"subject_type": "record"}, "subject_type"),
        ({"subject_id": "43"}, "subject_id"),
    ],
    ids=["action type", "kind", "subject type", "subject"],
)
async def test_a_version_keeps_what_it_is_about(desk: Desk, change: dict[str, str], kept: str) -> None:
    response = await desk.submit()
    refused = await desk.version(response, SOFT | change)
    assert refused.problem == (422, "keeps-its-subject")
    assert refused.wrong == [kept]


async def test_a_level_never_falls_with_a_version(desk: Desk) -> None:
    response = await desk.submit(HARD)
    assert (await desk.version(response, AUTOMATIC)).body["level"] == "hard_approval"


async def test_a_version_is_held_to_all_that_a_package_is(desk: Desk) -> None:
    response = await desk.submit()
    poor = {name: HARD[name] for name in HARD if name != "consequence"}
    assert (await desk.version(response, poor)).problem == (422, "quality-gaps")
    late = await desk.version(response, SOFT | {"expires_at": "2026-01-01T00:00:00Z"})
    assert (late.problem, late.wrong) == ((422, "already-expired"), ["expires_at"])
    assert (await desk.version(response, CRITICAL | {"on_behalf_of": ["USUSI", "USAUL", "USILA"]})).problem == (
        422,
        "no-eligible-reviewer",
    )
    assert (await desk.version(response, SOFT | {"callback_url": "http://127.0.0.1/"})).wrong == ["callback_url"]


async def test_what_was_rejected_does_not_come_in_as_a_version(desk: Desk) -> None:
    await desk.decide(Reject, await desk.submit(), by=RITA)
    response = await desk.submit(SOFT | {"action_parameters": {"record": "43"}})
    assert (await desk.version(response, SOFT)).problem == (409, "already-rejected")


async def test_a_settled_package_takes_no_version(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(Approve, response, by=RITA)
    assert (await desk.version(response)).problem == (409, "already-decided")


async def test_a_version_waits_for_a_directory_that_is_known(desk: Desk) -> None:
    response = await desk.submit()
    desk.clock.passes(1001 * DAY)
    assert (await desk.version(response)).problem == (503, "directory-stale")


async def test_while_its_thread_is_taken_over_a_package_takes_no_version(desk: Desk) -> None:
    response = await desk.submit(HARD | {"thread_id": "thr_1"})
    await desk.submit(HARD | {"thread_id": "thr_1", **TAKEOVER})
    await desk.decide(TakeOver, await desk.submit(HARD | {"thread_id": "thr_2"}), by=SENTA)
    assert (await desk.version(response, HARD | {"thread_id": "thr_1"})).status == 409


async def test_a_paused_agent_sends_no_version(desk: Desk) -> None:
    response = await desk.submit()
    await desk.pause()
    assert (await desk.version(response)).problem == (409, "agent-paused")


async def test_an_open_package_can_be_withdrawn_and_again(desk: Desk) -> None:
    response = await desk.submit()
    gone = await desk.cancel(response)
    assert (gone.status, gone.body["status"], gone.body["interrupt"]["status"]) == (200, "cancelled", "cancelled")
    again = await desk.cancel(response, "Because.")
    assert (again.status, again.body["revision"]) == (200, gone.body["revision"])


async def test_a_withdrawal_can_be_replayed_by_its_key(desk: Desk) -> None:
    response = await desk.submit()
    await desk.cancel(response, headers={"Idempotency-Key": "once"})
    again = await desk.cancel(response, headers={"Idempotency-Key": "once"})
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await desk.cancel(response, "Another reason.", headers={"Idempotency-Key": "once"})
    assert other.problem == (422, "idempotency-conflict")


async def test_what_is_decided_is_not_withdrawn(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(Approve, response, by=RITA)
    assert (await desk.cancel(response)).problem == (409, "already-decided")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 2001}, {"reason": "\x00"}])
async def test_a_withdrawal_says_why(desk: Desk, body: dict[str, str]) -> None:
    response = await desk.submit()
    assert (await desk.post(f"/v1/packages/{response.id}/cancel", body)).wrong == ["reason"]
