"""People who can act only later are told then of what waits."""

from __future__ import annotations

from functools import partial

import pytest

from rules.package.model import DecisionPackage
from store.installation.directory import begin_absence, end_absence
from tests.mail_server import MailServer
from tests.rules.world import ALL, CRITICAL, HOUR, MINUTE, RITA, ROSS, TAKEOVER, people
from tests.scheduler.mail.rounds import MailRounds


async def test_a_takeover_that_came_in_while_everyone_was_away_is_mailed_to_those_who_come_back(
    rounds: MailRounds, server: MailServer
) -> None:
    await _all_leave(rounds)
    await rounds.world.submit(TAKEOVER)
    await _people_are_looked_at(rounds)
    before = list(server.recipients)
    for user in (RITA, ROSS):
        await rounds.world.write(partial(end_absence, user_id=user, now=rounds.world.clock()))
    await _people_are_looked_at(rounds)
    assert (before, sorted(server.recipients)) == ([], ["rita@example.com", "ross@example.com"])


@pytest.mark.parametrize("grave", [TAKEOVER, CRITICAL], ids=["takeover", "critical"])
async def test_those_who_come_back_in_an_outage_are_told_of_it_although_slack_is_back_before_the_mail_leaves(
    rounds: MailRounds, server: MailServer, grave: DecisionPackage
) -> None:
    """The outage is looked at before people are, so it is the first to note whom to tell."""
    await _all_leave(rounds)
    await rounds.world.submit(grave)
    await _people_are_looked_at(rounds)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await rounds.outage.tick()
    for user in ALL:
        await rounds.world.write(partial(end_absence, user_id=user, now=rounds.world.clock()))
    await rounds.outage_goes_on()
    await rounds.slack_is(away=False)
    await _people_are_looked_at(rounds)
    await rounds.later(MINUTE)
    assert {state for _, _, state, _ in await rounds.needs()} == {"recorded"}
    assert server.got


async def test_an_absence_that_ends_by_itself_is_noticed(rounds: MailRounds, server: MailServer) -> None:
    await _all_leave(rounds)
    await rounds.world.submit(TAKEOVER)
    await _people_are_looked_at(rounds)
    rounds.world.clock.passes(HOUR)
    await _people_are_looked_at(rounds)
    assert sorted(server.recipients) == ["rita@example.com", "ross@example.com"]


async def test_a_person_who_gets_an_address_is_told_of_what_is_critical(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.people_are(people(USUSI={"email": None}))
    await rounds.world.submit(CRITICAL)
    await _people_are_looked_at(rounds)
    before = sorted(server.recipients)
    await rounds.world.people_are(people())
    await _people_are_looked_at(rounds)
    assert (before, server.recipients[2:]) == (["saul@example.com", "sila@example.com"], ["susi@example.com"])


async def test_nobody_is_told_again_because_people_have_changed(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(TAKEOVER)
    await _people_are_looked_at(rounds)
    await rounds.world.people_are(people(UDORA={"email": None}))
    await _people_are_looked_at(rounds)
    assert sorted(server.recipients) == ["rita@example.com", "ross@example.com"]


async def _all_leave(rounds: MailRounds) -> None:
    now = rounds.world.clock()
    for user in ALL:
        leave = partial(begin_absence, user_id=user, until=now + 30 * MINUTE, delegate=None, now=now)
        await rounds.world.write(leave)


async def _people_are_looked_at(rounds: MailRounds) -> None:
    rounds.world.clock.passes(MINUTE)
    await rounds.returning.tick()
    await rounds.later()
