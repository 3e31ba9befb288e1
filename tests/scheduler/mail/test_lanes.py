"""Mails about takeovers have a lane of their own: nothing else that a person is told delays, shortens or ends them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from store.mail.lanes import MailLane
from store.outbox.callbacks import CALLBACKS
from tests.mail_server import CUT, GREYLISTED, MailServer
from tests.rules.world import HARD, MINUTE, OWEN, ROSE, SUSI, people, person
from tests.scheduler.mail.rounds import MailRounds
from tests.scheduler.mail.takeovers import submit_takeover

SUSI_ALONE = {user: person for user, person in people().items() if user in (SUSI, ROSE, OWEN)}


@pytest.fixture(autouse=True)
async def _susi_is_the_only_person_with_an_address(rounds: MailRounds) -> None:
    await rounds.world.people_are(SUSI_ALONE)


async def test_a_person_who_has_had_all_mails_of_the_hour_is_told_of_a_takeover_at_once(
    rounds: MailRounds, server: MailServer
) -> None:
    for _ in range(8):
        await submit_while_slack_is_away(rounds)
        await rounds.later()
    limited = len(server.got)
    takeover = await new_takeover(rounds)
    await rounds.later()
    assert (limited, packages_told(server)[limited:]) == (6, [takeover])


async def test_a_takeover_does_not_wait_for_a_mail_about_something_else_that_was_refused_for_now(
    rounds: MailRounds, server: MailServer
) -> None:
    await submit_while_slack_is_away(rounds)
    await refuse_for_now(rounds, server, times=4)
    takeover = await new_takeover(rounds)
    await rounds.later()
    assert packages_told(server) == [takeover]


async def test_a_takeover_does_not_wait_for_an_earlier_one_that_was_refused_for_now(
    rounds: MailRounds, server: MailServer
) -> None:
    first = await new_takeover(rounds)
    await refuse_for_now(rounds, server, times=4)
    second = await new_takeover(rounds)
    for _ in range(3):
        await rounds.later()
    assert packages_told(server) == [first, second]


async def test_a_takeover_does_not_wait_for_an_answer_about_an_earlier_one(
    rounds: MailRounds, server: MailServer
) -> None:
    """The earlier mail has been refused four times, and may have arrived at the fifth attempt."""
    first = await new_takeover(rounds)
    await refuse_for_now(rounds, server, times=4)
    server.to_texts.append(CUT)
    await rounds.later(timedelta(minutes=31))
    second = await new_takeover(rounds)
    for _ in range(3):
        await rounds.later()
    assert packages_told(server) == [first, first, second]


async def test_a_takeover_that_comes_before_the_last_attempt_of_a_mail_gets_attempts_of_its_own(
    rounds: MailRounds, server: MailServer
) -> None:
    first = await new_takeover(rounds)
    await refuse_for_now(rounds, server, times=10)
    server.to_recipients.extend([GREYLISTED] * 4)
    second = await new_takeover(rounds)
    for _ in range(7):
        await rounds.later(timedelta(minutes=40))
    assert packages_told(server) == [first, second]


async def test_after_twenty_mails_about_takeovers_in_an_hour_those_that_follow_are_one_mail_a_minute(
    rounds: MailRounds, server: MailServer
) -> None:
    """None is lost: the twenty came at once, one by one."""
    takeovers = [await tell_takeover(rounds) for _ in range(20)]
    at_once = packages_told(server)
    await new_takeover(rounds)
    await new_takeover(rounds)
    await rounds.later()
    within_the_minute = len(server.got)
    await rounds.later(MINUTE)
    await rounds.later()
    assert (at_once, within_the_minute) == (takeovers, 20)
    assert [mail.subject for mail in server.got[20:]] == ["2 decisions wait for you"]
    assert {state for _, _, state, _ in await rounds.needs()} == {"recorded"}


async def test_more_takeovers_than_one_mail_names_are_named_minute_by_minute(
    rounds: MailRounds, server: MailServer
) -> None:
    for _ in range(20):
        await tell_takeover(rounds)
    for _ in range(25):
        await new_takeover(rounds)
    for _ in range(4):
        await rounds.later(MINUTE)
    assert [mail.subject for mail in server.got[20:]] == ["25 decisions wait for you", "5 decisions wait for you"]
    assert {state for _, _, state, _ in await rounds.needs()} == {"recorded"}


async def test_a_flood_of_takeovers_that_call_themselves_critical_delays_no_takeover_of_another_agent(
    rounds: MailRounds, server: MailServer
) -> None:
    without_address = {one: person(one, email=None) for one in people() if one not in SUSI_ALONE}
    await rounds.world.people_are(people() | without_address)
    other = await rounds.world.hire("Honest")
    for _ in range(20):
        await tell_takeover(rounds)
    await submit_takeover(rounds, other, title="Stopped at the invoice")
    for _ in range(25):
        await submit_takeover(rounds, risk_level="critical")
    await rounds.later(MINUTE)
    (flood,) = server.got[20:]
    assert "Stopped at the invoice" in flood.text
    assert flood.subject == "26 decisions wait for you"


async def test_an_hour_after_many_takeovers_the_next_one_is_told_at_once_again(
    rounds: MailRounds, server: MailServer
) -> None:
    for _ in range(20):
        await tell_takeover(rounds)
    await rounds.later(timedelta(hours=1))
    both = [await tell_takeover(rounds) for _ in range(2)]
    assert packages_told(server)[20:] == both


async def tell_takeover(rounds: MailRounds) -> str:
    package_id = await new_takeover(rounds)
    await rounds.later()
    return package_id


async def test_a_takeover_is_told_whole_and_alone_whatever_else_waits(rounds: MailRounds, server: MailServer) -> None:
    for _ in range(22):
        await submit_while_slack_is_away(rounds)
    takeovers = [await new_takeover(rounds) for _ in range(2)]
    for _ in range(3):
        await rounds.later()
    assert [one for one in packages_told(server) if one] == takeovers
    assert sum(mail.subject == "22 decisions wait for you" for mail in server.got) == 1


async def test_many_takeovers_at_once_are_one_mail(rounds: MailRounds, server: MailServer) -> None:
    for _ in range(30):
        await new_takeover(rounds)
    await rounds.later()
    assert [mail.subject for mail in server.got] == ["30 decisions wait for you"]


async def test_a_takeover_is_found_before_mails_that_have_been_due_for_longer(rounds: MailRounds) -> None:
    """More of them than are sent at once."""
    tenant = {"tenant_id": rounds.world.tenant_id}
    older = [_due_mail(f"U{number}", MailLane.OTHER, rounds.now() - MINUTE) | tenant for number in range(300)]
    takeover = _due_mail(SUSI, MailLane.TAKEOVER, rounds.now()) | tenant
    await rounds.world.write(lambda connection: connection.execute(insert(CALLBACKS), [*older, takeover]))
    first, *_ = await rounds.courier._due()
    assert first.agent_id == SUSI


def _due_mail(user: str, lane: MailLane, due_at: datetime) -> dict[str, Any]:
    return {
        "callback_id": f"mail_{user}",
        "package_id": "mail",
        "agent_id": user,
        "revision": 0,
        "event_type": lane.value,
        "url": f"mail to {user}",
        "state": "due",
        "attempts": 0,
        "due_at": due_at,
        "created_at": due_at,
        "kind": "mail",
    }


async def submit_while_slack_is_away(rounds: MailRounds) -> None:
    """Its reviewers are told that it waits."""
    await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await rounds.outage_goes_on()


async def new_takeover(rounds: MailRounds) -> str:
    return (await submit_takeover(rounds)).decision_package_id


async def refuse_for_now(rounds: MailRounds, server: MailServer, *, times: int) -> None:
    """So many attempts are refused for now, each as soon as it is due."""
    server.to_recipients.extend([GREYLISTED] * times)
    for _ in range(times):
        await rounds.later(timedelta(days=1) if times > 4 else timedelta(minutes=6))
    assert not server.to_recipients


def packages_told(server: MailServer) -> list[str | None]:
    """The package of each mail that is about one package."""
    threads = (mail.message["References"] for mail in server.got)
    return [thread.strip("<").partition(".")[0] if thread else None for thread in threads]
