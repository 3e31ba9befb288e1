"""Who gets a mail, what becomes of it, and what the record keeps."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from hashlib import sha256

import pytest
from sqlalchemy import insert

from rules.package.model import DecisionPackage
from rules.people.directory import Person
from rules.state.agent_commands import NewVersion, ReportExecution
from rules.state.commands import Assign, ClaimTask, Escalate, Reject, Revise
from rules.state.service_commands import LoseTrack
from scheduler.mail.recording import AT_ONCE
from store.mail.needs import NEEDS
from store.mail.preferences import set_takeovers_only
from store.mail.sending import BELIEVED_FOR
from tests.mail_server import CUT, GREYLISTED, NO_SUCH_USER, MailServer
from tests.rules.world import (
    ADAM,
    CRITICAL,
    HARD,
    HOUR,
    NOW,
    OWEN,
    RITA,
    ROSE,
    ROSS,
    SAUL,
    SENTA,
    SILA,
    SUSI,
    TAKEOVER,
    ask,
    package,
    people,
)
from tests.scheduler.mail.rounds import MailRounds, open_mail_rounds
from tests.store.soundness import faults
from tests.store.world import all_load_first, replica

SUPERVISORS = sorted(f"{name[1:].lower()}@example.com" for name in (SUSI, SAUL, SILA))


async def test_a_takeover_is_mailed_at_once_to_everyone_who_may_take_over(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(TAKEOVER)
    await rounds.send()
    assert sorted(server.recipients) == ["rita@example.com", "ross@example.com"]
    assert await rounds.states() == ["delivered"] * 2


async def test_a_critical_package_is_mailed_to_those_who_could_decide(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(CRITICAL)
    await rounds.send()
    before = len(server.got)
    await rounds.later()
    assert (before, sorted(server.recipients)) == (0, SUPERVISORS)


async def test_an_ordinary_package_is_mailed_only_to_the_last_role_of_the_ladder(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit(HARD)
    await rounds.later()
    first = list(server.recipients)
    state = await rounds.world.after(ask(Escalate, state), SENTA)
    await rounds.later()
    second = list(server.recipients)
    await rounds.world.after(ask(Escalate, state), SUSI)
    await rounds.later()
    assert (first, second, server.recipients) == ([], [], ["dora@example.com"])


async def test_an_action_that_failed_is_mailed_to_those_who_approved_and_to_the_owner(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit_and_approve(HARD, by=SENTA)
    await rounds.world.claim(state)
    await rounds.world.execute_for_agent(ask(ReportExecution, state, outcome="failed"))
    await rounds.later()
    assert sorted(server.recipients) == ["owen@example.com", "senta@example.com"]
    assert [need[1] for need in await rounds.needs()] == ["failed", "failed"]


async def test_an_outcome_that_is_never_reported_is_mailed_too(rounds: MailRounds, server: MailServer) -> None:
    state = await rounds.world.submit_and_approve(HARD, by=SENTA)
    await rounds.world.claim(state)
    rounds.world.clock.passes(2 * HOUR)
    await rounds.world.after(ask(LoseTrack, state))
    await rounds.later()
    assert [need[1] for need in await rounds.needs()] == ["unknown", "unknown"]
    assert sorted(server.recipients) == ["owen@example.com", "senta@example.com"]


async def test_a_takeover_that_somebody_took_and_gave_to_another_is_mailed_to_the_other_then(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit(TAKEOVER)
    state = await rounds.world.after(ask(ClaimTask, state), RITA)
    await rounds.send()
    taken = list(server.recipients)
    await rounds.world.after(ask(Assign, state, assignee=ROSS), ADAM)
    await rounds.later()
    assert (taken, server.recipients) == (["rita@example.com"], ["rita@example.com", "ross@example.com"])


async def test_nobody_is_told_of_one_thing_twice(rounds: MailRounds, server: MailServer) -> None:
    """Whatever else happens to the package."""
    state = await rounds.world.submit(TAKEOVER)
    await rounds.send()
    await rounds.world.after(ask(ClaimTask, state), RITA)
    await rounds.later()
    assert sorted(server.recipients) == ["rita@example.com", "ross@example.com"]


async def test_what_happens_at_about_the_same_time_is_one_mail(rounds: MailRounds, server: MailServer) -> None:
    for number in range(30):
        await rounds.world.submit(package(risk_level="critical", title=f"Delete table {number}"))
    await rounds.later()
    assert sorted(server.recipients) == SUPERVISORS
    mail = server.got[0]
    assert mail.subject == "30 decisions wait for you"
    assert "10 more packages in Countersign's Home in Slack." in mail.text
    assert mail.message["References"] is None


async def test_a_person_gets_so_many_mails_an_hour_and_the_next_one_tells_the_rest(
    rounds: MailRounds, server: MailServer
) -> None:
    for _ in range(9):
        await rounds.world.submit(CRITICAL)
        await rounds.later()
    within = server.recipients.count("susi@example.com")
    await rounds.later(timedelta(minutes=61))
    subjects = [mail.subject for mail in server.got if mail.recipient == "susi@example.com"]
    assert (within, subjects[-1]) == (6, "3 decisions wait for you")


async def test_a_person_who_wants_takeovers_only_gets_nothing_else(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(CRITICAL)
    for user in (SUSI, RITA):
        await rounds.world.write(partial(set_takeovers_only, user_id=user, now=NOW, only=True))
    await rounds.world.submit(TAKEOVER)
    await rounds.later()
    assert "susi@example.com" not in server.recipients
    assert "rita@example.com" in server.recipients
    assert (
        SUSI,
        "critical",
        "dropped",
        "this person has turned off all mails except takeovers",
    ) in await rounds.needs()


async def test_a_change_by_a_process_without_a_mail_server_is_mailed_by_another(
    rounds: MailRounds, server: MailServer
) -> None:
    async with replica(rounds.world) as other:
        await other.submit(TAKEOVER)
    await rounds.send()
    assert sorted(server.recipients) == ["rita@example.com", "ross@example.com"]


async def test_if_nobody_has_sent_mails_for_a_week_nothing_is_noted(rounds: MailRounds) -> None:
    rounds.world.clock.passes(BELIEVED_FOR)
    await rounds.world.submit(TAKEOVER)
    assert await rounds.needs() == []


# ---- the message


async def test_a_mail_is_threaded_by_package_and_says_that_a_machine_sent_it(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit(CRITICAL)
    await rounds.later()
    message = server.got[0].message
    assert message["References"] == f"<{state.decision_package_id}.countersign@example.com>"
    assert message["From"] == "Countersign <countersign@example.com>"
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


async def test_no_header_promises_to_end_all_mails(rounds: MailRounds, server: MailServer) -> None:
    """Takeovers cannot be turned off. The text says where the others can."""
    await rounds.world.submit(TAKEOVER)
    await rounds.send()
    assert [header for header in server.got[0].message if header.startswith("List-")] == []
    assert "turn off all mails except takeovers" in server.got[0].text


async def test_the_subject_is_plain_unless_the_policy_says_otherwise(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(CRITICAL)
    await rounds.later()
    assert server.got[0].subject == "A critical decision waits for you"


# ---- checked again before it is sent


async def test_a_person_who_lost_the_role_before_the_mail_was_sent_gets_none(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(TAKEOVER)
    await rounds.world.people_are(people(URITA={"active": False}))
    await rounds.send()
    assert server.recipients == ["ross@example.com"]
    assert await rounds.mails() == [
        (RITA, "dropped", "this person can no longer act on anything here (deactivated)"),
        (ROSS, "delivered", None),
    ]


async def test_what_was_decided_before_the_mail_was_sent_is_not_mailed(rounds: MailRounds, server: MailServer) -> None:
    state = await rounds.world.submit(CRITICAL)
    await rounds.world.after(ask(Reject, state), SUSI)
    await rounds.later()
    assert server.got == []
    assert {why for *_, why in await rounds.needs()} == {"it no longer waits for this: someone acted meanwhile"}


async def test_a_mail_that_was_refused_for_now_tells_what_is_so_at_the_next_attempt(
    rounds: MailRounds, server: MailServer
) -> None:
    """Its first text never left, so the second attempt has a new one."""
    first, second = await rounds.world.submit(CRITICAL), await rounds.world.submit(CRITICAL)
    server.to_recipients.extend([GREYLISTED] * 3)
    await rounds.later()
    await rounds.world.after(ask(Reject, first), SUSI)
    await rounds.later()
    assert sorted(server.recipients) == SUPERVISORS
    assert {mail.subject for mail in server.got} == {"A critical decision waits for you"}
    assert {mail.message["References"] for mail in server.got} == {
        f"<{second.decision_package_id}.countersign@example.com>"
    }


async def test_a_mail_waits_for_a_fresh_directory_as_long_as_it_takes(rounds: MailRounds, server: MailServer) -> None:
    """More often than a mail is tried."""
    await rounds.world.submit(TAKEOVER)
    rounds.world.clock.passes(timedelta(days=2000))
    await rounds.opener.tick()
    for _ in range(15):
        await rounds.later(timedelta(seconds=31))
    waiting = await rounds.states()
    await rounds.world.people_are(people())
    await rounds.later(timedelta(seconds=31))
    assert (waiting, await rounds.states()) == (["due"] * 2, ["delivered"] * 2)


async def test_what_happens_while_the_directory_is_stale_is_mailed_when_it_is_fresh(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit_and_approve(HARD, by=SENTA)
    await rounds.world.claim(state)
    rounds.world.clock.passes(timedelta(days=2000))
    await rounds.opener.tick()
    await rounds.world.execute_for_agent(ask(ReportExecution, state, outcome="failed"))
    await rounds.later()
    before = list(server.recipients)
    await rounds.world.people_are(people())
    await rounds.later(timedelta(seconds=31))
    assert (before, sorted(server.recipients)) == ([], ["owen@example.com", "senta@example.com"])


# ---- the mail server


async def test_an_address_that_the_server_refuses_is_a_dead_letter_and_can_be_sent_again(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    await rounds.world.submit(TAKEOVER)
    server.to_recipients.append(NO_SUCH_USER)
    await rounds.send()
    dead = await rounds.mails()
    await rounds.resend()
    await rounds.send()
    assert dead == [(RITA, "dead", "the mail server refuses this address: 550 5.1.1 No such user")]
    assert (await rounds.states(), server.recipients) == (["dropped", "delivered"], ["rita@example.com"])


async def test_the_record_names_only_the_packages_that_the_mail_names(rounds: MailRounds, server: MailServer) -> None:
    """The others are in the next mail, an hour later."""
    states = [
        await rounds.world.submit(package(risk_level="critical", title=f"Delete table {number}"))
        for number in range(25)
    ]
    await rounds.later()
    mailed = [len((await rounds.world.state(state.decision_package_id)).mailed) for state in states]
    await rounds.later(timedelta(minutes=30))
    within = len(server.got)
    await rounds.later(timedelta(minutes=31))
    later = [len((await rounds.world.state(state.decision_package_id)).mailed) for state in states]
    assert (sorted(mailed), within) == ([0] * 5 + [3] * 20, 3)
    assert (later, server.got[-1].subject) == ([3] * 25, "5 decisions wait for you")


async def test_a_mail_whose_answer_was_lost_is_sent_once_more_as_the_same_message(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    await rounds.world.submit(TAKEOVER)
    server.to_texts.append(CUT)
    await rounds.send()
    await rounds.later()
    first, second = server.got
    assert first.raw == second.raw
    assert await rounds.states() == ["delivered"]


async def test_a_mail_is_sent_twice_at_most(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    await rounds.world.submit(TAKEOVER)
    server.to_texts.extend([CUT, CUT, CUT])
    await rounds.send()
    for _ in range(4):
        await rounds.later(timedelta(hours=1))
    first, second = server.got
    assert first.raw == second.raw
    why = "no answer came the last two times that the text was sent: it may have arrived, and is not sent again"
    assert await rounds.mails() == [(RITA, "dead", why)]


async def test_a_server_that_cuts_the_connection_before_the_text_is_tried_again(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    await rounds.world.submit(TAKEOVER)
    server.to_recipients.append(CUT)
    await rounds.send()
    failed = await rounds.mails()
    await rounds.later()
    assert failed == [(RITA, "due", "the mail server hung up")]
    assert server.recipients == ["rita@example.com"]


async def test_a_server_that_cuts_the_connection_before_it_agrees_to_the_text_is_tried_again_for_days(
    rounds: MailRounds, server: MailServer
) -> None:
    """None of these attempts can have arrived."""
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    await rounds.world.submit(TAKEOVER)
    server.to_commands.extend([CUT] * 4)
    await rounds.send()
    for _ in range(4):
        await rounds.later(timedelta(hours=6))
    assert (server.recipients, await rounds.states()) == (["rita@example.com"], ["delivered"])


async def test_a_mail_that_counts_more_than_it_names_is_given_up_like_any_other(
    rounds: MailRounds, server: MailServer
) -> None:
    """What it puts off for an hour is nothing new."""
    for number in range(21):
        await rounds.world.submit(package(risk_level="critical", title=f"Delete table {number}"))
    server.to_recipients.extend([GREYLISTED] * 400)
    for _ in range(80):
        await rounds.later(timedelta(hours=1))
    first_three = (await rounds.states())[:3]
    assert first_three == ["dead"] * 3


async def test_one_connection_carries_several_mails(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    for number in range(3):
        await rounds.world.submit(_takeover(number))
        await rounds.send()
    assert (len(server.got), server.connections) == (3, 1)


# ---- the record


async def test_each_package_has_an_event_that_says_who_was_told_what_and_with_which_text(
    rounds: MailRounds, server: MailServer
) -> None:
    state = await rounds.world.submit(TAKEOVER)
    await rounds.send()
    after = await rounds.world.state(state.decision_package_id)
    digests = {mail.recipient: "sha256:" + sha256(mail.raw).hexdigest() for mail in server.got}
    assert [(mail.user_id, mail.reason, mail.digest) for mail in after.mailed] == [
        (RITA, "takeover", digests["rita@example.com"]),
        (ROSS, "takeover", digests["ross@example.com"]),
    ]
    rows = await rounds.rows("SELECT event_type FROM events ORDER BY revision")
    assert rows == [("package.submitted",), ("package.mailed",)]
    assert await rounds.world.read(faults) == []


async def test_a_mail_that_was_given_up_without_an_answer_is_recorded_as_one_that_may_have_arrived(
    rounds: MailRounds, server: MailServer
) -> None:
    """If it is resent and an answer comes, that is recorded too."""
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    state = await rounds.world.submit(TAKEOVER)
    server.to_texts.extend([CUT, CUT])
    await rounds.send()
    await rounds.later(timedelta(hours=1))
    await rounds.resend()
    await rounds.send()
    ((given_up,), (resent,)) = await rounds.recorded(state)
    digest = "sha256:" + sha256(server.got[0].raw).hexdigest()
    assert (given_up["user_id"], given_up["digest"], given_up["confirmed"]) == (RITA, digest, False)
    assert (resent["user_id"], resent["digest"], resent["confirmed"]) == (RITA, digest, True)
    assert await rounds.world.read(faults) == []


async def test_a_mail_that_the_server_refused_is_not_in_the_record(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.people_are(_only(RITA, ROSE, OWEN))
    state = await rounds.world.submit(TAKEOVER)
    server.to_recipients.append(NO_SUCH_USER)
    await rounds.send()
    assert (await rounds.world.state(state.decision_package_id)).mailed == ()


async def test_a_mail_is_recorded_once_although_two_processes_record_it(
    rounds: MailRounds, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await rounds.world.submit(TAKEOVER)
    async with replica(rounds.world) as other, open_mail_rounds(other, server) as beside:
        await rounds.transmit()
        all_load_first(monkeypatch, rounds.world, parties=2)
        await asyncio.gather(rounds.recorder.tick(), beside.recorder.tick())
    assert [len(mails) for mails in await rounds.recorded(state)] == [2]
    assert {state for _, _, state, _ in await rounds.needs()} == {"recorded"}


async def test_an_event_tells_only_of_the_mails_that_no_earlier_one_told_of(rounds: MailRounds) -> None:
    """However many mails a package causes, its events stay small."""
    state = await rounds.world.submit(CRITICAL)
    await rounds.later()
    state = await rounds.world.after(ask(Revise, await rounds.world.state(state.decision_package_id)), SUSI)
    await rounds.world.execute_for_agent(ask(NewVersion, state, package=CRITICAL))
    await rounds.later()
    assert [len(mails) for mails in await rounds.recorded(state)] == [3, 3]
    assert await rounds.world.read(faults) == []


async def test_packages_whose_mails_cannot_be_recorded_hold_up_no_other(rounds: MailRounds) -> None:
    """Packages that are not there, and more of them than are recorded at once."""
    state = await rounds.world.submit(TAKEOVER)
    await rounds.transmit()
    key = {
        "tenant_id": rounds.world.tenant_id,
        "user_id": RITA,
        "reason": "takeover",
        "occasion": 1,
        "mail_id": "mail_1",
    }
    moments = {"due_at": rounds.now(), "created_at": rounds.now()}
    lost = [key | moments | {"package_id": f"a_{number}", "state": "sent"} for number in range(AT_ONCE + 1)]
    await rounds.world.write(lambda connection: connection.execute(insert(NEEDS), lost))
    await rounds.recorder.tick()
    assert [len(mails) for mails in await rounds.recorded(state)] == [2]


def _only(*users: str) -> dict[str, Person]:
    return {user: one for user, one in people().items() if user in users}


def _takeover(number: int) -> DecisionPackage:
    return package(recommendation="escalate", thread_id=f"thr_{number}")
