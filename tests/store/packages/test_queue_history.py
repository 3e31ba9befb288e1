"""Past decisions on both databases; neither they nor the queue need a full table scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url

from rules.state.commands import Approve, Comment, Reject, Revise
from rules.state.model import PackageState
from store.engine.engines import make_engine
from store.installation.tenancy import read_tenant_id
from store.migrations.migrate import migrate
from store.packages import queue
from store.packages.paging import Cursor
from tests.rules.world import MINUTE, NOW, RITA, ROSS, SOFT, ask, package
from tests.store.world import World


def names(*states: PackageState) -> list[str]:
    return [state.decision_package_id for state in states]


async def test_own_decisions_are_listed_newest_first_and_paged(world: World) -> None:
    for kind in (Approve, Reject, Revise):
        world.clock.passes(MINUTE)
        state = await world.submit(package(action_parameters={"record": kind.__name__}))
        await world.after(ask(Comment, state), RITA)
        await world.after(ask(kind, state), RITA)
    await world.submit_and_approve(by=ROSS)
    first = await world.read(lambda connection: queue.list_decisions_by(connection, world.tenant_id, RITA, limit=2))
    rest = await world.read(
        lambda connection: queue.list_decisions_by(connection, world.tenant_id, RITA, limit=2, after=first[-1][:2])
    )
    assert [given.decision for given in (*first, *rest)] == ["revise", "reject", "approve"]
    assert [given.package.status for given in (*first, *rest)] == ["revision_requested", "rejected", "approved"]
    assert first[0].at == world.clock()


async def test_a_card_can_show_earlier_decisions_about_the_same_subject(world: World) -> None:
    about: dict[str, Any] = {"subject_type": "case", "subject_id": "456", "material_change": "A new record."}
    first = await world.submit_and_approve(package(**about), by=RITA)
    world.clock.passes(MINUTE)
    second = await world.submit(package(**about, action_parameters={"record": "43"}))
    await world.after(ask(Reject, second), RITA)
    await world.submit_and_approve(package(**about, action_type="record.update"), by=RITA)
    await world.submit_and_approve(package(**(about | {"subject_id": "457"})), by=RITA)
    await world.submit(package(**about))
    now = await world.submit(package(**about))
    before = await world.read(lambda connection: queue.list_similar_decided(connection, now))
    assert names(*before) == names(second, first)
    assert [state.decision.decision for state in before if state.decision] == ["reject", "approve"]
    assert names(*await world.read(lambda connection: queue.list_similar_decided(connection, now, limit=1))) == names(
        second
    )
    assert await world.read(lambda connection: queue.list_similar_decided(connection, second)) == [first]


async def test_a_package_without_a_subject_has_no_similar_packages(world: World) -> None:
    await world.submit_and_approve(SOFT, by=RITA)
    now = await world.submit(SOFT)
    assert await world.read(lambda connection: queue.list_similar_decided(connection, now)) == []


def test_no_page_needs_a_full_table_scan(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'its.db'}"
    migrate(url, NOW)
    engine, seen = make_engine(make_url(url)), []
    event.listen(engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2:4]))
    with engine.connect() as connection:
        place, mine = Cursor(1, NOW, "rt_1"), read_tenant_id(connection)
        seen.clear()
        queue.list_open_tasks(connection, mine, ["reviewer", "supervisor"], limit=5, after=place)
        queue.list_assigned(connection, mine, RITA, limit=5, after=place)
        queue.count_open_items(connection, mine, [RITA])
        queue.list_decisions_by(connection, mine, RITA, limit=5)
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all() for sql, given in tuple(seen)]
    engine.dispose()
    steps = [row.detail for plan in plans for row in plan]
    assert [step for step in steps if step.startswith("SCAN") and "anon" not in step] == []
    assert {index for step in steps for index in step.split() if index.startswith("ix_")} == {
        "ix_review_tasks_queue",
        "ix_review_tasks_mine",
        "ix_votes_reviewer",
    }
