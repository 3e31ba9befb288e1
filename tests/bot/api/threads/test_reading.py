"""What an agent and people read of a thread, however much else there is under its name."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from rules.state.commands import TakeOver
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from rules.threads.model import thread_key
from store.threads.members import NEWEST
from store.threads.records import list_threads
from tests.bot.api.threads.calls import IN_THREAD, THREAD, checkpoint, copy_package, done, thread
from tests.bot.service import AgentApi
from tests.rules.world import RITA


async def history(api: AgentApi, query: str = "") -> Any:
    return (await api.get(f"/v1/threads/{THREAD}/history{query}")).body


async def test_packages_of_another_agent_in_a_thread_of_the_same_name_do_not_hide_the_owners(api: AgentApi) -> None:
    own = await api.submit(IN_THREAD)
    foreign = await api.submit(IN_THREAD, key=await api.hire("Other"))
    await copy_package(api, foreign, NEWEST + 1)
    await api.decide(TakeOver, own, by=RITA)
    document = (await thread(api)).body
    assert [package["decision_package_id"] for package in document["packages"]] == [own.id]
    assert document["state"] == "taken_over"


async def test_the_history_is_read_page_by_page(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await checkpoint(api)
    await done(api, HoldThread, RITA)
    whole, first = await history(api), await history(api, "?limit=2")
    second = await history(api, f"?limit=2&cursor={first['next_cursor']}")
    assert [*first["events"], *second["events"]] == whole["events"]
    assert len(whole["events"]) == 4
    assert whole["next_cursor"] is second["next_cursor"] is None


async def test_the_history_does_not_name_the_runs_of_other_agents(api: AgentApi) -> None:
    await api.submit(IN_THREAD)
    await api.submit(IN_THREAD | {"run_id": "secret-run"}, key=await api.hire("Other"))
    await done(api, HoldThread, RITA)
    await done(api, CancelThread, RITA)
    assert "secret-run" not in str(await history(api))


async def test_a_reader_finds_a_thread_however_many_others_have_later_news(api: AgentApi) -> None:
    mine = await api.submit(IN_THREAD)
    other = await api.submit(IN_THREAD | {"thread_id": "other", "title": "Other"})
    await copy_package(api, other, 60, own_threads=True)
    keys = await api.world.read(
        lambda connection: list_threads(
            connection, api.world.tenant_id, lambda state: state.decision_package_id == mine.id, 11
        )
    )
    assert keys == [thread_key(THREAD)]


async def test_each_hold_resumption_and_cancellation_is_called_back_to_the_owner_in_order(api: AgentApi) -> None:
    url = text("UPDATE agents SET callback_url = 'https://agent.example.com/hook'")
    await api.world.write(lambda connection: connection.execute(url))
    await api.submit(IN_THREAD)
    await checkpoint(api)
    await done(api, HoldThread, RITA, reason="The customer is calling.")
    await done(api, ResumeThread, RITA, instruction="Use source 2.")
    await done(api, CancelThread, RITA, rollback=True)
    query = text("SELECT event_type, state, body FROM callbacks WHERE package_id = :key ORDER BY revision")
    rows = await api.world.read(lambda connection: connection.execute(query, {"key": thread_key(THREAD)}).all())
    sent = [(row.event_type, row.state, json.loads(row.body)["data"]) for row in rows]
    assert [(event_type, state, data["state"]) for event_type, state, data in sent] == [
        ("thread.held", "due", "held"),
        ("thread.resumed", "waiting", "running"),
        ("thread.cancelled", "waiting", "cancelled"),
    ]
    held, resumed, cancelled = (data for _, _, data in sent)
    assert (held["reason"], resumed["instruction"]) == ("The customer is calling.", "Use source 2.")
    assert cancelled["rollback_requested"] is True
    assert [package["status"] for package in cancelled["packages"]] == ["cancelled"]
