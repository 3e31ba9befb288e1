"""A reviewer's click over HTTP, from the signed request to the committed decision and the answer, in one process.

The playground stands in for Slack, with Slack's own rate limits. Cards are delivered at the same time, as fast as these
limits allow.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
from sqlalchemy import Connection, select

from bench.commands import raw_pairs, record_rows
from bench.load import rate
from bench.server import start_server
from bench.world import body, fresh_database, now, world
from blocks.kit.ids import Ref
from playground.client.signing import signature_headers
from playground.model.rates import Rates
from playground.slack import Slack, stand_in
from store.engine.database import open_database
from store.outbox.renderings import NewRendering, save_rendering
from store.schema.installation_tables import InstallationRow
from store.schema.tables import core

SECRET, CHANNEL, REVIEWER = "bench-signing-secret", "C1", "U1"
TARGET_RATE, TARGET_P99_MS = 250, 100
WARM_UP = 20  # clicks that are not measured


class Result(NamedTuple):
    rate: float
    p50: float
    p99: float
    raw: float


class _Target(NamedTuple):
    url: str
    key: str
    database_url: str


async def run(urls: dict[str, str], number: int, at_once: int) -> dict[str, Result]:
    return {kind: await _measure(kind, urls, number, at_once) for kind in urls}


async def _measure(kind: str, urls: dict[str, str], number: int, at_once: int) -> Result:
    async with stand_in(signing_secret=SECRET, rates=Rates()) as slack:
        _furnish(slack)
        database_url = fresh_database(kind, urls)
        async with _serve(database_url, slack) as target:
            ours = await _click_all(target, slack, number, at_once)
    raw_url = fresh_database(kind, urls)
    async with world(raw_url) as bench_world:
        rows = await record_rows(bench_world, kind)
    return Result(*ours, await raw_pairs(kind, raw_url, rows, number, at_once))


def _furnish(slack: Slack) -> None:
    for user in ("U1", "U2", "U3", "U4", "U5"):
        slack.add_person(user, name=user)
    slack.add_channel(CHANNEL, members=["U1", "U2", "U3"])


@asynccontextmanager
async def _serve(database_url: str, slack: Slack) -> AsyncIterator[_Target]:
    environment = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": slack.api_url,
        "COUNTERSIGN_PUBLIC_URL": slack.workspace.base_url,  # without it, soft approvals become hard
    }
    async with start_server(database_url, CHANNEL, **environment) as server:
        yield _Target(server.url, server.key, database_url)


async def _click_all(target: _Target, slack: Slack, number: int, at_once: int) -> tuple[float, float, float]:
    latencies: list[float] = []
    async with aiohttp.ClientSession(target.url, connector=aiohttp.TCPConnector(limit=0)) as http:

        async def click(package: str) -> None:
            form = _form(package, blocks)
            start = time.perf_counter()
            async with http.post("/slack/events", data=form, headers=_headers(form)) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"a click was answered with {answer.status}")
            latencies.append(time.perf_counter() - start)

        packages = [await _post(http, target.key, job) for job in range(WARM_UP + number)]
        await _store_renderings(target.database_url, packages)
        blocks = (await slack.until(lambda: slack.messages(CHANNEL)))[0].blocks
        await rate(packages[:WARM_UP], click, 4)
        latencies.clear()
        per_second = await rate(packages[WARM_UP:], click, at_once)
        await _require_approved(http, target.key, packages[-1])
    latencies.sort()
    return per_second, latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]


async def _post(http: aiohttp.ClientSession, key: str, job: int) -> str:
    async with http.post("/v1/packages", json=body(job), headers={"Authorization": f"Bearer {key}"}) as response:
        return str((await response.json())["decision_package_id"])


async def _store_renderings(database_url: str, packages: list[str]) -> None:
    """As if each card had been drawn: Slack's limits allow too few, and what was not shown cannot be approved."""
    database = open_database(database_url)
    try:
        await database.write(lambda connection: _insert_renderings(connection, packages))
    finally:
        await database.close()


def _insert_renderings(connection: Connection, packages: list[str]) -> None:
    tenant = connection.execute(select(core(InstallationRow).c.tenant_id)).scalar_one()
    for package in packages:
        save_rendering(connection, NewRendering(tenant, package, _rendering(package), f"{package} 1 0 ", now()))


def _rendering(package: str) -> str:
    return f"rnd_{package.removeprefix('pkg_'):0>32}"


async def _require_approved(http: aiohttp.ClientSession, key: str, package: str) -> None:
    """Checks that the last click really approved its package."""
    async with http.get(f"/v1/packages/{package}", headers={"Authorization": f"Bearer {key}"}) as response:
        if not (document := await response.json())["may_proceed"]:
            raise RuntimeError(f"clicked, and not approved: {document['status']}")


def _form(package: str, blocks: Any) -> str:
    """The form of a click, as large as Slack's own, which contains the whole message."""
    action = {"type": "button", "action_id": "approve", "block_id": "b", "action_ts": "1.1"}
    payload = {
        "type": "block_actions",
        "user": {"id": REVIEWER, "username": "u1", "team_id": "T1"},
        "team": {"id": "T1", "domain": "bench"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": CHANNEL},
        "channel": {"id": CHANNEL, "name": "reviews"},
        "trigger_id": f"1.{package}",
        "message": {"type": "message", "ts": "1.1", "text": "", "blocks": blocks},
        "actions": [action | {"value": str(Ref(package, 1, 0, _rendering(package)))}],
    }
    return urlencode({"payload": json.dumps(payload)})


def _headers(form: str) -> dict[str, str]:
    return signature_headers(SECRET, form) | {"Content-Type": "application/x-www-form-urlencoded"}
