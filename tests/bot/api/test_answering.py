"""New versions and withdrawals."""

from __future__ import annotations

import pytest

from rules.state.commands import Approve, Reject, RequestMoreEvidence, Revise, TakeOver
from tests.bot.service import AUTOMATIC, CRITICAL, HARD, SOFT, TAKEOVER, AgentApi
from tests.rules.world import DAY, RITA, SENTA


async def test_a_revision_request_is_answered_with_a_new_version(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(Revise, response, by=RITA, instructions="Name the record.")
    asked = await api.read(response)
    assert (asked.body["status"], asked.body["decision"]["instructions"]) == ("revision_requested", "Name the record.")
    answered = await api.version(response, SOFT | {"proposed_action": "Read record 42 of the register."})
    assert (answered.status, answered.body["version"], answered.body["status"]) == (202, 2, "pending")
    assert answered.headers["Retry-After"] == "5"
    assert answered.body["decision"] is None


async def test_an_evidence_request_is_answered_with_a_new_version(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(RequestMoreEvidence, response, by=RITA)
    assert (await api.version(response, SOFT | {"evidence_refs": ["doc_1", "doc_2"]})).body["version"] == 2


async def test_a_version_must_answer_the_current_version(api: AgentApi) -> None:
    response = await api.submit()
    await api.version(response)
    assert (await api.version(response)).problem == (409, "stale-version")
    assert (await api.version(response, expected=3)).problem == (409, "stale-version")


async def test_a_version_must_name_the_version_that_it_answers(api: AgentApi) -> None:
    response = await api.submit()
    refused = await api.post(f"/v1/packages/{response.id}/versions", SOFT)
    assert (refused.problem, refused.wrong) == ((422, "invalid"), ["expected_package_version"])


@pytest.mark.parametrize("expected", ["1", 1.5, 0, -1, True, None, 2**70])
async def test_an_expected_version_must_be_a_positive_integer(api: AgentApi, expected: object) -> None:
    response = await api.submit()
    body = SOFT | {"expected_package_version": expected}
    refused = await api.post(f"/v1/packages/{response.id}/versions", body)
    assert refused.problem == (422, "invalid")
    assert (await api.version(response, expected=1.0)).status == 202


async def test_the_same_version_can_be_repeated(api: AgentApi) -> None:
    response = await api.submit()
    first = await api.version(response, headers={"Idempotency-Key": "once"})
    again = await api.version(response, headers={"Idempotency-Key": "once"})
    assert (again.status, again.headers["Idempotent-Replayed"], again.body) == (200, "true", first.body)
    other = await api.version(response, SOFT | {"title": "Other"}, headers={"Idempotency-Key": "once"})
    assert other.problem == (422, "idempotency-conflict")


async def test_an_idempotency_key_applies_to_one_path(api: AgentApi) -> None:
    response = await api.submit(SOFT, "once")
    assert (await api.version(response, headers={"Idempotency-Key": "once"})).status == 202
    assert (await api.cancel(response, headers={"Idempotency-Key": "once"})).status == 200


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
async def test_a_version_must_keep_kind_action_type_and_subject(
    api: AgentApi, change: dict[str, str], kept: str
) -> None:
    response = await api.submit()
    refused = await api.version(response, SOFT | change)
    assert refused.problem == (422, "keeps-its-subject")
    assert refused.wrong == [kept]


async def test_a_new_version_never_lowers_the_level(api: AgentApi) -> None:
    response = await api.submit(HARD)
    assert (await api.version(response, AUTOMATIC)).body["level"] == "hard_approval"


async def test_a_version_passes_the_same_checks_as_a_package(api: AgentApi) -> None:
    response = await api.submit()
    poor = {name: HARD[name] for name in HARD if name != "consequence"}
    assert (await api.version(response, poor)).problem == (422, "quality-gaps")
    late = await api.version(response, SOFT | {"expires_at": "2026-01-01T00:00:00Z"})
    assert (late.problem, late.wrong) == ((422, "already-expired"), ["expires_at"])
    assert (await api.version(response, CRITICAL | {"on_behalf_of": ["USUSI", "USAUL", "USILA"]})).problem == (
        422,
        "no-eligible-reviewer",
    )
    assert (await api.version(response, SOFT | {"callback_url": "http://127.0.0.1/"})).wrong == ["callback_url"]


async def test_a_rejected_action_is_refused_as_a_new_version(api: AgentApi) -> None:
    await api.decide(Reject, await api.submit(), by=RITA)
    response = await api.submit(SOFT | {"action_parameters": {"record": "43"}})
    assert (await api.version(response, SOFT)).problem == (409, "already-rejected")


async def test_a_settled_package_accepts_no_version(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(Approve, response, by=RITA)
    assert (await api.version(response)).problem == (409, "already-decided")


async def test_a_version_needs_a_fresh_directory(api: AgentApi) -> None:
    response = await api.submit()
    api.clock.passes(1001 * DAY)
    assert (await api.version(response)).problem == (503, "directory-stale")


async def test_a_taken_over_thread_refuses_new_versions(api: AgentApi) -> None:
    response = await api.submit(HARD | {"thread_id": "thr_1"})
    await api.submit(HARD | {"thread_id": "thr_1", **TAKEOVER})
    await api.decide(TakeOver, await api.submit(HARD | {"thread_id": "thr_2"}), by=SENTA)
    assert (await api.version(response, HARD | {"thread_id": "thr_1"})).status == 409


async def test_a_paused_agent_cannot_send_a_version(api: AgentApi) -> None:
    response = await api.submit()
    await api.pause()
    assert (await api.version(response)).problem == (409, "agent-paused")


async def test_withdrawing_twice_is_the_same_as_once(api: AgentApi) -> None:
    response = await api.submit()
    gone = await api.cancel(response)
    assert (gone.status, gone.body["status"], gone.body["interrupt"]["status"]) == (200, "cancelled", "cancelled")
    again = await api.cancel(response, "Because.")
    assert (again.status, again.body["revision"]) == (200, gone.body["revision"])


async def test_a_withdrawal_is_replayed_by_its_idempotency_key(api: AgentApi) -> None:
    response = await api.submit()
    await api.cancel(response, headers={"Idempotency-Key": "once"})
    again = await api.cancel(response, headers={"Idempotency-Key": "once"})
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await api.cancel(response, "Another reason.", headers={"Idempotency-Key": "once"})
    assert other.problem == (422, "idempotency-conflict")


async def test_a_decided_package_cannot_be_withdrawn(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(Approve, response, by=RITA)
    assert (await api.cancel(response)).problem == (409, "already-decided")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 2001}, {"reason": "\x00"}])
async def test_a_withdrawal_needs_a_reason(api: AgentApi, body: dict[str, str]) -> None:
    response = await api.submit()
    assert (await api.post(f"/v1/packages/{response.id}/cancel", body)).wrong == ["reason"]
