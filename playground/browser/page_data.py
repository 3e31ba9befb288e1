"""The workspace as one person sees it, as JSON for the page: only what their own Slack would show.

`Follower` reads a part (`whole`, a message, `modals`, `home`, `condition`, `mail`) when it sends it. Nothing is kept
here: each part is computed from the workspace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from playground.browser.condition import condition_of
from playground.browser.letters import mail_of
from playground.mail.mailbox import Mailbox
from playground.model.channels import Channel
from playground.model.messages import Message
from playground.model.people import SLACKBOT, Person
from playground.model.views import View
from playground.model.workspace import Workspace

Json = dict[str, Any]


def playable(person: Person) -> bool:
    return not person.bot and not person.deleted and person.id != SLACKBOT


@dataclass(frozen=True, slots=True)
class PageData:
    slack: Workspace
    requested_user: str
    mailbox: Mailbox | None = None

    @property
    def user(self) -> str:
        """The person who was asked for, or else the first who can be played. Empty if there is nobody."""
        users = [person.id for person in self.slack.people.values() if playable(person)]
        return self.requested_user if self.requested_user in users else next(iter(users), "")

    def whole(self) -> Json:
        return {
            "scene": self.scene(),
            "messages": list(self._messages()),
            "modals": self.modals(),
            "home": self.home(),
            "condition": self.condition(),
            "mail": self.mail(),
        }

    def scene(self) -> Json:
        """All but messages and views: who the person is, and the people, channels and commands that they see."""
        slack = self.slack
        direct = slack.direct(self.user) if self.user else None
        return {
            "me": self.user,
            "team": slack.domain,
            "app": {"user": slack.bot_user, "name": slack.bot_name, "home": slack.home_enabled},
            "people": [_person(person) for person in slack.people.values()],
            "groups": [
                {"id": group.id, "handle": group.handle, "mine": self.user in group.members}
                for group in slack.groups.values()
            ],
            "channels": [_channel(channel) for channel in self._channels()],
            "direct": direct.id if direct else None,
            "commands": [command._asdict() for command in slack.commands or ()],
        }

    def _channels(self) -> list[Channel]:
        return [channel for channel in self.slack.channels.values() if self.user in channel.members]

    def _messages(self) -> Iterable[Json]:
        for channel in self._channels():
            yield from (self._message_json(message) for message in self.slack.messages.within(channel.id))
        yield from (self._message_json(note) for note in self.slack.messages.notes(self.user))

    def message(self, channel_id: str, ts: str) -> Json | None:
        """None if there is no such message or this person may not see it."""
        channel, message = self.slack.channels.get(channel_id), self.slack.messages.find(channel_id, ts)
        if channel is None or message is None or self.user not in channel.members:
            return None
        return self._message_json(message) if message.seen_by in (None, self.user) else None

    def _message_json(self, message: Message) -> Json:
        return {
            "channel": message.channel,
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            "broadcast": message.broadcast,
            "user": message.user,
            "text": message.text,
            "blocks": list(message.blocks),
            "attachments": list(message.attachments),
            "edits": message.edits,
            "private": message.seen_by is not None,
            "pings": self.user in message.notified,
        }

    def modals(self) -> list[Json]:
        return [_view(view) for view in self.slack.views.stack(self.user)]

    def home(self) -> Json | None:
        view = self.slack.views.home(self.user)
        return _view(view) if view else None

    def condition(self) -> Json:
        return condition_of(self.slack)

    def mail(self) -> Json | None:
        return mail_of(self.slack, self.mailbox, self.user) if self.mailbox else None


def _person(person: Person) -> Json:
    marks = {
        "guest": bool(person.guest),
        "admin": person.admin,
        "from another workspace": person.stranger,
        "deactivated": person.deleted,
    }
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "title": person.title,
        "marks": [mark for mark, holds in marks.items() if holds],
        "bot": person.bot,
        "playable": playable(person),
        "online": person.online,
    }


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "archived": channel.archived,
        "shared": channel.shared,
        "members": len(channel.members),
    }


def _view(view: View) -> Json:
    definition = view.definition
    return {
        "id": view.id,
        "hash": view.hash,
        "title": view.title,
        "submit": (definition.get("submit") or {}).get("text"),
        "close": (definition.get("close") or {}).get("text"),
        "blocks": list(view.blocks),
        "values": view.values,
        "errors": dict(view.errors),
    }
