"""A policy that allows exceptions less time ends those that hold already earlier, and the record says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, update

from rules.policy.model import Policy
from rules.reasons import Reason
from rules.state.commands import Approve
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.service_commands import EndException, ShortenException
from rules.verbs.timers import next_due
from store.commands.execute import Outcome, execute_many
from store.commands.invocation import Invocation
from store.commands.policies import PolicyFile, activate_policy, active_digest
from store.installation.installation import INSTALLATION, Installation
from store.packages.events import load_events_of
from tests.rules.exceptions.excepting import asking, costly, marking
from tests.rules.world import DAY, HOUR, SENTA, SVEN, ask, policy_text
from tests.store.packages.test_exceptions import grant, record_faults
from tests.store.world import LASTING, World, open_world, reviewer


def allowing(at_most: str, *rules: str) -> Policy:
    return marking(*rules, exceptions={"at_most": at_most}, autonomy={"start": "full_auto"}, **LASTING)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, allowing("9d", "cost")) as world:
        yield world


async def apply(world: World, policy: Policy) -> None:
    file = PolicyFile(policy, policy_text(policy))
    await world.write(lambda connection: activate_policy(connection, file, world.clock(), again=True))


async def event_types(world: World, state: PackageState) -> list[str]:
    ids = (state.decision_package_id,)
    events = await world.read(lambda connection: load_events_of(connection, world.tenant_id, ids))
    return [event["event_type"] for event in events]


async def test_an_exception_that_the_policy_allows_less_time_ends_earlier_with_an_event(world: World) -> None:
    exception = await grant(world)
    began = world.clock.now
    world.clock.passes(HOUR)
    await apply(world, allowing("1d", "cost"))
    shortened = await world.state(exception.decision_package_id)
    assert shortened.exception is not None
    assert shortened.exception.end == began + DAY
    assert next_due(shortened.model_copy(update={"exception": without_note(shortened)})) == (
        began + DAY,
        EndException.verb,
    )
    assert (await event_types(world, exception))[-1] == EventType.EXCEPTION_SHORTENED
    world.clock.passes(DAY)
    assert (await world.submit(costly())).status is Status.PENDING
    await world.after(ask(EndException, shortened))
    assert await world.read(record_faults) == []


def without_note(state: PackageState) -> object:
    return state.exception and state.exception.model_copy(update={"announce_at": None})


async def test_a_policy_that_allows_more_again_does_not_give_the_time_back(world: World) -> None:
    exception = await grant(world)
    await apply(world, allowing("1d", "cost"))
    await apply(world, allowing("9d", "cost"))
    world.clock.passes(DAY)
    assert (await world.submit(costly())).status is Status.PENDING
    assert (await event_types(world, exception)).count(EventType.EXCEPTION_SHORTENED) == 1
    assert await world.read(record_faults) == []


async def test_an_exception_whose_time_has_passed_under_the_new_policy_is_due_to_end_at_once(world: World) -> None:
    exception = await grant(world)
    world.clock.passes(2 * DAY)
    await apply(world, allowing("1d", "cost"))
    shortened = await world.state(exception.decision_package_id)
    assert next_due(shortened) == (world.clock.now - DAY, EndException.verb)


async def test_an_exception_that_ends_in_time_anyway_is_left_alone(world: World) -> None:
    exception = await grant(world)
    await apply(world, allowing("3d", "cost"))
    assert EventType.EXCEPTION_SHORTENED not in await event_types(world, exception)
    refused = await world.do(ask(ShortenException, exception))
    assert refused.refusal is not None
    assert refused.refusal.reason is Reason.NOT_DUE


async def test_an_approval_under_a_stricter_policy_grants_only_the_time_that_it_allows(world: World) -> None:
    asked = await world.submit(asking({"expires_at": (world.clock.now + 8 * DAY).isoformat()}))
    await apply(world, allowing("1d", "cost"))
    for approver in (SENTA, SVEN):
        asked = await world.after(ask(Approve, asked), approver)
    assert asked.exception is not None
    assert asked.exception.end == world.clock.now + DAY
    assert await world.read(record_faults) == []


async def test_a_policy_that_would_have_ended_it_earlier_makes_no_fault_of_its_earlier_uses(world: World) -> None:
    await grant(world)
    world.clock.passes(2 * DAY)
    spared = await world.submit(costly())
    assert (await world.claim(spared)).refusal is None
    world.clock.passes(HOUR)
    await apply(world, allowing("1d", "cost"))
    assert await world.read(record_faults) == []


async def approve_under(world: World, policy: Policy, state: PackageState) -> PackageState:
    """As a replica does that read the policy just before another one was put in force, and commits just after."""
    approval = Invocation(command=ask(Approve, state), now=world.clock.now, actor=reviewer(SVEN))

    def operation(connection: Connection) -> Outcome:
        in_force = active_digest(connection)
        connection.execute(update(INSTALLATION).values(policy_digest=policy.digest))
        (outcome,) = execute_many(connection, Installation(world.tenant_id, policy), [approval])
        connection.execute(update(INSTALLATION).values(policy_digest=in_force))
        return outcome

    approved = (await world.write(operation)).state
    assert approved is not None
    return approved


async def test_one_granted_while_a_stricter_policy_came_in_force_is_shortened_before_a_milder_one_follows(
    world: World,
) -> None:
    asked = await world.submit(asking({"expires_at": (world.clock.now + 8 * DAY).isoformat()}))
    asked = await world.after(ask(Approve, asked), SENTA)
    await apply(world, allowing("1d", "cost"))
    exception = await approve_under(world, allowing("9d", "cost"), asked)
    assert exception.exception is not None
    assert exception.exception.end == world.clock.now + 8 * DAY
    await apply(world, allowing("9d", "cost"))
    assert (await event_types(world, exception))[-1] == EventType.EXCEPTION_SHORTENED
    world.clock.passes(DAY)
    assert (await world.submit(costly())).status is Status.PENDING
    assert await world.read(record_faults) == []
