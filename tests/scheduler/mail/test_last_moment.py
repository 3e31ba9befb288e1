"""What happens between the draft of a mail and its text leaving: the mail is checked again as its attempt is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from rules.state.commands import Reject, Withdraw
from tests.mail_server import CUT, Held, MailServer
from tests.rules.world import CRITICAL, OWEN, RITA, ROSE, SUSI, TAKEOVER, ask, people, person
from tests.scheduler.mail.rounds import MailRounds
from tests.scheduler.mail.takeovers import submit_takeover

DECIDED = "it no longer waits for this: someone acted meanwhile"


@asynccontextmanager
async def while_the_server_is_asked(rounds: MailRounds, server: MailServer) -> AsyncIterator[None]:
    """The mail is written, and the server takes its time over the address."""
    held = Held()
    server.to_recipients.append(held)
    sending = asyncio.create_task(rounds.later())
    await held.begun.wait()
    yield
    held.free.set()
    await sending


async def test_what_is_decided_while_the_server_is_asked_for_the_address_keeps_nobody_from_being_told_of_the_rest(
    rounds: MailRounds, server: MailServer
) -> None:
    await _is_alone(rounds, SUSI)
    first, _ = [await rounds.world.submit(CRITICAL) for _ in range(2)]
    async with while_the_server_is_asked(rounds, server):
        await rounds.world.after(ask(Reject, first), SUSI)
    assert (server.only().subject, await rounds.states()) == ("2 decisions wait for you", ["delivered"])


async def test_if_all_is_decided_while_the_server_is_asked_for_the_address_there_is_no_mail(
    rounds: MailRounds, server: MailServer
) -> None:
    await _is_alone(rounds, SUSI)
    state = await rounds.world.submit(CRITICAL)
    async with while_the_server_is_asked(rounds, server):
        await rounds.world.after(ask(Reject, state), SUSI)
    refused = await rounds.mails()
    await rounds.later()
    assert (refused, await rounds.states(), server.got) == ([(SUSI, "due", DECIDED)], ["dropped"], [])
    assert await rounds.recorded(state) == []


@pytest.mark.parametrize("honest", [1, 6], ids=["told one by one", "told as one list"])
async def test_an_agent_that_withdraws_a_package_before_each_text_keeps_back_no_takeover(
    rounds: MailRounds, server: MailServer, honest: int
) -> None:
    """Its packages are more urgent by its own word, and one of them came first."""
    await _is_alone(rounds, SUSI)
    withdrawn = await submit_takeover(rounds, risk_level="critical")
    states = [await submit_takeover(rounds) for _ in range(honest)]
    for _ in range(2):
        async with while_the_server_is_asked(rounds, server):
            await rounds.world.after(ask(Withdraw, withdrawn), ROSE)
            withdrawn = await submit_takeover(rounds, risk_level="critical")
    assert [len(await rounds.recorded(state)) for state in states] == [1] * honest


async def test_a_person_who_loses_the_role_while_the_server_is_asked_for_the_address_gets_no_mail(
    rounds: MailRounds, server: MailServer
) -> None:
    await _is_alone(rounds, RITA)
    await rounds.world.submit(TAKEOVER)
    async with while_the_server_is_asked(rounds, server):
        await rounds.world.people_are({RITA: person(RITA, active=False), ROSE: person(ROSE), OWEN: person(OWEN)})
    await rounds.later()
    assert server.got == []
    assert await rounds.mails() == [(RITA, "dropped", "this person can no longer act on anything here (deactivated)")]


async def test_a_person_whose_address_changes_while_the_server_is_asked_for_it_gets_the_mail_at_the_new_one(
    rounds: MailRounds, server: MailServer
) -> None:
    await _is_alone(rounds, RITA)
    await rounds.world.submit(TAKEOVER)
    async with while_the_server_is_asked(rounds, server):
        moved = person(RITA, email="rita@new.example")
        await rounds.world.people_are({RITA: moved, ROSE: person(ROSE), OWEN: person(OWEN)})
    await rounds.later()
    assert server.recipients == ["rita@new.example"]


async def test_a_mail_that_may_have_arrived_is_not_sent_again_if_all_is_decided_while_the_server_is_asked(
    rounds: MailRounds, server: MailServer
) -> None:
    await _is_alone(rounds, SUSI)
    state = await rounds.world.submit(CRITICAL)
    server.to_texts.append(CUT)
    await rounds.later()
    async with while_the_server_is_asked(rounds, server):
        await rounds.world.after(ask(Reject, state), SUSI)
    await rounds.later(timedelta(hours=1))
    why = f"no answer came when it was sent, and it is not sent again: {DECIDED}"
    assert (len(server.got), await rounds.mails()) == (1, [(SUSI, "dead", why)])


async def _is_alone(rounds: MailRounds, user: str) -> None:
    """The others have no address."""
    alone = {one: person(one, email=None) for one in people() if one not in (user, ROSE, OWEN)}
    await rounds.world.people_are(people() | alone)
