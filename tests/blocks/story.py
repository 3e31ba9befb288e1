"""A package's life, command by command through `rules.verbs.decide.decide`, and the dossier the store would read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from blocks.words.dossier import Dossier, HistoryEvent
from rules.authority.quorum import tally
from rules.package.model import DecisionPackage
from rules.people.directory import AUTO, Actor
from rules.policy.model import Policy
from rules.state.commands import Command
from rules.state.model import PackageState
from rules.state.terms import terms_today
from rules.state.transition import Occurrence, Words
from tests.blocks.proposals import NOTICE
from tests.rules.world import (
    AGENT,
    MINUTE,
    NOW,
    OWEN,
    POLICY,
    ROSE,
    ROSS,
    SENTA,
    SUSI,
    SVEN,
    ask,
    package,
    situation,
    submission,
    transition_of,
)

NAMES = {
    ROSE: "Rose Miller",
    OWEN: "Owen Park",
    ROSS: "Ross Vidal",
    SENTA: "Senta Koch",
    SVEN: "Sven Dahl",
    SUSI: "Susi Arnold",
    "URITA": "Rita Sousa",
    "USAUL": "Saul Bern",
}


class Story:
    """A package and its commands, each a minute after the previous one unless stated."""

    def __init__(self, fields: dict[str, Any] | DecisionPackage = NOTICE, *, policy: Policy = POLICY) -> None:
        self.policy, self.now = policy, NOW
        self.package = fields if isinstance(fields, DecisionPackage) else package(**fields)
        self.before: DecisionPackage | None = None
        self.history: list[HistoryEvent] = []
        self.words: dict[str, Words] = {}
        self.state = self._carried_out(None, submission(self.package), AGENT.actor)

    def then(
        self,
        kind: type[Command],
        by: str | Actor = AUTO,
        *,
        after: timedelta = MINUTE,
        chance: float = 1.0,
        **fields: Any,
    ) -> Self:
        self.now += after
        self.state = self._carried_out(self.state, ask(kind, self.state, **fields), by, chance)
        return self

    def under(self, policy: Policy) -> Self:
        """Puts this policy into force."""
        self.policy = policy
        return self

    def agent(self, kind: type[Command], **fields: Any) -> Self:
        return self.then(kind, AGENT.actor, **fields)

    def clock(self, kind: type[Command], after: timedelta, **fields: Any) -> Self:
        return self.then(kind, AUTO, after=after, **fields)

    def _carried_out(
        self, state: PackageState | None, command: Command, by: str | Actor, chance: float = 1.0
    ) -> PackageState:
        bearing = {"now": self.now, "policy": self.policy, "package": self.package, "chance": chance}
        done = transition_of(state, command, by, **bearing)
        for occurrence in done.occurrences:
            self._remember(occurrence)
        return done.after

    def _remember(self, one: Occurrence) -> None:
        words = one.words or {}
        self.words[one.event_id] = words
        if one.event_type == "package.version_added":
            self.before, self.package = self.package, DecisionPackage.model_validate(words["package"])
        self.history.append(
            HistoryEvent(
                revision=one.after.revision,
                at=one.after.updated_at,
                event_type=one.event_type,
                actor=one.actor.actor_id,
                role=one.authority.roles[0] if one.authority and one.authority.roles else None,
                assignee=one.after.task.assigned_to,
                decision=one.decision,
                basis=one.basis,
                reason=one.reason,
                outcome=one.outcome,
                version=one.after.version,
                words=words,
            )
        )

    def dossier(self, **changes: Any) -> Dossier:
        terms = terms_today(self.state, self.policy)
        roster = situation(policy=self.policy, now=self.now).roster
        decision = self.state.decision
        gathered: dict[str, Any] = {
            "state": self.state,
            "package": self.package,
            "before": self.before,
            "agent": AGENT.name,
            "terms": terms,
            "tally": tally(self.state, self.state.votes, terms, roster, self.now),
            "decision_words": self.words.get(decision.event_id, {}) if decision else {},
            "names": NAMES,
            "mentions": ("<!subteam^SREVIEW>",),
            "history": tuple(self.history),
        }
        return Dossier(**gathered | changes)
