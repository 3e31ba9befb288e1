"""Callbacks about a package arrive in order, and a slow receiver delays nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from scheduler.callbacks.concurrency import OF_ADDRESS
from scheduler.callbacks.retries import ATTEMPTS, DELAYS, AttemptResult, Dead, Delivered, Retry
from store.engine.workers import UnavailableError
from store.outbox.deliveries import ClaimedCallback
from tests.rules.world import DAY
from tests.scheduler.callbacks.receiver import HeldAnswer, Receiver
from tests.scheduler.callbacks.rounds import Rounds
from tests.store.soundness import faults

SECOND = timedelta(seconds=1)


async def test_callbacks_about_a_package_arrive_in_order(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(500)
    state = await rounds.submit_escalated(receiver.url())
    other = await rounds.submit_approved(receiver.url("/other"))
    await rounds.deliver()
    assert receiver.event_types(state.decision_package_id) == ["package.escalated"]
    assert receiver.event_types(other.decision_package_id) == ["package.approved"]
    await rounds.later(DELAYS[0] + SECOND)
    types = ["package.escalated", "package.escalated", "package.approved"]
    assert receiver.event_types(state.decision_package_id) == types


async def test_a_dead_callback_does_not_block_the_next_one(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(*[500] * ATTEMPTS)
    state = await rounds.submit_escalated(receiver.url())
    await rounds.deliver()
    for delay in DELAYS:
        await rounds.later(delay + SECOND)
    assert await rounds.states() == ["dead", "delivered"]
    assert receiver.event_types(state.decision_package_id)[-1] == "package.approved"


async def test_a_receiver_that_hangs_delays_nobody_else(rounds: Rounds, receiver: Receiver) -> None:
    held = [HeldAnswer() for _ in range(OF_ADDRESS)]
    receiver.answers(*held, path="/slow")
    for _ in range(3 * OF_ADDRESS):
        await rounds.submit_approved(receiver.url("/slow"))
    for number in range(20):
        await rounds.submit_approved(receiver.url(f"/quick/{number}"))
    await rounds.courier.tick()
    await receiver.wait_for(OF_ADDRESS + 20)
    assert len(receiver.ids("/slow")) == OF_ADDRESS
    for request in held:
        request.free.set()
    await rounds.deliver()
    assert await rounds.states() == ["delivered"] * (3 * OF_ADDRESS + 20)


@pytest.mark.parametrize("seed", range(3))
async def test_in_any_order_of_events_every_pending_callback_has_something_to_wait_for(
    rounds: Rounds, seed: int
) -> None:
    chance, hands = Random(seed), list[ClaimedCallback]()
    for _ in range(60):
        match chance.choice(["decide", "claim", "settle", "settle", "resend", "wait"]):
            case "decide":
                await rounds.submit_escalated("https://agent.example/hook")
            case "claim":
                hands += await rounds.courier._claim(await rounds.courier._due())
            case "settle" if hands:
                callback, now = hands.pop(chance.randrange(len(hands))), rounds.now()
                result: AttemptResult = chance.choice(_results(now))
                await rounds.courier._settle(callback, result)
            case "resend":
                over = [letter for letter in await rounds.callbacks() if letter.state in ("dead", "delivered")]
                for letter in chance.sample(over, min(len(over), 2)):
                    await rounds.resend(letter.callback_id)
            case _:
                rounds.ahead += timedelta(seconds=40)
        assert await rounds.world.read(faults) == []


def _results(now: datetime) -> list[AttemptResult]:
    return [Delivered(), Dead("why"), Retry(now, "why"), Retry(now + DAY, "why")]


# ---- the database is away


async def test_a_callback_whose_result_was_not_written_is_sent_again(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    held = HeldAnswer()
    receiver.answers(held)
    await rounds.submit_approved(receiver.url())
    await rounds.courier.tick()
    await held.begun.wait()
    monkeypatch.setattr(rounds.world.store.database, "write", away)
    held.free.set()
    await rounds.deliver()
    monkeypatch.undo()
    assert await rounds.states() == ["due"]
    await rounds.later(timedelta(seconds=61))
    assert receiver.ids() == [(await rounds.only_callback()).callback_id] * 2
    assert await rounds.states() == ["delivered"]


async def test_a_database_outage_stops_nothing_for_good(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    await rounds.submit_approved(receiver.url())
    for part in ("read", "write"):
        with monkeypatch.context() as patch:
            patch.setattr(rounds.world.store.database, part, away)
            await rounds.deliver()
    assert receiver.got == []
    await rounds.deliver()
    assert await rounds.states() == ["delivered"]
