"""The real client, as delivery sees it: one session for all of the process, and nothing sent twice behind our back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, Self

from aiohttp import ClientSession, ClientTimeout
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from blocks.kit.message import Message
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.outgoing.faults import RAISED, fault_of, fault_of_reply, trouble_of, understood
from bot.slack.outgoing.people import person_of
from rules.people.directory import Person
from scheduler.common.messenger import Posted, RefusedError, SlackError

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

    @classmethod
    def told(cls, answer: AsyncSlackResponse) -> Self:
        """By auth.test. What the token may do stands in a header."""
        scopes = str((answer.headers or {}).get("x-oauth-scopes", "")).split(",")
        return cls(
            answer["team_id"],
            answer.get("enterprise_id"),
            answer["bot_id"],
            answer["user_id"],
            frozenset(scope.strip() for scope in scopes if scope.strip()),
        )


@asynccontextmanager
async def web_client(settings: Settings) -> AsyncIterator[AsyncWebClient]:
    """No retry handlers: the default one posts a second time when only the reply was lost."""
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    async with ClientSession(timeout=ANSWERS_WITHIN) as session:
        base_url = settings.slack_api_url.rstrip("/") + "/"
        yield AsyncWebClient(token, base_url=base_url, session=session, retry_handlers=[])


class SlackClient:
    """Delivery's messenger. `trouble` is what kept Slack from answering the last call, if it did not."""

    def __init__(self, web: AsyncWebClient, metrics: Metrics) -> None:
        self.web, self._metrics = web, metrics
        self._installed: Installed | None = None
        self.trouble: str | None = None

    async def asked(self, call: Awaitable[AsyncSlackResponse], *fields: str) -> AsyncSlackResponse:
        """Every call with the bot's token goes through here. The answer has these fields."""
        try:
            answer = await understood(call, *fields)
        except SlackError as fault:
            self.trouble = trouble_of(fault)
            raise
        self.trouble = None
        return answer

    @contextmanager
    def _counted(self, outcome: str) -> Iterator[None]:
        try:
            yield
        except SlackError:
            self._metrics.messages.labels("failed").inc()
            raise
        self._metrics.messages.labels(outcome).inc()

    async def installed(self) -> Installed:
        """Asked once: a token belongs to one installation for all its life."""
        if self._installed is None:
            self._installed = Installed.told(await self.asked(self.web.auth_test(), "team_id", "user_id"))
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
        with self._counted("posted"):
            answer = await self.asked(sent, "channel", "ts")
        return Posted(answer["channel"], answer["ts"])

    async def update(self, posted: Posted, message: Message) -> None:
        sent = self.web.chat_update(
            channel=posted.channel, ts=posted.ts, text=message.text, blocks=list(message.blocks), **_AS_WRITTEN
        )
        with self._counted("updated"):
            await self.asked(sent)

    async def respond(self, url: str, message: Message) -> None:
        with self._counted("answered"):
            await self._sent_to(url, message, replace_original=True)

    async def whisper(self, url: str, message: Message) -> None:
        """To the clicker alone, beside what they clicked."""
        await self._sent_to(url, message, response_type="ephemeral", replace_original=False)

    async def _sent_to(self, url: str, message: Message, **how: Any) -> None:
        """An address of Slack's own that came with a click."""
        hook = AsyncWebhookClient(url, session=self.web.session, retry_handlers=[])
        said = {"text": message.text, "blocks": list(message.blocks)}
        try:
            answer = await hook.send_dict({**how, **said, **_UNFURLED})
        except RAISED as error:
            raise fault_of(error) from error
        if fault := fault_of_reply(answer):
            raise fault

    async def permalink(self, posted: Posted) -> str:
        answer = await self.asked(self.web.chat_getPermalink(channel=posted.channel, message_ts=posted.ts), "permalink")
        return str(answer["permalink"])

    async def members(self, channel: str, page: str) -> tuple[frozenset[str], str | None]:
        """Slack does not promise that an archived channel has no members: the channel itself is asked first."""
        if not page:
            await self._open(channel)
        page_of = self.web.conversations_members(channel=channel, cursor=page, limit=_PAGE)
        answer = await self.asked(page_of, "members")
        return frozenset(answer["members"]), _following(answer) or None

    async def _open(self, channel: str) -> None:
        told = (await self.asked(self.web.conversations_info(channel=channel), "channel"))["channel"]
        if told.get("is_archived"):
            raise RefusedError("is_archived")
        if told.get("is_member") is False:
            raise RefusedError("not_in_channel")

    async def people(self, page: str) -> tuple[list[Person], str | None]:
        its = await self.installed()
        answer = await self.asked(self.web.users_list(cursor=page, limit=_PAGE), "members")
        found = [person_of(user, its.team_id, its.enterprise_id) for user in answer["members"]]
        return found, _following(answer) or None

    async def by_email(self, address: str) -> Person | None:
        """Whose address this is, also if it is not the one that their profile shows; nobody's: None."""
        its = await self.installed()
        try:
            answer = await self.asked(self.web.users_lookupByEmail(email=address), "user")
        except SlackError as fault:
            if fault.error == "users_not_found":
                return None
            raise
        return person_of(answer["user"], its.team_id, its.enterprise_id)

    async def everybody(self) -> list[Person]:
        """All pages at once, for somebody who looks on."""
        found: list[Person] = []
        page: str | None = ""
        while page is not None:
            people, page = await self.people(page)
            found += people
        return found

    async def group(self, group_id: str) -> frozenset[str]:
        answer = await self.asked(self.web.usergroups_users_list(usergroup=group_id), "users")
        return frozenset(answer["users"])


def _following(answer: AsyncSlackResponse) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")
