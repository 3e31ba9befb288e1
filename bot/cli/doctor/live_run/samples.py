"""Sample cards for `doctor --live`, which asks Slack whether it accepts them.

The packages go through the rules and are drawn as the product draws them. Nothing of them is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from blocks.card.card import card
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from rules.authority.quorum import tally
from rules.package.fields import MAX_ESSAY, MAX_ITEMS, MAX_SENTENCE, MAX_TITLE
from rules.package.model import DecisionPackage
from rules.people.directory import Actor, ActorKind, Agent, Directory, Person, Roster
from rules.policy.model import Policy
from rules.state.commands import Command, Reject
from rules.state.model import PackageState
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Transition
from rules.verbs.decide import decide
from rules.verbs.submission import Submit

HARD = "action, hard"
SECOND_REVIEWER = "USLACKBOT"  # a critical package needs two people, and every workspace has this one
_TAKEOVER = {
    "summary": "The notice is drafted; two addresses are on file.",
    "stopping_reason": "The register and the contract name different addresses.",
}
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "output": {"action_parameters": None, "title": "Sample: publish the answer to a complaint"},
    "plan": {"action_parameters": {"steps": ["Copy the archive", "Compare", "Switch over"]}},
    "question": {"action_parameters": None, "title": "Sample: which ACME is meant"},
    "memory": {
        "action_parameters": {
            "proposed_memory": "ACME Ltd wants letters on paper.",
            "source_refs": ["call 9"],
            "sensitivity": "internal",
            "retention": "2 years",
        }
    },
    "policy_exception": {
        "action_parameters": {
            "policy_id": "P-9",
            "requested_exception": "Send the notice at 20:00.",
            "justification": "The register closes at midnight.",
            "expires_at": "2099-01-01T00:00:00Z",
        }
    },
    "tool_call": {"action_parameters": {"tool": "accounts.freeze", "arguments": {"account": "7731"}}},
}
PENDING: Mapping[str, Mapping[str, Any]] = {
    "action, soft": {"action_type": "sample.soft", "risk_level": "medium"},
    HARD: {},
    "action, critical": {"risk_level": "critical"},
    "takeover": {"recommendation": "escalate", "takeover": _TAKEOVER},
    **{kind: {"kind": kind, **fields} for kind, fields in _KINDS.items()},
}
FILLINGS = {"largest card": "word ", "largest card, Chinese": "審查員", "largest card, emoji": "🙂👩‍🔧"}
LARGEST = [*FILLINGS, *(f"{name}, taken over" for name in FILLINGS)]


class Samples:
    """The cards of one run. `requester` and `reviewer` are ids that Slack knows, because cards name people."""

    def __init__(self, requester: str, reviewer: str, now: datetime) -> None:
        self._requester, self._reviewer, self._now = requester, reviewer, now
        self._policy = _policy(reviewer, SECOND_REVIEWER)
        people = {
            user_id: Person(user_id=user_id, name=user_id, email=f"{user_id}@example.com")
            for user_id in (requester, reviewer, SECOND_REVIEWER)
        }
        self._roster = Roster(self._policy, Directory(people=people, as_of=now))
        self._agent = Agent(agent_id="agt_live", name="Sample", owner=requester)

    def pending(self, name: str) -> Message:
        return self._pending(**PENDING[name])

    def decided(self) -> Message:
        """The card of a package that the reviewer rejected."""
        proposal = self._package()
        state = self._submitted(proposal)
        reject = Reject(
            command_id="cmd_live",
            decision_package_id=state.decision_package_id,
            expected_package_version=state.version,
            expected_rung=state.task.rung,
            comment="I checked both reminders.",
        )
        person = Actor(kind=ActorKind.PERSON, actor_id=self._reviewer)
        return self._card(proposal, self._carried_out(state, reject, proposal, person))

    def largest(self, name: str) -> Message:
        kind, _, ending = name.rpartition(", ")
        if ending == "taken over":
            return self._pending(**_filled_takeover(FILLINGS[kind]))
        return self._pending(**_filled(FILLINGS[name]))

    def all_cards(self) -> dict[str, Message]:
        pending = {name: self.pending(name) for name in PENDING}
        return pending | {"decided": self.decided()} | {name: self.largest(name) for name in LARGEST}

    def _package(self, **fields: Any) -> DecisionPackage:
        usual: dict[str, Any] = {
            "title": "Sample: send the second reminder to ACME Ltd",
            "action_type": "sample.hard",
            "action_parameters": {"to": "legal@acme.example", "template": "reminder-2"},
            "proposed_action": "Send reminder 2 to ACME Ltd.",
            "rationale": "The first reminder went unanswered for 30 days.",
            "risk_level": "high",
            "confidence": 0.95,
            "requested_by": self._requester,
            "evidence_refs": ["doc_1"],
            "known_uncertainties": ["A record for May is missing."],
            "side_effect_preview": {"letters_sent": 1},
            "consequence": "A letter goes out.",
            "policy_basis": ["P-1"],
        }
        return DecisionPackage.model_validate(usual | fields)

    def _pending(self, **fields: Any) -> Message:
        proposal = self._package(**fields)
        return self._card(proposal, self._submitted(proposal))

    def _submitted(self, proposal: DecisionPackage) -> PackageState:
        submit = Submit(command_id="cmd_live", decision_package_id="pkg_live", package=proposal)
        return self._carried_out(None, submit, proposal, self._agent.actor)

    def _carried_out(
        self, state: PackageState | None, command: Command, proposal: DecisionPackage, by: Actor
    ) -> PackageState:
        situation = Situation(
            policy=self._policy,
            roster=self._roster,
            now=self._now,
            tenant_id="T0",
            fresh_id="000001",
            actor=by,
            agent=self._agent,
            package=proposal,
        )
        outcome = decide(state, command, situation)
        if not isinstance(outcome, Transition):
            raise TypeError(f"the sample is refused: {outcome.sentence}")
        return outcome.after

    def _card(self, proposal: DecisionPackage, state: PackageState) -> Message:
        terms = terms_today(state, self._policy)
        votes = tally(state, state.votes, terms, self._roster, self._now)
        names = {self._requester: "The operator", self._reviewer: "Countersign"}  # the app itself reviews
        return card(
            Dossier(state=state, package=proposal, agent=self._agent.name, terms=terms, tally=votes, names=names)
        )


def _policy(*members: str) -> Policy:
    roles = ("reviewer", "senior_reviewer", "supervisor", "director")
    return Policy.model_validate(
        {
            "version": "live-run",
            "roles": {role: {"members": members, "max_risk": "critical"} for role in roles},
            "actions": {
                "sample.soft": {"reversibility": "partially_reversible"},
                "sample.hard": {"reversibility": "irreversible_low"},
            },
        }
    )


PARAMETER_COUNT, PARAMETER_LENGTH = 40, 400  # far more than a card shows whole


def _filled(filling: str) -> dict[str, Any]:
    """The texts that the card of an action draws, each as long as it may be."""
    sentence = _fill(filling, MAX_SENTENCE)
    return {
        "title": _fill(filling, MAX_TITLE),
        "proposed_action": sentence,
        "consequence": sentence,
        "known_uncertainties": [sentence] * MAX_ITEMS,
        "policy_basis": [sentence] * MAX_ITEMS,
        "action_parameters": {f"name {number}": _fill(filling, PARAMETER_LENGTH) for number in range(PARAMETER_COUNT)},
    }


def _filled_takeover(filling: str) -> dict[str, Any]:
    """The same for the card that asks a person to take over."""
    handover = {"summary": _fill(filling, MAX_ESSAY), "stopping_reason": _fill(filling, MAX_SENTENCE)}
    return _filled(filling) | {"recommendation": "escalate", "takeover": handover}


def _fill(filling: str, limit: int) -> str:
    return (filling * limit)[:limit].strip()
