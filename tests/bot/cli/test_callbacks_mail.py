"""Mails that were given up are listed and resent by the commands for callbacks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.terminal import Terminal, make_terminal
from tests.mail_server import NO_SUCH_USER, MailServer, open_mail_server
from tests.rules.world import OWEN, RITA, ROSE, TAKEOVER, people
from tests.scheduler.mail.rounds import MailRounds, open_mail_rounds
from tests.store.world import open_world

REFUSED = "the mail server refuses this address: 550 5.1.1 No such user"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as started:
        yield started


@pytest.fixture
async def rounds(database_url: str, server: MailServer) -> AsyncIterator[MailRounds]:
    async with open_world(database_url) as world, open_mail_rounds(world, server) as started:
        await world.people_are({user: person for user, person in people().items() if user in (RITA, ROSE, OWEN)})
        yield started


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


async def test_a_dead_mail_is_listed_with_its_reason_and_sent_again(
    rounds: MailRounds, server: MailServer, terminal: Terminal
) -> None:
    server.to_recipients.append(NO_SUCH_USER)
    state = await rounds.world.submit(TAKEOVER)
    await rounds.send()
    listed = await asyncio.to_thread(terminal, "callbacks", "list")
    ((mail_id,),) = await rounds.rows("SELECT callback_id FROM callbacks")
    shown = json.loads((await asyncio.to_thread(terminal, "callbacks", "show", mail_id, "--json")).out)
    resent = await asyncio.to_thread(terminal, "callbacks", "resend", "--all")
    await rounds.send()
    assert REFUSED in listed.out
    assert f"mail to rita ({RITA})" in listed.out
    assert shown["person"] == "rita"
    assert (shown["kind"], shown["state"], shown["last_error"]) == ("mail", "dead", REFUSED)
    assert shown["tells"] == [state.decision_package_id]
    assert resent.out == "1 will be sent again\n"
    assert server.recipients == ["rita@example.com"]


async def test_a_mail_that_arrived_is_not_sent_again(
    rounds: MailRounds, server: MailServer, terminal: Terminal
) -> None:
    await rounds.world.submit(TAKEOVER)
    await rounds.send()
    ((mail_id,),) = await rounds.rows("SELECT callback_id FROM callbacks")
    refused = await asyncio.to_thread(terminal, "callbacks", "resend", mail_id)
    await rounds.send()
    assert refused.code == 1
    assert f"{mail_id} is a mail that is delivered: nobody is told twice" in refused.err
    assert len(server.got) == 1
