"""Trigger ids: each opens one view, within a few seconds of the person's action."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.model.clock import Clock
from playground.model.ids import IdGenerator
from playground.model.refusals import RefusedError


@dataclass(slots=True)
class Trigger:
    user: str
    at: float
    exchanged: bool = False


@dataclass(slots=True)
class Triggers:
    clock: Clock
    ids: IdGenerator
    life: float  # seconds
    _given: dict[str, Trigger] = field(default_factory=dict)

    def give(self, user: str) -> str:
        trigger_id = self.ids.trigger()
        self._given[trigger_id] = Trigger(user, self.clock())
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """The trigger's user. The trigger is used up, whatever happens next."""
        trigger = self._given.get(trigger_id)
        if trigger is None:
            raise RefusedError("invalid_trigger_id")
        if trigger.exchanged:
            raise RefusedError("exchanged_trigger_id")
        if self.clock() - trigger.at > self.life:
            raise RefusedError("expired_trigger_id")
        trigger.exchanged = True
        return trigger.user
