"""A click, parsed once: who, what, on which card or view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from blocks.kit.ids import ActionId, Ref
from blocks.words.verbs import LOOKS
from rules.people.directory import Actor, ActorKind
from rules.state.commands import Verb
from scheduler.common.messenger import Posted


def person(user_id: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, actor_id=user_id)


@dataclass(frozen=True, slots=True)
class Tap:
    """`view` is the view it was made in, if it was made in one; else `card` is the message.

    What only the clicker sees, as an answer of `/reviews`, is no card: nobody can bring it up to date.
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
        action = body["actions"][0]
        option, at = action.get("selected_option") or {}, body.get("container") or {}
        return cls(
            user_id=body["user"]["id"],
            action_id=action["action_id"],
            value=str(option.get("value") or action.get("value") or ""),
            trigger_id=body.get("trigger_id", ""),
            response_url=body.get("response_url"),
            view=body.get("view"),
            card=_card(at),
        )

    @property
    def actor(self) -> Actor:
        return person(self.user_id)

    @property
    def asks(self) -> tuple[Verb, Ref] | None:
        """The verb and what it is for: in a menu both stand in the option, else the button is the verb."""
        word, written = self.action_id, self.value
        if word == ActionId.MORE:
            word, _, written = self.value.partition(" ")
        ref = Ref.read(written)
        return (Verb(word), ref) if ref and word in LOOKS else None


def _card(at: Mapping[str, Any]) -> Posted | None:
    lies_there = at.get("type") == "message" and not at.get("is_ephemeral")
    return Posted(at["channel_id"], at["message_ts"]) if lies_there else None
