"""The client of Slack's Web API: one HTTP session per process, and no automatic retries.

It implements the protocol of `scheduler.common.messenger`: every failure is one of that module's errors. It never
retries by itself, because a call without an answer may have posted; delivery decides whether to call again.
"""

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
from bot.slack.outgoing.faults import CLIENT_ERRORS, fault_of, fault_of_reply, read_answer, trouble_of
from bot.slack.outgoing.people import person_of
from rules.people.directory import Person
from rules.state.sightings import CardLocation
from scheduler.common.messenger import Posted, RefusedError, SlackError

ANSWERS_WITHIN = ClientTimeout(total=10, connect=3)
_PAGE_SIZE = 200
# Text is shown as written: Slack must not look in it for names, links or previews.
_AS_WRITTEN: dict[str, Any] = {"parse": "none", "link_names": False}
_NO_PREVIEWS: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


class InstalledApp(NamedTuple):
    """Where the app is installed, and under which user. `url` is the address of the workspace."""

    team_id: str
    enterprise_id: str | None
    bot_id: str
    bot_user_id: str
    scopes: frozenset[str]
    url: str = ""

    @classmethod
    def from_auth_test(cls, answer: AsyncSlackResponse) -> Self:
        """Scopes of the token are in a header."""
        scopes = str((answer.headers or {}).get("x-oauth-scopes", "")).split(",")
        return cls(
            answer["team_id"],
            answer.get("enterprise_id"),
            answer["bot_id"],
            answer["user_id"],
            frozenset(scope.strip() for scope in scopes if scope.strip()),
            str(answer.get("url") or ""),
        )


@asynccontextmanager
async def web_client(settings: Settings) -> AsyncIterator[AsyncWebClient]:
    """Without retry handlers: the default one posts twice if only the reply was lost."""
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    async with ClientSession(timeout=ANSWERS_WITHIN) as session:
        base_url = settings.slack_api_url.rstrip("/") + "/"
        yield AsyncWebClient(token, base_url=base_url, session=session, retry_handlers=[])


class SlackClient:
    """Implements `Messenger`. `trouble` is what is wrong with Slack as a whole since the last call, or None.

    `workspace_url`: the address of the workspace, as an earlier process learned it from Slack.
    """

    def __init__(self, web: AsyncWebClient, metrics: Metrics) -> None:
        self.web, self._metrics = web, metrics
        self._installed: InstalledApp | None = None
        self.trouble: str | None = None
        self.workspace_url: str | None = None

    async def call(self, request: Awaitable[AsyncSlackResponse], *fields: str) -> AsyncSlackResponse:
        """Every call with the bot's token goes through here. The answer is checked for these fields."""
        try:
            answer = await read_answer(request, *fields)
        except SlackError as fault:
            self.trouble = trouble_of(fault)
            raise
        self.trouble = None
        return answer

    @contextmanager
    def _count_outcome(self, outcome: str) -> Iterator[None]:
        try:
            yield
        except SlackError:
            self._metrics.messages.labels("failed").inc()
            raise
        self._metrics.messages.labels(outcome).inc()

    async def installation(self) -> InstalledApp:
        """Asked once: a token belongs to one installation for its whole life."""
        if self._installed is None:
            self._installed = InstalledApp.from_auth_test(await self.call(self.web.auth_test(), "team_id", "user_id"))
        return self._installed

    def link_to(self, card: CardLocation) -> str | None:
        """The permalink of a message; None if Slack has never said where the workspace is."""
        site = (self._installed.url if self._installed else self.workspace_url or "").rstrip("/")
        return f"{site}/archives/{card.channel}/p{card.ts.replace('.', '')}" if site.startswith("https://") else None

    async def post(self, channel: str, message: Message, thread: str | None = None) -> Posted:
        request = self.web.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=list(message.blocks),
            thread_ts=thread,
            **_NO_PREVIEWS,
            **_AS_WRITTEN,
        )
        with self._count_outcome("posted"):
            answer = await self.call(request, "channel", "ts")
        return Posted(answer["channel"], answer["ts"])

    async def update(self, posted: Posted, message: Message) -> None:
        request = self.web.chat_update(
            channel=posted.channel, ts=posted.ts, text=message.text, blocks=list(message.blocks), **_AS_WRITTEN
        )
        with self._count_outcome("updated"):
            await self.call(request)

    async def respond(self, url: str, message: Message) -> None:
        with self._count_outcome("answered"):
            await self._send_to(url, message, replace_original=True)

    async def whisper(self, url: str, message: Message) -> None:
        """Send a message that only the clicker sees, below the one they clicked."""
        await self._send_to(url, message, response_type="ephemeral", replace_original=False)

    async def _send_to(self, url: str, message: Message, **how: Any) -> None:
        """Send to a response_url, which came with a click."""
        hook = AsyncWebhookClient(url, session=self.web.session, retry_handlers=[])
        content = {"text": message.text, "blocks": list(message.blocks)}
        try:
            answer = await hook.send_dict({**how, **content, **_NO_PREVIEWS})
        except CLIENT_ERRORS as error:
            raise fault_of(error) from error
        if fault := fault_of_reply(answer):
            raise fault

    async def permalink(self, posted: Posted) -> str:
        answer = await self.call(self.web.chat_getPermalink(channel=posted.channel, message_ts=posted.ts), "permalink")
        return str(answer["permalink"])

    async def members(self, channel: str, page: str) -> tuple[frozenset[str], str | None]:
        """The channel itself is checked first: Slack does not promise that an archived channel has no members."""
        if not page:
            await self._require_open(channel)
        request = self.web.conversations_members(channel=channel, cursor=page, limit=_PAGE_SIZE)
        answer = await self.call(request, "members")
        return frozenset(answer["members"]), _next_cursor(answer) or None

    async def _require_open(self, channel: str) -> None:
        info = (await self.call(self.web.conversations_info(channel=channel), "channel"))["channel"]
        if info.get("is_archived"):
            raise RefusedError("is_archived")
        if info.get("is_member") is False:
            raise RefusedError("not_in_channel")

    async def people(self, page: str) -> tuple[list[Person], str | None]:
        ours = await self.installation()
        answer = await self.call(self.web.users_list(cursor=page, limit=_PAGE_SIZE), "members")
        people = [person_of(user, ours.team_id, ours.enterprise_id) for user in answer["members"]]
        return people, _next_cursor(answer) or None

    async def by_email(self, address: str) -> Person | None:
        """The owner of an address, even if their profile does not show it. None if nobody has it."""
        ours = await self.installation()
        try:
            answer = await self.call(self.web.users_lookupByEmail(email=address), "user")
        except SlackError as fault:
            if fault.error == "users_not_found":
                return None
            raise
        return person_of(answer["user"], ours.team_id, ours.enterprise_id)

    async def all_people(self) -> list[Person]:
        """All pages at once, for the command line."""
        everyone: list[Person] = []
        page: str | None = ""
        while page is not None:
            people, page = await self.people(page)
            everyone += people
        return everyone

    async def group(self, group_id: str) -> frozenset[str]:
        answer = await self.call(self.web.usergroups_users_list(usergroup=group_id), "users")
        return frozenset(answer["users"])


def _next_cursor(answer: AsyncSlackResponse) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")
