"""`SlackSetup`: the people, channels and groups of the workspace, which a test may change at any time.

The first layer of the test interface; `SlackQueries` adds reading, `SlackActions` acting. A change takes effect at
once. The app hears of it only by an event, which the test sends itself (`SlackActions.event`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from playground.model.channels import Channel
from playground.model.clock import Clock
from playground.model.faults import Faults
from playground.model.messages import Message
from playground.model.people import Group, GuestKind, Person
from playground.model.workspace import FOREIGN, Workspace


class SlackSetup:
    """The first of three layers of the test interface."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def faults(self) -> Faults:
        return self.workspace.faults

    @property
    def clock(self) -> Clock:
        return self.workspace.clock

    @property
    def scopes(self) -> set[str]:
        return self.workspace.scopes

    @scopes.setter
    def scopes(self, scopes: Collection[str]) -> None:
        self.workspace.scopes = set(scopes)

    @property
    def bot_token(self) -> str:
        return self.workspace.bot_token

    @property
    def app_token(self) -> str:
        return self.workspace.app_token

    @property
    def signing_secret(self) -> str:
        return self.workspace.signing_secret

    @property
    def team_id(self) -> str:
        return self.workspace.team_id

    @property
    def bot_id(self) -> str:
        return self.workspace.bot_id

    @property
    def bot_user(self) -> str:
        return self.workspace.bot_user

    def add_person(
        self,
        user: str,
        name: str | None = None,
        *,
        real_name: str | None = None,
        title: str = "",
        email: str | None = None,
        aliases: tuple[str, ...] = (),
        guest: GuestKind = "",
        stranger: bool = False,
        team_id: str | None = None,
        bot: bool = False,
        workflow_bot: bool = False,
        deleted: bool = False,
        admin: bool = False,
        online: bool = True,
    ) -> Person:
        """A stranger belongs to another workspace that shares a channel. People who are offline see no notes."""
        name = name or user.lower()
        return self._put_person(
            Person(
                id=user,
                name=name,
                real_name=real_name or name.title(),
                team_id=team_id or (FOREIGN if stranger else self.team_id),
                title=title,
                email=email,
                aliases=aliases,
                guest=guest,
                stranger=stranger,
                bot=bot or workflow_bot,
                workflow_bot=workflow_bot,
                deleted=deleted,
                admin=admin,
                online=online,
            )
        )

    def change_person(self, user: str, **changed: Any) -> Person:
        return self._put_person(replace(self.workspace.people[user], **changed))

    def _put_person(self, person: Person) -> Person:
        self.workspace.people[person.id] = person
        self.workspace.changes.announce("person.changed", user=person.id)
        return person

    def add_channel(
        self,
        channel: str,
        name: str | None = None,
        *,
        members: Sequence[str] = (),
        private: bool = False,
        archived: bool = False,
        bot_in: bool = True,
        shared: bool = False,
    ) -> Channel:
        """`shared` means shared with another workspace by Slack Connect."""
        return self._put_channel(
            Channel(
                id=channel,
                name=name or channel.lower(),
                members=tuple(members),
                private=private,
                archived=archived,
                bot_in=bot_in,
                shared=shared,
            )
        )

    def change_channel(self, channel: str, **changed: Any) -> Channel:
        return self._put_channel(replace(self.workspace.channels[channel], **changed))

    def _put_channel(self, channel: Channel) -> Channel:
        self.workspace.channels[channel.id] = channel
        self.workspace.changes.announce("channel.changed", channel=channel.id)
        return channel

    def join(self, user: str, channel: str) -> None:
        members = self.workspace.channels[channel].members
        self.change_channel(channel, members=(*members, user))

    def leave(self, user: str, channel: str) -> None:
        members = self.workspace.channels[channel].members
        self.change_channel(channel, members=tuple(member for member in members if member != user))

    def renumber(self, old: str, new: str) -> None:
        """A `G…` channel becomes a `C…` channel as soon as someone shares it. The old id is not found any more."""
        channel = self.workspace.channels.pop(old)
        self.workspace.messages.move(old, new)
        self.workspace.response_urls.move(old, new)
        self._put_channel(replace(channel, id=new))

    def delete(self, message: Message) -> None:
        """As by a person who may delete messages of apps: Slack sends the app no event."""
        self.workspace.messages.delete(message)

    def add_group(
        self, group: str, members: Sequence[str] = (), *, handle: str | None = None, name: str | None = None
    ) -> Group:
        handle = handle or group.lower()
        return self._put_group(Group(id=group, handle=handle, name=name or handle, members=tuple(members)))

    def change_group(self, group: str, **changed: Any) -> Group:
        if "members" in changed:
            changed["members"] = tuple(changed["members"])
        return self._put_group(replace(self.workspace.groups[group], **changed))

    def _put_group(self, group: Group) -> Group:
        self.workspace.groups[group.id] = group
        self.workspace.changes.announce("group.changed", group=group.id)
        return group
