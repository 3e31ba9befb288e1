"""The schema: migrations create exactly the tables of the models, also if repeated or run concurrently."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, Insert, column, insert, inspect, table, text
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from store.commands.policies import PolicyFile
from store.engine.engines import make_engine, transact
from store.installation import tenancy
from store.migrations.append_only import TABLES
from store.migrations.migrate import SchemaError, is_current, migrate, newest_revision
from store.migrations.upgrade import upgrade
from store.packages.packages import is_any_due
from store.schema.tables import OPEN, WAITS, PackageRow, VersionRow, core
from store.store import Store
from tests.fork_server import FORK_CONTEXT, PATIENCE, start_program
from tests.rules.world import NOW, policy, policy_text
from tests.store.world import Clock


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    engine = make_engine(make_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def tenant_of(url: str) -> str:
    with engine_of(url) as engine, engine.connect() as connection:
        return tenancy.read_tenant_id(connection)


def test_a_migrated_database_has_exactly_the_tables_of_the_models(database_url: str) -> None:
    with engine_of(database_url) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_migrated_database_has_its_indexes_under_exactly_the_conditions_of_the_tables(database_url: str) -> None:
    if_sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    if_postgresql = "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix%' ORDER BY indexname"
    with engine_of(database_url) as engine, engine.begin() as connection:
        query = text({"sqlite": if_sqlite, "postgresql": if_postgresql}[engine.dialect.name])
        migrated = connection.execute(query).all()
        for index in [index for table in SQLModel.metadata.sorted_tables for index in table.indexes]:
            index.drop(connection)
            index.create(connection)
        assert connection.execute(query).all() == migrated


def test_primary_keys_are_led_by_the_tenant_so_that_tables_can_be_partitioned(database_url: str) -> None:
    with engine_of(database_url) as engine:
        inspector = inspect(engine)
        keys = {
            table: inspector.get_pk_constraint(table)["constrained_columns"]
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }
    expected = {table.name: [column.name for column in table.primary_key] for table in SQLModel.metadata.sorted_tables}
    assert keys == expected
    assert {columns[0] for columns in keys.values()} == {"tenant_id"}


def test_an_empty_database_is_migrated_and_gets_an_installation(empty_database_url: str) -> None:
    with engine_of(empty_database_url) as engine, engine.connect() as connection:
        before = is_current(connection)
    revision = migrate(empty_database_url, NOW)
    with engine_of(empty_database_url) as engine, engine.connect() as connection:
        after = is_current(connection)
    assert (before, after, revision) == (False, True, newest_revision())
    assert tenant_of(empty_database_url).startswith("inst_")


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url, NOW)
    first = tenant_of(empty_database_url)
    migrate(empty_database_url, NOW)
    assert tenant_of(empty_database_url) == first


def test_the_database_itself_protects_events_and_content(database_url: str) -> None:
    if_sqlite = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    if_postgresql = "SELECT event_object_table FROM information_schema.triggers"
    with engine_of(database_url) as engine, engine.connect() as connection:
        query = {"sqlite": if_sqlite, "postgresql": if_postgresql}[engine.dialect.name]
        protected = set(connection.execute(text(query)).scalars())
    assert protected == {*TABLES, "content"}


def test_existing_profiles_and_held_threads_get_normalized_names(empty_database_url: str) -> None:
    failed, later = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"
    bodies = {
        "CRM.Read": {"current_level": "full_auto", "consecutive_successes": 3, "recent_failures": [later]},
        "crm.read": {"current_level": "soft_approval", "consecutive_successes": 1, "recent_failures": [failed]},
        "mail": {"current_level": "notify_only"},
    }
    profiles = [{"action": name, "body": json.dumps(body)} for name, body in bodies.items()]
    with engine_of(empty_database_url) as engine, engine.begin() as connection:
        upgrade(connection, "0001")
        put = "INSERT INTO autonomy_profiles VALUES ('T1', 'agt_1', :action, :body)"
        connection.execute(text(put), profiles)
        hold = "INSERT INTO threads VALUES ('T1', ' Thr_1 ', 'pkg_1', '2026-11-20 10:00:00')"
        connection.execute(text(hold))
        upgrade(connection)
        rows = connection.execute(text("SELECT action_type, body FROM autonomy_profiles"))
        kept = {row.action_type: row.body for row in rows}
        held = connection.execute(text("SELECT thread_id FROM threads")).scalars().all()
    assert json.loads(kept.pop("crm.read")) == {
        "current_level": "soft_approval",
        "consecutive_successes": 1,
        "recent_failures": [failed, later],
        "demoted_at": None,
    }
    assert (kept, held) == ({"mail": json.dumps(bodies["mail"])}, ["thread:thr_1"])


def test_existing_packages_and_versions_are_found_by_the_new_indexes(empty_database_url: str) -> None:
    package = _package()
    version = {name: package[name] for name in ("tenant_id", "package_id", "agent_id", "version", "created_at")}
    version |= {"action_digest": "", "level": "soft_approval", "event_id": "evt_1"}
    with engine_of(empty_database_url) as engine, engine.begin() as connection:
        upgrade(connection, "0010")
        connection.execute(_insert_packages(package), package)
        connection.execute(insert(core(VersionRow)), version)
        upgrade(connection)
        open_ones = connection.execute(text(f"SELECT package_id FROM packages WHERE {OPEN}")).scalars().all()
        waiting = connection.execute(text(f"SELECT package_id FROM versions WHERE {WAITS}")).scalars().all()
        due = is_any_due(connection, "T1", NOW)
    assert (open_ones, waiting, due) == (["pkg_1"], ["pkg_1"], True)


def test_existing_second_looks_are_migrated_to_columns(empty_database_url: str) -> None:
    states = {
        "unsampled": '"sampled":false,"verdict":null',
        "waits": '"sampled":true,"verdict":null',
        "sound": '"sampled":true,"verdict":"sound"',
        "unsound": '"sampled":true,"verdict":"unsound"',
        "quoted": r'"sampled":false,"thread_id":"\"sampled\":true,\"verdict\":\"sound\""',
    }
    packages = [_package(package_id=name, state=f"{{{state}}}") for name, state in states.items()]
    query = "SELECT package_id, sampled, verdict FROM packages"
    with engine_of(empty_database_url) as engine, engine.begin() as connection:
        upgrade(connection, "0011")
        connection.execute(_insert_packages(packages[0]), packages)
        upgrade(connection)
        kept = {row.package_id: (bool(row.sampled), row.verdict) for row in connection.execute(text(query))}
    assert kept == {
        "unsampled": (False, None),
        "waits": (True, None),
        "sound": (True, "sound"),
        "unsound": (True, "unsound"),
        "quoted": (False, None),
    }


def _insert_packages(package: dict[str, object]) -> Insert:
    """Into the columns of then: later ones may have defaults that the code fills in."""
    of_today = core(PackageRow)
    return insert(table("packages", *(column(name, of_today.c[name].type) for name in package)))


def _package(**fields: object) -> dict[str, object]:
    """A row of a package, with the columns of the first release."""
    row = {"tenant_id": "T1", "package_id": "pkg_1", "agent_id": "agt_1", "version": 1, "created_at": NOW}
    row |= {"revision": 1, "head": "", "status": "pending", "level": "soft_approval", "risk": "low", "state": ""}
    return {**row, "action_type": "mail", "thread_id": "thr_1", "due_at": NOW, "updated_at": NOW, **fields}


def _migrates(url: str, start: Barrier) -> None:
    start.wait(PATIENCE)
    print(migrate(url, datetime.now(UTC)))  # noqa: T201 - what a program says


async def test_replicas_that_start_at_once_on_an_empty_database_migrate_it_once(
    empty_database_url: str, tmp_path: Path
) -> None:
    starter = partial(_migrates, empty_database_url, FORK_CONTEXT.Barrier(3))
    starters = [await start_program(starter, cwd=tmp_path, env=os.environ) for _ in range(3)]
    answers = [await starter.communicate() for starter in starters]
    assert answers == [(f"{newest_revision()}\n".encode(), b"")] * 3
    assert [starter.returncode for starter in starters] == [0] * 3
    assert len(tenant_of(empty_database_url)) == len("inst_") + 20


def test_concurrent_migrations_run_one_after_the_other(empty_database_url: str) -> None:
    barrier = threading.Barrier(4)

    def start(_: int) -> str:
        barrier.wait(20)
        return migrate(empty_database_url, NOW)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(start, range(4))) == [newest_revision()] * 4


def test_several_processes_can_open_a_new_file_at_the_same_time(tmp_path: Path) -> None:
    """SQLite refuses all but one of them without waiting."""

    def open_database(turn: int) -> None:
        barrier.wait(20)
        with engine_of(f"sqlite:///{tmp_path / str(turn)}.db") as engine:
            transact(engine, lambda connection: connection.execute(text("CREATE TABLE IF NOT EXISTS t (x)")))

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        for turn in range(100):
            list(threads.map(open_database, [turn] * 4))


async def test_replicas_that_open_at_once_under_a_new_policy_keep_its_text_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = policy(version="new")
    stores = await asyncio.gather(
        *(Store.open(database_url, PolicyFile(new, policy_text(new)), Clock()) for _ in range(6))
    )
    query = text("SELECT (SELECT count(*) FROM policies), (SELECT count(*) FROM tenant_events)")
    kept = await stores[0].read(lambda connection: connection.execute(query).one())
    for store in stores:
        await store.close()
    assert tuple(kept) == (1, 1)


def test_a_newer_schema_is_refused_with_one_line(database_url: str) -> None:
    engine = make_engine(make_url(database_url))
    transact(engine, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    engine.dispose()
    with pytest.raises(SchemaError, match=r"has schema 9999, which is newer than this release .*; run the release"):
        migrate(database_url, NOW)


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_role_without_migration_rights_starts_on_a_current_schema_or_says_what_to_run(
    empty_database_url: str,
) -> None:
    name = make_url(empty_database_url).database
    role = f"app_{name}"
    as_role = make_url(empty_database_url).set(username=role).render_as_string(hide_password=False)
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        try:
            with pytest.raises(SchemaError, match="run: countersign migrate, with COUNTERSIGN_MIGRATION_URL"):
                migrate(as_role, NOW)
            migrate(empty_database_url, NOW)
            owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
            assert migrate(as_role, NOW) == newest_revision()
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")
