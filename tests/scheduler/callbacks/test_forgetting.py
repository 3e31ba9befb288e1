"""Old delivered callbacks are deleted; other callbacks and the audit trail stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.callbacks.retries import ATTEMPTS, DELAYS
from scheduler.time.retention import DELIVERED_KEPT_FOR, Retention
from store.audit.reader import verify_database
from tests.rules.world import DAY, policy
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.callbacks.rounds import Rounds, open_rounds
from tests.store.world import LASTING, open_world

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def looked_through(rounds: Rounds) -> None:
    await Retention(rounds.world.store, rounds.now).tick()


async def test_delivered_callbacks_are_deleted_after_a_month_and_no_sooner(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.time.retention.CALLBACKS", 2)  # at a time
    for _ in range(5):
        await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    rounds.ahead += DELIVERED_KEPT_FOR - 5 * MINUTE
    await looked_through(rounds)
    assert await rounds.states() == ["delivered"] * 5
    rounds.ahead += 10 * MINUTE
    await looked_through(rounds)
    assert await rounds.states() == []
    assert await rounds.world.read(lambda connection: list(verify_database(connection))) == []


async def test_dead_and_pending_callbacks_are_kept_however_old_they_are(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(*[500] * ATTEMPTS, path="/dead")
    await rounds.submit_approved(receiver.url("/dead"))
    await rounds.deliver()
    for delay in DELAYS:
        await rounds.later(delay + SECOND)
    await rounds.submit_escalated(receiver.url("/waits"))
    rounds.ahead += 10 * DELIVERED_KEPT_FOR
    await looked_through(rounds)
    assert sorted(await rounds.states()) == ["dead", "due", "waiting"]
    (dead,) = [callback for callback in await rounds.callbacks() if callback.state == "dead"]
    await rounds.resend(dead.callback_id)
    await rounds.deliver()
    assert sorted(await rounds.states()) == ["delivered"] * 3


async def test_a_shorter_retention_of_content_also_applies_to_callbacks(database_url: str, receiver: Receiver) -> None:
    kept_for_a_day = policy(retention={"content": "1d"}, **LASTING)
    async with open_world(database_url, kept_for_a_day) as world, open_rounds(world) as rounds:
        await rounds.submit_approved(receiver.url())
        await rounds.deliver()
        rounds.ahead += DAY + 5 * MINUTE
        await looked_through(rounds)
        assert await rounds.states() == []
