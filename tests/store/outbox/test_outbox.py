"""Cards and callbacks are written in the transaction of the change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from rules.package.model import DecisionPackage
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, Escalate, Reject, Revise
from tests.rules.world import AUTOMATIC, CRITICAL, HARD, MINUTE, SENTA, SOFT, ask, package, policy
from tests.store.soundness import faults
from tests.store.world import LASTING, World, open_world, submission

CALLED = package(risk_level="high", callback_url="https://agent.example/hook")
ROOMS = policy(
    **LASTING,
    channels={"default": "CDEFAULT"},
    roles={"supervisor": {"channel": "CSUPERVISORS"}},
    actions={"mail.send": {"channel": "CMAIL"}},
)


async def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    return await world.read(lambda connection: [tuple(row) for row in connection.execute(text(query))])


async def cards(world: World) -> list[tuple[Any, ...]]:
    return await rows(world, "SELECT place, wanted_revision, shown_revision, behind FROM cards ORDER BY place")


async def callbacks(world: World) -> list[tuple[Any, ...]]:
    return await rows(world, "SELECT event_type, url, state, attempts FROM callbacks ORDER BY revision")


async def test_a_package_is_wanted_in_one_place_and_is_behind_after_every_change(world: World) -> None:
    state = await world.submit(HARD)
    first = await cards(world)
    await world.after(ask(Approve, state), SENTA)
    assert [first, await cards(world)] == [[("role:senior_reviewer", 1, 0, 1)], [("role:senior_reviewer", 3, 0, 1)]]


async def test_an_escalated_package_is_wanted_where_the_next_role_sees_it_and_stays_where_it_was(world: World) -> None:
    state = await world.submit(HARD)
    after = await world.after(ask(Escalate, state), SENTA)
    places = {(place, wanted) for place, wanted, _, _ in await cards(world)}
    assert places == {("role:senior_reviewer", after.revision), ("role:supervisor", after.revision)}


@pytest.mark.parametrize(
    ("what", "place"),
    [
        (SOFT, "CDEFAULT"),
        (package(action_type="mail.send"), "CMAIL"),
    ],
    ids=["the default", "the action type's own"],
)
async def test_the_policy_determines_the_place_of_a_card(database_url: str, what: DecisionPackage, place: str) -> None:
    async with open_world(database_url, ROOMS) as world:
        await world.submit(what)
        assert [row[0] for row in await cards(world)] == [place]


async def test_an_automatic_package_is_shown_nowhere(world: World) -> None:
    await world.submit(AUTOMATIC)
    assert await cards(world) == []


async def test_without_an_address_no_callback_is_written(world: World) -> None:
    await world.submit_and_approve(HARD, by=SENTA)
    assert await callbacks(world) == []


async def test_the_agent_is_called_for_each_status_and_not_for_each_event(world: World) -> None:
    state = await world.submit(CALLED)
    await world.after(ask(Revise, state), SENTA)
    await world.execute_for_agent(ask(NewVersion, state, package=HARD))
    await world.after(ask(Escalate, await world.state(state.decision_package_id)), SENTA)
    await world.after(ask(Reject, await world.state(state.decision_package_id)), SENTA)
    sent = [(kind, url) for kind, url, _, _ in await callbacks(world)]
    address = "https://agent.example/hook"
    kinds = ["package.revision_requested", "package.escalated", "package.rejected"]
    assert sent == [(kind, address) for kind in kinds]


async def test_one_callback_of_a_package_is_due_and_the_others_wait(world: World) -> None:
    await world.submit_and_approve(CALLED, by=SENTA)
    state = await world.submit(CALLED)
    await world.after(ask(Revise, state), SENTA)
    await world.execute_for_agent(ask(NewVersion, state, package=HARD))
    await world.after(ask(Escalate, await world.state(state.decision_package_id)), SENTA)
    await world.after(ask(Reject, await world.state(state.decision_package_id)), SENTA)
    states = await rows(world, "SELECT event_type, state FROM callbacks ORDER BY created_at")
    assert states == [
        ("package.approved", "due"),
        ("package.revision_requested", "due"),
        ("package.escalated", "waiting"),
        ("package.rejected", "waiting"),
    ]


async def test_a_callback_contains_the_status_document_at_the_time_of_the_change(world: World) -> None:
    state = await world.submit_and_approve(CALLED, by=SENTA)
    [(body, due_at)] = await rows(world, "SELECT body, due_at FROM callbacks")
    payload = json.loads(body)
    current = await world.store.load_document(state.decision_package_id, state.agent_id)
    assert current is not None
    assert (payload["type"], payload["timestamp"]) == ("package.approved", "2026-11-20T12:00:00Z")
    assert payload["data"] == current.document
    assert due_at is not None


async def test_the_callback_address_of_the_newest_version_is_used(world: World) -> None:
    state = await world.submit(CALLED)
    moved = package(risk_level="high", callback_url="https://agent.example/new")
    await world.execute_for_agent(ask(NewVersion, state, package=moved))
    await world.after(ask(Reject, await world.state(state.decision_package_id)), SENTA)
    assert [url for _, url, _, _ in await callbacks(world)] == ["https://agent.example/new"]


async def test_a_repeated_command_sends_one_callback(world: World) -> None:
    state = await world.submit(CALLED)
    reject = ask(Reject, state)
    await world.do(reject, SENTA)
    await world.do(reject, SENTA)
    assert await callbacks(world) == [("package.rejected", "https://agent.example/hook", "due", 0)]


@pytest.mark.parametrize(
    "writer",
    [
        "packages.versions.write_versions",
        "packages.tasks.write_tasks",
        "packages.threads.write_thread_holds",
        "packages.votes.write_votes",
        "outbox.cards.write_cards",
        "outbox.callbacks.write_callbacks",
        "packages.content.save_content",
    ],
)
async def test_a_change_is_rolled_back_if_any_part_cannot_be_written(
    world: World, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit(CALLED)

    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"store.{writer}", fails)
    reject = ask(Reject, state)
    with pytest.raises(ZeroDivisionError):
        await world.do(reject, SENTA)
    with pytest.raises(ZeroDivisionError):
        await world.execute_for_agent(submission(CRITICAL, "pkg_other"))
    monkeypatch.undo()
    assert await world.state(state.decision_package_id) == state
    assert await rows(world, "SELECT count(*) FROM packages") == [(1,)]
    world.clock.passes(MINUTE)
    again = await world.do(reject, SENTA)
    assert (again.refusal, again.replayed) == (None, False)
    assert await world.read(faults) == []
