"""A process that sends mails, and dies at a given step. It sends `ready`, and starts when told to."""

from __future__ import annotations

import asyncio
from typing import Any

import scheduler.callbacks.sender
import store.commands.write
from bot import logs
from bot.callbacks.client import callback_client
from bot.mail.client import SmtpClient
from bot.mail.server import parse_smtp_url
from bot.settings import LogFormat
from scheduler.callbacks.sender import CallbackSender
from scheduler.mail.opening import MailOpener
from scheduler.mail.post import MailPost
from scheduler.mail.recording import MailRecorder
from store.commands.policies import PolicyFile
from store.mail import lanes, letters
from store.outbox import deliveries
from store.store import Store
from tests.fork_server import Line
from tests.rules.world import policy_text
from tests.scheduler.callbacks.carrier import die
from tests.scheduler.callbacks.rounds import LOOPBACK
from tests.scheduler.mail.rounds import SENDER, link_to, soon
from tests.store.world import POLICY, Clock

# Where it dies, and whether after the step has run: inside a transaction, or between two.
STEPS: dict[str, tuple[Any, str, bool]] = {
    "opening": (lanes, "open_mails", True),
    "opened": (deliveries, "list_due_callbacks", False),
    "claiming": (deliveries, "claim_callbacks", True),
    "claimed": (CallbackSender, "_deliver", False),
    "writing": (letters, "write_letter", True),
    "written": (MailPost, "_send", False),
    "counting": (letters, "begin_sending", True),
    "counted": (SmtpClient, "_send_text", False),
    "accepted": (CallbackSender, "_settle", False),
    "settling": (scheduler.callbacks.sender, "_write_result", True),
    "settled": (MailRecorder, "tick", False),
    "recording": (store.commands.write, "mark_recorded", True),
}


def run_mail_carrier(url: str, server_url: str, step: str, line: Line) -> None:
    logs.set_up(LogFormat.JSON)
    where, name, afterwards = STEPS[step]
    real = getattr(where, name)

    def last(*given: Any, **named: Any) -> None:
        real(*given, **named)
        die()

    setattr(where, name, last if afterwards else die)
    asyncio.run(_run(url, server_url, line))


async def _run(url: str, server_url: str, line: Line) -> None:
    store = await Store.open(url, PolicyFile(POLICY, policy_text(POLICY)), Clock())
    client = SmtpClient(parse_smtp_url(server_url), SENDER)
    post = MailPost(store, client, SENDER, link_to=link_to, count=lambda _: None, now=soon)
    async with callback_client(LOOPBACK) as http:
        courier = CallbackSender(store, http, lambda _: None, soon, mail=post)
        line.send("ready")
        await asyncio.to_thread(line.recv)
        await MailOpener(store, soon).tick()
        await courier.tick()
        await asyncio.gather(*courier._running)
        await MailRecorder(store).tick()
