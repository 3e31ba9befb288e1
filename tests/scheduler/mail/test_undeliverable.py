"""A mail that cannot be written or addressed is given up once, with all that it was to tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.state.sightings import CardLocation
from scheduler.callbacks.sender import CallbackSender
from scheduler.mail.post import MailPost
from tests.mail_server import MailServer
from tests.rules.world import CRITICAL, HOUR, OWEN, RITA, ROSE, SUSI, TAKEOVER, package, people
from tests.scheduler.mail.rounds import SENDER, MailRounds

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("email", [None, "not an address"])
async def test_takeovers_for_a_person_whose_address_cannot_be_used_are_one_dead_letter(
    rounds: MailRounds, email: str | None
) -> None:
    await _only(rounds, RITA)
    for number in range(2):
        await rounds.world.submit(package(recommendation="escalate", thread_id=f"thr_{number}"))
    await _only(rounds, RITA, email=email)
    for _ in range(5):
        await rounds.later(SECOND)
    assert await rounds.states() == ["dead"]
    assert [state for _, _, state, _ in await rounds.needs()] == ["written"] * 2


async def test_what_more_than_one_mail_was_to_name_is_one_dead_letter_if_the_address_is_gone(
    rounds: MailRounds,
) -> None:
    for number in range(25):
        await rounds.world.submit(package(risk_level="critical", title=f"Delete table {number}"))
    await _address_is(rounds, SUSI, None)
    for _ in range(3):
        await rounds.later(HOUR)
    assert [state for user, state, _ in await rounds.mails() if user == SUSI] == ["dead"]


async def test_what_a_mail_without_an_address_was_to_tell_is_told_when_it_is_resent(
    rounds: MailRounds, server: MailServer
) -> None:
    for _ in range(2):
        await rounds.world.submit(CRITICAL)
    await _address_is(rounds, SUSI, None)
    await rounds.later()
    before = list(server.recipients)
    await rounds.world.people_are(people())
    await rounds.resend_all()
    await rounds.later()
    assert (sorted(before), server.recipients[2:]) == (["saul@example.com", "sila@example.com"], ["susi@example.com"])
    assert server.got[-1].subject == "2 decisions wait for you"


async def test_a_mail_that_a_fault_keeps_from_being_written_is_given_up_once(rounds: MailRounds) -> None:
    await _only(rounds, RITA)
    await rounds.world.submit_and_show(TAKEOVER)
    rounds.courier = _faulty_sender(rounds)
    for _ in range(30):
        await rounds.later(timedelta(hours=25))
    assert await rounds.states() == ["dead"]


def _faulty_sender(rounds: MailRounds) -> CallbackSender:
    """Its links to cards cannot be made."""

    def no_link(card: CardLocation) -> str | None:
        raise RuntimeError(card)

    post = MailPost(rounds.world.store, rounds.client, SENDER, link_to=no_link, count=lambda _: None, now=rounds.now)
    return CallbackSender(rounds.world.store, rounds.http, lambda _: None, rounds.now, lambda: 0.5, mail=post)


async def _only(rounds: MailRounds, user: str, **fields: Any) -> None:
    known = people(**{user: fields})
    await rounds.world.people_are({who: known[who] for who in (user, ROSE, OWEN)})


async def _address_is(rounds: MailRounds, user: str, email: str | None) -> None:
    await rounds.world.people_are(people(**{user: {"email": email}}))
