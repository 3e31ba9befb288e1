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
from tests.bot.service import FOR_ITS_OWNER, SOFT, AgentApi
from tests.rules.world import OWEN, RITA, ROSE

AUTOMATIC = FOR_ITS_OWNER | {
    "action_parameters": {"record": "43"}
}  # differs from the action that people are asked about


async def add_scribe(api: AgentApi, scope: dict[str, Any] | None = None, **rates: int) -> str:
    return await api.hire("Scribe", KeyScope.model_validate(scope or {}), OWEN, **rates)


async def allow(api: AgentApi, scope: dict[str, Any], **rates: int) -> None:
    allowed, limits = KeyScope.model_validate(scope), Rates(**rates)
    await api.world.write(
        lambda connection: agent_admin.set_allowed(connection, "Scribe", allowed, limits, api.clock())
    )


async def test_a_package_outside_the_keys_scope_is_refused_with_the_field(api: AgentApi) -> None:
    key = await add_scribe(api, {"may": ["record.*", "payment.*"], "requesters": [ROSE], "max_risk": "medium"})
    fine = await api.submit(SOFT, key=key)
    assert (fine.status, fine.body["status"]) == (202, "pending")
    for field, change in (
        ("action_type", {"action_type": "mail.send"}),
        ("requested_by", {"requested_by": OWEN}),
        ("requested_by", {"requested_by": None}),
        ("risk_level", {"risk_level": "high"}),
        ("action_type", {"action_type": "payment.send", "risk_level": "low"}),
        ("reversibility", {"reversibility": "irreversible_high"}),
    ):
        response = await api.submit(SOFT | change, key=key)
        assert (response.problem, response.wrong) == ((403, "out-of-scope"), [field]), change


async def test_a_new_version_must_be_within_the_keys_scope(api: AgentApi) -> None:
    key = await add_scribe(api, {"may": ["record.*"], "requesters": [ROSE], "max_risk": "medium"})
    response = await api.submit(SOFT, key=key)
    await api.decide(Revise, response, by=RITA, instructions="Say more.")
    assert (await api.version(response, SOFT | {"risk_level": "high"}, key=key)).wrong == ["risk_level"]
    assert (await api.version(response, SOFT | {"requested_by": OWEN}, key=key)).wrong == ["requested_by"]
    await allow(api, {"may": ["mail.*"]})
    assert (await api.version(response, SOFT, key=key)).wrong == ["action_type"]
    await allow(api, {})
    assert (await api.version(response, SOFT, key=key)).status == 202


async def test_by_default_120_packages_a_minute_may_wait_for_people(api: AgentApi) -> None:
    responses = await asyncio.gather(*(api.submit() for _ in range(300)))
    assert Counter(response.status for response in responses)[202] in range(
        120, 137
    )  # each writer thread may let one more through
    limited = await api.submit()
    assert limited.problem == (429, "rate-limited")
    assert limited.headers["Retry-After"] == "60"
    assert (await api.submit(AUTOMATIC)).status == 201  # no person is asked
    assert (await api.submit(key=await api.hire("Other"))).status == 202
    api.clock.passes(timedelta(seconds=61))
    assert (await api.submit()).status == 202


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_replicas_share_one_rate(api: AgentApi) -> None:
    key = await add_scribe(api, per_minute=4)
    async with run_service(api.running.service.settings, api.clock) as another:
        urls = [URL(replica.url) / "v1/packages" for replica in (api, another)]
        for url in urls * 2:
            assert (await api.call("POST", url, key=key, json=SOFT)).status == 202
        for url in urls:
            assert (await api.call("POST", url, key=key, json=SOFT)).problem == (429, "rate-limited")


async def test_a_rate_limited_package_can_be_resent_with_its_key(api: AgentApi) -> None:
    key = await add_scribe(api, per_minute=1)
    first = await api.submit(SOFT, "first", key=key)
    assert (await api.submit(SOFT, "second", key=key)).status == 429
    assert (await api.submit(SOFT, "first", key=key)).id == first.id
    api.clock.passes(timedelta(seconds=61))
    assert (await api.submit(SOFT, "second", key=key)).status == 202


async def test_a_rate_set_by_an_operator_limits_all_packages_and_versions(api: AgentApi) -> None:
    key = await add_scribe(api, per_minute=2)
    waits = await api.submit(SOFT, key=key)
    assert (await api.submit(AUTOMATIC, key=key)).status == 201
    assert (await api.submit(AUTOMATIC, key=key)).problem == (429, "rate-limited")
    assert (await api.version(waits, SOFT | {"title": "Read it again"}, key=key)).problem == (429, "rate-limited")


async def test_an_agent_over_its_limit_of_open_packages_gets_a_429_until_one_is_decided(api: AgentApi) -> None:
    key = await add_scribe(api, max_open=2)
    first, _ = await api.submit(SOFT, key=key), await api.submit(SOFT, key=key)
    full = await api.submit(SOFT, key=key)
    assert full.problem == (429, "rate-limited")
    assert full.body["detail"].startswith("This agent has 2 open packages and may have 2.")
    await api.decide(Approve, first, by=RITA)
    assert (await api.submit(SOFT, key=key)).status == 202
