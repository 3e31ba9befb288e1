"""The state of one workspace with one installed app. It knows nothing about HTTP."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from playground.model.changes import Changes
from playground.model.channels import Channel
from playground.model.clock import Clock
from playground.model.faults import Faults
from playground.model.ids import IdGenerator
from playground.model.messages import Messages
from playground.model.people import SLACKBOT, Group, Person
from playground.model.rates import Rates
from playground.model.response_urls import ResponseUrls
from playground.model.triggers import Triggers
from playground.model.views import Views

# The smallest set with which the service works, plus e-mail lookup.
SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "channels:read",
    "groups:read",
)
FOREIGN = "TFOREIGN"
ACK_WITHIN = 3.0  # seconds: Slack's, for an answer to a click and for the use of its trigger
REMEMBERED = 10_000  # calls: tests look only among the latest


class Command(NamedTuple):
    """A slash command as the app's manifest declares it."""

    name: str
    hint: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Web API or a post to a response_url, with its answer. Kept in the order of the answers."""

    method: str
    arguments: Mapping[str, Any]
    status: int
    answer: Mapping[str, Any]
    at: float

    @property
    def error(self) -> str | None:
        return self.answer.get("error")


@dataclass(slots=True, kw_only=True)
class Workspace:
    signing_secret: str = "stand-in-signing-secret"  # noqa: S105 - not a real secret
    bot_token: str = "xoxb-stand-in"  # noqa: S105
    app_token: str = "xapp-stand-in"  # noqa: S105
    team_id: str = "T1"
    domain: str = "stand-in"
    app_id: str = "A1"
    bot_user: str = "UBOT"
    bot_id: str = "BBOT"
    bot_name: str = "countersign"
    ack_within: float = ACK_WITHIN
    clock: Clock = time.monotonic
    rates: Rates | None = None
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    commands: tuple[Command, ...] | None = None
    token_error: str | None = None
    home_enabled: bool = True
    messages_tab_enabled: bool = True
    should_escape: bool = True
    base_url: str = ""
    changes: Changes = field(default_factory=Changes)
    ids: IdGenerator = field(default_factory=IdGenerator)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    tickets: set[str] = field(default_factory=set)  # for sockets that the app was told to open
    messages: Messages = field(init=False)
    views: Views = field(init=False)
    triggers: Triggers = field(init=False)
    response_urls: ResponseUrls = field(init=False)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.messages = Messages(self.changes)
        self.views = Views(self.changes, self.ids)
        self.triggers = Triggers(self.clock, self.ids, self.ack_within)
        self.response_urls = ResponseUrls(self.clock)
        self.faults = Faults(self.clock)
        for id_, name, bot_id in ((self.bot_user, self.bot_name, self.bot_id), (SLACKBOT, "slackbot", None)):
            # Slack's API does not report Slackbot as a bot.
            bot = id_ != SLACKBOT
            self.people[id_] = Person(
                id=id_, name=name, real_name=name.title(), team_id=self.team_id, bot=bot, bot_id=bot_id
            )

    @property
    def team(self) -> dict[str, Any]:
        return {"id": self.team_id, "domain": self.domain}

    def direct(self, user: str) -> Channel:
        """The app's direct channel with the person, created on first use."""
        id_ = f"D{user}"
        direct = Channel(id=id_, name=id_, members=(user, self.bot_user), direct_to=user)
        return self.channels.setdefault(id_, direct)

    def readable(self, channel_id: str) -> Channel | None:
        """The channel as the app sees it: private channels without the app do not exist."""
        channel = self.channels.get(channel_id)
        return None if channel is None or (channel.private and not channel.bot_in) else channel

    def notified_by(self, channel: Channel, mentions: frozenset[str]) -> frozenset[str]:
        """The members that a message notifies. In a direct channel every message notifies."""
        if channel.direct_to:
            return frozenset({channel.direct_to})
        members = frozenset(channel.members) - {self.bot_user}
        if mentions & {"channel", "everyone"}:
            return members
        here = {member for member in members if self.people[member].online} if "here" in mentions else set()
        grouped = {member for group in mentions & self.groups.keys() for member in self.groups[group].members}
        return members & (mentions | grouped | here)

    def record(self, method: str, arguments: Mapping[str, Any], status: int, answer: Mapping[str, Any]) -> None:
        self.calls.append(Call(method, arguments, status, answer, self.clock()))
        self.changes.announce("api.called", method=method)
