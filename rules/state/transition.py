"""`Transition`: the events that a command causes, each with the state after it. Rules build one with `Move`.

A rule calls `record` once for each event and `build` at the end. Nothing is written here: the store seals the events
into the package's chain and saves the last state, in one transaction (`store.commands.write`). The audit repeats the
changes from the events and compares the result with the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from pydantic import JsonValue

from rules.people.autonomy import AutonomyProfile
from rules.people.directory import Actor, ReviewerAuthorization
from rules.reasons import Reason, Refusal
from rules.state.changes import StateChanges
from rules.state.commands import Command, HumanDecisionCommand, HumanDecisionType, SeenCommand
from rules.state.decisions import Basis
from rules.state.events import Cause, DetailedReason, EventType
from rules.state.model import PackageState
from rules.state.noes import No
from rules.state.reading import form_renderings
from rules.state.service_commands import Show
from rules.state.sightings import Page
from rules.state.situation import Situation

Words = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A future event: what the chain will hold, the texts stored beside it, and the state after it."""

    event_id: str
    event_type: EventType
    actor: Actor
    policy_version: str
    after: PackageState
    authority: ReviewerAuthorization | None = None
    decision: HumanDecisionType | None = None
    basis: Basis | None = None
    reason: str | None = None
    latency_ms: int | None = None
    outcome: str | None = None
    rendering_id: str | None = None
    words: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The result of a command. Without occurrences the command had been carried out before, and nothing changes.

    With a `refusal` the command is refused, and the occurrences are its consequences. Both are recorded together.
    """

    before: PackageState | None
    after: PackageState
    occurrences: tuple[Occurrence, ...] = ()
    profile: AutonomyProfile | None = None
    refusal: Refusal | None = None

    @property
    def words(self) -> dict[str, Words]:
        """The texts by the id of their event."""
        return {occurrence.event_id: occurrence.words for occurrence in self.occurrences if occurrence.words}


class Move:
    """Builds a transition, occurrence by occurrence."""

    def __init__(
        self,
        state: PackageState,
        command: Command,
        situation: Situation,
        authority: ReviewerAuthorization | None = None,
    ) -> None:
        self.state, self.command, self.situation, self.authority = state, command, situation, authority
        self._before: PackageState | None = state
        self._occurrences: list[Occurrence] = []

    @classmethod
    def begin(cls, state: PackageState, command: Command, situation: Situation) -> Self:
        """For a package that does not exist yet: `state` is its first one."""
        move = cls(state, command, situation)
        move._before = None
        return move

    @property
    def event_id(self) -> str:
        """The id of the next occurrence: votes and decisions refer to the event that made them."""
        return f"evt_{self.situation.fresh_id}{len(self._occurrences):02d}"

    @property
    def form_renderings(self) -> tuple[str, ...]:
        """The renderings in which a form showed the actor everything. An edit starts from what was shown before it."""
        return form_renderings(self._before, self.situation.actor.actor_id) if self._before else ()

    @property
    def latency_ms(self) -> int:
        """Since the people were asked; 0 if the clock was set back meanwhile."""
        return max(0, (self.situation.now - self.state.asked_at) // timedelta(milliseconds=1))

    def record(
        self,
        event_type: EventType,
        changes: StateChanges | None = None,
        *,
        decision: HumanDecisionType | None = None,
        basis: Basis | None = None,
        reason: Cause | Reason | DetailedReason | None = None,
        outcome: str | None = None,
        words: Words | None = None,
    ) -> Self:
        """Add an event with these changes of the state. Its words are stored beside it."""
        event_id = self.event_id
        bookkeeping = {"revision": self.state.revision + 1, "updated_at": self.situation.now}
        self.state = _end_look(self.state.model_copy(update={**(changes or {}), **bookkeeping}))
        self._occurrences.append(
            Occurrence(
                event_id=event_id,
                event_type=event_type,
                actor=self.situation.actor,
                policy_version=self.situation.policy.full_version,
                after=self.state,
                authority=self.authority,
                decision=decision,
                basis=basis,
                reason=None if reason is None else str(reason),
                latency_ms=self.latency_ms if decision or basis else None,
                outcome=outcome,
                rendering_id=self._rendering(),
                words={name: text for name, text in (words or {}).items() if text is not None} or None,
            )
        )
        return self

    def make_no(self) -> No:
        """A person's No, recorded by the next event."""
        return No(
            event_id=self.event_id,
            decision_package_id=self.state.decision_package_id,
            action_digest=self.state.action_digest,
            verb=self.command.verb,
            by=self.situation.actor.actor_id,
            at=self.situation.now,
        )

    def build(self, profile: AutonomyProfile | None = None) -> Transition:
        """The transition of all events so far. `profile`: the agent's new earned autonomy, if it changes."""
        return Transition(before=self._before, after=self.state, occurrences=tuple(self._occurrences), profile=profile)

    def _rendering(self) -> str | None:
        return self.command.rendering_id if isinstance(self.command, SeenCommand | Show | Page) else None


def _end_look(state: PackageState) -> PackageState:
    """A blind look that is over stays over, whatever becomes of the package."""
    look = state.look
    if look is None or look.has_ended or state.verdict is not None or not state.ends_look:
        return state
    return state.model_copy(update={"look": look.model_copy(update={"has_ended": True})})


def record_refusal(state: PackageState, command: Command, situation: Situation, reason: Reason) -> Transition:
    """Record that a known person's command was refused. Nothing else changes."""
    decision = command.decision if isinstance(command, HumanDecisionCommand) else None
    move = Move(state, command, situation)
    return move.record(EventType.HUMAN_DECISION_REFUSED, decision=decision, reason=reason).build()
