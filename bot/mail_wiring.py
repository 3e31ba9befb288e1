"""Builds what tells people by mail, if the settings name a mail server: the mail client and its periodic jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.api.service import real_clock
from bot.mail.client import SmtpClient
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.wiring import SlackSide
from rules.state.sightings import CardLocation
from scheduler.mail.opening import MailOpener
from scheduler.mail.outage import SlackOutage
from scheduler.mail.post import MailPost
from scheduler.mail.recording import MailRecorder
from scheduler.mail.returning import ReturningPeople
from scheduler.ticks import Tick
from store.store import Store

OPEN_EVERY, RECORD_EVERY, OUTAGE_EVERY = 1.0, 1.0, 5.0  # seconds


@dataclass(frozen=True, slots=True)
class MailSide:
    """`post` sends mails for the sender of callbacks; `ticks` are the periodic jobs, with their seconds."""

    post: MailPost
    opener: MailOpener
    recorder: MailRecorder
    outage: SlackOutage
    returning: ReturningPeople

    @property
    def ticks(self) -> Mapping[str, tuple[Tick, float]]:
        return {
            "mails": (self.opener.tick, OPEN_EVERY),
            "mail records": (self.recorder.tick, RECORD_EVERY),
            "outage": (self.outage.tick, OUTAGE_EVERY),
            "returning people": (self.returning.tick, OUTAGE_EVERY),
        }


@asynccontextmanager
async def mail_side(
    settings: Settings, store: Store, metrics: Metrics, slack: SlackSide | None
) -> AsyncIterator[MailSide | None]:
    """None if e-mail is off."""
    if settings.mail is None:
        yield None
        return
    server, sender = settings.mail
    client = SmtpClient(server, sender)
    post = MailPost(
        store,
        client,
        sender,
        link_to=slack.client.link_to if slack else _no_link,
        count=lambda outcome: metrics.mails.labels(outcome).inc(),
    )
    opener = MailOpener(store, real_clock)
    try:
        await opener.say()
        yield MailSide(
            post, opener, MailRecorder(store), SlackOutage(store, real_clock), ReturningPeople(store, real_clock)
        )
    finally:
        await client.close()


def _no_link(_: CardLocation) -> None:
    return None
