"""Several processes share the callbacks, and any of them may die: each callback arrives, in order, under one id."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Connection

from rules.state.commands import Escalate, Revise, Withdraw
from scheduler.callbacks.concurrency import OF_ADDRESS
from scheduler.callbacks.retries import Dead, Delivered, Retry
from store.outbox import deliveries
from store.outbox.deliveries import ClaimedCallback
from tests.fork_server import ForkedProcess
from tests.rules.world import SENTA, SUSI, ask
from tests.scheduler.callbacks.carrier import STEPS, run_sender
from tests.scheduler.callbacks.receiver import HeldAnswer, Receiver, hangs
from tests.scheduler.callbacks.rounds import Rounds, open_rounds, package_with_callback
from tests.store.test_crash import wait_for_death
from tests.store.world import replica

LEASE = timedelta(seconds=61)
TOLD = ["package.escalated", "package.approved"]


@asynccontextmanager
async def carrier(url: str, step: str | None = None) -> AsyncIterator[ForkedProcess]:
    process = ForkedProcess(run_sender, url, step)
    try:
        assert await process.receive() == "ready"
        yield process
    finally:
        await process.kill()


async def _end_and_count(process: ForkedProcess) -> int:
    """The total count."""
    process.send("end")
    return int(await process.receive() or 0)


# The escalation arrives once, or twice if the process died after the response; then the approval arrives once.
SENT = {"claiming": 1, "claimed": 1, "sent": 2, "settling": 2, "settled": 1}


@pytest.mark.parametrize("step", STEPS)
async def test_a_callback_of_a_process_killed_between_two_steps_is_sent_by_another(
    rounds: Rounds, receiver: Receiver, step: str
) -> None:
    state = await rounds.submit_escalated(receiver.url())
    async with carrier(rounds.world.url, step) as process:
        process.send("go")
        assert await process.wait() == -9
    wait_for_death(rounds.world.url)
    await rounds.later(LEASE)
    assert receiver.event_types(state.decision_package_id) == TOLD[:1] * SENT[step] + TOLD[1:]
    assert list(dict.fromkeys(receiver.ids())) == [letter.callback_id for letter in await rounds.callbacks()]
    assert await rounds.states() == ["delivered", "delivered"]


async def test_a_callback_of_a_process_killed_during_a_request_is_sent_by_another(
    rounds: Rounds, receiver: Receiver
) -> None:
    receiver.answers(hangs)
    await rounds.submit_approved(receiver.url())
    async with carrier(rounds.world.url) as process:
        process.send("go")
        await receiver.wait_for(1)
        await process.kill()
    wait_for_death(rounds.world.url)
    await rounds.deliver()
    assert len(receiver.got) == 1
    await rounds.later(LEASE)
    assert receiver.ids() == [(await rounds.only_callback()).callback_id] * 2
    assert await rounds.states() == ["delivered"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_three_processes_share_the_work_and_nothing_is_sent_twice(rounds: Rounds, receiver: Receiver) -> None:
    """The first requests wait for each other, which proves that all three processes work."""
    at_once = 3 * OF_ADDRESS
    held = [HeldAnswer() for _ in range(at_once)]
    receiver.answers(*held)
    for _ in range(60):
        await rounds.submit_escalated(receiver.url())
    async with carrier(rounds.world.url) as one, carrier(rounds.world.url) as two, carrier(rounds.world.url) as three:
        for process in (one, two, three):
            process.send("go")
        await receiver.wait_for(at_once)
        for request in held:
            request.free.set()
        await receiver.wait_for(120)
        shares = [await _end_and_count(process) for process in (one, two, three)]
    assert sum(shares) == 120
    assert min(shares) >= OF_ADDRESS
    assert set(Counter(receiver.ids()).values()) == {1}
    assert {tuple(receiver.event_types(letter.package_id)) for letter in await rounds.callbacks()} == {tuple(TOLD)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_if_two_processes_claim_at_the_same_moment_one_sends_it(rounds: Rounds, receiver: Receiver) -> None:
    for _ in range(OF_ADDRESS):
        await rounds.submit_approved(receiver.url())
    async with replica(rounds.world) as other, open_rounds(other) as beside:
        both = (rounds.courier, beside.courier)
        seen = [await courier._due() for courier in both]
        taken = await asyncio.gather(*(courier._claim(dues) for courier, dues in zip(both, seen, strict=True)))
    assert set(seen[0]) == set(seen[1])
    assert sorted(callback.as_due for claims in taken for callback in claims) == sorted(seen[0])


# ---- who lost its claim


async def test_a_late_failure_does_not_undo_a_delivery(rounds: Rounds, receiver: Receiver) -> None:
    """The process was frozen for longer than its claim, and another one delivered."""
    slow = await _taken_and_left(rounds, receiver)
    await rounds.later(LEASE)
    await rounds.courier._settle(slow, Retry(rounds.now(), "no answer"))
    await rounds.courier._settle(slow, Dead("given up"))
    letter = await rounds.only_callback()
    assert (letter.state, letter.last_error, letter.attempts) == ("delivered", None, 1)


async def test_a_late_failure_does_not_shorten_the_claim_of_another_process(rounds: Rounds, receiver: Receiver) -> None:
    slow = await _taken_and_left(rounds, receiver)
    rounds.ahead += LEASE
    (other,) = await rounds.courier._claim(await rounds.courier._due())
    await rounds.courier._settle(slow, Retry(rounds.now(), "no answer"))
    assert (await rounds.only_callback()).due_at == other.lease
    assert await rounds.courier._due() == []


async def test_a_late_success_counts_although_another_process_gave_up(rounds: Rounds, receiver: Receiver) -> None:
    slow = await _taken_and_left(rounds, receiver)
    rounds.ahead += LEASE
    (other,) = await rounds.courier._claim(await rounds.courier._due())
    await rounds.courier._settle(other, Dead("given up"))
    await rounds.courier._settle(slow, Delivered())
    assert await rounds.states() == ["delivered"]


async def _taken_and_left(rounds: Rounds, receiver: Receiver) -> ClaimedCallback:
    await rounds.submit_approved(receiver.url())
    (callback,) = await rounds.courier._claim(await rounds.courier._due())
    return callback


# ---- callbacks written while another one ends


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_callback_added_while_the_previous_one_ends_still_waits_for_its_turn(
    rounds: Rounds, receiver: Receiver
) -> None:
    """The second becomes due in the transaction in which the third checks whether anything precedes it."""
    world, begun, ends = rounds.world, threading.Event(), threading.Event()
    state = await world.after(ask(Escalate, await world.submit(package_with_callback(receiver.url()))), SENTA)
    state = await world.after(ask(Revise, state), SUSI)
    (first,) = await rounds.courier._claim(await rounds.courier._due())

    def ending(connection: Connection) -> None:
        deliveries.record_delivery(connection, first, rounds.now())
        begun.set()
        assert ends.wait(30)

    ended = asyncio.create_task(world.write(ending))
    assert await asyncio.to_thread(begun.wait, 30)
    cancelled = asyncio.create_task(world.execute_for_agent(ask(Withdraw, state)))
    await asyncio.to_thread(_until_somebody_waits_for_a_lock, world.url)
    ends.set()
    await asyncio.gather(ended, cancelled)
    assert await rounds.states() == ["delivered", "due", "waiting"]


def _until_somebody_waits_for_a_lock(url: str) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query).fetchall() == [(0,)]:
            pass


# ---- the end of a process


async def test_draining_waits_for_running_requests_and_starts_none(rounds: Rounds, receiver: Receiver) -> None:
    held = HeldAnswer()
    receiver.answers(held)
    await rounds.submit_escalated(receiver.url())
    await rounds.courier.tick()
    await held.begun.wait()
    ending = asyncio.create_task(rounds.courier.drain(10))
    await asyncio.sleep(0)  # it begins to end
    held.free.set()
    await ending
    await rounds.courier.tick()
    assert await rounds.states() == ["delivered", "due"]
    assert len(receiver.got) == 1


async def test_a_slow_receiver_does_not_block_shutdown(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(hangs)
    await rounds.submit_approved(receiver.url())
    await rounds.courier.tick()
    await receiver.wait_for(1)
    await rounds.courier.drain(0)
    async with open_rounds(rounds.world) as next_process:
        await next_process.later(LEASE)
    assert receiver.ids() == [(await rounds.only_callback()).callback_id] * 2
    assert await rounds.states() == ["delivered"]
