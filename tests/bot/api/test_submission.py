"""`POST /v1/packages`: the answers to a first and a repeated submission."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.running import run_service
from rules.state.commands import Approve, HandBack, Reject, TakeOver
from tests.bot.service import AUTOMATIC, CRITICAL, FOR_ITS_OWNER, HARD, POLICY, SOFT, TAKEOVER, AgentApi, open_api
from tests.rules.world import DAY, RITA, ROSE, SENTA, people


async def test_a_package_that_waits_for_a_person_is_a_202(api: AgentApi) -> None:
    response = await api.submit(HARD)
    assert (response.status, response.body["status"], response.body["level"]) == (202, "pending", "hard_approval")
    assert response.body["may_proceed"] is False
    assert response.headers["Location"] == f"/v1/packages/{response.id}"
    assert response.headers["Retry-After"] == "5"
    assert response.headers["ETag"] == '"1"'


async def test_a_package_that_the_policy_settles_is_a_201(api: AgentApi) -> None:
    response = await api.submit(AUTOMATIC)
    assert (response.status, response.body["status"], response.body["may_proceed"]) == (201, "approved", True)
    assert response.body["decision"]["basis"] == "policy"
    assert response.body["interrupt"] is None
    assert "Retry-After" not in response.headers


async def test_a_notify_only_package_is_a_201(api: AgentApi) -> None:
    response = await api.submit(AUTOMATIC | {"action_type": "record.note"})
    assert (response.status, response.body["level"]) == (201, "notify_only")


async def test_a_takeover_package_is_a_202(api: AgentApi) -> None:
    response = await api.submit(TAKEOVER)
    assert (response.status, response.body["level"]) == (202, "human_takeover")


async def test_the_location_header_leads_to_the_package(api: AgentApi) -> None:
    response = await api.submit()
    assert (await api.get(response.headers["Location"])).body == response.body


async def test_the_same_key_returns_the_same_package(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    again = await api.submit(SOFT, "once")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]


async def test_a_replay_returns_the_current_state(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    await api.decide(Approve, first, by=RITA)
    again = await api.submit(SOFT, "once")
    assert (again.status, again.body["status"], again.body["terminal"]) == (200, "approved", True)


async def test_the_idempotency_key_may_be_in_the_body(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    again = await api.submit(SOFT | {"idempotency_key": "once"})
    assert (again.status, again.id) == (200, first.id)


async def test_two_keys_that_differ_are_refused(api: AgentApi) -> None:
    response = await api.submit(SOFT | {"idempotency_key": "this"}, "that")
    assert (response.problem, response.wrong) == ((422, "invalid"), ["idempotency_key"])


async def test_the_same_key_with_another_content_is_refused(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    other = await api.submit(SOFT | {"title": "Another"}, "once")
    assert (other.problem, other.body["package"]) == ((422, "idempotency-conflict"), first.id)


async def test_an_idempotency_key_belongs_to_one_agent(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    other = await api.submit(SOFT, "once", key=await api.hire("Other"))
    assert (other.status, other.id != first.id) == (202, True)


async def test_the_longest_key_works_and_a_longer_one_is_refused(api: AgentApi) -> None:
    assert (await api.submit(SOFT, "k" * 255)).status == 202
    assert (await api.submit(SOFT, "k" * 256)).wrong == ["Idempotency-Key"]


async def test_concurrent_submissions_with_one_key_create_one_package(api: AgentApi) -> None:
    responses = await asyncio.gather(*(api.submit(SOFT, "once") for _ in range(8)))
    assert sorted(response.status for response in responses) == [200] * 7 + [202]
    assert len({response.id for response in responses}) == 1


async def test_without_a_key_the_same_submission_is_another_package(api: AgentApi) -> None:
    assert (await api.submit()).id != (await api.submit()).id


async def test_a_replay_is_answered_before_any_other_check(api: AgentApi) -> None:
    first = await api.submit(SOFT, "once")
    await api.decide(Reject, first, by=RITA)
    await api.freeze()
    again = await api.submit(SOFT, "once")
    assert (again.status, again.body["status"]) == (200, "rejected")


async def test_a_rejected_action_is_refused_when_proposed_again(api: AgentApi) -> None:
    first = await api.submit()
    await api.decide(Reject, first, by=RITA)
    again = await api.submit(SOFT | {"title": "In other words"})
    assert again.problem == (409, "already-rejected")
    assert first.id in again.body["detail"]


async def test_a_rejected_action_with_a_material_change_is_accepted_at_hard_approval(api: AgentApi) -> None:
    await api.decide(Reject, await api.submit(), by=RITA)
    again = await api.submit(SOFT | {"material_change": "The customer signed."})
    assert (again.status, again.body["level"]) == (202, "hard_approval")


async def test_a_rejection_is_forgotten_after_its_window(api: AgentApi) -> None:
    await api.decide(Reject, await api.submit(), by=RITA)
    api.clock.passes(DAY + timedelta(seconds=1))
    assert (await api.submit()).status == 202


async def test_a_rejection_does_not_affect_other_agents(api: AgentApi) -> None:
    await api.decide(Reject, await api.submit(), by=RITA)
    assert (await api.submit(key=await api.hire("Other"))).status == 202


async def test_a_thread_that_was_taken_over_is_closed_until_it_is_handed_back(api: AgentApi) -> None:
    threaded = HARD | {"thread_id": "thr_1"}
    taken = await api.submit(threaded)
    await api.decide(TakeOver, taken, by=SENTA)
    assert (await api.submit(threaded | {"title": "Another"})).problem == (409, "thread-taken-over")
    assert (await api.submit(threaded | {"thread_id": "thr_2"})).status == 202
    await api.decide(HandBack, taken, by=SENTA)
    assert (await api.submit(threaded | {"title": "Another"})).status == 202


async def test_a_package_at_the_takeover_level_closes_its_thread_at_once(api: AgentApi) -> None:
    await api.submit(TAKEOVER | {"thread_id": "thr_1"})
    assert (await api.submit(AUTOMATIC | {"thread_id": "thr_1"})).problem == (409, "thread-taken-over")


async def test_a_package_that_nobody_could_decide_is_refused(api: AgentApi) -> None:
    response = await api.submit(HARD | {"action_type": "audit.write"})
    assert response.problem == (422, "no-eligible-reviewer")


async def test_a_package_with_too_few_people_for_its_quorum_is_refused(api: AgentApi) -> None:
    everybody = people()
    await api.people_are({who: everybody[who] for who in (ROSE, SENTA)})
    assert (await api.submit(CRITICAL)).problem == (422, "no-eligible-reviewer")


async def test_a_stale_directory_refuses_packages_that_need_or_name_a_person(api: AgentApi) -> None:
    api.clock.passes(1001 * DAY)
    response = await api.submit(HARD)
    assert response.problem == (503, "directory-stale")
    assert int(response.headers["Retry-After"]) > 0
    assert (await api.submit(AUTOMATIC)).problem == (503, "directory-stale")
    assert (await api.submit(FOR_ITS_OWNER)).status == 201


async def test_an_incomplete_high_risk_package_is_refused_with_the_missing_fields(api: AgentApi) -> None:
    response = await api.submit({name: HARD[name] for name in HARD if name not in ("consequence", "policy_basis")})
    assert (response.problem, response.wrong) == ((422, "quality-gaps"), ["consequence", "policy_basis"])


async def test_an_incomplete_medium_risk_package_is_accepted_with_a_warning(database_url: str, tmp_path: Path) -> None:
    needing = POLICY.replace("[tiers.medium]", '[tiers.medium]\nneeds = ["consequence"]')
    async with open_api(database_url, tmp_path, needing) as api:
        response = await api.submit({name: SOFT[name] for name in SOFT if name != "consequence"})
    assert (response.status, response.body["warnings"]) == (202, ["consequence is empty. Reviewers may need it"])


async def test_an_expired_package_is_refused(api: AgentApi) -> None:
    response = await api.submit(SOFT | {"expires_at": "2026-11-20T11:59:59Z"})
    assert (response.problem, response.wrong) == ((422, "already-expired"), ["expires_at"])


async def test_a_paused_agent_cannot_submit(api: AgentApi) -> None:
    await api.pause()
    assert (await api.submit(AUTOMATIC)).problem == (409, "agent-paused")


async def test_a_freeze_refuses_submissions(api: AgentApi) -> None:
    await api.freeze()
    assert (await api.submit(AUTOMATIC)).problem == (409, "agent-paused")
    await api.freeze(frozen=False)
    assert (await api.submit(AUTOMATIC)).status == 201


@pytest.mark.parametrize(
    "inside",
    [
        "http://127.0.0.1/x",
        "http://localhost:8000/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
        "http://[::127.0.0.1]/",
        "http://[fe80::1%25eth9]/",
    ],
)
async def test_a_callback_to_an_internal_address_is_refused(api: AgentApi, inside: str) -> None:
    assert (await api.submit(SOFT | {"callback_url": inside})).wrong == ["callback_url"]


async def test_metadata_is_returned_unchanged(api: AgentApi) -> None:
    metadata: dict[str, Any] = {"ä": [1, 2.5, None, {"deep": True}], "text": "line\nbreak"}
    response = await api.submit(SOFT | {"metadata": metadata, "run_id": "r", "thread_id": "t", "checkpoint_id": "c"})
    assert response.body["metadata"] == metadata
    assert [response.body[name] for name in ("run_id", "thread_id", "checkpoint_id")] == ["r", "t", "c"]


async def test_a_replay_is_answered_even_if_its_callback_url_is_not_allowed_any_more(api: AgentApi) -> None:
    body = SOFT | {"callback_url": "http://127.0.0.1:9/hook"}
    lenient = api.running.service.settings.model_copy(update={"callback_allow": (ip_network("127.0.0.0/8"),)})
    async with run_service(lenient, api.clock) as running, aiohttp.ClientSession(running.url) as http:
        before = AgentApi(running, api.clock, http)
        before.key = api.key
        assert (await before.submit(body, "once")).status == 202
    assert (await api.submit(body, "once")).status == 200
    assert (await api.submit(body, "twice")).wrong == ["callback_url"]
