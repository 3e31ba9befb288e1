"""Mails that were given up are sent again on an operator's word, without telling anyone of one thing twice."""

from __future__ import annotations

import pytest

from rules.state.agent_commands import ReportExecution
from rules.state.commands import ClaimTask, Recuse, Reject
from rules.state.model import PackageState
from store.outbox import callback_admin
from store.outbox.callback_admin import CallbackAdminError
from tests.mail_server import CUT, NO_SUCH_USER, MailServer
from tests.rules.world import CRITICAL, HOUR, MINUTE, OWEN, RITA, ROSE, ROSS, SUSI, ask, package, people
from tests.scheduler.mail.rounds import MailRounds
from tests.scheduler.mail.takeovers import submit_takeover

SUSI_DELIVERED = (SUSI, "delivered", None)
NOT_AGAIN = "no answer came when it was sent, and it is not sent again"


async def _only(rounds: MailRounds, *users: str) -> None:
    await rounds.world.people_are({user: person for user, person in people().items() if user in users})


async def _take_over(rounds: MailRounds, number: int) -> None:
    await rounds.world.submit(package(recommendation="escalate", thread_id=f"thr_{number}"))
    await rounds.send()


async def test_all_dead_mails_of_a_person_are_resent_as_one_mail_and_later_ones_follow(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSE, OWEN)
    server.to_recipients.extend([NO_SUCH_USER] * 6)
    for number in range(6):
        await _take_over(rounds, number)
    resent = await rounds.resend_all()
    await rounds.later()
    await _take_over(rounds, 7)
    assert resent == 6
    assert [mail.subject for mail in server.got] == ["6 decisions wait for you", "An agent asks you to take over"]
    assert await rounds.states() == ["dropped"] * 6 + ["delivered"] * 2
    replaced = await rounds.rows("SELECT count(*), count(body) FROM callbacks WHERE state = 'dropped'")
    assert replaced == [(6, 0)]  # retention finds texts by what they tell, and these tell nothing any more


async def test_a_resent_mail_tells_only_what_is_still_so(rounds: MailRounds, server: MailServer) -> None:
    await _only(rounds, RITA, ROSE, OWEN)
    server.to_recipients.append(NO_SUCH_USER)
    await _take_over(rounds, 1)
    await rounds.world.people_are(people(URITA={"active": False}))
    await rounds.resend_all()
    await rounds.later()
    assert "rita@example.com" not in server.recipients
    assert await rounds.states() == ["dropped"] * 2


async def test_mails_that_may_have_arrived_are_resent_one_after_the_other_as_the_same_messages(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSE, OWEN)
    for number in range(2):
        server.to_texts.extend([CUT, CUT])
        await _take_over(rounds, number)
        await rounds.later(HOUR)
    resent = []
    for _ in range(3):
        resent.append(await rounds.resend_all())
        await rounds.later()
    copies = [mail.message_id for mail in server.got]
    assert resent == [1, 1, 0]
    assert [copies.count(copy) for copy in dict.fromkeys(copies)] == [3, 3]
    assert await rounds.states() == ["delivered"] * 2


async def test_a_mail_that_may_have_arrived_waits_for_the_open_mail_of_the_person(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSE, OWEN)
    server.to_texts.extend([CUT, CUT])
    await _take_over(rounds, 1)
    await rounds.later(HOUR)
    ((mail_id,),) = await rounds.rows("SELECT callback_id FROM callbacks")
    await rounds.world.submit(package(recommendation="escalate", thread_id="thr_2"))
    await rounds.opener.tick()
    with pytest.raises(CallbackAdminError, match="another mail to the same person must be sent before"):
        await rounds.world.write(lambda connection: callback_admin.resend_callback(connection, mail_id, rounds.now()))


async def test_a_mail_about_a_takeover_is_resent_while_the_person_has_an_open_mail_about_something_else(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSE, OWEN)
    state = await rounds.world.submit_and_approve(by=RITA)
    await rounds.world.claim(state)
    server.to_texts.extend([CUT, CUT])
    await _take_over(rounds, 1)
    await rounds.later(HOUR)
    ((mail_id,),) = await rounds.rows("SELECT callback_id FROM callbacks WHERE kind = 'mail' AND state = 'dead'")
    await rounds.world.execute_for_agent(ask(ReportExecution, state, outcome="failed"))
    await rounds.opener.tick()
    await rounds.world.write(lambda connection: callback_admin.resend_callback(connection, mail_id, rounds.now()))
    await rounds.later()
    assert [mail.subject for mail in server.got].count("An agent asks you to take over") == 3
    assert (RITA, "delivered", None) in await rounds.mails()


async def test_what_is_over_keeps_no_mail_from_being_sent_once_more(rounds: MailRounds, server: MailServer) -> None:
    """The answer was lost, so whether it arrived is unknown. The rest of it still waits for the person."""
    first, _ = await _lose_answer_about_two(rounds, server)
    await rounds.world.after(ask(Reject, first), SUSI)
    await rounds.later(MINUTE)
    assert [mail.subject for mail in server.got] == ["2 decisions wait for you"] * 2
    assert server.got[0].raw == server.got[1].raw
    assert SUSI_DELIVERED in await rounds.mails()


async def test_what_a_colleague_takes_keeps_no_mail_from_being_sent_once_more(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSS, ROSE, OWEN)
    states = [await submit_takeover(rounds) for _ in range(6)]
    server.to_texts.extend([CUT, CUT])
    await rounds.later()
    await rounds.world.after(ask(ClaimTask, states[0]), ROSS)
    await rounds.later(MINUTE)
    assert sorted(server.recipients) == ["rita@example.com", "rita@example.com", "ross@example.com", "ross@example.com"]
    assert await rounds.states() == ["delivered"] * 2


async def test_a_mail_about_what_a_colleague_took_meanwhile_is_not_sent_again(
    rounds: MailRounds, server: MailServer
) -> None:
    await _only(rounds, RITA, ROSS, ROSE, OWEN)
    state = await submit_takeover(rounds)
    server.to_texts.extend([CUT, CUT])
    await rounds.later()
    await rounds.world.after(ask(ClaimTask, state), ROSS)
    await rounds.later(MINUTE)
    assert server.recipients.count("rita@example.com") == 1
    assert (RITA, "dead", f"{NOT_AGAIN}: someone else has taken it") in await rounds.mails()


async def test_a_mail_that_may_have_arrived_is_not_sent_again_to_a_person_who_lost_the_role(
    rounds: MailRounds, server: MailServer
) -> None:
    first, _ = await _lose_answer_about_two(rounds, server)
    await rounds.world.after(ask(Recuse, first), SUSI)
    await rounds.later(MINUTE)
    assert len(server.got) == 1
    assert (SUSI, "dead", f"{NOT_AGAIN}: this person can no longer act on it") in await rounds.mails()


async def test_a_resent_mail_that_is_not_sent_is_recorded_no_second_time(
    rounds: MailRounds, server: MailServer
) -> None:
    first, second = await _lose_answer_about_two(rounds, server)
    server.to_texts.append(CUT)
    await rounds.later(MINUTE)
    await rounds.resend_all()
    await rounds.world.after(ask(Recuse, first), SUSI)
    await rounds.later(MINUTE)
    assert [len(await rounds.recorded(state)) for state in (first, second)] == [1, 1]


async def test_a_mail_that_tells_nothing_that_is_still_so_is_not_resent(rounds: MailRounds, server: MailServer) -> None:
    states = await _lose_answer_about_two(rounds, server)
    server.to_texts.append(CUT)
    await rounds.later(MINUTE)
    for state in states:
        await rounds.world.after(ask(Reject, state), SUSI)
    ((mail_id,),) = await rounds.rows("SELECT callback_id FROM callbacks WHERE state = 'dead'")
    with pytest.raises(CallbackAdminError, match="is still so: someone acted meanwhile"):
        await rounds.world.write(lambda connection: callback_admin.resend_callback(connection, mail_id, rounds.now()))


async def _lose_answer_about_two(rounds: MailRounds, server: MailServer) -> list[PackageState]:
    """Susi's mail about two critical packages has left, and no answer came."""
    await rounds.world.people_are(people(USAUL={"email": None}, USILA={"email": None}, UDORA={"email": None}))
    states = [await rounds.world.submit(CRITICAL) for _ in range(2)]
    server.to_texts.append(CUT)
    await rounds.later()
    return states
