"""Handoffs as the HTTP API sees them: documents, lists, and waiting for one.

It only reads. Offers, answers and returns are commands of the thread (`store.threads.execute`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sqlalchemy import Connection

from rules.people.directory import Agent
from rules.record.handoff_document import handoff_document, listed_handoff
from rules.record.status_document import Document
from rules.threads.handoff import HandoffStatus
from store.agents.agents import agent_names
from store.packages.content import load_words
from store.store import Store
from store.threads.handoffs import HandoffQuery, StoredHandoff, find_handoff, handoffs_of, list_handoffs
from store.waiters import SLOW_POLL


class HandoffStore:
    """Handoffs as an agent sees them: only those that it gives or gets."""

    def __init__(self, store: Store) -> None:
        self._store, self._tenant_id = store, store.installation.tenant_id

    async def load_document(self, handoff_id: str, agent: Agent) -> Document | None:
        """A handoff as one of its two agents may see it; None if the agent has no part in it."""

        def operation(connection: Connection) -> Document | None:
            stored = find_handoff(connection, self._tenant_id, handoff_id, agent.agent_id)
            if stored is None:
                return None
            texts = load_words(connection, self._tenant_id, *stored.handoff.event_ids)
            return handoff_document(stored.thread_id, stored.handoff, texts, agent_names(connection, self._tenant_id))

        return await self._store.read(operation)

    async def thread_of(self, handoff_id: str, agent: Agent) -> str | None:
        """The thread of a handoff that this agent gives or gets."""
        stored = await self._find(handoff_id, agent)
        return stored.thread_id if stored else None

    async def _find(self, handoff_id: str, agent: Agent) -> StoredHandoff | None:
        return await self._store.read(
            lambda connection: find_handoff(connection, self._tenant_id, handoff_id, agent.agent_id), quick=True
        )

    async def list_documents(self, agent: Agent, wanted: HandoffQuery) -> list[Document]:
        """The agent's handoffs, each as this agent may see it."""

        def operation(connection: Connection) -> list[Document]:
            listed = list_handoffs(connection, self._tenant_id, agent.agent_id, wanted)
            names = agent_names(connection, self._tenant_id) if listed else {}
            texts = load_words(connection, self._tenant_id, *(stored.handoff.event_id for stored in listed))
            return [
                listed_handoff(
                    stored.thread_id, stored.handoff, texts.get(stored.handoff.event_id, {}).get("reason"), names
                )
                for stored in listed
            ]

        return await self._store.read(operation)

    async def wait_for_any(self, agent: Agent, wanted: HandoffQuery, seconds: float) -> list[Document]:
        """The list as soon as it is not empty, or an empty one after `seconds`."""
        documents: list[Document] = []

        async def is_any() -> bool:
            documents[:] = await self.list_documents(agent, wanted)
            return bool(documents)

        await self._wait_until(is_any, agent, seconds)
        return documents

    async def wait_for_change(self, handoff_id: str, agent: Agent, known: HandoffStatus, seconds: float) -> None:
        """Returns as soon as the handoff has another status, or is unknown, or after `seconds`."""

        async def has_changed() -> bool:
            stored = await self._find(handoff_id, agent)
            return stored is None or stored.handoff.status is not known

        await self._wait_until(has_changed, agent, seconds)

    async def _wait_until(self, holds: Callable[[], Awaitable[bool]], agent: Agent, seconds: float) -> None:
        """Looks again at each notice, and from time to time, because a notice can be lost."""
        waiters = self._store.waiters
        with waiters.waiting_for(handoffs_of(agent.agent_id)) as waiter, suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await holds() and not waiters.released:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(SLOW_POLL):
                            await waiter.wait_for_change()
