"""The scope and the rates of an agent's key, over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from yarl import URL

from bot.running import run_service
from rules.people.agent_keys import KeyScope, Rates
from rules.state.commands import Approve, Revise
from store.agents import agent_admin
from tests.bot.service import FOR_ITS_OWNER, SOFT, Desk
from tests.rules.world import OWEN, RITA, ROSE

AUTOMATIC = FOR_ITS_OWNER | {
    "action_parameters": {"record": "43"}
}  # differs from the action that people are asked about


async def hired(desk: Desk, scope: dict[str, Any] | None = None, **rates: int) -> str:
    return await desk.hire("Scribe", KeyScope.model_validate(scope or {}), **rates)


async def allow(desk: Desk, scope: dict[str, Any], **rates: int) -> None:
    allowed, limits = KeyScope.model_validate(scope), Rates(**rates)
    await desk.world.write(
        lambda connection: agent_admin.set_allowed(connection, "Scribe", allowed, limits, desk.clock())
    )


async def test_a_package_outside_the_keys_scope_is_refused_with_the_field(desk: Desk) -> None:
    key = await hired(desk, {"may": ["record.*", "payment.*"], "requesters": [ROSE], "max_risk": "medium"})
    fine = await desk.submit(SOFT, key=key)
    assert (fine.status, fine.body["status"]) == (202, "pending")
    for field, change in (
        ("action_type", {"action_type": "mail.send"}),
        ("requested_by", {"requested_by": OWEN}),
        ("requested_by", {"requested_by": None}),
        ("risk_level", {"risk_level": "high"}),
        ("action_type", {"action_type": "payment.send", "risk_level": "low"}),
        ("reversibility", {"reversibility": "irreversible_high"}),
    ):
        response = await desk.submit(SOFT | change, key=key)
        assert (response.problem, response.wrong) == ((403, "out-of-scope"), [field]), change


async def test_a_new_version_must_be_within_the_keys_scope(desk: Desk) -> None:
    key = await hired(desk, {"may": ["record.*"], "requesters": [ROSE], "max_risk": "medium"})
    response = await desk.submit(SOFT, key=key)
    await desk.decide(Revise, response, by=RITA, instructions="Say more.")
    assert (await desk.version(response, SOFT | {"risk_level": "high"}, key=key)).wrong == ["risk_level"]
    assert (await desk.version(response, SOFT | {"requested_by": OWEN}, key=key)).wrong == ["requested_by"]
    await allow(desk, {"may": ["mail.*"]})
    assert (await desk.version(response, SOFT, key=key)).wrong == ["action_type"]
    await allow(desk, {})
    assert (await desk.version(response, SOFT, key=key)).status == 202


async def test_by_default_120_packages_a_minute_may_wait_for_people(desk: Desk) -> None:
    responses = await asyncio.gather(*(desk.submit() for _ in range(300)))
    assert Counter(response.status for response in responses)[202] in range(
        120, 137
    )  # each writer thread may let one more through
    limited = await desk.submit()
    assert limited.problem == (429, "rate-limited")
    assert limited.headers["Retry-After"] == "60"
    assert (await desk.submit(AUTOMATIC)).status == 201  # no person is asked
    assert (await desk.submit(key=await desk.hire("Other"))).status == 202
    desk.clock.passes(timedelta(seconds=61))
    assert (await desk.submit()).status == 202


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_replicas_share_one_rate(desk: Desk) -> None:
    key = await hired(desk, per_minute=4)
    async with run_service(desk.running.service.settings, desk.clock) as another:
        urls = [URL(replica.url) / "v1/packages" for replica in (desk, another)]
        for url in urls * 2:
            assert (await desk.call("POST", url, key=key, json=SOFT)).status == 202
        for url in urls:
            assert (await desk.call("POST", url, key=key, json=SOFT)).problem == (429, "rate-limited")


async def test_a_rate_limited_package_can_be_resent_with_its_key(desk: Desk) -> None:
    key = await hired(desk, per_minute=1)
    first = await desk.submit(SOFT, "first", key=key)
    assert (await desk.submit(SOFT, "second", key=key)).status == 429
    assert (await desk.submit(SOFT, "first", key=key)).id == first.id
    desk.clock.passes(timedelta(seconds=61))
    assert (await desk.submit(SOFT, "second", key=key)).status == 202


async def test_a_rate_set_by_an_operator_limits_all_packages_and_versions(desk: Desk) -> None:
    key = await hired(desk, per_minute=2)
    waits = await desk.submit(SOFT, key=key)
    assert (await desk.submit(AUTOMATIC, key=key)).status == 201
    assert (await desk.submit(AUTOMATIC, key=key)).problem == (429, "rate-limited")
    assert (await desk.version(waits, SOFT | {"title": "Read it again"}, key=key)).problem == (429, "rate-limited")


async def test_an_agent_over_its_limit_of_open_packages_gets_a_429_until_one_is_decided(desk: Desk) -> None:
    key = await hired(desk, max_open=2)
    first, _ = await desk.submit(SOFT, key=key), await desk.submit(SOFT, key=key)
    full = await desk.submit(SOFT, key=key)
    assert full.problem == (429, "rate-limited")
    assert full.body["detail"].startswith("This agent has 2 open packages and may have 2.")
    await desk.decide(Approve, first, by=RITA)
    assert (await desk.submit(SOFT, key=key)).status == 202
