"""Compiled statements send the same values and return the same rows as SQLAlchemy."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Select, Table, bindparam, insert, literal, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from rules.state.commands import Escalate
from store.agents.agents import AGENTS
from store.engine.batch import batched_writes, write_row
from store.engine.statements import fetch_all, fetch_first
from store.installation import directory
from store.packages.packages import PACKAGES
from store.schema.tables import ReviewTaskRow, core
from tests.rules.world import HARD, HOUR, RITA, ROSS, SENTA, ask
from tests.store.world import World

TASKS = core(ReviewTaskRow)
OF_TENANT = PACKAGES.c.tenant_id == bindparam("tenant")


async def lived_in(world: World) -> None:
    """An approved package, an escalated one and an absence: rows with times, numbers, booleans and NULL."""
    await world.submit_and_approve(by=RITA)
    await world.after(ask(Escalate, await world.submit(HARD)), SENTA)
    await world.write(
        lambda connection: directory.begin_absence(connection, ROSS, world.clock() + HOUR, None, world.clock())
    )


@pytest.mark.parametrize("name", ["absences", "agents", "commands", "installation", "packages", "people", "tasks"])
async def test_a_row_equals_the_row_of_sqlalchemy(world: World, name: str) -> None:
    await lived_in(world)
    table = TASKS if name == "tasks" else SQLModel.metadata.tables[name]
    query = select(table).where(table.c.tenant_id == bindparam("tenant")).order_by(*table.primary_key)
    key = {"tenant": world.tenant_id}
    usual = await world.read(lambda connection: [dict(row) for row in connection.execute(query, key).mappings()])
    ours = await world.read(lambda connection: [row._asdict() for row in fetch_all(connection, query, key)])
    assert usual
    assert ours == usual


@pytest.mark.parametrize(
    "query",
    [
        select(PACKAGES.c.package_id, PACKAGES.c.version.label("current")).where(OF_TENANT, PACKAGES.c.revision > 1),
        select(PACKAGES.c.status, literal("so").label("said")).where(OF_TENANT).limit(1),
        select(PACKAGES.c.created_at).where(OF_TENANT, PACKAGES.c.decided_at.is_(None)).with_for_update(),
        select(AGENTS.c.name).join(PACKAGES, PACKAGES.c.agent_id == AGENTS.c.agent_id).where(OF_TENANT).distinct(),
    ],
    ids=["a name and a number of its own", "a word and a limit", "a lock", "a join"],
)
async def test_literal_values_of_a_statement_are_sent(world: World, query: Select[Any]) -> None:
    await lived_in(world)
    key = {"tenant": world.tenant_id}
    usual = await world.read(lambda connection: [tuple(row) for row in connection.execute(query, key)])
    ours = await world.read(lambda connection: [tuple(row) for row in fetch_all(connection, query, key)])
    assert usual
    assert ours == usual


async def test_a_constant_none_is_written_as_null(world: World) -> None:
    statement = insert(AGENTS).values(callback_url=None)
    row = {"tenant_id": world.tenant_id, "agent_id": "agt_x", "name": "X", "owner": RITA, "standing": "active"}

    def add_and_read(connection: Connection) -> Any:
        with batched_writes(connection) as batch:
            batch.execute(statement, row | {"created_at": world.clock()})
        return fetch_first(
            connection, select(AGENTS).where(AGENTS.c.agent_id == bindparam("agent")), {"agent": "agt_x"}
        )

    agent = await world.write(add_and_read)
    assert (agent.name, agent.callback_url, agent.created_at) == ("X", None, world.clock())


async def test_a_row_that_leaves_out_a_value_with_a_default_is_refused(world: World) -> None:
    table = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("attempts", Integer, default=0))

    def leave_out(connection: Connection) -> None:
        write_row(connection, insert(table), {"id": 1})

    with pytest.raises(TypeError, match="the row must say what attempts is"):
        await world.write(leave_out)


async def test_an_empty_result_is_none(world: World) -> None:
    query = select(PACKAGES.c.state).where(PACKAGES.c.package_id == bindparam("package"))
    assert await world.read(lambda connection: fetch_first(connection, query, {"package": "pkg_none"})) is None
    assert await world.read(lambda connection: fetch_all(connection, query, {"package": "pkg_none"})) == []


async def test_a_driver_error_is_raised_as_the_error_of_sqlalchemy(world: World) -> None:
    nowhere = select(Table("nowhere", MetaData(), Column("number", Integer)).c.number)
    errors = []
    for ask_it in (Connection.execute, fetch_all):
        with pytest.raises(DBAPIError) as caught:
            await world.write(lambda connection, way=ask_it: way(connection, nowhere, {}))  # type: ignore[misc]
        errors.append((type(caught.value), type(caught.value.orig), caught.value.connection_invalidated))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_lost_while_reading_is_replaced(world: World, database_url: str) -> None:
    query = select(PACKAGES.c.status).where(OF_TENANT)
    lost: list[int] = []

    def loses_its_first(connection: Connection) -> list[Any]:
        if not lost:
            lost.append(connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", lost)
        return fetch_all(connection, query, {"tenant": world.tenant_id})

    state = await world.submit()
    assert [row.status for row in await world.read(loses_its_first)] == [state.status.value]
