"""The agents' keys: real ones, issued at each start and held only in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import ClientSession
from sqlalchemy import Connection

from bot.demo.stories import STORIES
from bot.demo.workspace import OWNER
from store.agents import agent_admin
from store.store import Store


@asynccontextmanager
async def agent_sessions(store: Store, url: str) -> AsyncIterator[dict[str, ClientSession]]:
    """One HTTP session per agent, which sends the agent's key to the service."""
    async with AsyncExitStack() as stack:
        sessions = {}
        for story in STORIES:
            key = await _key(store, story.agent)
            session = ClientSession(url, headers={"Authorization": f"Bearer {key}"})
            sessions[story.agent] = await stack.enter_async_context(session)
        yield sessions


async def _key(store: Store, name: str) -> str:
    def operation(connection: Connection) -> str:
        now = store.clock()
        if name in {agent.name for agent in agent_admin.list_agents(connection, now)}:
            return agent_admin.rotate_credentials(connection, name, now, old_until=now).key
        return agent_admin.add_agent(connection, name, OWNER, now).key

    return await store.write(operation)
