"""The store as the rest of the service sees it: execute commands, read documents, wait for changes.

A command runs in one transaction (`store.commands.execute`). After the commit, the waiters of the package are woken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from sqlalchemy import Connection

from rules.authority.blindness import events_for_agent
from rules.people.directory import AUTO, Actor, Agent, Roster
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal, refuse
from rules.record.chain import Event
from rules.record.status_document import Document
from rules.state.commands import Command
from rules.state.model import PackageState
from rules.state.service_commands import ClockCommand
from rules.state.transition import Words
from rules.trace_context import TraceContext
from store.agents.agents import agent_by_key
from store.commands import requests
from store.commands.answers import has_answered
from store.commands.execute import Observer, Outcome, execute, execute_many
from store.commands.invocation import Invocation, draw_chance
from store.commands.policies import FILE_NOT_IN_FORCE, Activation, PolicyFile, activate_policy
from store.commands.situation import locks_agent
from store.engine.database import Database, PostgresDatabase, StaleError, open_database
from store.engine.workers import UnavailableError
from store.installation import tenancy
from store.installation.installation import Installation
from store.installation.policy_texts import UnreadablePolicyError
from store.outbox.renderings import NewRendering, save_rendering
from store.packages.documents import build_documents
from store.packages.events import load_events
from store.packages.packages import Cursor, list_own, load_own_package, load_summary
from store.replies import AgentReply, PackageDocument
from store.waiters import Waiter, Waiters, cancel_task

if TYPE_CHECKING:
    from store.notifier import Notifier

log = structlog.get_logger()

T = TypeVar("T")
Clock = Callable[[], datetime]

CLOCK_BATCH = 32  # commands of the clock in one transaction: few, because a click may have to wait for all of them


class Store:
    """One per process. Open and close it in the event loop in which it is used."""

    def __init__(
        self, database: Database, installation: Installation, file: PolicyFile, clock: Clock, url: str
    ) -> None:
        self.database, self.installation, self.file, self.clock = database, installation, file, clock
        self._tenant_id, self.waiters = installation.tenant_id, Waiters(database, installation.tenant_id)
        self._notifier = _notifier(url, self.waiters) if isinstance(database, PostgresDatabase) else None
        self._tasks: list[asyncio.Task[None]] = []
        self.on_change: list[Callable[[], None]] = []  # called after each commit of this process
        self.observers: list[Observer] = []

    @classmethod
    async def open(
        cls, url: str, file: PolicyFile, clock: Clock, *, again: bool = False, clicks_provable: bool = True
    ) -> Store:
        """Open a migrated database, activate the policy if it was never active there, and listen for changes."""
        database = open_database(url)
        tenant_id = await database.read(tenancy.read_tenant_id)
        result = await database.write(lambda connection: activate_policy(connection, file, clock(), again=again))
        store = cls(database, Installation(tenant_id, file.policy, clicks_provable=clicks_provable), file, clock, url)
        await store._log_policy(result)
        store.start()
        return store

    async def _log_policy(self, result: Activation) -> None:
        """Log what happened to the policy file. An unreadable active policy is logged where it is read."""
        policy = self.file.policy
        if result is Activation.APPLIED:
            log.info("policy.activated", policy=policy.full_version)
        with suppress(UnreadablePolicyError):
            current = (await self.database.read(self.installation.roster)).policy
            if not self.is_file_in_force(current):
                versions = {"file": policy.full_version, "in_force": current.full_version}
                log.warning("policy.file_not_in_force", **versions, fix=FILE_NOT_IN_FORCE)

    def is_file_in_force(self, policy: Policy) -> bool:
        """Whether the active policy has the content that the policy file had when this process started."""
        return policy.has_same_content(self.file.policy)

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self.waiters.poll_for_ever()))
        if self._notifier:
            self._tasks.append(asyncio.create_task(self._notifier.run_for_ever()))

    async def close(self) -> None:
        for task in self._tasks:
            await cancel_task(task)
        await self.database.close()

    async def execute(
        self,
        command: Command,
        actor: Actor = AUTO,
        *,
        trial: bool = False,
        barred: Refusal | None = None,
        request: str | None = None,
    ) -> Outcome:
        """Execute a command that a person or the clock gives."""
        now, chance = self.clock(), draw_chance()
        invocation = Invocation(
            command=command, now=now, actor=actor, chance=chance, trial=trial, barred=barred, request=request
        )
        return await self._commit(invocation, lambda connection: execute(connection, self.installation, invocation))

    async def execute_many(self, commands: Sequence[ClockCommand]) -> list[Outcome]:
        """Execute the clock's commands for many packages, a few in each transaction."""
        parts = [commands[start : start + CLOCK_BATCH] for start in range(0, len(commands), CLOCK_BATCH)]
        return [outcome for part in parts for outcome in await self._execute_together(part)]

    async def _execute_together(self, commands: Sequence[ClockCommand]) -> list[Outcome]:
        now, began = self.clock(), time.time_ns()
        batch = [Invocation(command=command, now=now, chance=draw_chance()) for command in commands]
        try:
            outcomes = await self.database.write(lambda connection: execute_many(connection, self.installation, batch))
        except UnavailableError:
            raise
        except Exception as fault:  # noqa: BLE001 - run alone, the command at fault logs it and stops no other
            log.info("commands.retried_one_by_one", packages=len(batch), error=type(fault).__name__)
            return [await self._execute_alone(command) for command in commands]
        for invocation, outcome in zip(batch, outcomes, strict=True):
            self._observe(invocation, outcome, began)
        self.announce([chain for outcome in outcomes if outcome.changed for chain in outcome.chains])
        return outcomes

    async def _execute_alone(self, command: Command) -> Outcome:
        try:
            return await self.execute(command)
        except UnavailableError:
            raise
        except Exception:
            log.exception("command.fault", package=command.decision_package_id, command=command.verb)
            return Outcome(state=None, refusal=refuse(Reason.TOO_BUSY))

    async def execute_for_agent(
        self, agent: Agent, command: Command, digest: str | None = None, trace: TraceContext | None = None
    ) -> AgentReply:
        """Execute an agent's command. The document in the reply is read in the same transaction."""
        invocation = Invocation(
            command=command,
            now=self.clock(),
            actor=agent.actor,
            agent_id=agent.agent_id,
            content_digest=digest,
            chance=draw_chance(),
            trace=trace,
        )
        document: Document = {}

        def operation(connection: Connection) -> Outcome:
            nonlocal document
            outcome = execute(connection, self.installation, invocation)
            accepted = outcome.state if outcome.refusal is None else None
            document = self._document(connection, accepted, outcome.roster, outcome.words) if accepted else {}
            return outcome

        outcome = await self._commit(invocation, operation)
        return AgentReply(document, outcome.refusal, outcome.replayed)

    async def _commit(self, invocation: Invocation, operation: Callable[[Connection], Outcome]) -> Outcome:
        """Run the operation, and announce the change after the commit, never before."""
        began = time.time_ns()
        try:
            outcome = await self.database.write(operation, quick=True, contended=locks_agent(invocation.command))
        except StaleError:
            return Outcome(state=None, refusal=refuse(Reason.TOO_BUSY))
        self._observe(invocation, outcome, began)
        if outcome.changed:
            self.announce(outcome.chains)
        return outcome

    def _observe(self, invocation: Invocation, outcome: Outcome, began: int) -> None:
        for observe in self.observers:
            observe(invocation, outcome, began)

    def announce(self, changed: Sequence[str]) -> None:
        """Tell everyone who waits for these packages or threads, here and in other processes, after the commit."""
        self.waiters.wake(changed)
        if self._notifier:
            self._notifier.announce(changed)
        for callback in self.on_change if changed else ():
            callback()

    async def save_rendering(self, package_id: str, rendering_id: str, body: str) -> None:
        """Call this before the rendering is shown, so that the audit can show what a reviewer saw."""
        rendering = NewRendering(self._tenant_id, package_id, rendering_id, body, self.clock())
        await self.write(lambda connection: save_rendering(connection, rendering), quick=True)

    async def read(self, operation: Callable[[Connection], T], *, quick: bool = False) -> T:
        return await self.database.read(operation, quick=quick)

    async def write(self, operation: Callable[[Connection], T], *, quick: bool = False) -> T:
        """For everything that is not a package's state: directory, absences, agents, renderings."""
        return await self.database.write(operation, quick=quick)

    async def write_once(self, request: str, operation: Callable[[Connection], object]) -> bool:
        """Write what a request asks for. If the request was handled before, by any replica, return False."""
        once = partial(requests.run_once, tenant_id=self._tenant_id, request=request, operation=operation)
        return await self.database.write(once)

    async def has_answered(self, command_id: str) -> bool:
        return await self.read(lambda connection: has_answered(connection, self._tenant_id, command_id), quick=True)

    async def agent_by_key(self, key: str) -> Agent | None:
        now = self.clock()
        return await self.read(lambda connection: agent_by_key(connection, self._tenant_id, key, now), quick=True)

    async def list_documents(
        self, agent_id: str, *, limit: int, after: Cursor | None = None, **wanted: str | None
    ) -> tuple[list[Document], Cursor | None]:
        """A page of an agent's own packages, and the cursor of the next page, if there is one."""

        def operation(connection: Connection) -> tuple[list[Document], Cursor | None]:
            states, cursor = list_own(connection, self._tenant_id, agent_id, limit=limit, after=after, **wanted)
            return build_documents(connection, states, self.installation.roster(connection), self.clock()), cursor

        return await self.database.read(operation)

    async def load_events(self, package_id: str, agent_id: str) -> list[Event] | None:
        """The audit events of an agent's own package."""

        def operation(connection: Connection) -> list[Event] | None:
            state = load_own_package(connection, self._tenant_id, package_id, agent_id)
            return events_for_agent(load_events(connection, state.tenant_id, package_id), state) if state else None

        return await self.database.read(operation)

    async def load_document(self, package_id: str, agent_id: str) -> PackageDocument | None:
        """An agent's own package."""

        def operation(connection: Connection) -> PackageDocument | None:
            state = load_own_package(connection, self._tenant_id, package_id, agent_id)
            return PackageDocument(state.revision, self._document(connection, state)) if state else None

        return await self.database.read(operation, quick=True)

    def _document(
        self,
        connection: Connection,
        state: PackageState,
        roster: Roster | None = None,
        words: Mapping[str, Words] | None = None,
    ) -> Document:
        people = roster or self.installation.roster(connection)
        return build_documents(connection, [state], people, self.clock(), words)[0]

    async def wait_for_change(
        self, package_id: str, agent_id: str, seen: int | None, seconds: float
    ) -> PackageDocument | None:
        """The package once its revision differs from `seen`, or as it is after `seconds`.

        With `seen` None, return at once if the package has ended; otherwise wait for its next change.
        """
        with self.waiters.waiting_for(package_id) as waiter:
            load = partial(load_summary, tenant_id=self._tenant_id, package_id=package_id)
            summary = await self.read(load, quick=True)
            if summary is None or summary.agent_id != agent_id:
                return None
            waiter.seen = summary.revision if seen is None else seen
            if summary.revision == waiter.seen and not (seen is None and summary.status.terminal):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        return await self._wait_until_changed(package_id, agent_id, waiter)
            return await self.load_document(package_id, agent_id)

    async def _wait_until_changed(self, package_id: str, agent_id: str, waiter: Waiter) -> PackageDocument | None:
        """A waiter can be woken although the package has not changed, so compare its revision."""
        while not self.waiters.released:
            await waiter.wait_for_change()
            current = await self.load_document(package_id, agent_id)
            if current is None or current.revision != waiter.seen:
                return current
        return await self.load_document(package_id, agent_id)


def _notifier(url: str, waiters: Waiters) -> Notifier:
    from store.notifier import Notifier  # noqa: PLC0415 - it imports PostgreSQL's driver, which SQLite does not need

    return Notifier(url, waiters)
