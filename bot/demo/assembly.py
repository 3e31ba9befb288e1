"""Assembles the demo: playground, service and agents in one process, each knowing only the others' addresses.

The order matters: the service needs the stand-in's address, so the server listens first; Slack's challenge must be
answered before the first story starts. `AsyncExitStack` closes everything in the opposite order.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

import aiohttp

from bot.api.service import Service
from bot.demo import workspace
from bot.demo.agents.diary import Diary
from bot.demo.folder import Folder
from bot.demo.hiring import agent_sessions, issue_credentials
from bot.demo.journal import Journal
from bot.demo.memory import Memory, keep_mails
from bot.demo.page.clock import MovedClock
from bot.demo.page.demo_server import DemoServer
from bot.demo.page.panel import Panel
from bot.demo.page.passage import Passage
from bot.demo.stage import Stage
from bot.running import drain, open_service
from bot.settings import Settings, read_settings
from bot.web import application
from playground.api.socket_mode import Sockets
from playground.browser.browsing import Browsing
from playground.client.actions import SlackActions
from playground.client.delivery import Delivery
from playground.client.interactions import Client
from playground.mail.mailbox import Mailbox
from playground.mail.server import mail_server
from playground.model.workspace import Workspace
from playground.server import routes
from store.agents.agent_admin import Credentials

OWN_AGENT = "your-agent"
LOOPBACK = "127.0.0.0/8,::1/128"  # so that callbacks can be tried on this machine


@dataclass(frozen=True, slots=True)
class Demo:
    url: str
    slack: SlackActions
    service: Service
    stage: Stage
    mailbox: Mailbox
    own_agent: Credentials  # of an agent that the visitor writes


@asynccontextmanager
async def open_demo(folder: Folder, port: int) -> AsyncIterator[Demo]:
    """Run the demo in a folder that is locked already."""
    async with AsyncExitStack() as stack:
        clock = MovedClock(folder.clock)
        slack, sockets = await stack.enter_async_context(_slack())
        Memory(slack.workspace, stack.enter_context(closing(Journal(folder.messages)))).restore()
        mailbox = Mailbox(slack.workspace.changes)
        keep_mails(mailbox, stack.enter_context(closing(Journal(folder.mails))))
        smtp_url = await stack.enter_async_context(mail_server(mailbox, slack.workspace))
        diary = Diary(stack.enter_context(closing(Journal(folder.agents))), clock)
        panel = Panel(clock, diary)
        browsing = Browsing(slack, sockets, mailbox)
        server = DemoServer([*routes(slack.workspace, sockets), *browsing.routes(), *panel.routes()])
        url = slack.workspace.base_url = await stack.enter_async_context(server.listening(port))
        stack.callback(panel.end)
        stack.callback(browsing.close)
        service = await stack.enter_async_context(
            _run_service(_settings(folder, slack.workspace, smtp_url), clock, server)
        )
        await slack.connect(f"{url}/slack/events")
        stage = await stack.enter_async_context(_play_stories(service, clock, diary, panel, url))
        yield Demo(url, slack, service, stage, mailbox, await issue_credentials(service.store, OWN_AGENT))


@asynccontextmanager
async def _slack() -> AsyncIterator[tuple[SlackActions, Sockets]]:
    slack_workspace = workspace.new_workspace()
    sockets = Sockets(slack_workspace)
    # A new connection for each delivery, as from Slack.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http:
        slack = SlackActions(
            slack_workspace, Client(slack_workspace, Delivery(http, sockets, slack_workspace.signing_secret))
        )
        workspace.furnish(slack)
        yield slack, sockets


@asynccontextmanager
async def _run_service(settings: Settings, clock: MovedClock, server: DemoServer) -> AsyncIterator[Service]:
    """The service of `countersign serve`, with a clock that can be moved.

    `Passage` runs its ticks. `again=True`: the folder's policy applies even if it was replaced before.
    """
    async with open_service(settings, clock, ticks=False, again=True) as service:
        inner = application(service)
        server.add_service(inner)
        yield service
        await drain(inner, service.store)


def _settings(folder: Folder, slack_workspace: Workspace, smtp_url: str) -> Settings:
    """Every setting is given: the environment is meant for a real Slack. Only the callback networks come from it."""
    return read_settings(
        _env_file=None,
        slack_bot_token=slack_workspace.bot_token,
        slack_signing_secret=slack_workspace.signing_secret,
        slack_app_token=None,
        slack_api_url=f"{slack_workspace.base_url}/playground/api/",
        COUNTERSIGN_DATABASE_URL=folder.database_url,
        COUNTERSIGN_POLICY=folder.policy,
        COUNTERSIGN_KEY=None,
        COUNTERSIGN_HOST="127.0.0.1",
        COUNTERSIGN_PORT=0,
        COUNTERSIGN_PUBLIC_URL=slack_workspace.base_url,
        COUNTERSIGN_CALLBACK_ALLOW=os.environ.get("COUNTERSIGN_CALLBACK_ALLOW", LOOPBACK),
        COUNTERSIGN_TRUSTED_PROXIES="",
        COUNTERSIGN_LOG="text",
        COUNTERSIGN_SMTP_URL=smtp_url,
        COUNTERSIGN_EMAIL_FROM=workspace.SENDER,
        COUNTERSIGN_MIGRATION_URL=None,
        COUNTERSIGN_KEY_OLD=None,
        COUNTERSIGN_AGENTS_PORT=None,
        COUNTERSIGN_FEED_URL=None,
        COUNTERSIGN_FEED_SECRET=None,
        COUNTERSIGN_FEED_ALLOW="",
        COUNTERSIGN_FEED_FILE=None,
    )


@asynccontextmanager
async def _play_stories(
    service: Service, clock: MovedClock, diary: Diary, panel: Panel, url: str
) -> AsyncIterator[Stage]:
    assert service.slack is not None  # noqa: S101 - it was given a token
    await service.slack.clockwork.heart.tick()  # before any agent depends on silence
    passage = Passage(service, service.slack, clock)
    async with passage.running(), agent_sessions(service.store, url) as sessions:
        stage = Stage(diary, sessions)
        panel.connect(stage, passage, service.store)
        stage.open()
        try:
            yield stage
        finally:
            await stage.close()
