"""The real client, as delivery sees it: one session for all of the process, and nothing sent twice behind our back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import ClientSession, ClientTimeout
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from blocks.message import Message
from bot.settings import Settings
from bot.slack.faults import RAISED, fault_of
from bot.slack.people import person_of
from rules.people import Person
from scheduler.messenger import Posted

ANSWERS_WITHIN = ClientTimeout(total=10, connect=3)
_PAGE = 200
# What the service says holds as it is written: nothing in it is looked through for names, links or pictures.
_AS_WRITTEN: dict[str, Any] = {"parse": "none", "link_names": False}
_UNFURLED: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


class Installed(NamedTuple):
    """Where the app is installed, and as whom."""

    team_id: str
    enterprise_id: str | None
    bot_id: str
    bot_user_id: str
    scopes: frozenset[str]


@asynccontextmanager
async def web_client(settings: Settings) -> AsyncIterator[AsyncWebClient]:
    """No retry handlers: the default one posts a second time when only the reply was lost."""
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    async with ClientSession(timeout=ANSWERS_WITHIN) as session:
        base_url = settings.slack_api_url.rstrip("/") + "/"
        yield AsyncWebClient(token, base_url=base_url, session=session, retry_handlers=[])


class SlackClient:
    """Delivery's messenger."""

    def __init__(self, web: AsyncWebClient) -> None:
        self.web = web
        self._installed: Installed | None = None

    async def installed(self) -> Installed:
        """Asked once: a token belongs to one installation for all its life."""
        if self._installed is None:
            answer = await asked(self.web.auth_test())
            scopes = answer.headers.get("x-oauth-scopes", "") if answer.headers else ""
            self._installed = Installed(
                answer["team_id"],
                answer.get("enterprise_id"),
                answer["bot_id"],
                answer["user_id"],
                frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
            )
        return self._installed

    async def post(self, channel: str, message: Message, thread: str | None = None) -> Posted:
        sent = self.web.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=list(message.blocks),
            thread_ts=thread,
            **_UNFURLED,
            **_AS_WRITTEN,
        )
        answer = await asked(sent)
        return Posted(answer["channel"], answer["ts"])

    async def update(self, posted: Posted, message: Message) -> None:
        sent = self.web.chat_update(
            channel=posted.channel, ts=posted.ts, text=message.text, blocks=list(message.blocks), **_AS_WRITTEN
        )
        await asked(sent)

    async def members(self, channel: str) -> frozenset[str]:
        found: set[str] = set()
        cursor = ""
        while True:
            answer = await asked(self.web.conversations_members(channel=channel, cursor=cursor, limit=_PAGE))
            found.update(answer["members"])
            if not (cursor := _following(answer)):
                return frozenset(found)

    async def people(self) -> list[Person]:
        team_id = (await self.installed()).team_id
        found: list[Person] = []
        cursor = ""
        while True:
            answer = await asked(self.web.users_list(cursor=cursor, limit=_PAGE))
            found += [person_of(user, team_id) for user in answer["members"]]
            if not (cursor := _following(answer)):
                return found

    async def group(self, group_id: str) -> frozenset[str]:
        answer = await asked(self.web.usergroups_users_list(usergroup=group_id))
        return frozenset(answer["users"])


def _following(answer: AsyncSlackResponse) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")


async def asked(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    try:
        return await call
    except RAISED as error:
        raise fault_of(error) from error
