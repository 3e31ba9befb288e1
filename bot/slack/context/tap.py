"""A click, parsed once: who clicked which button, on which card or view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from blocks.kit.ids import ANSWER_BUTTONS, ActionId, Ref
from blocks.words.verbs import LOOKS
from rules.people.directory import Actor, ActorKind
from rules.state.commands import Verb
from scheduler.common.messenger import Posted


def person(user_id: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, actor_id=user_id)


@dataclass(frozen=True, slots=True)
class Tap:
    """A click in `view`, if it was made in a view, or else on the message `card`.

    `value` is that of the button, or of the chosen option; empty if a checkbox was cleared.

    A message that only the clicker sees, such as an answer to `/reviews`, is not a card: it cannot be updated.
    """

    user_id: str
    action_id: str
    value: str
    trigger_id: str
    response_url: str | None = None
    view: dict[str, Any] | None = None
    card: Posted | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The click in a `block_actions` payload."""
        action = body["actions"][0]
        option, container = _chosen_option(action), body.get("container") or {}
        return cls(
            user_id=body["user"]["id"],
            action_id=action["action_id"],
            value=str(option.get("value") or action.get("value") or ""),
            trigger_id=body.get("trigger_id", ""),
            response_url=body.get("response_url"),
            view=body.get("view"),
            card=_card(container),
        )

    @property
    def actor(self) -> Actor:
        return person(self.user_id)

    @property
    def is_on_card(self) -> bool:
        """Whether the button is on a card. Rows of lists carry no rendering, and views are not cards."""
        ref = Ref.found_in(self.value)
        return self.view is None and ref is not None and ref.rendering_id is not None

    @property
    def intent(self) -> tuple[Verb, Ref] | None:
        """The verb and its package. In a menu both are in the option; otherwise the action id says the verb."""
        name, reference = self.action_id, self.value
        if name in ANSWER_BUTTONS:
            name = Verb.ANSWER
        if name == ActionId.MORE:
            name, _, reference = self.value.partition(" ")
        ref = Ref.read(reference)
        return (Verb(name), ref) if ref and name in LOOKS else None


def _chosen_option(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a menu, or the first one of checkboxes."""
    return action.get("selected_option") or next(iter(action.get("selected_options") or ()), {})


def _card(container: Mapping[str, Any]) -> Posted | None:
    is_card = container.get("type") == "message" and not container.get("is_ephemeral")
    return Posted(container["channel_id"], container["message_ts"]) if is_card else None
