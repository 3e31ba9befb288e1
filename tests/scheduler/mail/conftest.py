"""A mail server, and all that sends mails to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.mail_server import MailServer, open_mail_server
from tests.scheduler.mail.rounds import MailRounds, open_mail_rounds
from tests.store.world import open_world


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as started:
        yield started


@pytest.fixture
async def rounds(database_url: str, server: MailServer) -> AsyncIterator[MailRounds]:
    async with open_world(database_url) as world, open_mail_rounds(world, server) as started:
        yield started
