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
from tests.bot.service import AUTOMATIC, CRITICAL, FOR_ITS_OWNER, HARD, POLICY, SOFT, TAKEOVER, Desk, open_desk
from tests.rules.world import DAY, RITA, ROSE, SENTA, people


async def test_a_package_that_waits_for_a_person_is_a_202(desk: Desk) -> None:
    response = await desk.submit(HARD)
    assert (response.status, response.body["status"], response.body["level"]) == (202, "pending", "hard_approval")
    assert response.body["may_proceed"] is False
    assert response.headers["Location"] == f"/v1/packages/{response.id}"
    assert response.headers["Retry-After"] == "5"
    assert response.headers["ETag"] == '"1"'


async def test_a_package_that_the_policy_settles_is_a_201(desk: Desk) -> None:
    response = await desk.submit(AUTOMATIC)
    assert (response.status, response.body["status"], response.body["may_proceed"]) == (201, "approved", True)
    assert response.body["decision"]["basis"] == "policy"
    assert response.body["interrupt"] is None
    assert "Retry-After" not in response.headers


async def test_a_notify_only_package_is_a_201(desk: Desk) -> None:
    response = await desk.submit(AUTOMATIC | {"action_type": "record.note"})
    assert (response.status, response.body["level"]) == (201, "notify_only")


async def test_a_takeover_package_is_a_202(desk: Desk) -> None:
    response = await desk.submit(TAKEOVER)
    assert (response.status, response.body["level"]) == (202, "human_takeover")


async def test_the_location_header_leads_to_the_package(desk: Desk) -> None:
    response = await desk.submit()
    assert (await desk.get(response.headers["Location"])).body == response.body


async def test_the_same_key_returns_the_same_package(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    again = await desk.submit(SOFT, "once")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]


async def test_a_replay_returns_the_current_state(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    await desk.decide(Approve, first, by=RITA)
    again = await desk.submit(SOFT, "once")
    assert (again.status, again.body["status"], again.body["terminal"]) == (200, "approved", True)


async def test_the_idempotency_key_may_be_in_the_body(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    again = await desk.submit(SOFT | {"idempotency_key": "once"})
    assert (again.status, again.id) == (200, first.id)


async def test_two_keys_that_differ_are_refused(desk: Desk) -> None:
    response = await desk.submit(SOFT | {"idempotency_key": "this"}, "that")
    assert (response.problem, response.wrong) == ((422, "invalid"), ["idempotency_key"])


async def test_the_same_key_with_another_content_is_refused(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    other = await desk.submit(SOFT | {"title": "Another"}, "once")
    assert (other.problem, other.body["package"]) == ((422, "idempotency-conflict"), first.id)


async def test_an_idempotency_key_belongs_to_one_agent(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    other = await desk.submit(SOFT, "once", key=await desk.hire("Other"))
    assert (other.status, other.id != first.id) == (202, True)


async def test_the_longest_key_works_and_a_longer_one_is_refused(desk: Desk) -> None:
    assert (await desk.submit(SOFT, "k" * 255)).status == 202
    assert (await desk.submit(SOFT, "k" * 256)).wrong == ["Idempotency-Key"]


async def test_concurrent_submissions_with_one_key_create_one_package(desk: Desk) -> None:
    responses = await asyncio.gather(*(desk.submit(SOFT, "once") for _ in range(8)))
    assert sorted(response.status for response in responses) == [200] * 7 + [202]
    assert len({response.id for response in responses}) == 1


async def test_without_a_key_the_same_submission_is_another_package(desk: Desk) -> None:
    assert (await desk.submit()).id != (await desk.submit()).id


async def test_a_replay_is_answered_before_any_other_check(desk: Desk) -> None:
    first = await desk.submit(SOFT, "once")
    await desk.decide(Reject, first, by=RITA)
    await desk.freeze()
    again = await desk.submit(SOFT, "once")
    assert (again.status, again.body["status"]) == (200, "rejected")


async def test_a_rejected_action_is_refused_when_proposed_again(desk: Desk) -> None:
    first = await desk.submit()
    await desk.decide(Reject, first, by=RITA)
    again = await desk.submit(SOFT | {"title": "In other words"})
    assert again.problem == (409, "already-rejected")
    assert first.id in again.body["detail"]


async def test_a_rejected_action_with_a_material_change_is_accepted_at_hard_approval(desk: Desk) -> None:
    await desk.decide(Reject, await desk.submit(), by=RITA)
    again = await desk.submit(SOFT | {"material_change": "The customer signed."})
    assert (again.status, again.body["level"]) == (202, "hard_approval")


async def test_a_rejection_is_forgotten_after_its_window(desk: Desk) -> None:
    await desk.decide(Reject, await desk.submit(), by=RITA)
    desk.clock.passes(DAY + timedelta(seconds=1))
    assert (await desk.submit()).status == 202


async def test_a_rejection_does_not_affect_other_agents(desk: Desk) -> None:
    await desk.decide(Reject, await desk.submit(), by=RITA)
    assert (await desk.submit(key=await desk.hire("Other"))).status == 202


async def test_a_thread_that_was_taken_over_is_closed_until_it_is_handed_back(desk: Desk) -> None:
    threaded = HARD | {"thread_id": "thr_1"}
    taken = await desk.submit(threaded)
    await desk.decide(TakeOver, taken, by=SENTA)
    assert (await desk.submit(threaded | {"title": "Another"})).problem == (409, "thread-taken-over")
    assert (await desk.submit(threaded | {"thread_id": "thr_2"})).status == 202
    await desk.decide(HandBack, taken, by=SENTA)
    assert (await desk.submit(threaded | {"title": "Another"})).status == 202


async def test_a_package_at_the_takeover_level_closes_its_thread_at_once(desk: Desk) -> None:
    await desk.submit(TAKEOVER | {"thread_id": "thr_1"})
    assert (await desk.submit(AUTOMATIC | {"thread_id": "thr_1"})).problem == (409, "thread-taken-over")


async def test_a_package_that_nobody_could_decide_is_refused(desk: Desk) -> None:
    response = await desk.submit(HARD | {"action_type": "audit.write"})
    assert response.problem == (422, "no-eligible-reviewer")


async def test_a_package_with_too_few_people_for_its_quorum_is_refused(desk: Desk) -> None:
    everybody = people()
    await desk.people_are({who: everybody[who] for who in (ROSE, SENTA)})
    assert (await desk.submit(CRITICAL)).problem == (422, "no-eligible-reviewer")


async def test_a_stale_directory_refuses_packages_that_need_or_name_a_person(desk: Desk) -> None:
    desk.clock.passes(1001 * DAY)
    response = await desk.submit(HARD)
    assert response.problem == (503, "directory-stale")
    assert int(response.headers["Retry-After"]) > 0
    assert (await desk.submit(AUTOMATIC)).problem == (503, "directory-stale")
    assert (await desk.submit(FOR_ITS_OWNER)).status == 201


async def test_an_incomplete_high_risk_package_is_refused_with_the_missing_fields(desk: Desk) -> None:
    response = await desk.submit({name: HARD[name] for name in HARD if name not in ("consequence", "policy_basis")})
    assert (response.problem, response.wrong) == ((422, "quality-gaps"), ["consequence", "policy_basis"])


async def test_an_incomplete_medium_risk_package_is_accepted_with_a_warning(database_url: str, tmp_path: Path) -> None:
    needing = POLICY.replace("[tiers.medium]", '[tiers.medium]\nneeds = ["consequence"]')
    async with open_desk(database_url, tmp_path, needing) as desk:
        response = await desk.submit({name: SOFT[name] for name in SOFT if name != "consequence"})
    assert (response.status, response.body["warnings"]) == (202, ["consequence is empty; a reviewer would want it"])


async def test_an_expired_package_is_refused(desk: Desk) -> None:
    response = await desk.submit(SOFT | {"expires_at": "2026-11-20T11:59:59Z"})
    assert (response.problem, response.wrong) == ((422, "already-expired"), ["expires_at"])


async def test_a_paused_agent_cannot_submit(desk: Desk) -> None:
    await desk.pause()
    assert (await desk.submit(AUTOMATIC)).problem == (409, "agent-paused")


async def test_a_freeze_refuses_submissions(desk: Desk) -> None:
    await desk.freeze()
    assert (await desk.submit(AUTOMATIC)).problem == (409, "agent-paused")
    await desk.freeze(frozen=False)
    assert (await desk.submit(AUTOMATIC)).status == 201


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
async def test_a_callback_to_an_internal_address_is_refused(desk: Desk, inside: str) -> None:
    assert (await desk.submit(SOFT | {"callback_url": inside})).wrong == ["callback_url"]


async def test_metadata_is_returned_unchanged(desk: Desk) -> None:
    metadata: dict[str, Any] = {"ä": [1, 2.5, None, {"deep": True}], "text": "line\nbreak"}
    response = await desk.submit(SOFT | {"metadata": metadata, "run_id": "r", "thread_id": "t", "checkpoint_id": "c"})
    assert response.body["metadata"] == metadata
    assert [response.body[name] for name in ("run_id", "thread_id", "checkpoint_id")] == ["r", "t", "c"]


async def test_a_replay_is_answered_even_if_its_callback_url_is_not_allowed_any_more(desk: Desk) -> None:
    body = SOFT | {"callback_url": "http://127.0.0.1:9/hook"}
    lenient = desk.running.service.settings.model_copy(update={"callback_allow": (ip_network("127.0.0.0/8"),)})
    async with run_service(lenient, desk.clock) as running, aiohttp.ClientSession(running.url) as http:
        before = Desk(running, desk.clock, http)
        before.key = desk.key
        assert (await before.submit(body, "once")).status == 202
    assert (await desk.submit(body, "once")).status == 200
    assert (await desk.submit(body, "twice")).wrong == ["callback_url"]
