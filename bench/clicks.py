"""A reviewer's click: from the signed request to the committed decision and the answer, over HTTP, in one process.

Slack is the stand-in, with Slack's own rates: cards are delivered beside the clicks, as fast as Slack would let us.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp

from bench.load import rate
from bench.road import raw_pairs, written
from bench.server import started
from bench.world import body, fresh_database, world
from blocks.kit.ids import Ref
from playground.client.signing import signature_headers
from playground.model.rates import Rates
from playground.slack import Slack, stand_in

SECRET, CHANNEL, REVIEWER = "bench-signing-secret", "C1", "U1"
ASKED_RATE, ASKED_P99_MS = 250, 100


class Result(NamedTuple):
    rate: float
    p50: float
    p99: float
    raw: float


async def run(where: dict[str, str], number: int, at_once: int) -> dict[str, Result]:
    return {kind: await _measured(kind, where, number, at_once) for kind in where}


async def _measured(kind: str, where: dict[str, str], number: int, at_once: int) -> Result:
    async with stand_in(signing_secret=SECRET, rates=Rates()) as slack:
        _furnish(slack)
        async with _served(fresh_database(kind, where), slack) as (url, key):
            ours = await _clicked(url, key, slack, number, at_once)
    beside = fresh_database(kind, where)
    async with world(beside) as its:
        rows = await written(its, kind)
    return Result(*ours, await raw_pairs(kind, beside, rows, number, at_once))


def _furnish(slack: Slack) -> None:
    for user in ("U1", "U2", "U3", "U4", "U5"):
        slack.add_person(user, name=user)
    slack.add_channel(CHANNEL, members=["U1", "U2", "U3"])


@asynccontextmanager
async def _served(database_url: str, slack: Slack) -> AsyncIterator[tuple[str, str]]:
    environment = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": slack.api_url,
        "COUNTERSIGN_PUBLIC_URL": slack.workspace.base_url,  # without one, what is soft would be hard
    }
    async with started(database_url, CHANNEL, **environment) as server:
        yield server.url, server.key


async def _clicked(url: str, key: str, slack: Slack, number: int, at_once: int) -> tuple[float, float, float]:
    took: list[float] = []
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as http:

        async def click(package: str) -> None:
            form = _form(package, shown)
            start = time.perf_counter()
            async with http.post("/slack/events", data=form, headers=_headers(form)) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"a click was answered with {answer.status}")
            took.append(time.perf_counter() - start)

        packages = [await _posted(http, key, job) for job in range(number + 20)]
        shown = (await slack.until(lambda: slack.messages(CHANNEL)))[0].blocks
        await rate(packages[:20], click, 4)
        took.clear()
        per_second = await rate(packages[20:], click, at_once)
        await _all_approved(http, key, packages[-1])
    took.sort()
    return per_second, took[len(took) // 2], took[len(took) * 99 // 100]


async def _posted(http: aiohttp.ClientSession, key: str, job: int) -> str:
    async with http.post("/v1/packages", json=body(job), headers={"Authorization": f"Bearer {key}"}) as posted:
        return str((await posted.json())["decision_package_id"])


async def _all_approved(http: aiohttp.ClientSession, key: str, package: str) -> None:
    """The click did what it says: the last one's package is looked at."""
    async with http.get(f"/v1/packages/{package}", headers={"Authorization": f"Bearer {key}"}) as answer:
        if not (told := await answer.json())["may_proceed"]:
            raise RuntimeError(f"clicked, and not approved: {told['status']}")


def _form(package: str, shown: Any) -> str:
    """As large as Slack's own: it sends the whole message along."""
    action = {"type": "button", "action_id": "approve", "block_id": "b", "action_ts": "1.1"}
    payload = {
        "type": "block_actions",
        "user": {"id": REVIEWER, "username": "u1", "team_id": "T1"},
        "team": {"id": "T1", "domain": "bench"},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": CHANNEL},
        "channel": {"id": CHANNEL, "name": "reviews"},
        "trigger_id": f"1.{package}",
        "message": {"type": "message", "ts": "1.1", "text": "", "blocks": shown},
        "actions": [action | {"value": str(Ref(package, 1, 0, "rnd_" + "0" * 32))}],
    }
    return urlencode({"payload": json.dumps(payload)})


def _headers(form: str) -> dict[str, str]:
    return signature_headers(SECRET, form) | {"Content-Type": "application/x-www-form-urlencoded"}
