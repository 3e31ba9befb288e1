"""One address: the playground has its own paths, and the service answers all others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from bot.api.requests import MAX_BODY
from tests.bot.demo.visitor import Visitor, running


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/playground/demo/state"]
)
async def test_everything_the_service_and_the_demo_show_is_present(visitor: Visitor, path: str) -> None:
    async with visitor.http.get(path) as answer:
        assert answer.status == 200


async def test_unknown_paths_are_answered_by_the_service(visitor: Visitor) -> None:
    async with visitor.http.get("/nowhere") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_the_playground_answers_like_slack(visitor: Visitor) -> None:
    async with visitor.http.post("/playground/api/auth.test") as answer:
        assert await answer.json() == {"ok": False, "error": "not_authed"}


async def test_no_agent_is_served_without_its_key(visitor: Visitor) -> None:
    async with visitor.http.get("/v1/packages") as answer:
        assert answer.status == 401


async def test_no_interaction_is_accepted_without_its_signature(visitor: Visitor) -> None:
    async with visitor.http.post("/slack/events", data={"payload": "{}"}) as answer:
        assert answer.status == 401


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(visitor: Visitor) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2 * MAX_BODY // 1024):
            yield b" " * 1024

    key = await visitor.add_agent()
    async with visitor.http.post("/v1/packages", data=endless(), headers={"Authorization": f"Bearer {key}"}) as answer:
        assert (answer.status, json.loads(await answer.text())["type"]) == (413, "urn:countersign:problem:too-large")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "rebound.example"}, {"Host": "10.0.0.1"}],
    ids=str,
)
async def test_another_site_moves_no_time_starts_no_story_and_reads_nothing(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    await visitor.over("reading")  # could be begun again
    for method, path in (
        ("POST", "time"),
        ("POST", "stories/reading"),
        ("GET", "state"),
        ("GET", "events"),
    ):
        body = {"seconds": 3600} if path == "time" else None
        async with visitor.http.request(method, f"/playground/demo/{path}", json=body, headers=headers) as answer:
            assert answer.status == 403
    state = await visitor.state()
    assert state["moved_seconds"] == 0
    assert not running(state)["reading"]


async def test_the_playgrounds_own_page_moves_time_and_starts_stories(visitor: Visitor) -> None:
    await visitor.over("reading")
    own = {"Origin": visitor.demo.url}
    async with visitor.http.post("/playground/demo/time", json={"seconds": 60}, headers=own) as answer:
        assert (answer.status, (await answer.json())["moved_seconds"]) == (200, 60)
    async with visitor.http.post("/playground/demo/stories/reading", headers=own) as answer:
        assert answer.status == 202
