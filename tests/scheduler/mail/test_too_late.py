"""What nobody could be told for three days is not told any more, and what has ended is forgotten after a month."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from rules.state.commands import Withdraw
from scheduler.time.retention import Retention
from store.mail.needs import NEEDS
from tests.mail_server import GREYLISTED, NO_SUCH_USER, MailServer
from tests.rules.world import CRITICAL, OWEN, ROSE, SUSI, ask, people, person
from tests.scheduler.mail.rounds import MailRounds

TOO_LATE = "nobody could be told of it within three days"
THREE_DAYS = timedelta(days=3, minutes=1)


@pytest.fixture(autouse=True)
async def _susi_is_the_only_person_with_an_address(rounds: MailRounds) -> None:
    others = {user: person(user, email=None) for user in people() if user not in (SUSI, ROSE, OWEN)}
    await rounds.world.people_are(people() | others)


async def test_what_no_mail_has_told_within_three_days_is_told_by_none(rounds: MailRounds, server: MailServer) -> None:
    """Mails were off, for example. What has happened since is told."""
    await rounds.world.submit(CRITICAL)
    await rounds.later(THREE_DAYS)
    late = (list(server.got), await rounds.mails())
    await rounds.world.submit(CRITICAL)
    await _noted_now(rounds)
    await rounds.later()
    assert late == ([], [(SUSI, "dropped", TOO_LATE)])
    assert server.only().subject == "A critical decision waits for you"


async def test_what_is_too_late_ends_also_if_nobody_sends_mails_any_more(rounds: MailRounds) -> None:
    await rounds.world.submit(CRITICAL)
    early = Retention(rounds.world.store, lambda: rounds.now() + timedelta(days=2))
    await early.tick()
    before = await rounds.needs()
    await Retention(rounds.world.store, lambda: rounds.now() + THREE_DAYS).tick()
    assert before == [(SUSI, "critical", "due", None)]
    assert await rounds.needs() == [(SUSI, "critical", "dropped", TOO_LATE)]


async def test_what_a_mail_has_begun_to_tell_ends_with_the_mail_and_can_be_resent(
    rounds: MailRounds, server: MailServer
) -> None:
    """A mail is tried for a little longer than three days."""
    await rounds.world.submit(CRITICAL)
    server.to_recipients.extend([GREYLISTED] * 11)
    for _ in range(11):
        await rounds.later(timedelta(days=1))
        await Retention(rounds.world.store, rounds.now).tick()
    given_up = await rounds.states()
    await rounds.resend_all()
    await rounds.later()
    assert (given_up, server.recipients) == (["dead"], ["susi@example.com"])


async def test_what_is_resent_has_three_days_again(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(CRITICAL)
    server.to_recipients.append(NO_SUCH_USER)
    await rounds.later()
    rounds.ahead += timedelta(days=10)
    await rounds.resend_all()
    await Retention(rounds.world.store, rounds.now).tick()
    await rounds.later()
    assert server.recipients == ["susi@example.com"]


async def test_nobody_is_told_later_of_what_was_too_late(rounds: MailRounds, server: MailServer) -> None:
    """Also not because people change: it would be told as if it were new."""
    await rounds.world.submit(CRITICAL)
    await rounds.returning.tick()
    await rounds.later(THREE_DAYS)
    rounds.world.clock.passes(timedelta(minutes=2))
    await rounds.world.people_are(people())
    await rounds.returning.tick()
    await rounds.later()
    assert "susi@example.com" not in server.recipients


async def test_what_ended_before_it_was_told_is_forgotten_after_a_month(rounds: MailRounds) -> None:
    state = await rounds.world.submit(CRITICAL)
    await rounds.world.after(ask(Withdraw, state), ROSE)
    await rounds.later()
    ended = await rounds.needs()
    await Retention(rounds.world.store, lambda: rounds.now() + timedelta(days=31)).tick()
    assert (len(ended), await rounds.needs()) == (1, [])


async def _noted_now(rounds: MailRounds) -> None:
    """At the time of the rounds."""
    due = update(NEEDS).where(NEEDS.c.state == "due").values(created_at=rounds.now(), due_at=rounds.now())
    await rounds.world.write(lambda connection: connection.execute(due))
