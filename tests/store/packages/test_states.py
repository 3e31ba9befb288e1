"""Parsed states are cached by their text: a process does not parse the same text twice."""

from __future__ import annotations

from rules.state.commands import Approve
from rules.state.model import PackageState, Status
from store.engine.bounded_cache import BoundedCache
from store.packages.states import parse_state, serialize_state
from tests.rules.world import RITA, ask, package
from tests.store.world import World


async def test_every_written_state_is_read_back_unchanged(world: World) -> None:
    shown = await world.submit_and_show(package())
    approved = await world.after(ask(Approve, shown), RITA)
    assert approved.status is Status.APPROVED
    await world.claim(approved)
    for state in (shown, approved, await world.state(approved.decision_package_id)):
        read = PackageState.model_validate_json(serialize_state(state))
        assert read == state
        assert serialize_state(read) == serialize_state(state)


async def test_an_altered_text_is_another_state(world: World) -> None:
    state = await world.submit()
    changed = serialize_state(state).replace('"version":1', '"version":7')
    assert parse_state(changed) == state.model_copy(update={"version": 7})
    assert parse_state(serialize_state(state)) == state


def test_only_the_newest_are_kept() -> None:
    known = BoundedCache[str, int](2)
    for number, name in enumerate("abc"):
        assert known.add(name, number) == number
    assert [known.get(name) for name in "abc"] == [None, 1, 2]
