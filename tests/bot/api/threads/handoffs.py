"""Two agents, one of which hands a thread over to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bot.api.threads.calls import THREAD
from tests.bot.service import POLICY, AgentApi, Response, open_api

ALLOWED = """
[handoffs]
answer_within = "1h"
return_within = "2h"

[[handoffs.allow]]
agent = "*"
to = ["*"]
"""
NEEDS_PERSON = ALLOWED + "needs_person = true\n"
STATE, CONTEXT = {"sources": 3}, {"customer": "4711"}


@asynccontextmanager
async def open_handoffs(url: str, folder: Path, handoffs: str = ALLOWED, **settings: Any) -> AsyncIterator[AgentApi]:
    """A service whose policy has these lines about handoffs."""
    async with open_api(url, folder, POLICY + handoffs, **settings) as api:
        yield api


async def offer(api: AgentApi, to_agent: str = "Writer", mode: str = "peer", **options: Any) -> Response:
    body = {"thread_id": THREAD, "to_agent": to_agent, "mode": mode, "reason": "Three sources are read."}
    body |= {"captured_state": STATE, "user_context": CONTEXT} | options.pop("fields", {})
    return await api.post("/v1/handoffs", body, **options)


async def answer(api: AgentApi, offered: Response, verb: str = "accept", **options: Any) -> Response:
    body = options.pop("body", {"result": "The report is written."} if verb == "return" else {})
    return await api.post(f"/v1/handoffs/{offered.body['handoff_id']}/{verb}", body, **options)


async def handed_over(
    api: AgentApi, to_key: str, to_agent: str = "Writer", mode: str = "peer", **giver: Any
) -> Response:
    """A handoff that the other agent has accepted."""
    offered = await offer(api, to_agent, mode, **giver)
    assert offered.status == 202, offered.text
    accepted = await answer(api, offered, key=to_key)
    assert accepted.status == 200, accepted.text
    return accepted


async def listed(api: AgentApi, query: str = "", **options: Any) -> list[str]:
    """The statuses of the handoffs in the list."""
    page = await api.get(f"/v1/handoffs{query}", **options)
    return [handoff["status"] for handoff in page.body["handoffs"]]
