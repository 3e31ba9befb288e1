"""The active policy: one for all replicas, named in the database, changed with an event and never by a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from rules.policy.model import Policy
from rules.policy.parse import read_policy
from rules.reasons import Reason
from rules.state.commands import Approve
from rules.state.model import Status
from store.commands.policies import Activation, PolicyFile, activate_policy
from store.installation.policy_texts import UnreadablePolicyError
from tests.rules.world import HARD, NOW, SENTA, SVEN, ask, policy, policy_text, submission
from tests.store.soundness import faults
from tests.store.world import LASTING, POLICY, World, open_replica, replica

STRICT = policy(**LASTING, version="strict", tiers={"high": {"quorum": 2}})
LATER = policy_text(STRICT) + "\nof_a_later_release = true"
LAX = policy(**LASTING, version="lax", roles={"reviewer": {"max_risk": "high"}})


async def gives(world: World, new_policy: Policy, **how: Any) -> Activation:
    return await world.write(
        lambda connection: activate_policy(connection, PolicyFile(new_policy, policy_text(new_policy)), NOW, **how)
    )


async def activated_versions(world: World) -> list[str]:
    query = text("SELECT body FROM tenant_events WHERE event_type = 'policy.activated' ORDER BY sequence")
    bodies = await world.read(lambda connection: connection.execute(query).scalars().all())
    return [body.partition('"version": "')[2].partition('"')[0] for body in bodies]


async def in_force(world: World) -> str:
    return (await world.read(world.store.installation.roster)).policy.version


async def forge(world: World, statement: str, **values: Any) -> None:
    await world.write(lambda connection: connection.execute(text(statement), values))


async def test_an_applied_policy_governs_the_next_decision_of_every_replica(world: World) -> None:
    state = await world.submit(HARD)
    async with replica(world) as other:
        await gives(world, STRICT)
        first = await other.after(ask(Approve, state), SENTA)
        second = await other.after(ask(Approve, state), SVEN)
    assert (first.status, second.status) == (Status.PENDING, Status.APPROVED)
    assert second.decision is not None
    assert second.decision.policy_version == STRICT.full_version
    assert await world.read(faults) == []


async def test_a_replica_restarted_with_a_replaced_file_does_not_activate_it(world: World) -> None:
    async with replica(world, STRICT), replica(world, POLICY) as old:
        assert await in_force(old) == "strict"
        assert await in_force(world) == "strict"
    assert await activated_versions(world) == ["test-1", "strict"]


async def test_two_new_files_of_two_replicas_are_activated_one_after_the_other(world: World) -> None:
    async def starts(new_policy: Policy) -> None:
        async with open_replica(world.url, new_policy, world.clock):
            pass

    await asyncio.gather(starts(STRICT), starts(LAX))
    announced = await activated_versions(world)
    assert sorted(announced[1:]) == ["lax", "strict"]
    assert await in_force(world) == announced[-1]


async def test_a_replaced_policy_is_activated_again_only_on_demand(world: World) -> None:
    await gives(world, STRICT)
    assert await gives(world, POLICY) is Activation.REPLACED_BEFORE
    assert await gives(world, POLICY, again=True) is Activation.APPLIED
    assert await in_force(world) == "test-1"
    assert await activated_versions(world) == ["test-1", "strict", "test-1"]


async def test_the_same_content_in_another_spelling_changes_nothing(world: World) -> None:
    respelled = "# the same, explained\n\n" + policy_text(POLICY)
    file = PolicyFile(read_policy(respelled), respelled)
    assert await world.write(lambda connection: activate_policy(connection, file, NOW)) is Activation.IN_FORCE
    assert await activated_versions(world) == ["test-1"]


async def test_a_text_kept_by_an_earlier_release_is_recognised_by_its_content(world: World) -> None:
    """That release computed the digest from the bytes of the text: decisions still refer to it."""
    await forge(world, "UPDATE policies SET digest = 'sha256:ofitsbytes12'")
    await forge(world, "UPDATE installation SET policy_digest = 'sha256:ofitsbytes12'")
    async with replica(world) as upgraded:
        state = await upgraded.submit(HARD)
    assert state.policy_version == "test-1+ofitsbytes12"
    assert await activated_versions(world) == ["test-1"]


async def test_a_process_that_cannot_read_the_policy_in_force_decides_nothing(world: World) -> None:
    state = await world.submit(HARD)
    await gives(world, STRICT)
    await forge(world, "UPDATE policies SET text = :text WHERE version = 'strict'", text=LATER)
    for asked in (ask(Approve, state), submission(HARD)):
        with pytest.raises(UnreadablePolicyError, match="of_a_later_release"):
            await world.do(asked, SENTA)
    assert (await world.state(state.decision_package_id)).votes == ()


async def test_a_process_that_cannot_read_the_policy_in_force_does_not_replace_it(world: World) -> None:
    await gives(world, STRICT)
    await forge(world, "UPDATE policies SET text = :text WHERE version = 'strict'", text=LATER)
    assert await gives(world, LAX) is Activation.HELD_BACK
    assert await gives(world, LAX, again=True) is Activation.APPLIED
    assert await in_force(world) == "lax"


async def test_a_policy_with_an_unread_group_makes_the_directory_stale(world: World) -> None:
    """Until its members are known, nobody may conclude that the role has no one."""
    state = await world.submit(HARD)
    grouped = policy(**LASTING, version="grouped", roles={"senior_reviewer": {"groups": ["S1"]}})
    await gives(world, grouped)
    outcome = await world.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.DIRECTORY_STALE
