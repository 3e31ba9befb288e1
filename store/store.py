"""The store as the rest of the service sees it: commands go down the road, documents come back, changes are awaited."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection

from rules.people.directory import AUTO, Actor, Agent, Roster
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal, refuse
from rules.record.chain import Event
from rules.record.status_document import Document
from rules.state.clock_commands import ClockCommand
from rules.state.commands import Command
from rules.state.model import PackageState
from rules.state.transition import Words
from store.agents.agents import by_key
from store.commands import requests
from store.commands.asked import Asked
from store.commands.execute import Outcome, carry_out, carry_out_each, has_answered
from store.commands.policies import OTHER_FILE, Given, PolicyFile, give
from store.commands.situations import is_contended
from store.engine.database import Database, PostgresDatabase, StaleError, open_database
from store.engine.workers import UnavailableError
from store.installation import tenancy
from store.installation.house import House
from store.installation.policy_texts import UnreadablePolicyError
from store.outbox.cards import Drawing, keep_rendering
from store.packages.documents import documents
from store.packages.events import events_of
from store.packages.packages import Cursor, glance, load_own, own
from store.waiters import Waiter, Waiters, stopped

if TYPE_CHECKING:
    from store.notifier import Notifier

log = structlog.get_logger()

T = TypeVar("T")

TOGETHER = 32  # commands of the clock in one transaction: a click that comes in between waits no longer than a blink


class Found(NamedTuple):
    revision: int
    document: Document


class Answered(NamedTuple):
    """What an agent is told: the document as it then was, or the refusal."""

    document: Document
    refusal: Refusal | None
    replayed: bool


class Store:
    """One per process. `start` and `stop` belong to the loop in which it runs."""

    def __init__(
        self, database: Database, house: House, file: PolicyFile, clock: Callable[[], datetime], url: str
    ) -> None:
        self.database, self.house, self.file, self.clock = database, house, file, clock
        self.waiters = Waiters(database, house.tenant_id)
        self._notifier = _notifier(url, self.waiters) if isinstance(database, PostgresDatabase) else None
        self._tasks: list[asyncio.Task[None]] = []
        self.on_change: list[Callable[[], None]] = []  # told after each commit of this process

    @classmethod
    async def open(
        cls, url: str, policy: Policy, policy_text: str, clock: Callable[[], datetime], *, again: bool = False
    ) -> Store:
        """Opens a migrated database, puts a policy that was never in force there, and begins to listen for changes."""
        database, file = open_database(url), PolicyFile(policy, policy_text)
        tenant_id = await database.read(tenancy.tenant)
        given = await database.write(lambda connection: give(connection, file, clock(), again=again))
        store = cls(database, House(tenant_id, policy), file, clock, url)
        await store._follow(given)
        store.start()
        return store

    async def _follow(self, given: Given) -> None:
        """The policy in force, whatever the file says. One that this release cannot read is logged where it is met."""
        policy = self.file.policy
        if given is Given.APPLIED:
            log.info("policy.activated", policy=policy.full_version)
        with suppress(UnreadablePolicyError):
            current = (await self.database.read(self.house.roster)).policy
            if not self.file_in_force(current):
                log.warning(
                    "policy.file_not_in_force",
                    file=policy.full_version,
                    in_force=current.full_version,
                    fix=OTHER_FILE,
                )

    def file_in_force(self, policy: Policy) -> bool:
        """Whether the policy in force says what the file said when this process started."""
        return policy.has_same_content(self.file.policy)

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self.waiters.poll_for_ever()))
        if self._notifier:
            self._tasks.append(asyncio.create_task(self._notifier.run_for_ever()))

    async def close(self) -> None:
        for task in self._tasks:
            await stopped(task)
        await self.database.close()

    async def carry_out(
        self,
        command: Command,
        actor: Actor = AUTO,
        *,
        trial: bool = False,
        barred: Refusal | None = None,
        request: str | None = None,
    ) -> Outcome:
        """The one road, for people and for the clock."""
        now = self.clock()
        asked = Asked(
            command=command, now=now, actor=actor, chance=_throw(), trial=trial, barred=barred, request=request
        )
        return await self._walk(asked, lambda connection: carry_out(connection, self.house, asked))

    async def carry_out_each(self, commands: Sequence[ClockCommand]) -> list[Outcome]:
        """The one road for what the clock has for many packages: a few at a time, and alone what does not go so."""
        parts = [commands[start : start + TOGETHER] for start in range(0, len(commands), TOGETHER)]
        return [outcome for part in parts for outcome in await self._walk_each(part)]

    async def _walk_each(self, commands: Sequence[ClockCommand]) -> list[Outcome]:
        now = self.clock()
        each = [Asked(command=command, now=now, chance=_throw()) for command in commands]
        try:
            outcomes = await self.database.write(lambda connection: carry_out_each(connection, self.house, each))
        except UnavailableError:
            raise
        except Exception as fault:  # noqa: BLE001 - one of them is at fault: alone it is told, and keeps nobody from it
            log.info("road.one_by_one", packages=len(each), error=type(fault).__name__)
            return [await self._alone(command) for command in commands]
        self._tell([asked for asked, outcome in zip(each, outcomes, strict=True) if outcome.changed])
        return outcomes

    async def _alone(self, command: Command) -> Outcome:
        try:
            return await self.carry_out(command)
        except UnavailableError:
            raise
        except Exception:
            log.exception("road.fault", package=command.decision_package_id, command=command.verb)
            return Outcome(state=None, refusal=refuse(Reason.TOO_BUSY))

    async def asked_by(self, agent: Agent, command: Command, content_digest: str | None = None) -> Answered:
        """The one road, for an agent: its answer is the document as it is in that very transaction."""
        asked = Asked(
            command=command,
            now=self.clock(),
            actor=agent.actor,
            agent_id=agent.agent_id,
            content_digest=content_digest,
            chance=_throw(),
        )
        made: list[Document] = []

        def operation(connection: Connection) -> Outcome:
            outcome = carry_out(connection, self.house, asked)
            told = outcome.state if outcome.refusal is None else None
            made[:] = [self._document(connection, told, outcome.roster, outcome.words)] if told else []
            return outcome

        outcome = await self._walk(asked, operation)
        return Answered(made[0] if made else {}, outcome.refusal, outcome.replayed)

    async def _walk(self, asked: Asked, operation: Callable[[Connection], Outcome]) -> Outcome:
        """Whoever waits for the package is told after the commit, never before."""
        try:
            outcome = await self.database.write(operation, quick=True, contended=is_contended(asked.command))
        except StaleError:
            return Outcome(state=None, refusal=refuse(Reason.TOO_BUSY))
        if outcome.changed:
            self._tell([asked])
        return outcome

    def _tell(self, changed: Sequence[Asked]) -> None:
        packages = [asked.command.decision_package_id for asked in changed]
        self.waiters.wake(packages)
        if self._notifier:
            self._notifier.tell(packages)
        for notice in self.on_change if changed else ():
            notice()

    async def keep_rendering(self, package_id: str, rendering_id: str, body: str) -> None:
        """Before it is shown: whoever decides on it, what they had before them can be shown later."""
        shown = Drawing(self.house.tenant_id, package_id, rendering_id, body, self.clock())
        await self.write(lambda connection: keep_rendering(connection, shown), quick=True)

    def release(self) -> None:
        """Answers everybody who waits, now and from now on: the process is about to end."""
        self.waiters.release()

    async def read(self, operation: Callable[[Connection], T], *, quick: bool = False) -> T:
        return await self.database.read(operation, quick=quick)

    async def write(self, operation: Callable[[Connection], T], *, quick: bool = False) -> T:
        """For what is no package's state: directory, absences, agents, what was shown."""
        return await self.database.write(operation, quick=quick)

    async def write_once(self, request: str, operation: Callable[[Connection], object]) -> bool:
        """The same for what one request asks for: sent again, to any replica, it changes nothing, and this is False."""
        once = partial(requests.once, tenant_id=self.house.tenant_id, request=request, operation=operation)
        return await self.database.write(once)

    async def has_answered(self, command_id: str) -> bool:
        return await self.database.read(lambda its: has_answered(its, self.house.tenant_id, command_id), quick=True)

    async def agent_of(self, key: str) -> Agent | None:
        return await self.database.read(lambda its: by_key(its, self.house.tenant_id, key, self.clock()), quick=True)

    async def own(
        self, agent_id: str, *, limit: int, after: Cursor | None = None, **wanted: str | None
    ) -> tuple[list[Document], Cursor | None]:
        """A page of an agent's own packages, and where the next one begins if there is one."""

        def operation(connection: Connection) -> tuple[list[Document], Cursor | None]:
            states, following = own(connection, self.house.tenant_id, agent_id, limit=limit, after=after, **wanted)
            return documents(connection, states, self.house.roster(connection), self.clock()), following

        return await self.database.read(operation)

    async def events(self, package_id: str, agent_id: str) -> list[Event] | None:
        """The audit events of an agent's own package."""

        def operation(connection: Connection) -> list[Event] | None:
            state = load_own(connection, self.house.tenant_id, package_id, agent_id)
            return events_of(connection, state.tenant_id, package_id) if state else None

        return await self.database.read(operation)

    async def found(self, package_id: str, agent_id: str) -> Found | None:
        """An agent's own package."""

        def operation(connection: Connection) -> Found | None:
            state = load_own(connection, self.house.tenant_id, package_id, agent_id)
            return Found(state.revision, self._document(connection, state)) if state else None

        return await self.database.read(operation, quick=True)

    def _document(
        self,
        connection: Connection,
        state: PackageState,
        roster: Roster | None = None,
        known: Mapping[str, Words] | None = None,
    ) -> Document:
        return documents(connection, [state], roster or self.house.roster(connection), self.clock(), known)[0]

    async def next_change(self, package_id: str, agent_id: str, seen: int | None, seconds: float) -> Found | None:
        """The package as soon as its revision is not the one seen; else, when time is up, as it is.

        Who has seen nothing yet wants the end: it is given at once where it has come, and awaited where it has not.
        """
        with self.waiters.waiting_for(package_id) as waiter:
            tenant_id = self.house.tenant_id
            at = await self.database.read(lambda its: glance(its, tenant_id, package_id), quick=True)
            if at is None or at.agent_id != agent_id:
                return None
            waiter.seen = at.revision if seen is None else seen
            if at.revision == waiter.seen and not (seen is None and at.status.terminal):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        return await self._moved(package_id, agent_id, waiter)
            return await self.found(package_id, agent_id)

    async def _moved(self, package_id: str, agent_id: str, waiter: Waiter) -> Found | None:
        """Once the package is no longer where the waiter saw it. A waiter may be woken for nothing."""
        while not self.waiters.released:
            await waiter.news()
            found = await self.found(package_id, agent_id)
            if found is None or found.revision != waiter.seen:
                return found
        return await self.found(package_id, agent_id)


def _notifier(url: str, waiters: Waiters) -> Notifier:
    from store.notifier import Notifier  # noqa: PLC0415 - with it comes PostgreSQL's driver, and one file does without

    return Notifier(url, waiters)


def _throw() -> float:
    return random.random()  # noqa: S311 - which consents are looked at afterwards is a matter of chance, not a secret
