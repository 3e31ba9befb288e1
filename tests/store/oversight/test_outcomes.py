"""The row of an outcome is derived soon after the change, follows later ones, and is verified and filled in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.engine import make_url

from rules.oversight.judgments import DecisionTimes
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ClaimTask, OpenDetails, Reject, Revoke
from store.audit.reader import snapshot, verify_database
from store.engine.engines import make_engine
from store.migrations.upgrade import upgrade
from store.oversight.outcomes import JUDGMENTS, OUTCOMES, count_all, count_some, is_any_uncounted
from store.packages.packages import PACKAGES
from tests.rules.world import MINUTE, SAUL, SENTA, SUSI, ask
from tests.store.audit_record import tamper
from tests.store.oversight.history import approve_critical, live_through, unrelated
from tests.store.oversight.test_statistics import BUSY
from tests.store.world import World, open_world, replica


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, BUSY) as world:
        await live_through(world)
        await count_all(world.store.database)
        yield world


def read_rows(connection: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(OUTCOMES).order_by(OUTCOMES.c.package_id)).mappings()]


def read_judgments(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(select(JUDGMENTS)).mappings()
    return sorted(map(dict, rows), key=lambda row: (row["package_id"], row["reviewer_id"]))


async def only_row(world: World) -> dict[str, Any]:
    await count_all(world.store.database)
    (row,) = await world.read(read_rows)
    return row


def faults(url: str) -> list[str]:
    engine = make_engine(make_url(url))
    with snapshot(engine) as connection:
        sentences = [str(fault) for fault in verify_database(connection)]
    engine.dispose()
    return sentences


async def test_an_open_package_has_no_outcome(world: World) -> None:
    await world.submit(unrelated("high"))
    assert await world.read(read_rows) == []


async def test_a_package_is_counted_once_for_its_end_and_once_for_what_comes_afterwards(world: World) -> None:
    state = await world.submit_and_approve(unrelated("high"), by=SENTA)
    assert [await world.write(count_some) for _ in range(2)] == [1, 0]
    await world.claim(state)
    assert await world.write(count_some) == 0
    await world.report(state, "failed")
    assert [await world.write(count_some) for _ in range(2)] == [1, 0]


async def test_an_end_that_is_not_counted_yet_is_kept_through_later_changes(world: World) -> None:
    state = await world.submit_and_approve(unrelated("high"), by=SENTA)
    await world.claim(state)
    assert (await only_row(world))["facts"] == "approved allowed"


async def test_processes_that_count_at_once_write_each_outcome_once(busy: World) -> None:
    expected = await busy.read(read_rows)
    await busy.write(lambda connection: connection.execute(update(PACKAGES).values(uncounted=True)))
    async with replica(busy, BUSY) as other:
        await asyncio.gather(*(count_all(world.store.database) for world in (busy, other)))
    assert await busy.read(read_rows) == expected
    assert not await busy.read(is_any_uncounted)


async def test_an_unreadable_package_holds_up_no_other(world: World) -> None:
    lost, good = [await world.submit_and_approve(unrelated("high"), by=SENTA) for _ in range(2)]
    broken = update(PACKAGES).where(PACKAGES.c.package_id == lost.decision_package_id).values(state="{}")
    await world.write(lambda connection: connection.execute(broken))
    assert (await only_row(world))["package_id"] == good.decision_package_id


async def test_the_audit_expects_no_outcome_before_it_is_counted(world: World) -> None:
    await world.submit_and_approve(unrelated("high"), by=SENTA)
    assert faults(world.url) == []


async def test_the_time_to_decide_has_three_parts(world: World) -> None:
    state = await world.submit(unrelated("high"))
    world.clock.passes(4 * MINUTE)
    await world.after(ask(ClaimTask, state), SENTA)
    world.clock.passes(2 * MINUTE)
    await world.after(ask(OpenDetails, state), SENTA)
    world.clock.passes(MINUTE)
    await world.after(ask(Approve, state), SENTA)
    row = await only_row(world)
    parts = [row[name] / 60_000 for name in DecisionTimes._fields]
    assert parts == [7, 4, 2, 1]


async def test_what_another_person_opened_is_seen_but_not_read_by_the_one_who_decides(world: World) -> None:
    state = await world.submit(unrelated("high"))
    world.clock.passes(MINUTE)
    await world.after(ask(OpenDetails, state), SUSI)
    world.clock.passes(MINUTE)
    await world.after(ask(Reject, state), SENTA)
    row = await only_row(world)
    assert [row[name] / 60_000 for name in DecisionTimes._fields] == [2, 1, 1, 0]


async def test_what_comes_afterwards_changes_the_incident_and_not_the_moment(world: World) -> None:
    state = await world.submit_and_approve(unrelated("high"), by=SENTA)
    before = await only_row(world)
    world.clock.passes(MINUTE)
    await world.after(ask(Revoke, state), SUSI)
    assert await only_row(world) == before | {"facts": "approved allowed incident"}


async def test_a_failure_that_a_retry_made_good_stays_an_incident(world: World) -> None:
    state = await world.submit_and_approve(unrelated("high"), by=SENTA)
    await world.claim(state)
    assert (await only_row(world))["facts"] == "approved allowed"
    await world.report(state, "failed")
    await world.report(state, "rolled_back")
    assert (await only_row(world))["facts"] == "approved allowed incident"


async def test_spellings_of_an_action_type_are_counted_together(world: World) -> None:
    await world.submit_and_approve(unrelated(action_type="Record.READ"), by=SENTA)
    assert (await only_row(world))["action_type"] == "record.read"


async def test_an_untouched_database_has_no_faults_after_weeks_of_reviews(busy: World) -> None:
    assert faults(busy.url) == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE outcomes SET facts = replace(facts, 'incident', '') WHERE facts LIKE 'overridden%'", "wrong: facts"),
        ("UPDATE outcomes SET facts = 'approved' WHERE facts LIKE 'overridden%'", "wrong: facts"),
        ("UPDATE outcomes SET ended_at = '2020-01-01' WHERE facts LIKE 'overridden%'", "wrong: ended_at"),
        ("UPDATE outcomes SET decided_ms = 1 WHERE facts LIKE 'overridden%'", "wrong: decided_ms"),
        ("DELETE FROM outcomes WHERE facts LIKE 'overridden%'", "it is missing"),
        ("UPDATE outcomes SET package_id = 'pkg_x' WHERE facts LIKE 'overridden%'", "belongs to no package"),
        ("UPDATE outcomes SET tenant_id = 'inst_x' WHERE facts LIKE 'overridden%'", "belongs to another tenant"),
        ("UPDATE judgments SET reviewer_id = 'UROSS' WHERE facts LIKE 'overridden%'", "of its judgments are wrong"),
        ("UPDATE judgments SET judgment = '' WHERE facts LIKE 'overridden%'", "of its judgments are wrong"),
        ("UPDATE judgments SET decided_ms = 1 WHERE facts LIKE 'overridden%'", "of its judgments are wrong"),
        ("DELETE FROM judgments WHERE facts LIKE 'overridden%'", "of its judgments are wrong"),
        ("UPDATE judgments SET package_id = 'pkg_x' WHERE facts LIKE 'overridden%'", "judgment belongs to no package"),
        ("UPDATE judgments SET tenant_id = 'inst_x' WHERE facts LIKE 'overridden%'", "belongs to another tenant"),
    ],
)
async def test_a_changed_row_is_found(busy: World, statement: str, what: str) -> None:
    engine = make_engine(make_url(busy.url))
    assert tamper(engine, statement) == 1
    engine.dispose()
    assert [fault for fault in faults(busy.url) if what in fault] != []


async def test_the_next_migration_marks_what_an_older_release_did_not_count(busy: World) -> None:
    expected = await busy.read(read_rows)
    engine = make_engine(make_url(busy.url))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM outcomes WHERE facts LIKE 'overridden%'"))
        connection.execute(text("DROP INDEX ix_packages_uncounted"))
        connection.execute(text("ALTER TABLE packages DROP COLUMN uncounted"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0023'"))
        upgrade(connection, "0024")
    engine.dispose()
    assert await busy.write(count_some) == 1
    assert await busy.read(read_rows) == expected


async def test_the_migration_fills_in_what_the_service_would_have_written(busy: World) -> None:
    expected = await busy.read(read_rows)
    engine = make_engine(make_url(busy.url))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE outcomes"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0019'"))
        upgrade(connection, "0020")
        filled = read_rows(connection)
    engine.dispose()
    assert (filled, len(filled)) == (expected, 28)


async def test_the_next_migration_has_judgments_counted_of_what_ended_before(busy: World) -> None:
    expected = await busy.read(read_rows), await busy.read(read_judgments)
    engine = make_engine(make_url(busy.url))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE judgments"))
        connection.execute(text("DROP INDEX ix_packages_judge"))
        connection.execute(text("ALTER TABLE packages DROP COLUMN judge"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0028'"))
        upgrade(connection, "0029")
    engine.dispose()
    await count_all(busy.store.database)
    assert (await busy.read(read_rows), await busy.read(read_judgments)) == expected
    assert len(expected[1]) == 33


async def judgments_of(world: World) -> list[tuple[str, bool, str]]:
    await count_all(world.store.database)
    return [(row["reviewer_id"], row["decided"], row["judgment"]) for row in await world.read(read_judgments)]


async def test_a_judgment_says_what_the_person_did_and_read(world: World) -> None:
    split = await world.submit(unrelated("critical"))
    await approve_critical(world, split, SUSI)
    await world.after(ask(Reject, split), SAUL)
    assert await judgments_of(world) == [
        (SAUL, True, "decided several differed"),
        (SUSI, False, "approved opened several differed"),
    ]


async def test_details_of_an_earlier_version_are_not_those_of_the_approved_one(world: World) -> None:
    proposed = unrelated("high")
    state = await world.after(ask(OpenDetails, await world.submit(proposed)), SENTA)
    content = proposed.model_copy(update={"action_parameters": {"record": "another"}})
    await world.execute_for_agent(ask(NewVersion, state, package=content))
    await world.after(ask(Approve, await world.state(state.decision_package_id)), SENTA)
    assert await judgments_of(world) == [(SENTA, True, "decided approved")]
