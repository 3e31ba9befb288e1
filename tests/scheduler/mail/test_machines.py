"""A process may die at any step: its mails are sent by another, twice at most, and recorded once."""

from __future__ import annotations

import asyncio

import pytest

from tests.fork_server import ForkedProcess
from tests.mail_server import Held, MailServer
from tests.rules.world import CRITICAL, OWEN, RITA, ROSE, TAKEOVER, people
from tests.scheduler.mail.mail_carrier import STEPS, run_mail_carrier
from tests.scheduler.mail.rounds import LEASE, MailRounds, open_mail_rounds
from tests.store.soundness import faults
from tests.store.test_crash import wait_for_death
from tests.store.world import replica

ONE_READER = {user: person for user, person in people().items() if user in (RITA, ROSE, OWEN)}
SENT_TWICE = {"accepted", "settling"}  # the server had it, and nobody knew


@pytest.mark.parametrize("step", STEPS)
async def test_a_mail_of_a_process_killed_between_two_steps_is_sent_by_another(
    rounds: MailRounds, server: MailServer, step: str
) -> None:
    await rounds.world.people_are(ONE_READER)
    state = await rounds.world.submit(TAKEOVER)
    process = ForkedProcess(run_mail_carrier, rounds.world.url, server.url, step)
    try:
        assert await process.receive() == "ready"
        process.send("go")
        assert await process.wait() == -9
    finally:
        await process.kill()
    wait_for_death(rounds.world.url)
    await rounds.later(LEASE)
    assert len(server.got) == (2 if step in SENT_TWICE else 1)
    assert len({mail.raw for mail in server.got}) == 1
    assert await rounds.states() == ["delivered"]
    after = await rounds.world.state(state.decision_package_id)
    assert [mail.user_id for mail in after.mailed] == [RITA]
    assert {state for _, _, state, _ in await rounds.needs()} == {"recorded"}
    assert await rounds.world.read(faults) == []


async def test_a_process_that_was_frozen_before_the_text_does_not_send_it_after_another_has(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(ONE_READER)
    await rounds.world.submit(TAKEOVER)
    await rounds.opener.tick()
    (frozen,) = await rounds.courier._claim(await rounds.courier._due())
    await rounds.later(LEASE)
    await rounds.courier._deliver(frozen)
    assert (len(server.got), await rounds.states()) == (1, ["delivered"])


async def test_a_process_whose_claim_ran_out_does_not_begin_to_send(rounds: MailRounds, server: MailServer) -> None:
    """Another one may claim the mail at any moment, and would send it at the same time."""
    await rounds.world.people_are(ONE_READER)
    await rounds.world.submit(TAKEOVER)
    await rounds.opener.tick()
    (slow,) = await rounds.courier._claim(await rounds.courier._due())
    rounds.ahead += LEASE
    await rounds.courier._deliver(slow)
    assert (server.got, await rounds.mails()) == ([], [(RITA, "due", "its claim ran out before it was sent")])
    await rounds.later()
    assert (len(server.got), await rounds.states()) == (1, ["delivered"])


async def test_draining_waits_for_a_mail_that_is_being_sent(rounds: MailRounds, server: MailServer) -> None:
    held = Held()
    server.to_texts.append(held)
    await rounds.world.people_are(ONE_READER)
    await rounds.world.submit(TAKEOVER)
    await rounds.opener.tick()
    await rounds.courier.tick()
    await held.begun.wait()
    ending = asyncio.create_task(rounds.courier.drain(10))
    await asyncio.sleep(0)  # it begins to end
    held.free.set()
    await ending
    assert await rounds.states() == ["delivered"]


async def test_two_replicas_share_the_number_of_mails_for_each_hour(rounds: MailRounds, server: MailServer) -> None:
    async with replica(rounds.world) as other, open_mail_rounds(other, server) as beside:
        for _ in range(5):
            for one in (rounds, beside):
                await one.world.submit(CRITICAL)
                await one.later()
    assert server.recipients.count("susi@example.com") == 6


async def test_two_replicas_open_one_mail_for_one_person(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.people_are(ONE_READER)
    await rounds.world.submit(TAKEOVER)
    async with replica(rounds.world) as other, open_mail_rounds(other, server) as beside:
        await asyncio.gather(rounds.opener.tick(), beside.opener.tick())
        await asyncio.gather(rounds.send(), beside.send())
    assert server.recipients == ["rita@example.com"]
