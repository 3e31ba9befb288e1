"""Mails are part of the audit record, and their texts are deleted like other content."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.audit.check import ExportCheck
from bot.audit.export import export_jsonl
from rules.state.commands import Reject
from scheduler.time.retention import Retention
from store.audit.reader import EVERYTHING, snapshot, verify_database
from store.engine.engines import make_engine
from tests.bot.audit.exports import OURS
from tests.mail_server import CUT, MailServer
from tests.rules.world import CRITICAL, DAY, NOW, OWEN, RITA, ROSE, SUSI, TAKEOVER, ask, people, policy
from tests.scheduler.mail.rounds import MailRounds, open_mail_rounds
from tests.store.audit_record import tamper
from tests.store.world import LASTING, open_world


def audit_faults(url: str) -> list[str]:
    engine = make_engine(make_url(url))
    try:
        with snapshot(engine) as connection:
            return [str(fault) for fault in verify_database(connection)]
    finally:
        engine.dispose()


async def test_a_record_with_mails_verifies_and_a_changed_receiver_is_found(rounds: MailRounds) -> None:
    state = await rounds.world.submit(TAKEOVER)
    await rounds.send()
    sound = audit_faults(rounds.world.url)
    engine = make_engine(make_url(rounds.world.url))
    changed = tamper(engine, 'UPDATE packages SET state = replace(state, \'"URITA","reason"\', \'"USUSI","reason"\')')
    engine.dispose()
    (fault,) = audit_faults(rounds.world.url)
    assert (sound, changed) == ([], 1)
    assert state.decision_package_id in fault
    assert "mailed" in fault


async def test_an_export_says_who_was_told(rounds: MailRounds) -> None:
    await rounds.world.submit(TAKEOVER)
    await rounds.send()
    engine = make_engine(make_url(rounds.world.url))
    with snapshot(engine) as connection:
        lines = list(export_jsonl(connection, OURS, NOW, EVERYTHING))
    engine.dispose()
    events = [json.loads(line) for line in lines if b'"package.mailed"' in line]
    receivers = [mail["user_id"] for event in events for mail in event["change"]["mailed"]]
    assert receivers == [RITA, "UROSS"]
    assert list(ExportCheck(OURS.public).faults(lines)) == []


async def test_the_text_of_a_mail_that_did_not_arrive_is_deleted_with_the_content_of_its_package(
    database_url: str, server: MailServer
) -> None:
    short = policy(**LASTING, retention={"content": "30d"})
    async with open_world(database_url, short) as world, open_mail_rounds(world, server) as rounds:
        server.to_texts.extend(["554 5.7.1 Looks like spam"] * 6)
        state = await world.submit(CRITICAL)
        await rounds.later()
        await world.after(ask(Reject, state), SUSI)
        before = await rounds.rows("SELECT body IS NULL FROM callbacks WHERE kind = 'mail'")
        await Retention(world.store, lambda: rounds.now() + timedelta(days=29)).tick()
        world.clock.passes(31 * DAY)
        await Retention(world.store, lambda: rounds.now() + timedelta(days=31)).tick()
        after = await rounds.rows("SELECT body IS NULL FROM callbacks WHERE kind = 'mail'")
    assert (before, after) == ([(False,)] * 3, [(True,)] * 3)


async def test_what_mails_told_is_forgotten_after_a_month_if_the_package_has_ended(rounds: MailRounds) -> None:
    ended, waits = await rounds.world.submit(CRITICAL), await rounds.world.submit(CRITICAL)
    await rounds.later()
    await rounds.world.after(ask(Reject, ended), SUSI)
    await Retention(rounds.world.store, lambda: rounds.now() + timedelta(days=31)).tick()
    assert {package for (package,) in await rounds.rows("SELECT package_id FROM mail_needs")} == {
        waits.decision_package_id
    }
    assert await rounds.states() == []


async def test_a_mail_whose_text_was_deleted_is_not_written_anew(rounds: MailRounds, server: MailServer) -> None:
    """It may have arrived; a second message would tell the same thing twice."""
    await rounds.world.people_are({user: person for user, person in people().items() if user in (RITA, ROSE, OWEN)})
    await rounds.world.submit(TAKEOVER)
    server.to_texts.append(CUT)
    await rounds.send()
    await rounds.world.write(lambda connection: connection.execute(text("UPDATE callbacks SET body = NULL")))
    await rounds.later()
    assert (len(server.got), await rounds.mails()) == (1, [(RITA, "dead", "not sent: retention has emptied its words")])
