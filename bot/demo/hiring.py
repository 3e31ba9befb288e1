"""The keys of the sample agents and of the visitor's own agent: real ones, issued anew at each start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import ClientSession
from sqlalchemy import Connection

from bot.demo.stories import STORIES
from bot.demo.workspace import OWNER
from store.agents import agent_admin
from store.agents.agent_admin import Credentials
from store.store import Store


@asynccontextmanager
async def agent_sessions(store: Store, url: str) -> AsyncIterator[dict[str, ClientSession]]:
    """One HTTP session per agent, which sends the agent's key to the service."""
    async with AsyncExitStack() as stack:
        sessions = {}
        for name in (agent for story in STORIES for agent in story.agents):
            credentials = await issue_credentials(store, name)
            session = ClientSession(url, headers={"Authorization": f"Bearer {credentials.key}"})
            sessions[name] = await stack.enter_async_context(session)
        yield sessions


async def issue_credentials(store: Store, name: str) -> Credentials:
    """Create the agent, or replace its key and secret at once."""

    def operation(connection: Connection) -> Credentials:
        now = store.clock()
        if name in {agent.name for agent in agent_admin.list_agents(connection, now)}:
            return agent_admin.rotate_credentials(connection, name, now, old_until=now)
        return agent_admin.add_agent(connection, name, OWNER, now)

    return await store.write(operation)
