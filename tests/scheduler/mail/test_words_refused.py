"""A mail server refuses the words of agents and people in a mail: the mail is sent without them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import update

from store.outbox.callbacks import CALLBACKS
from tests.mail_server import GREYLISTED, Held, MailServer
from tests.rules.world import OWEN, RITA, ROSE, TAKEOVER, package, people
from tests.scheduler.mail.rounds import MailRounds
from tests.scheduler.mail.takeovers import submit_takeover

SPAM = "554 5.7.1 Looks like spam"
RITA_ALONE = {user: person for user, person in people().items() if user in (RITA, ROSE, OWEN)}


async def test_a_text_that_the_server_refuses_is_sent_without_the_words_of_agents(
    rounds: MailRounds, server: MailServer
) -> None:
    """So an agent cannot silence what else the mail tells."""
    titles = ("X5O!P%@AP[4]PZX54(P^)7CC)7}$EICAR", "Delete the table")
    states = [await rounds.world.submit(package(risk_level="critical", title=title)) for title in titles]
    server.to_texts.append(SPAM)
    await rounds.later()
    await rounds.send()
    (first, *_), (wordless,) = server.got, [mail for mail in server.got if _is_wordless(mail.text)]
    assert await rounds.states() == ["delivered"] * 3
    assert first.subject == wordless.subject == "2 decisions wait for you"
    assert "EICAR" not in wordless.raw.decode()
    assert all(f"Package {state.decision_package_id}." in wordless.text for state in states)


async def test_a_server_that_takes_half_a_minute_to_refuse_the_text_gets_it_without_the_words_of_agents(
    rounds: MailRounds, server: MailServer
) -> None:
    """Each text has a claim of its own: what is left of the first one would not be enough."""
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    held = Held(SPAM)
    server.to_texts.append(held)
    sending = asyncio.create_task(rounds.send())
    await held.begun.wait()
    rounds.ahead += timedelta(seconds=35)
    held.free.set()
    await sending
    await rounds.send()
    assert _is_wordless(server.only().text)
    assert await rounds.states() == ["delivered"]


async def test_that_the_words_were_refused_is_known_after_the_server_was_away(
    rounds: MailRounds, server: MailServer
) -> None:
    """It is asked once, and not at every attempt."""
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    server.to_texts.append(SPAM)
    server.to_recipients.extend(["250 OK", GREYLISTED])
    await rounds.send()
    await rounds.send()
    refused = await rounds.mails()
    await rounds.later(timedelta(minutes=2))
    assert refused == [(RITA, "due", "the mail server answered 451 4.7.1 Greylisted, come back later")]
    assert _is_wordless(server.only().text)


async def test_a_mail_that_is_refused_at_its_last_attempt_is_still_sent_without_the_words_of_agents(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    await rounds.opener.tick()
    last = update(CALLBACKS).values(attempts=10)
    await rounds.world.write(lambda connection: connection.execute(last))
    server.to_texts.append(SPAM)
    await rounds.send()
    await rounds.send()
    assert _is_wordless(server.only().text)


async def test_a_text_that_is_refused_without_the_words_of_agents_is_a_dead_letter_too(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    server.to_texts.extend([SPAM, SPAM])
    await rounds.send()
    await rounds.send()
    assert await rounds.mails() == [(RITA, "dead", "the mail server refuses the text: 554 5.7.1 Looks like spam")]


async def test_a_text_that_the_server_puts_off_once_is_sent_again_with_its_words(
    rounds: MailRounds, server: MailServer
) -> None:
    """That is greylisting."""
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    server.to_texts.append(GREYLISTED)
    await rounds.send()
    await rounds.later(timedelta(minutes=2))
    assert not _is_wordless(server.only().text)


async def test_a_text_that_the_server_puts_off_twice_is_sent_without_the_words_of_agents(
    rounds: MailRounds, server: MailServer
) -> None:
    """The server may put them off for as long as they are there, and with them every later takeover."""
    await rounds.world.people_are(RITA_ALONE)
    await submit_takeover(rounds, title="EICAR")
    server.to_texts.extend([GREYLISTED] * 2)
    await rounds.later()
    await submit_takeover(rounds)
    for _ in range(4):
        await rounds.later()
    first, second = server.got
    assert (_is_wordless(first.text), _is_wordless(second.text)) == (True, False)
    assert await rounds.states() == ["delivered"] * 2


async def test_a_text_without_the_words_of_agents_that_is_put_off_is_tried_like_any_other(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are(RITA_ALONE)
    await rounds.world.submit(TAKEOVER)
    server.to_texts.extend([GREYLISTED] * 3)
    for _ in range(4):
        await rounds.later(timedelta(minutes=5))
    assert _is_wordless(server.only().text)


def _is_wordless(text: str) -> bool:
    return "refused the words" in text
