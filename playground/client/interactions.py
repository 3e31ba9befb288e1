"""A person's Slack client: what they see, press, choose, type and send, and what the client does not allow.

Before anything is sent, a method checks what the real client would: that the person sees the element, and that the
value can be chosen. What a person could not do raises `NotPossibleError`. The `Outcome` holds what was sent and the
app's answer. Tests use the client through `SlackActions`, the page through `playground.browser.acts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.client.acknowledgements import apply_submission_answer, show_command_answer
from playground.client.delivery import Ack, AppRequest, Delivery
from playground.client.outcomes import Outcome
from playground.client.payloads import Payload, Payloads
from playground.model.choices import choose, field_of, missing_values
from playground.model.elements import Element, elements
from playground.model.messages import Message
from playground.model.people import Person
from playground.model.refusals import NotPossibleError
from playground.model.views import View
from playground.model.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """The element that is pressed, found by its action id (and more if several share it), and the chosen option."""

    action_id: str
    option: Any = None
    block_id: str | None = None
    having_value: str | None = None
    confirm: bool = True

    def find(self, blocks: Any) -> Element:
        fitting = [element for element in elements(blocks) if self._fits(element)]
        if len(fitting) != 1:
            action_ids = [element.action_id for element in elements(blocks)]
            raise NotPossibleError(f"{len(fitting)} elements are {self}; there are {action_ids}")
        _require_sends(fitting[0])
        return fitting[0]

    def _fits(self, element: Element) -> bool:
        return (
            element.action_id == self.action_id
            and self.block_id in (None, element.block_id)
            and self.having_value in (None, element.data.get("value"))
        )

    def choice(self, element: Element) -> dict[str, Any]:
        if field_of(element.type) is None and self.option is None:
            return {}
        return choose(element, self.option)


@dataclass(frozen=True, slots=True)
class Client:
    """The client of every person. Each call names the person who acts."""

    slack: Workspace
    delivery: Delivery

    @property
    def payloads(self) -> Payloads:
        return Payloads(self.slack)

    def person(self, user: str) -> Person:
        person = self.slack.people.get(user)
        if person is None or person.bot:
            raise NotPossibleError(
                f"{user} is nobody who could do anything: add_person comes first, and bots press nothing"
            )
        return person

    async def click(self, user: str, message: Message, press: Press, *, old_copy: bool = False) -> Outcome:
        person = self.person(user)
        self._require_sees(person, message)
        copy = message if old_copy else self._latest(message)
        element = press.find(copy.blocks)
        if not press.confirm:
            return self._decline(user, element)
        action = self.payloads.action(element, press.choice(element))
        typed = {element.block_id: {element.action_id: {"type": element.type, **press.choice(element)}}}
        # The app gets the message as Slack has it, whatever an old phone still shows.
        latest = self.slack.messages.find(message.channel, message.ts) or copy
        return await self._send(user, self.payloads.on_message(person, latest, action, typed), element)

    def _require_sees(self, person: Person, message: Message) -> None:
        channel = self.slack.channels.get(message.channel)
        if channel is None or person.id not in channel.members:
            raise NotPossibleError(f"{person.id} is not in {message.channel}")
        if message.seen_by not in (None, person.id):
            raise NotPossibleError(f"only {message.seen_by} sees this note")

    def _latest(self, message: Message) -> Message:
        latest = self.slack.messages.find(message.channel, message.ts)
        if latest is None:
            raise NotPossibleError(f"the message {message.ts} in {message.channel} is not there any more")
        return latest

    def _decline(self, user: str, element: Element) -> Outcome:
        if "confirm" not in element.data:
            raise NotPossibleError(f"{element.action_id!r} asks for no confirmation that could be declined")
        return Outcome(slack=self.slack, user=user, before=self.slack.ids.ts(), confirmation=element.data["confirm"])

    async def click_view(self, user: str, view: View, press: Press) -> Outcome:
        person, element = self.person(user), press.find(view.blocks)
        if not press.confirm:
            return self._decline(user, element)
        choice = press.choice(element)
        if choice:
            view = self._fill(view, {element.action_id: press.option}, element.block_id)
        action = self.payloads.action(element, choice)
        return await self._send(user, self.payloads.on_view(person, view, action), element)

    async def _send(self, user: str, payload: Payload, element: Element | None = None) -> Outcome:
        before = self.slack.ids.ts()
        app_request = AppRequest("interactive", payload)
        ack = await self.delivery.send(app_request)
        confirmation = element.data.get("confirm") if element else None
        return Outcome(
            slack=self.slack,
            user=user,
            before=before,
            app_request=app_request,
            ack=ack,
            error=ack.error,
            confirmation=confirmation,
        )

    def type_in(self, user: str, values: Mapping[str, Any]) -> View:
        """Fill in the topmost modal. Each value is given under the name of its block or of its element."""
        return self._fill(self.modal(user), values)

    def fill_in(self, view: View, typed: Mapping[str, Mapping[str, Any]]) -> View:
        """Fill in a view. Each value is given under the names of its block and its element."""
        for block_id, values in typed.items():
            view = self._fill(view, values, block_id)
        return view

    def modal(self, user: str) -> View:
        view = self.slack.views.top(user)
        if view is None:
            raise NotPossibleError(f"no modal is open in front of {user}")
        return view

    def _fill(self, view: View, values: Mapping[str, Any], block_id: str | None = None) -> View:
        typed = {block: dict(entries) for block, entries in view.typed.items()}
        for name, value in values.items():
            element = _input(view, name, block_id)
            entry = {"type": element.type, **choose(element, value)}
            typed.setdefault(element.block_id, {})[element.action_id] = entry
        return self.slack.views.type_in(view, typed)

    async def submit(self, user: str, values: Mapping[str, Any]) -> Outcome:
        person, view = self.person(user), self.type_in(user, values)
        if not view.definition.get("submit"):
            raise NotPossibleError(f"the modal {view.title!r} has no button to submit it")
        empty = missing_values(view.blocks, view.values)
        if empty:
            raise NotPossibleError(f"{', '.join(map(repr, empty))} must be filled in")
        outcome = await self._send(user, self.payloads.submission(person, view))
        return self._apply_answer(person, outcome)

    def _apply_answer(self, person: Person, outcome: Outcome) -> Outcome:
        """The view may have been changed or closed while the app worked."""
        views = [view for view in self.slack.views.stack(person.id) if view.id == outcome.payload["view"]["id"]]
        if not views:
            return outcome
        error = apply_submission_answer(self.slack, person, views[0], outcome.ack, outcome.trigger_id)
        errors = next((view.errors for view in self.slack.views.stack(person.id) if view.id == views[0].id), {})
        return replace(outcome, error=error, errors=errors)

    async def close(self, user: str, *, everything: bool = False) -> Outcome:
        person, view = self.person(user), self.modal(user)
        cleared = everything or bool(view.definition.get("clear_on_close"))
        closing = reversed(self.slack.views.stack(user)) if cleared else [view]
        outcome = Outcome(slack=self.slack, user=user, before=self.slack.ids.ts())
        for closed in list(closing):
            self.slack.views.close(closed)
            if closed.definition.get("notify_on_close"):
                outcome = await self._send(user, self.payloads.view_closed(person, closed, everything=cleared))
        return outcome

    async def suggest(self, user: str, press: Press, typed: str) -> Outcome:
        person, view = self.person(user), self.modal(user)
        element = _input(view, press.action_id, press.block_id)
        if not element.type.endswith("external_select"):
            raise NotPossibleError(f"{element.action_id!r} does not ask the app for its options")
        return await self._send(user, self.payloads.suggestion(person, view, element, typed))

    async def command(self, user: str, name: str, text: str, channel: str) -> Outcome:
        person = self.person(user)
        self._require_command(person, name, channel)
        payload = self.payloads.command(person, name, self._escape_names(text), channel)
        before, app_request = self.slack.ids.ts(), AppRequest("slash_commands", payload)
        ack = await self.delivery.send(app_request)
        error = show_command_answer(self.slack, payload, ack)
        return Outcome(slack=self.slack, user=user, before=before, app_request=app_request, ack=ack, error=error)

    def _require_command(self, person: Person, name: str, channel: str) -> None:
        if person.stranger:
            raise NotPossibleError(f"{person.id} is of another workspace, where {name} is not installed")
        commands = self.slack.commands
        if commands is not None and name not in {command.name for command in commands}:
            raise NotPossibleError(f"{name} is not a command here")
        if channel not in self.slack.channels or person.id not in self.slack.channels[channel].members:
            raise NotPossibleError(f"{person.id} is not in {channel}")

    def _escape_names(self, text: str) -> str:
        """Names become ids if the command asks for it."""
        return self.replace_names(text) if self.slack.should_escape else text

    def replace_names(self, text: str) -> str:
        """A typed @name or #name becomes `<@U…|name>` or `<#C…|name>`."""
        named = {f"@{person.name}": f"<@{person.id}|{person.name}>" for person in self.slack.people.values()}
        named |= {f"#{channel.name}": f"<#{channel.id}|{channel.name}>" for channel in self.slack.channels.values()}
        return re.sub(r"(?<![\w<])[@#][\w.\-]+", lambda match: named.get(match[0], match[0]), text)

    async def resend(self, outcome: Outcome, retry: int, reason: str) -> Outcome:
        """Send the same request again, as networks do."""
        if outcome.app_request is None:
            raise NotPossibleError("nothing was sent that could come again")
        app_request = replace(outcome.app_request, retry=retry, reason=reason)
        before, ack = self.slack.ids.ts(), await self.delivery.send(app_request)
        return replace(outcome, before=before, app_request=app_request, ack=ack, error=ack.error, errors={})

    async def event(self, user: str, payload: Payload, retry: int = 0, reason: str = "") -> Outcome:
        app_request, before = AppRequest("events_api", payload, retry, reason), self.slack.ids.ts()
        ack: Ack = await self.delivery.send(app_request)
        return Outcome(slack=self.slack, user=user, before=before, app_request=app_request, ack=ack, error=ack.error)


def _require_sends(element: Element) -> None:
    """Some elements can be pressed without the app hearing of it."""
    if element.block["type"] == "input" and not element.block.get("dispatch_action"):
        raise NotPossibleError(f"{element.action_id!r} is sent only when the modal is submitted: use type_in")
    if "agent_prompt" in element.data:
        raise NotPossibleError(f"{element.action_id!r} opens Slackbot with its prompt, and the app hears nothing")


def _input(view: View, name: str, block_id: str | None) -> Element:
    fitting = [
        element
        for element in elements(view.blocks)
        if name in (element.action_id, element.block_id)
        and block_id in (None, element.block_id)
        and field_of(element.type)
    ]
    if len(fitting) != 1:
        ids = [(element.block_id, element.action_id) for element in elements(view.blocks)]
        raise NotPossibleError(f"{len(fitting)} inputs are called {name!r}; there are {ids}")
    return fitting[0]
