"""Takes the clicks, forms and commands that belong to this run, and refuses all others in plain words.

Every action id and callback id of the run bears its nonce. A step awaits some of them by name. The person who presses
the first button is the operator; after that, nobody else's clicks count.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, NamedTuple

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.app import COMMAND, quiet_logger
from bot.slack.outgoing.faults import CLIENT_ERRORS

COMMAND_NAME = "command"
CLEAR = "clear"  # the form whose answer closes every view
NOT_OURS = "`countersign doctor --live` is running, and takes no decisions. Start `countersign serve` again afterwards."
OVER = "This step is over. Please use the newest message of the run."
NOT_YOU = "Another person is answering this run."
_ANY = re.compile(".*", re.DOTALL)

Body = Mapping[str, Any]


class Arrival(NamedTuple):
    """A click, a submitted form or a command of the run, by the name that the step gave it."""

    name: str
    body: Body
    at: float  # seconds since 1970

    @property
    def trigger_id(self) -> str:
        return str(self.body["trigger_id"])

    @property
    def response_url(self) -> str:
        return str(self.body.get("response_url") or "")


@dataclass
class Arrivals:
    """What a step awaits, and the first awaited arrival. `operator` is the person who pressed the first button."""

    nonce: str = field(default_factory=lambda: token_hex(6))
    operator: str | None = None
    _awaited: frozenset[str] = frozenset()
    _queue: asyncio.Queue[Arrival] = field(default_factory=asyncio.Queue)

    def id_of(self, name: str) -> str:
        return f"live_{self.nonce}_{name}"

    def expect(self, *names: str) -> None:
        """Take the first of these from now on. Called before anything is shown, because people may be fast."""
        self._awaited, self._queue = frozenset(names), asyncio.Queue()

    async def first(self) -> Arrival:
        return await self._queue.get()

    def take(self, action_id: str, user_id: str, body: Body) -> str | None:
        """Queue what arrived, if a step awaits it. Otherwise return why not, in words for the person."""
        prefix = self.id_of("")
        name = action_id.removeprefix(prefix)
        if not action_id.startswith(prefix):
            return NOT_OURS
        if self.operator not in (None, user_id):
            return NOT_YOU
        if name not in self._awaited:
            return OVER
        self.operator, self._awaited = user_id, frozenset()
        self._queue.put_nowait(Arrival(name, body, time.time()))
        return None


def live_app(web: AsyncWebClient, arrivals: Arrivals) -> AsyncApp:
    """An app like the service's, which only takes arrivals. Bolt checks no signatures: the endpoint does it before."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=web.token)

    app = AsyncApp(
        name="countersign",
        client=web,
        logger=quiet_logger(),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _listen_live(app, web, arrivals)
    return app


def _listen_live(app: AsyncApp, web: AsyncWebClient, arrivals: Arrivals) -> None:
    @app.action(_ANY)
    async def on_click(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        if refusal := arrivals.take(str(body["actions"][0]["action_id"]), str(body["user"]["id"]), body):
            await _whisper(web, body, refusal)

    @app.view(_ANY)
    async def on_form(ack: AsyncAck, body: dict[str, Any]) -> None:
        callback_id = str(body["view"]["callback_id"])
        arrivals.take(callback_id, str(body["user"]["id"]), body)
        await (ack(response_action="clear") if callback_id == arrivals.id_of(CLEAR) else ack())

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        refusal = arrivals.take(arrivals.id_of(COMMAND_NAME), str(body["user_id"]), body)
        await ack(text=NOT_OURS if refusal else "The run has read your command.")

    @app.event(_ANY)
    async def on_event() -> None:
        """Events change nothing here: the service reads what it missed when it starts."""


async def _whisper(web: AsyncWebClient, body: Body, sentence: str) -> None:
    """Tell the person alone. A click in a view has no response_url, and then there is no place to say it."""
    if url := body.get("response_url"):
        hook = AsyncWebhookClient(str(url), session=web.session, retry_handlers=[])
        try:
            await hook.send_dict({"text": sentence, "response_type": "ephemeral", "replace_original": False})
        except CLIENT_ERRORS:
            return
