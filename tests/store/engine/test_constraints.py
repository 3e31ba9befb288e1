"""The name of a violated constraint is found on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from store.commands.write import batch_or_stale
from store.engine.constraints import violated_constraint
from store.engine.database import StaleError
from store.migrations.append_only import append_only_message
from tests.store.audit_record import AuditDatabase, write_record


@pytest.fixture
def record(database_url: str) -> Iterator[AuditDatabase]:
    database = write_record(database_url)
    yield database
    database.engine.dispose()


def again(table: str) -> str:
    return f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1"


def constraint(record: AuditDatabase, statement: str) -> str | None:
    with pytest.raises(IntegrityError) as raised, record.engine.begin() as connection:
        connection.execute(text(statement))
    return violated_constraint(raised.value)


@pytest.mark.parametrize("table", ["packages", "commands", "versions"])
def test_a_violated_primary_key_has_its_name_on_both_databases(record: AuditDatabase, table: str) -> None:
    assert constraint(record, again(table)) == f"{table}_pkey"


def test_a_unique_constraint_has_its_name_on_both_databases(record: AuditDatabase) -> None:
    columns = "tenant_id, agent_id, name, owner, standing, created_at"
    copy = f"INSERT INTO agents ({columns}) SELECT tenant_id, 'agt_2', name, owner, standing, created_at FROM agents"
    assert constraint(record, copy) == "uq_agents_name"


def test_a_missing_value_violates_no_constraint_that_has_a_name(record: AuditDatabase) -> None:
    assert constraint(record, "UPDATE agents SET name = NULL") is None


def test_a_taken_position_in_the_chain_is_reported_by_sqlites_trigger_or_the_primary_key(record: AuditDatabase) -> None:
    taken = {"sqlite": append_only_message("events"), "postgresql": "events_pkey"}
    assert constraint(record, again("events")) == taken[record.engine.dialect.name]


def test_a_constraint_of_an_unknown_table_has_no_name_on_sqlite(record: AuditDatabase) -> None:
    with record.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (number integer CONSTRAINT one_note PRIMARY KEY)"))
        connection.execute(text("INSERT INTO notes VALUES (1)"))
    known = {"sqlite": None, "postgresql": "one_note"}
    assert constraint(record, again("notes")) == known[record.engine.dialect.name]


@pytest.mark.parametrize("table", ["events", "commands"])
def test_a_command_is_stale_if_its_position_in_the_chain_is_taken(record: AuditDatabase, table: str) -> None:
    with pytest.raises(StaleError), record.engine.begin() as connection, batch_or_stale(connection):
        connection.execute(text(again(table)))


@pytest.mark.parametrize("table", ["packages", "votes"])
def test_any_other_violated_key_is_a_fault(record: AuditDatabase, table: str) -> None:
    with pytest.raises(IntegrityError), record.engine.begin() as connection, batch_or_stale(connection):
        connection.execute(text(again(table)))
