"""A database with an audit record: some packages were decided, and an agent was paused."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, text, update
from sqlalchemy.engine import make_url

from rules.package.model import DecisionPackage
from rules.people.directory import Actor, ActorKind, AgentStanding
from rules.state import commands
from rules.state.commands import Command
from rules.state.model import PackageState
from rules.verbs.submission import Submit
from store.agents import agent_admin
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.engine.engines import make_engine, transact
from store.installation import directory, tenancy
from store.installation.installation import INSTALLATION, Installation, fresh_id
from store.outbox.renderings import NewRendering, save_rendering
from tests.rules.world import HARD, NOW, OWEN, POLICY, SENTA, ask, card_shown, package, people


class AuditDatabase(NamedTuple):
    engine: Engine
    tenant_id: str
    approved: str
    rejected: str
    mailed: str


def write_record(url: str) -> AuditDatabase:
    engine = make_engine(make_url(url))
    walk = transact(engine, _walk)
    approved = walk.approve(engine, HARD)
    rejected = walk.reject(engine, HARD)
    mailed = walk.approve(engine, package(action_type="mail.send", risk_level="high"))
    transact(engine, lambda connection: agent_admin.set_standing(connection, "clerk", AgentStanding.PAUSED, NOW))
    return AuditDatabase(engine, walk.installation.tenant_id, approved, rejected, mailed)


class Walk(NamedTuple):
    installation: Installation
    agent_id: str

    def approve(self, engine: Engine, content: DecisionPackage) -> str:
        state = self._submit(engine, content)
        state = self._execute(engine, ask(commands.Comment, state), SENTA)
        return self._execute(engine, ask(commands.Approve, state), SENTA).decision_package_id

    def reject(self, engine: Engine, content: DecisionPackage) -> str:
        state = self._submit(engine, content)
        return self._execute(engine, ask(commands.Reject, state), SENTA).decision_package_id

    def _submit(self, engine: Engine, content: DecisionPackage) -> PackageState:
        package_id = f"pkg_{fresh_id()}"
        command = Submit(command_id=f"cmd_{package_id}", decision_package_id=package_id, package=content)
        return self._execute(engine, command, None)

    def _execute(self, engine: Engine, command: Command, by: str | None) -> PackageState:
        kind = ActorKind.PERSON if by else ActorKind.AGENT
        actor = Actor(kind=kind, actor_id=by or self.agent_id)
        asked = Invocation(command=command, now=NOW, actor=actor, agent_id=None if by else self.agent_id)
        if getattr(command, "rendering_id", None):
            transact(engine, lambda connection: save_rendering(connection, self._rendering(command)))
        outcome = transact(engine, lambda connection: execute(connection, self.installation, asked))
        assert outcome.state is not None, outcome
        assert outcome.refusal is None, outcome
        return outcome.state

    def _rendering(self, command: Command) -> NewRendering:
        package_id = command.decision_package_id
        return NewRendering(self.installation.tenant_id, package_id, *card_shown(package_id), NOW)


def _walk(connection: Connection) -> Walk:
    directory.replace_directory(connection, people().values(), {}, NOW)
    agent = agent_admin.add_agent(connection, "clerk", OWEN, NOW)
    connection.execute(update(INSTALLATION).values(policy_digest=POLICY.digest))
    return Walk(Installation(tenancy.read_tenant_id(connection), POLICY), agent.agent_id)


def tamper(engine: Engine, statement: str, **values: Any) -> int:
    """Change the database as its owner can."""
    with engine.begin() as connection:
        switch_off_triggers(connection)
        return connection.execute(text(statement), values).rowcount


def switch_off_triggers(connection: Connection) -> None:
    """Until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        _drop_triggers(connection)


def _drop_triggers(connection: Connection) -> None:
    named = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    for name in named:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
