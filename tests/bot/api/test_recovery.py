"""What an agent reads and may do after a failure, once people have decided about it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rules.state.commands import AllowRetry, Approve, AskRollback, Close, Command, OpenForm
from tests.bot.service import HARD, AgentApi, Response
from tests.rules.world import DAY, OWEN, RITA, SENTA, SVEN


async def failed(api: AgentApi, outcome: str = "failed", **fields: Any) -> Response:
    response = await api.submit(HARD | fields)
    await api.decide(Approve, response, by=SENTA)
    await api.claim(response, "clm_1")
    return await api.report(response, outcome, "clm_1")


async def allow_retry(api: AgentApi, response: Response, by: str = SVEN, **fields: Any) -> None:
    await api.decide(OpenForm, response, by=by)
    await api.decide(AllowRetry, response, by=by, **fields)


async def test_a_failure_has_no_recovery_until_people_decide(api: AgentApi) -> None:
    response = await failed(api)
    assert (response.body["recovery"], response.body["may_proceed"]) == (None, False)
    assert response.body["agent_message"].endswith("Do not run it again unless people allow a retry.")


async def test_an_allowed_retry_is_claimed_once_with_a_new_claim_id(api: AgentApi) -> None:
    response = await failed(api, checkpoint_id="chk_7")
    await allow_retry(api, response, comment="The table is free now.")
    document = (await api.read(response)).body
    assert document["recovery"] == {
        "decision": "retry",
        "by": {"reviewer_id": SVEN, "name": "sven"},
        "instruction": "The table is free now.",
        "checkpoint_id": "chk_7",
    }
    assert (document["may_proceed"], document["execution"]["state"]) == (True, "failed")
    assert (await api.claim(response, "clm_1")).problem == (409, "already-reported")
    assert (await api.claim(response, "clm_2")).body["execution"]["state"] == "claimed"
    assert (await api.claim(response, "clm_2")).status == 200
    assert (await api.claim(response, "clm_3")).problem == (409, "already-claimed")
    assert (await api.report(response, "succeeded", "clm_1")).problem == (409, "claim-replaced")
    assert (await api.report(response, "succeeded", "clm_2")).body["execution"]["state"] == "succeeded"


@pytest.mark.parametrize(("kind", "decision"), [(AskRollback, "rollback"), (Close, "abandon")])
async def test_the_owner_asks_for_a_rollback_or_closes(api: AgentApi, kind: type[Command], decision: str) -> None:
    response = await failed(api)
    await api.decide(kind, response, by=OWEN, comment="Restore the backup.")
    document = (await api.read(response)).body
    assert (document["recovery"]["decision"], document["recovery"]["instruction"]) == (decision, "Restore the backup.")
    assert (document["may_proceed"], document["status"]) == (False, "approved")
    assert (await api.report(response, "rolled_back", "clm_1")).body["recovery"]["decision"] == decision


async def test_a_claim_after_the_window_is_told_that_the_retry_expired(api: AgentApi) -> None:
    response = await failed(api)
    await allow_retry(api, response)
    api.clock.passes(3 * DAY)
    assert (await api.claim(response, "clm_2")).problem == (410, "approval-lapsed")


async def test_of_two_workers_one_claims_the_retry(api: AgentApi) -> None:
    response = await failed(api)
    await allow_retry(api, response)
    answers = await asyncio.gather(*(api.claim(response, f"clm_{number}") for number in (2, 3)))
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_a_package_about_a_failure_is_answered_with_a_rollback(api: AgentApi) -> None:
    response = await api.submit(HARD | {"interrupt_type": "error_recovery"})
    assert (response.status, response.body["recovery"]) == (202, None)
    await api.decide(AskRollback, response, by=SENTA, comment="Restore the backup.")
    document = (await api.read(response)).body
    assert (document["status"], document["recovery"]["decision"]) == ("rejected", "rollback")
    assert document["agent_message"] == "Do not try this again: undo what was done, as recovery.instruction says."


async def test_a_package_about_a_failure_is_retried_like_an_approved_one(api: AgentApi) -> None:
    response = await api.submit(HARD | {"interrupt_type": "error_recovery"})
    await api.decide(AllowRetry, response, by=SENTA)
    document = (await api.read(response)).body
    assert (document["status"], document["may_proceed"], document["recovery"]["decision"]) == (
        "approved",
        True,
        "retry",
    )
    assert (await api.claim(response, "clm_1")).status == 200


async def test_even_a_harmless_retry_waits_for_a_person(api: AgentApi) -> None:
    response = await api.submit(HARD | {"risk_level": "low", "interrupt_type": "error_recovery"})
    assert (response.status, response.body["level"]) == (202, "hard_approval")
    await api.decide(AllowRetry, response, by=RITA)
    assert (await api.read(response)).body["may_proceed"] is True
