"""The review queue on both databases: which tasks wait for whom, in which order, and past decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.oversight.statistics import Age, Waiting
from rules.package.model import DecisionPackage
from rules.people.directory import AUTO
from rules.scales import HITLLevel
from rules.state.commands import Approve, Assign, ClaimTask, Escalate, Extend, OpenDetails, Recuse, Reject, Revise
from rules.state.model import PackageState
from rules.state.service_commands import Climb
from store.packages import paging, queue
from store.packages.paging import Cursor, Page
from tests.rules.world import (
    ADAM,
    CRITICAL,
    DAY,
    DORA,
    HARD,
    HOUR,
    MINUTE,
    RITA,
    ROSS,
    SAUL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    TAKEOVER,
    ask,
    package,
    policy,
)
from tests.store.world import LASTING, World, open_world


async def open_tasks(world: World, *roles: str, limit: int = 50, after: Cursor | None = None) -> Page:
    return await world.read(
        lambda connection: queue.list_open_tasks(connection, world.tenant_id, roles or None, limit=limit, after=after)
    )


async def list_offered(world: World, who: str, limit: int = 50, after: Cursor | None = None) -> Page:
    roster = await world.read(world.store.installation.roster)
    return await world.read(
        lambda connection: queue.list_offered(
            connection, world.tenant_id, roster, who, world.clock(), limit=limit, after=after
        )
    )


async def mine(world: World, who: str) -> list[str]:
    return ids(await world.read(lambda connection: queue.list_assigned(connection, world.tenant_id, who, limit=50)))


def ids(page: Page) -> list[str]:
    return [state.decision_package_id for state in page.items]


def names(*states: PackageState) -> list[str]:
    return [state.decision_package_id for state in states]


def asked_by(who: str, like: DecisionPackage = SOFT) -> DecisionPackage:
    return DecisionPackage.model_validate(like.model_dump(exclude_unset=True) | {"requested_by": who})


# ---- the order, and the pages


async def test_tasks_are_ordered_by_priority_and_then_by_due_time(world: World) -> None:
    soft = await world.submit(SOFT)
    late = await world.submit(HARD)
    early = await world.submit(package(risk_level="high", expires_at=world.clock() + HOUR))
    urgent = await world.submit(CRITICAL)
    assert ids(await open_tasks(world)) == names(urgent, early, late, soft)


async def test_an_extended_task_falls_back_to_its_new_place(world: World) -> None:
    first = await world.submit(HARD)
    world.clock.passes(MINUTE)
    second = await world.submit(HARD)
    assert ids(await open_tasks(world)) == names(first, second)
    await world.after(ask(Extend, first, until=world.clock() + 2 * DAY), SENTA)
    assert ids(await open_tasks(world)) == names(second, first)


async def test_pages_follow_one_another_without_a_gap_or_a_repetition(world: World) -> None:
    states = [await world.submit(like) for like in (SOFT, HARD, SOFT, CRITICAL, HARD)]
    whole = ids(await open_tasks(world))
    seen: list[str] = []
    place: Cursor | None = None
    for _ in range(3):
        page = await open_tasks(world, limit=2, after=place)
        seen, place = seen + ids(page), page.following
    assert (seen, place) == (whole, None)
    assert sorted(seen) == sorted(names(*states))


async def test_an_exactly_full_page_is_the_last(world: World) -> None:
    await world.submit(SOFT)
    assert (await open_tasks(world, limit=1)).following is None


# ---- who is asked


async def test_only_tasks_of_these_roles_are_listed(world: World) -> None:
    soft, hard = await world.submit(SOFT), await world.submit(HARD)
    assert ids(await open_tasks(world, "reviewer")) == names(soft)
    assert ids(await open_tasks(world, "reviewer", "senior_reviewer")) == names(hard, soft)
    assert ids(await open_tasks(world, "director")) == []


async def test_without_roles_there_are_no_tasks(world: World) -> None:
    await world.submit(SOFT)
    page = await world.read(lambda connection: queue.list_open_tasks(connection, world.tenant_id, [], limit=5))
    assert page == Page((), None)


async def test_decided_or_returned_packages_leave_the_queue(world: World) -> None:
    rejected, revised = await world.submit(SOFT), await world.submit(SOFT)
    await world.after(ask(Reject, rejected), RITA)
    await world.after(ask(Revise, revised), RITA)
    assert ids(await open_tasks(world)) == []


async def test_an_escalated_task_belongs_only_to_the_next_role(world: World) -> None:
    state = await world.submit(SOFT)
    await world.after(ask(Escalate, state), RITA)
    assert ids(await open_tasks(world, "reviewer")) == []
    assert ids(await open_tasks(world, "senior_reviewer")) == names(state)


async def test_an_assigned_task_is_not_offered_to_others(world: World) -> None:
    state = await world.submit(SOFT)
    await world.after(ask(ClaimTask, state), RITA)
    assert await mine(world, RITA) == names(state)
    assert await mine(world, ROSS) == []
    assert ids(await list_offered(world, ROSS)) == []
    assert ids(await open_tasks(world, "reviewer")) == names(state)


# ---- what is offered to a person


async def test_a_person_is_offered_tasks_of_all_roles_that_they_may_act_in(world: World) -> None:
    soft, hard = await world.submit(SOFT), await world.submit(HARD)
    assert ids(await list_offered(world, DORA)) == names(hard, soft)
    assert ids(await list_offered(world, RITA)) == names(soft)


@pytest.mark.parametrize(
    "content",
    [asked_by(RITA), package(on_behalf_of=[RITA]), asked_by("rita@example.com")],
    ids=["asked for it", "on its chain", "asked by e-mail"],
)
async def test_a_package_is_not_offered_to_barred_people(world: World, content: DecisionPackage) -> None:
    state = await world.submit(content)
    assert ids(await list_offered(world, RITA)) == []
    assert ids(await list_offered(world, ROSS)) == names(state)


async def test_a_package_is_not_offered_again_to_a_person_who_recused(world: World) -> None:
    state = await world.submit(SOFT)
    await world.after(ask(Recuse, state), RITA)
    assert ids(await list_offered(world, RITA)) == []


async def test_a_package_is_not_offered_again_to_a_person_who_voted(world: World) -> None:
    state = await world.submit(package(risk_level="critical", action_type="mail.send"))
    await world.after(ask(OpenDetails, state), SUSI)
    await world.after(ask(Approve, state), SUSI)
    assert ids(await list_offered(world, SUSI)) == []
    assert ids(await list_offered(world, SAUL)) == names(state)


async def test_tasks_above_a_persons_authority_are_not_offered(world: World) -> None:
    await world.submit(CRITICAL)
    assert ids(await list_offered(world, SENTA)) == []


async def test_a_takeover_is_also_offered_to_its_requester(world: World) -> None:
    state = await world.submit(asked_by(RITA, TAKEOVER))
    assert state.level is HITLLevel.HUMAN_TAKEOVER
    assert ids(await list_offered(world, RITA)) == names(state)


async def test_a_package_is_offered_to_roles_of_its_quorum_although_another_role_is_required(database_url: str) -> None:
    roles: dict[str, Any] = {"roles": {"legal": {"members": [ADAM], "max_risk": "critical"}}}
    tiers = {"tiers": {"high": {"quorum": 2, "of_role": {"legal": 1}}}}
    async with open_world(database_url, policy(**LASTING, **roles, **tiers)) as world:
        await world.submit(SOFT)
        hard = await world.submit(HARD)
        assert hard.task.required_role == "senior_reviewer"
        assert ids(await list_offered(world, ADAM)) == names(hard)


async def test_after_time_added_the_next_role_a_package_is_offered_to_both(database_url: str) -> None:
    apart: dict[str, Any] = {
        "roles": {name: {"includes": []} for name in ("senior_reviewer", "supervisor", "director")}
    }
    async with open_world(database_url, policy(**LASTING, **apart)) as world:
        state = await world.submit(package(confidence=0.6))
        world.clock.passes(DAY)
        await world.after(ask(Climb, state), AUTO)
        for who in (RITA, SENTA):
            assert ids(await list_offered(world, who)) == names(state)
        assert ids(await list_offered(world, SUSI)) == []
        assert ids(await open_tasks(world)) == names(state)


async def test_after_a_person_escalated_a_package_is_offered_to_the_next_role_only(database_url: str) -> None:
    apart: dict[str, Any] = {
        "roles": {name: {"includes": []} for name in ("senior_reviewer", "supervisor", "director")}
    }
    async with open_world(database_url, policy(**LASTING, **apart)) as world:
        state = await world.submit(package(confidence=0.6))
        await world.after(ask(Escalate, state), RITA)
        assert ids(await list_offered(world, ROSS)) == []
        assert ids(await list_offered(world, SENTA)) == names(state)


async def test_a_task_that_a_person_may_take_in_two_ways_is_offered_once(database_url: str) -> None:
    roles: dict[str, Any] = {"roles": {"director": {"includes": []}}}
    tiers = {"tiers": {"high": {"quorum": 2, "of_role": {"supervisor": 1}, "ladder": ["director"]}}}
    async with open_world(database_url, policy(**LASTING, **roles, **tiers)) as world:
        state = await world.submit(HARD)
        world.clock.passes(DAY)
        await world.after(ask(Climb, state), AUTO)
        for who in (SENTA, SUSI, DORA):
            assert ids(await list_offered(world, who)) == names(state)


async def test_a_person_without_a_role_is_offered_nothing(world: World) -> None:
    await world.submit(SOFT)
    assert await list_offered(world, ADAM) == Page((), None)


async def test_a_page_of_offers_continues_after_omitted_tasks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_TASKS_READ", 2)
    for _ in range(3):
        await world.submit(asked_by(RITA))
        world.clock.passes(MINUTE)
    last = await world.submit(SOFT)
    first = await list_offered(world, RITA)
    assert ids(first) == []
    assert ids(await list_offered(world, RITA, after=first.following)) == names(last)


async def test_offers_are_paged_without_a_gap(world: World) -> None:
    states = []
    for _ in range(3):
        states.append(await world.submit(SOFT))
        world.clock.passes(MINUTE)
    first = await list_offered(world, RITA, limit=2)
    second = await list_offered(world, RITA, limit=2, after=first.following)
    assert ids(first) + ids(second) == names(*states)
    assert second.following is None


# ---- how much there is


async def test_open_tasks_are_counted_for_each_person(world: World) -> None:
    for who in (RITA, RITA, ROSS):
        await world.after(ask(ClaimTask, await world.submit(SOFT)), who)
    done = await world.submit(SOFT)
    await world.after(ask(Assign, done, assignee=SENTA), ADAM)
    await world.after(ask(Approve, done), SENTA)
    counted = await world.read(
        lambda connection: queue.count_open_items(connection, world.tenant_id, {RITA, SENTA, SVEN})
    )
    assert counted == {RITA: 2, SENTA: 0, SVEN: 0}


async def test_open_tasks_are_counted_by_level_and_age(world: World) -> None:
    await world.submit(package(risk_level="high", action_parameters={"record": "1"}))
    world.clock.passes(timedelta(hours=2))
    await world.submit(SOFT)
    await world.submit(SOFT)
    settled = await world.submit(package(risk_level="low", action_parameters={"record": "2"}))
    assert settled.level is HITLLevel.FULL_AUTO
    counts = await world.read(lambda connection: queue.count_waiting(connection, world.tenant_id, world.clock()))
    assert counts == (
        Waiting(level=HITLLevel.SOFT_APPROVAL, age=Age.UNDER_1H, count=2),
        Waiting(level=HITLLevel.HARD_APPROVAL, age=Age.UNDER_4H, count=1),
    )


@pytest.mark.parametrize(
    ("hours", "age"), [(0.9, "<1h"), (1, "1h-4h"), (4, "4h-24h"), (24, "1d-3d"), (72, ">3d"), (1000, ">3d")]
)
async def test_every_age_has_its_place(world: World, hours: float, age: str) -> None:
    await world.submit(SOFT)
    world.clock.passes(timedelta(hours=hours))
    (only,) = await world.read(lambda connection: queue.count_waiting(connection, world.tenant_id, world.clock()))
    assert only.age == age
