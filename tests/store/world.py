"""The installation of the rules' tests in a database: people, policy, agents and a manual clock."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, update

from rules.package.model import DecisionPackage
from rules.people.agent_keys import UNLIMITED, Rates
from rules.people.directory import AUTO, Actor, ActorKind, Agent, Person
from rules.policy.model import Policy
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.commands import Approve, Command
from rules.state.model import PackageState
from rules.state.service_commands import Show
from rules.state.sightings import CardLocation
from rules.verbs.submission import Submit
from store.agents import agent_admin, agents
from store.commands.execute import Outcome
from store.commands.policies import PolicyFile
from store.commands.situation import load_situation
from store.engine.database import PostgresDatabase
from store.installation import directory
from store.outbox.cards import CARDS
from store.packages import packages
from store.replies import AgentReply
from store.store import Store
from tests.rules.world import ALL, CARD, NOW, OWEN, SOFT, ask, card_shown, people, policy, policy_text

T = TypeVar("T")

# The clock of these tests jumps, and nobody refreshes the directory meanwhile.
LASTING: dict[str, Any] = {"directory": {"max_age": "1000d"}}
POLICY = policy(**LASTING)
NO_LIMITS = Rates(per_minute=UNLIMITED, max_open=UNLIMITED)  # these tests are not about limits

_fresh = itertools.count(1)


class Clock:
    """Business time that changes only when a test moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def passes(self, span: timedelta) -> None:
        self.now += span


def fresh(kind: str) -> str:
    return f"{kind}_{next(_fresh)}"


def reviewer(user_id: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, actor_id=user_id)


class World:
    """A store with its agents, and a method for each action."""

    def __init__(self, url: str, store: Store, clock: Clock) -> None:
        self.url, self.store, self.clock = url, store, clock
        self.agent: Agent

    async def read(self, operation: Callable[[Connection], T]) -> T:
        return await self.store.read(operation)

    async def write(self, operation: Callable[[Connection], T]) -> T:
        return await self.store.database.write(operation)

    async def hire(self, name: str) -> Agent:
        credentials = await self.write(
            lambda connection: agent_admin.add_agent(connection, name, OWEN, self.clock(), rates=NO_LIMITS)
        )
        hired = await self.read(lambda connection: agents.load_agent(connection, self.tenant_id, credentials.agent_id))
        assert hired is not None
        return hired

    async def people_are(self, everybody: dict[str, Person]) -> None:
        await self.write(
            lambda connection: directory.replace_directory(connection, everybody.values(), {}, as_of=self.clock.now)
        )

    @property
    def tenant_id(self) -> str:
        return self.store.installation.tenant_id

    async def execute_for_agent(
        self, command: Command, agent: Agent | None = None, digest: str | None = None
    ) -> AgentReply:
        return await self.store.execute_for_agent(agent or self.agent, command, digest)

    async def submit(self, package: DecisionPackage = SOFT, agent: Agent | None = None) -> PackageState:
        """Submit a package and return its state."""
        answered = await self.execute_for_agent(submission(package), agent)
        assert answered.refusal is None, answered.refusal.sentence
        return await self.state(answered.document["decision_package_id"])

    async def do(self, command: Command, by: str | Actor = AUTO) -> Outcome:
        """Execute it. What a decision says to have been shown is saved first, as the service does."""
        shown = card_shown(command.decision_package_id)
        if getattr(command, "rendering_id", None) == shown.rendering_id:
            await self.store.save_rendering(command.decision_package_id, *shown)
        return await self.store.execute(command, reviewer(by) if isinstance(by, str) else by)

    async def after(self, command: Command, by: str | Actor = AUTO) -> PackageState:
        outcome = await self.do(command, by)
        assert outcome.refusal is None, outcome.refusal.sentence
        assert outcome.state is not None
        return outcome.state

    async def submit_and_approve(
        self, package: DecisionPackage = SOFT, *, by: str, agent: Agent | None = None
    ) -> PackageState:
        state = await self.submit(package, agent)
        return await self.after(ask(Approve, state), by)

    async def save_card(self, state: PackageState, card: CardLocation = CARD) -> None:
        """Record this message as the only card of the package."""
        here = (CARDS.c.package_id == state.decision_package_id, CARDS.c.tenant_id == state.tenant_id)
        await self.write(
            lambda connection: connection.execute(update(CARDS).where(*here).values(channel=card.channel, ts=card.ts))
        )

    async def submit_and_show(self, package: DecisionPackage = SOFT, seen_by: frozenset[str] = ALL) -> PackageState:
        """A package with a posted card that these people can see."""
        state = await self.submit(package)
        await self.save_card(state)
        return await self.after(ask(Show, state, seen_by=seen_by))

    async def claim(self, state: PackageState, **fields: Any) -> AgentReply:
        return await self.execute_for_agent(ask(ClaimExecution, state, **fields))

    async def report(self, state: PackageState, outcome: str = "succeeded", **fields: Any) -> AgentReply:
        return await self.execute_for_agent(ask(ReportExecution, state, outcome=outcome, **fields))

    async def state(self, package_id: str) -> PackageState:
        loaded = await self.read(lambda connection: packages.load_package(connection, self.tenant_id, package_id))
        assert loaded is not None, package_id
        return loaded.state


def submission(package: DecisionPackage = SOFT, package_id: str | None = None, command_id: str | None = None) -> Submit:
    return Submit(
        command_id=command_id or fresh("submit"), decision_package_id=package_id or fresh("pkg"), package=package
    )


@asynccontextmanager
async def open_replica(url: str, policy: Policy = POLICY, clock: Clock | None = None) -> AsyncIterator[World]:
    """A replica of the service's store, perhaps beside others."""
    clock = clock or Clock()
    store = await Store.open(url, PolicyFile(policy, policy_text(policy)), clock)
    try:
        yield World(url, store, clock)
    finally:
        await store.close()


@asynccontextmanager
async def open_world(url: str, policy: Policy = POLICY) -> AsyncIterator[World]:
    """The first replica, with people and one agent."""
    async with open_replica(url, policy) as world:
        await world.people_are(people())
        world.agent = await world.hire("Clerk")
        yield world


@asynccontextmanager
async def replica(of: World, policy: Policy = POLICY) -> AsyncIterator[World]:
    """Another replica with the same database, agent and clock, perhaps with another policy."""
    async with open_replica(of.url, policy, of.clock) as world:
        world.agent = of.agent
        yield world


def all_load_first(monkeypatch: pytest.MonkeyPatch, world: World, parties: int) -> None:
    """Make all commands wait until each has loaded the package, so that all decide on the same state.

    Only first attempts wait; retries run freely. SQLite has one writer, so a command cannot load the package before the
    other has finished, and nothing waits.
    """
    first = iter(range(parties if world.url.startswith("postgresql") else 0))
    lock, barrier = threading.Lock(), threading.Barrier(parties)

    def wait_and_load(*arguments: Any) -> Any:
        with lock:
            waits = next(first, None) is not None
        if waits:
            barrier.wait(timeout=20)
        return load_situation(*arguments)

    monkeypatch.setattr("store.commands.execute.load_situation", wait_and_load)
    separate_transactions(monkeypatch)


def separate_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each operation its own transaction on PostgreSQL, as if each came from another replica."""
    write = PostgresDatabase.write

    async def alone(database: PostgresDatabase, operation: Callable[[Connection], T], **_: bool) -> T:
        return await write(database, operation)

    monkeypatch.setattr(PostgresDatabase, "write", alone)
