"""The audit of threads: their events, the names that are stopped, and the packages that follow them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, Engine, text

from rules.state.commands import TakeOver
from rules.threads.commands import CancelThread, HoldThread, OfferHandoff, ReportCheckpoint, ThreadCommand
from store.audit.reader import Selection, matching_events, read_trails, verify_database
from store.engine.address import parse_database_url
from store.engine.engines import begin_immediate, make_engine
from store.installation.tenancy import read_tenant_id
from store.threads.thread_store import ThreadStore
from tests.rules.world import RITA, SENTA, SOFT, ask
from tests.store.audit_record import switch_off_triggers
from tests.store.world import World, fresh, open_world, reviewer

_HELD = "FROM thread_records WHERE status = 'held'"
_OF_HELD = f"package_id = (SELECT thread_key {_HELD})"
_STOP_OF_HELD = "package_id LIKE 'held:%' AND thread_id = 'thread:held'"

FORGERIES: dict[str, tuple[str, str]] = {
    "a changed event": (
        f"UPDATE events SET body = replace(body, 'step-1', 'step-2') WHERE {_OF_HELD} AND revision = 1",
        "it was changed: its digest is not that of its content",
    ),
    "a removed event": (
        f"DELETE FROM events WHERE {_OF_HELD} AND revision = 1",
        "revision 1 is missing before it",
    ),
    "events in another order": (
        "; ".join(
            f"UPDATE events SET revision = {new} WHERE {_OF_HELD} AND revision = {old}"
            for old, new in ((3, 9), (1, 3), (9, 1))
        ),
        "the columns of its row and the event disagree: revision",
    ),
    "a removed thread": (
        f"DELETE FROM events WHERE {_OF_HELD}; DELETE FROM content WHERE {_OF_HELD}; DELETE {_HELD}",
        "and no thread has this event",
    ),
    "a thread that is running in the row": (
        "UPDATE thread_records SET status = 'running' WHERE status = 'held'",
        "the columns of its row and its state disagree: status",
    ),
    "a stopped name that was removed": (
        f"DELETE FROM threads WHERE {_STOP_OF_HELD}",
        "it stops thread:held, and the table of stopped threads lacks this",
    ),
    "a stopped name that was added": (
        f"UPDATE threads SET thread_id = 'thread:other' WHERE {_STOP_OF_HELD}",
        "the table of stopped threads says that it stops thread:other",
    ),
    "a cancellation of a thread that has no record": (
        "UPDATE threads SET package_id = 'cancelled:thr_x' WHERE thread_id = 'thread:cancelled'",
        "it stands in the table of stopped threads for thread:cancelled, and has no record",
    ),
    "a takeover whose name was removed": (
        "DELETE FROM threads WHERE thread_id = 'thread:taken'",
        "it stops thread:taken, and the table of stopped threads lacks this",
    ),
    "a package without the key of its thread": (
        "UPDATE packages SET thread_key = NULL WHERE thread_id = 'held'",
        "the columns of its row and its state disagree: thread_key",
    ),
    "a package that its thread does not find": (
        "UPDATE packages SET stop_name = NULL, held_by = NULL, followed = NULL WHERE thread_id = 'held'",
        "the columns of its row and its state disagree: stop_name, held_by, followed",
    ),
    "an offer that is hidden": (
        "DELETE FROM handoffs WHERE thread_id = 'offered'",
        "and the thread's state disagree: it is missing",
    ),
    "an offer to another agent": (
        "UPDATE handoffs SET to_agent = 'agt_other' WHERE thread_id = 'offered'",
        "and the thread's state disagree: to_agent",
    ),
    "an offer with other words": (
        "UPDATE handoffs SET body = replace(body, 'peer', 'delegate') WHERE thread_id = 'offered'",
        "and the thread's state disagree: body",
    ),
    "an offer that nobody made": (
        "UPDATE handoffs SET handoff_id = 'hnd_other' WHERE thread_id = 'offered'",
        "the row of the handoff hnd_other is open, and the thread's state does not know it",
    ),
    "an offer of another thread": (
        "UPDATE handoffs SET thread_key = 'thr_other' WHERE thread_id = 'offered'",
        "belongs to no thread",
    ),
}


async def _write_threads(world: World) -> None:
    await world.hire("Writer")
    await _give(world, "offered", OfferHandoff, to_agent="Writer", reason="Go on.")
    await _give(world, "held", ReportCheckpoint, checkpoint_id="step-1", summary="Read.")
    await _give(world, "held", ReportCheckpoint, checkpoint_id="step-3", summary="Read on.")
    await _give(world, "held", HoldThread, reason="Wait.")
    taken = await world.submit(SOFT.model_copy(update={"thread_id": "taken"}))
    await world.after(ask(TakeOver, taken), RITA)
    await _give(world, "cancelled", CancelThread, reason="No.")


async def _give(world: World, thread_id: str, kind: type[ThreadCommand], **fields: str) -> None:
    if kind is not HoldThread:
        await world.submit(SOFT.model_copy(update={"thread_id": thread_id, "run_id": "run-1"}))
    command = kind.model_validate({"command_id": fresh("thread"), "thread_id": thread_id, **fields})
    actor = world.agent.actor if kind in (ReportCheckpoint, OfferHandoff) else reviewer(SENTA)
    outcome = await ThreadStore(world.store).execute(command, actor, agent=world.agent)
    assert outcome.refusal is None, outcome.refusal.sentence


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    async with open_world(database_url) as world:
        await _write_threads(world)
    engine = make_engine(parse_database_url(database_url))
    yield engine
    engine.dispose()


def faults(connection: Connection) -> list[str]:
    return [str(fault) for fault in verify_database(connection)]


def faults_after(engine: Engine, forgery: str) -> list[str]:
    """What is found after this change, which is then taken back."""
    statements, _ = FORGERIES[forgery]
    with engine.connect() as connection, connection.begin() as transaction:
        begin_immediate(connection)
        switch_off_triggers(connection)
        assert all(connection.execute(text(statement)).rowcount > 0 for statement in statements.split("; "))
        sentences = faults(connection)
        transaction.rollback()
    return sentences


def test_each_change_of_a_thread_is_found_and_an_untouched_record_has_no_faults(engine: Engine) -> None:
    missed = [
        name
        for name, (_, fault) in FORGERIES.items()
        if not any(fault in other for other in faults_after(engine, name))
    ]
    assert missed == []
    with engine.connect() as connection:
        assert faults(connection) == []


def test_a_selected_action_type_brings_the_events_of_its_threads_with_their_agent(engine: Engine) -> None:
    with engine.connect() as connection:
        tenant_id = read_tenant_id(connection)
        [agent_id] = connection.execute(text("SELECT agent_id FROM agents WHERE name <> 'Writer'")).scalars()
        agents = {
            action_type: {
                event["event_type"]: agent
                for agent, event in matching_events(connection, tenant_id, Selection(action_type=action_type))
            }
            for action_type in (SOFT.action_type, "mail.send")
        }
        trails = list(read_trails(connection, tenant_id, Selection(action_type="mail.send")))
    assert agents[SOFT.action_type]["thread.held"] == agents[SOFT.action_type]["package.held"] == agent_id
    assert (agents["mail.send"], trails) == ({}, [])
