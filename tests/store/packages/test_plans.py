"""Queries use the partial indexes: they repeat the condition in the form that both databases need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from rules.package.takeover_reach import names_held_with_thread
from rules.state.agent_commands import Say
from rules.state.model import PackageState
from rules.threads.model import ThreadState, ThreadStatus, thread_key
from store.agents.agents import load_proposing_agent
from store.feed import feed_admin
from store.feed.chains import FeedKey, FeedKind
from store.feed.lanes import begin_feed
from store.feed.positions import claim_chain, count_due_chains, is_any_far
from store.oversight.outcomes import is_any_uncounted
from store.oversight.statistics import load_statistics
from store.packages.messages import load_conversation, newest_messages
from store.packages.packages import claim_due_packages, is_any_due, list_own
from store.packages.queue import list_similar_decided, list_unjudged
from store.threads.members import is_any_unnamed, load_unfollowing, own_packages
from store.threads.records import next_due_thread
from tests.rules.world import DAY, HARD, NOW, ask
from tests.store.world import World

Query = Callable[[Connection, PackageState], object]

QUERIES: list[tuple[str, str, Query]] = [
    ("is anything due", "ix_packages_due", lambda connection, of: is_any_due(connection, of.tenant_id, NOW)),
    (
        "claim of what is due",
        "ix_packages_due",
        lambda connection, of: claim_due_packages(connection, of.tenant_id, NOW, NOW, 10),
    ),
    ("same subject", "ix_packages_subject", list_similar_decided),
    (
        "one thread",
        "ix_packages_thread",
        lambda connection, of: list_own(connection, of.tenant_id, of.agent_id, limit=9, thread_id="t"),
    ),
    (
        "open",
        "ix_packages_open",
        lambda connection, of: load_proposing_agent(connection, of.tenant_id, of.agent_id, None, NOW),
    ),
    ("second looks", "ix_packages_sampled", lambda connection, of: list_unjudged(connection, of.tenant_id)),
    ("not counted yet", "ix_packages_uncounted", lambda connection, _: is_any_uncounted(connection)),
    ("outcomes of a period", "ix_outcomes_time", lambda connection, _: load_statistics(connection, NOW - DAY, NOW)),
    (
        "messages of a package",
        "ix_events_messages",
        lambda connection, of: newest_messages(connection, of.tenant_id, of.decision_package_id),
    ),
    (
        "recent messages of an agent",
        "ix_events_messages_of",
        lambda connection, of: load_conversation(connection, of.tenant_id, of.agent_id, ask(Say, of), NOW),
    ),
    (
        "waiting",
        "ix_versions_waiting",
        lambda connection, of: load_proposing_agent(connection, of.tenant_id, of.agent_id, None, NOW),
    ),
    ("unnamed", "ix_packages_unnamed", lambda connection, of: is_any_unnamed(connection, of.tenant_id)),
    ("due threads", "ix_thread_records_due", lambda connection, of: next_due_thread(connection, of.tenant_id, NOW)),
    ("held", "ix_packages_stop_name", lambda connection, of: load_unfollowing(connection, _thread(of, "held"), 9)),
    (
        "cancelled",
        "ix_packages_stop_name",
        lambda connection, of: load_unfollowing(connection, _thread(of, "cancelled"), 9),
    ),
    ("resumed", "ix_packages_held_by", lambda connection, of: load_unfollowing(connection, _thread(of, "running"), 9)),
    (
        "other plan",
        "ix_packages_stop_name",
        lambda connection, of: load_unfollowing(connection, _thread(of, "running"), 9),
    ),
    ("newest of a thread", "ix_packages_thread_key", lambda connection, of: own_packages(connection, _thread(of))),
    ("own that can be stopped", "ix_packages_stop_name", lambda connection, of: own_packages(connection, _thread(of))),
]


def _thread(of: PackageState, status: str = "running") -> ThreadState:
    """The thread of this package after a command."""
    name = of.thread_id or ""
    return ThreadState(
        tenant_id=of.tenant_id,
        thread_key=thread_key(name),
        thread_id=name,
        owner_agent=of.agent_id,
        owner=of.owner,
        status=ThreadStatus(status),
        event_id="evt_1",
        since=NOW,
        has_new_plan=True,
        stopped_names=names_held_with_thread(name, ["run_1"]),
    )


OF_INDEX_ALONE = {"sqlite": "USING COVERING INDEX", "postgresql": "Index Only Scan using"}
COUNTS: list[tuple[str, Callable[[Connection, FeedKey], object]]] = [
    ("backlog", lambda connection, _: feed_admin.report_feeds(connection)),
    ("due", lambda connection, key: count_due_chains(connection, key, NOW, 9)),
    ("too far", lambda connection, key: is_any_far(connection, key, NOW)),
]


@pytest.mark.parametrize("count", [entry[1] for entry in COUNTS], ids=[entry[0] for entry in COUNTS])
async def test_the_feed_is_counted_from_its_index_alone(
    world: World, count: Callable[[Connection, FeedKey], object]
) -> None:
    key = FeedKey(world.tenant_id, FeedKind.FILE)
    await world.write(lambda connection: begin_feed(connection, key, NOW))
    state = await world.submit()
    plans = await world.read(
        lambda connection: PLANS[connection.dialect.name](connection, lambda within, _: count(within, key), state)
    )
    assert (
        f"{OF_INDEX_ALONE[await world.read(lambda connection: connection.dialect.name)]} ix_feed_positions_due" in plans
    )


async def test_a_chain_of_the_feed_is_claimed_by_the_order_of_the_index(world: World) -> None:
    key = FeedKey(world.tenant_id, FeedKind.FILE)
    state = await world.submit()

    def claim(connection: Connection, _: PackageState) -> object:
        return claim_chain(connection, key, NOW, NOW + DAY)

    plans = await world.write(lambda connection: PLANS[connection.dialect.name](connection, claim, state))
    assert plans.count(" ix_feed_positions_due") >= 2
    assert "B-TREE" not in plans
    assert "Sort" not in plans


@pytest.mark.parametrize(("index", "query"), [entry[1:] for entry in QUERIES], ids=[entry[0] for entry in QUERIES])
async def test_a_query_uses_its_index(world: World, index: str, query: Query) -> None:
    state = await world.submit(HARD.model_copy(update={"subject_id": "customer 7"}))
    plans = await world.read(lambda connection: PLANS[connection.dialect.name](connection, query, state))
    assert f" {index} " in f"{plans} "


def _on_sqlite(connection: Connection, query: Query, state: PackageState) -> str:
    driver: Any = connection.connection.driver_connection
    sent: list[str] = []
    driver.set_trace_callback(sent.append)
    query(connection, state)
    driver.set_trace_callback(None)
    steps = [step for statement in sent for step in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return "\n".join(step[-1] for step in steps)


def _on_postgresql(connection: Connection, query: Query, state: PackageState) -> str:
    plans: list[str] = []

    class Explaining(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
            super().execute(f"EXPLAIN {query}", params)
            plans.extend(line for (line,) in self.fetchall())
            return super().execute(query, params, **how)

    driver: Any = connection.connection.driver_connection
    driver.execute("SET LOCAL enable_seqscan = off")  # a small table is read whole otherwise
    driver.cursor_factory = Explaining
    query(connection, state)
    driver.cursor_factory = psycopg.Cursor
    return "\n".join(plans)


PLANS = {"sqlite": _on_sqlite, "postgresql": _on_postgresql}
