"""Searches of the queue on both databases: every part of a search must match, and no part is a pattern."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from rules.people.directory import Agent
from rules.scales import RiskLevel
from rules.search import Search
from rules.state.commands import ClaimTask
from rules.state.model import PackageState
from store.agents.agents import agent_names
from store.packages import paging, queue
from store.packages.paging import Cursor, Page
from store.packages.search import Searcher
from tests.rules.world import MINUTE, RITA, SENTA, ask, package
from tests.store.world import World


async def propose(world: World, agent: Agent | None = None, **fields: Any) -> PackageState:
    world.clock.passes(MINUTE)
    return await world.submit(package(**fields), agent)


async def find(world: World, search: Search, limit: int = 50, after: Cursor | None = None) -> Page:
    return await world.read(
        lambda connection: queue.list_open_tasks(
            connection, world.tenant_id, limit=limit, after=after, searcher=searcher(world, connection, search)
        )
    )


def searcher(world: World, connection: Connection, search: Search) -> Searcher:
    return Searcher(connection, world.tenant_id, search, agent_names(connection, world.tenant_id))


def ids(page: Page) -> list[str]:
    return [state.decision_package_id for state in page.items]


def names(*states: PackageState) -> list[str]:
    return [state.decision_package_id for state in states]


async def test_columns_are_searched_without_regard_to_case(world: World) -> None:
    mailer = await world.hire("Mail %_Assistant")
    note = await propose(world, action_type="record.update")
    mail = await propose(world, mailer)
    grave = await propose(world, risk_level="high")
    assert ids(await find(world, Search(agent="MAIL"))) == names(mail)
    assert ids(await find(world, Search(agent="%_a"))) == names(mail)
    assert ids(await find(world, Search(agent="nobody"))) == []
    assert ids(await find(world, Search(action_type="UPDATE"))) == names(note)
    assert ids(await find(world, Search(action_type="record%"))) == []
    assert ids(await find(world, Search(risk=RiskLevel.HIGH))) == names(grave)
    assert ids(await find(world, Search(risk=RiskLevel.HIGH, agent="mail"))) == []


async def test_words_are_searched_in_the_title_the_subject_the_type_and_the_agents_name(world: World) -> None:
    mailer = await world.hire("Mailer")
    refund = await propose(world, title="Refund an ORDER", subject_type="order", subject_id="Øre-7")
    mail = await propose(world, mailer, title="Write to the customer")
    assert ids(await find(world, Search(words=("refund",)))) == names(refund)
    assert ids(await find(world, Search(words=("øre", "order")))) == names(refund)
    assert ids(await find(world, Search(words=("mailer", "record.read", "write")))) == names(mail)
    assert ids(await find(world, Search(words=("refund", "write")))) == []


async def test_parameters_are_not_searched(world: World) -> None:
    await propose(world, action_parameters={"record": "needle"})
    assert ids(await find(world, Search(words=("needle",)))) == []


async def test_a_search_by_words_reads_a_part_of_the_queue_and_continues_from_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_TASKS_READ", 2)
    for number in range(3):
        await propose(world, title=f"Other {number}")
    wanted = await propose(world, title="Wanted")
    first = await find(world, Search(words=("wanted",)))
    assert ids(first) == []
    assert ids(await find(world, Search(words=("wanted",)), after=first.following)) == names(wanted)


async def test_a_search_reads_on_until_its_page_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_AT_ONCE", 2)
    for number in range(5):
        await propose(world, title=f"Other {number}")
    wanted = [await propose(world, title=f"Wanted {number}") for number in range(3)]
    page = await find(world, Search(words=("wanted",)), limit=2)
    assert (ids(page), page.read) == (names(*wanted[:2]), 7)
    assert ids(await find(world, Search(words=("wanted",)), limit=2, after=page.following)) == names(wanted[2])


async def test_a_search_stops_in_time_and_says_how_much_it_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "READS_FOR", 0)
    monkeypatch.setattr(paging, "_BATCH", 2)
    for number in range(3):
        await propose(world, title=f"Other {number}")
    page = await find(world, Search(words=("wanted",)))
    assert (page.items, page.read, page.following is None) == ((), 2, False)


async def test_a_found_page_is_followed_by_the_next_without_a_gap(world: World) -> None:
    states = [await propose(world, risk_level=("high", "medium")[number % 2]) for number in range(6)]
    search = Search(risk=RiskLevel.HIGH)
    first = await find(world, search, limit=2)
    second = await find(world, search, limit=2, after=first.following)
    assert ids(first) + ids(second) == names(*states[::2])
    assert second.following is None


async def test_assigned_and_offered_tasks_are_searched_too(world: World) -> None:
    taken = await propose(world, title="Taken")
    await world.after(ask(ClaimTask, taken), RITA)
    free = await propose(world, title="Free")
    roster = await world.read(world.store.installation.roster)

    async def searched(word: str) -> list[list[str]]:
        search = Search(words=(word,))
        assigned = await world.read(
            lambda connection: queue.list_assigned(
                connection, world.tenant_id, RITA, limit=5, searcher=searcher(world, connection, search)
            )
        )
        offered = await world.read(
            lambda connection: queue.list_offered(
                connection,
                world.tenant_id,
                roster,
                SENTA,
                world.clock(),
                limit=5,
                searcher=searcher(world, connection, search),
            )
        )
        return [ids(assigned), ids(offered)]

    assert await searched("taken") == [names(taken), []]
    assert await searched("free") == [[], names(free)]
