"""Threads as the rest of the service sees them: execute commands, read documents, wait for changes.

The counterpart of `store.store.Store` for threads: routes, `/reviews` and the clock use it, and it calls
`store.threads.execute`. An agent gets only its own threads.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection

from rules.people.directory import Actor, Agent
from rules.reasons import Reason, refuse
from rules.record.status_document import Document
from rules.record.thread_document import thread_document
from rules.threads.commands import ThreadCommand
from rules.threads.model import thread_key
from store.agents.agents import agent_names
from store.engine.database import StaleError
from store.packages.content import load_words
from store.store import Store
from store.threads.execute import ThreadInvocation, ThreadOutcome, execute_thread
from store.threads.history import EventPlace, HistoryPage, load_own_history
from store.threads.members import own_packages
from store.threads.records import LoadedThread, load_thread


class ThreadStore:
    def __init__(self, store: Store) -> None:
        self._store, self._tenant_id = store, store.installation.tenant_id

    async def execute(
        self,
        command: ThreadCommand,
        actor: Actor,
        *,
        agent: Agent | None = None,
        content_digest: str | None = None,
        request: str | None = None,
    ) -> ThreadOutcome:
        """Execute a command, and announce the change after the commit."""
        invocation = ThreadInvocation(
            command=command,
            now=self._store.clock(),
            actor=actor,
            agent=agent,
            content_digest=content_digest,
            request=request,
        )
        run = partial(execute_thread, installation=self._store.installation, invocation=invocation)
        try:
            outcome = await self._store.write(run)
        except StaleError:
            return ThreadOutcome(refusal=refuse(Reason.TOO_BUSY))
        if outcome.changed:
            self._store.announce(outcome.changed)
        return outcome

    async def load_document(self, thread_id: str, agent: Agent) -> Document | None:
        """The thread of an agent; None if it is not its own. An agent must not learn of threads of others."""
        return (await self._load(thread_id, agent))[0]

    async def _load(self, thread_id: str, agent: Agent) -> tuple[Document | None, int]:
        """The document, and the revision of the thread's record: a long poll waits until it changes."""
        return await self._store.read(lambda connection: self._document(connection, thread_id, agent))

    def _document(self, connection: Connection, thread_id: str, agent: Agent) -> tuple[Document | None, int]:
        loaded = self._own(connection, thread_id, agent)
        if loaded is None:
            return None, 0
        state = loaded.state
        words = load_words(connection, self._tenant_id, state.event_id) if state.event_id else {}
        roster = self._store.installation.roster(connection)
        names = agent_names(connection, self._tenant_id) if state.handoffs else {}
        document = thread_document(
            state, own_packages(connection, state), words.get(state.event_id or ""), roster, names
        )
        return document, state.revision

    def _own(self, connection: Connection, thread_id: str, agent: Agent) -> LoadedThread | None:
        loaded = load_thread(connection, self._tenant_id, thread_id)
        return loaded if loaded and loaded.state.owner_agent == agent.agent_id else None

    async def load_history(
        self, thread_id: str, agent: Agent, *, limit: int, after: EventPlace | None = None
    ) -> HistoryPage | None:
        """Events of the thread and of the agent's packages in it, oldest first."""

        def operation(connection: Connection) -> HistoryPage | None:
            loaded = self._own(connection, thread_id, agent)
            return load_own_history(connection, loaded.state, limit=limit, after=after) if loaded else None

        return await self._store.read(operation)

    async def wait_for_change(self, thread_id: str, agent: Agent, seen: int | None, seconds: float) -> Document | None:
        """The thread once its revision differs from `seen`, or as it is after `seconds`."""
        waiters = self._store.waiters
        with waiters.waiting_for(thread_key(thread_id)) as waiter:
            document, waiter.seen = await self._load(thread_id, agent)
            known = document["revision"] if document and seen is None else seen
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while document and document["revision"] == known and not waiters.released:
                        await waiter.wait_for_change()
                        document, waiter.seen = await self._load(thread_id, agent)
            return document
