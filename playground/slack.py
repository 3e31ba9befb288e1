"""The stand-in for Slack, as tests use it.

    async with stand_in(signing_secret="…", rates=None) as slack:
        slack.add_person("UANN", name="ann", email="ann@example.org")
        slack.add_channel("C1", members=["UANN"])
        slack.app_at("http://127.0.0.1:8080/slack/events")          # or: await slack.connect(url), which verifies it

        AsyncWebClient(slack.bot_token, base_url=slack.api_url)     # what the service needs to know

        (card,) = slack.messages("C1")
        outcome = await slack.click("UANN", card, "approve")
        assert outcome.status == 200

Setup (`setup.py`): everything may change at any time.
    add_person(id, name=, real_name=, title=, email=, aliases=, guest="multi"|"single", stranger=True, team_id=, bot=,
        workflow_bot=, deleted=, admin=, online=) -> Person;   change_person(id, deleted=True, …)
    add_channel(id, name=, members=[…], private=, archived=, bot_in=True, shared=False) -> Channel
    change_channel(id, archived=True, …);   join(user, channel);   leave(user, channel);   renumber("G1", "C2")
    delete(message)
    add_group("S1", ["UANN"], handle=, name=) -> Group;   change_group("S1", members=[…], disabled=)
    scopes (a set);   workspace.token_error = "token_revoked"
    workspace.home_enabled, workspace.messages_tab_enabled, workspace.should_escape, workspace.commands
    app_at(url);   await connect(url);   ack_within = 0.05

Queries (`queries.py`): immutable values; an earlier one is an old copy, as a phone may still show.
    messages(channel_or_user) -> [Message];   message(channel, ts);   thread(channel, ts) -> [Message]
        Message: channel, ts, thread_ts, text, blocks, attachments, metadata, user, edits, notified, mentioned,
        unfurl_links, unfurl_media, seen_by (only for private notes); .by_app;
        .shown (its text), .elements, .action_ids, .labels
    private_notes(user) -> [Message];   modal(user) -> View | None;   modals(user) -> [View]
    home(user) -> View | None
        View: id, hash, callback_id, private_metadata, title, blocks, errors, typed, values;
        .shown, .elements, .action_ids, .labels, .shape
    direct(user): the id of the app's direct channel with a person
    calls -> [Call: method, arguments, status, answer];   calls_to("chat.update")
    await until(predicate, seconds=5): the first true value of the predicate, evaluated at each change; no polling

Actions (`actions.py`): what a person does. What their client does not allow raises NotPossibleError.
    await click(user, message, action_id, option=, block_id=, having_value=, confirm=True, old_copy=False) -> Outcome
        option: an option's value or label, a user id, a date, a text, a list of them: whatever the element takes
        old_copy=True clicks on exactly this copy; otherwise on the current message
    await double_click(user, message, action_id, …) -> (Outcome, Outcome);   await redeliver(outcome) -> Outcome
    await click_home(user, action_id, …);   await click_modal(user, action_id, option=, values=, …)
    type_in(user, values);   await submit(user, {block_id or action_id: value}) -> Outcome
    await close(user, everything=False);   await suggest(user, action_id, typed) -> Outcome
    say(user, channel, text): the person's own message;   reload(user): private notes disappear
    await command(user, "/reviews", "queue", channel="C1") -> Outcome;   await open_home(user, tab="home") -> Outcome
    await event({"type": "user_change", …}, retry=0, reason="") -> Outcome;   person_event(id), group_event(id)
        Outcome: ok, sent, status, body, error (shown to the user: operation_timeout, dispatch_failed, …), payload,
        trigger_id, errors (of response_action), confirmation (the confirm dialog), .views, .notes: results so far

Faults (`faults.py`), for one method or, if it is None, for all; `times=None` means until `clear()`:
    faults.error("chat.postMessage", "fatal_error", times=1, carried_out=False)
    faults.status(503, method=None, times=1, page="", content_type="text/plain", broken_off=False)
    faults.lose_reply("chat.postMessage", times=1)
    faults.rate_limited("chat.update", seconds=30);   faults.slow("users.list", seconds=0.1)
    gate = faults.hold("chat.update"); await gate.wait_until_reached(); gate.open()
    faults.unknown_blocks.add("data_visualization"): messages with such a block are refused
    faults.groups_unreadable();   faults.clear();   await go_down(), await come_up(): connections are refused
    Posts to a response_url have the method name `response_url`.

The page (`browsing.py`): page_url; people in a browser act through the same code.

Socket Mode (`socket_mode.py`): while a socket is connected, nothing is sent over HTTP.
    sockets.connected: how many;   await sockets.disconnect("warning"|"refresh_requested"|"link_disabled")
    sockets.drop(): cut without a message
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from playground.api.socket_mode import Sockets
from playground.browser.browsing import Browsing
from playground.client.actions import SlackActions
from playground.client.delivery import Delivery
from playground.client.interactions import Client
from playground.client.outcomes import Outcome
from playground.mail.mailbox import Mailbox
from playground.model.clock import Clock
from playground.model.messages import Message
from playground.model.rates import Rates
from playground.model.refusals import NotPossibleError
from playground.model.views import View
from playground.model.workspace import ACK_WITHIN, Command, Workspace
from playground.server import application

__all__ = ["Command", "Message", "NotPossibleError", "Outcome", "Rates", "Slack", "View", "stand_in"]


class Slack(SlackActions):
    """A workspace with an HTTP server."""

    def __init__(self, workspace: Workspace, client: Client, sockets: Sockets, port: int) -> None:
        super().__init__(workspace, client)
        self.sockets, self._port = sockets, port
        self.mailbox = Mailbox(workspace.changes)
        self.browsing = Browsing(self, sockets, self.mailbox)
        app = application(workspace, sockets, self.browsing)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        self._site: web.TCPSite | None = None

    @property
    def api_url(self) -> str:
        return f"{self.workspace.base_url}/playground/api/"

    @property
    def page_url(self) -> str:
        return f"{self.workspace.base_url}/playground"

    async def begin(self) -> None:
        await self._runner.setup()
        await self.come_up()

    async def end(self) -> None:
        self.workspace.faults.clear()
        self.sockets.drop()
        self.browsing.close()
        await self._runner.cleanup()

    async def come_up(self) -> None:
        """At the same address as before."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]
        self.workspace.base_url = f"http://127.0.0.1:{self._port}"
        self.faults.refusing = False

    async def go_down(self) -> None:
        """Accept no connections, and cut kept-alive ones at their next request."""
        self.faults.refusing = True
        if self._site:
            await self._site.stop()
        self.sockets.drop()


@asynccontextmanager
async def stand_in(
    *,
    signing_secret: str = "stand-in-signing-secret",  # noqa: S107 - not a real secret
    rates: Rates | None = None,
    clock: Clock = time.monotonic,
    ack_within: float = ACK_WITHIN,
    scopes: Collection[str] | None = None,
    commands: Iterable[Command] | None = None,
    team_id: str = "T1",
    port: int = 0,
) -> AsyncIterator[Slack]:
    """A separate workspace, on a free port unless one is named.

    `rates=None` limits nothing; `commands=None` allows every command. A longer `ack_within` than
    Slack's leaves a busy machine more time.
    """
    workspace = Workspace(
        signing_secret=signing_secret,
        rates=rates,
        clock=clock,
        commands=None if commands is None else tuple(commands),
        team_id=team_id,
        ack_within=ack_within,
    )
    if scopes is not None:
        workspace.scopes = set(scopes)
    sockets = Sockets(workspace)
    # A new connection for each delivery: a restarted app would not know the old ones.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http:
        delivery = Delivery(http, sockets, signing_secret, None, ack_within)
        slack = Slack(workspace, Client(workspace, delivery), sockets, port)
        try:
            await slack.begin()
            yield slack
        finally:
            await slack.end()
