"""Which verbs a package offers, and which of them one person may give now: each is tried, and nothing is carried out.

A card shows what the package offers. Whether a person may give it is checked by `rules.verbs.decide`, and only there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rules.package.model import DECISION_NAMES, Kind
from rules.people.directory import Actor, ActorKind, Roster
from rules.reasons import Refusal
from rules.scales import HITLLevel
from rules.state.commands import Command, SeenCommand, Verb
from rules.state.model import PackageState
from rules.state.situation import Situation
from rules.verbs.decide import decide
from rules.verbs.spec import VerbSpec
from rules.verbs.table import SPEC_OF_VERB

# Words that are always accepted: a trial comes before the form that asks for them.
_WORDS = {
    "comment": "–",
    "instructions": "–",
    "answer": "–",
    "override_decision": "other",
    "override_reason": "–",
    "evidence_refs": ("–",),
    "verdict": "sound",
}


class Offer(NamedTuple):
    """The verbs that a person may give, and why the decision that the package asks for is not among them."""

    verbs: tuple[Verb, ...] = ()
    missing: Refusal | None = None


def offered_verbs(state: PackageState) -> tuple[Verb, ...]:
    """Every verb that a person with the right authority could give this package now."""
    return tuple(verb for verb, spec in SPEC_OF_VERB.items() if accepts_verb(state, verb) and _is_offered(state, spec))


def accepts_verb(state: PackageState, verb: Verb) -> bool:
    """Whether the verb is accepted in this status, by anyone."""
    return state.status in SPEC_OF_VERB[verb].taken_in


def _is_offered(state: PackageState, spec: VerbSpec) -> bool:
    return spec.offered is not None and _agent_allows(state, spec.verb) and spec.offered(state)


def _agent_allows(state: PackageState, verb: Verb) -> bool:
    allowed = state.allowed_decisions
    return allowed is None or verb is Verb.OBJECT or verb.value not in DECISION_NAMES or verb.value in allowed


def offer_to(state: PackageState, roster: Roster, user_id: str, now: datetime) -> Offer:
    """Try every offered verb for this person."""
    refusals = {verb: _refusal(state, verb, roster, user_id, now) for verb in offered_verbs(state)}
    allowed = tuple(verb for verb, refusal in refusals.items() if refusal is None)
    return Offer(allowed, refusals.get(requested_verb(state)))


def requested_verb(state: PackageState) -> Verb:
    """The decision that the package asks for."""
    if state.kind is Kind.QUESTION:
        return Verb.ANSWER
    if state.level is HITLLevel.HUMAN_TAKEOVER:
        return Verb.TAKE_OVER
    return Verb.ALLOW_RETRY if state.asks_recovery else Verb.APPROVE


def _refusal(state: PackageState, verb: Verb, roster: Roster, user_id: str, now: datetime) -> Refusal | None:
    situation = Situation(
        policy=roster.policy,
        roster=roster,
        now=now,
        tenant_id=state.tenant_id,
        fresh_id="trial",
        actor=Actor(kind=ActorKind.PERSON, actor_id=user_id),
        trial=True,
    )
    outcome = decide(state, trial_command(verb, state, now, "trial"), situation)
    return outcome if isinstance(outcome, Refusal) else None


def trial_command(
    verb: Verb,
    state: PackageState,
    now: datetime,
    command_id: str,
    *,
    version: int | None = None,
    rung: int | None = None,
) -> Command:
    """The verb with words that are always accepted, for the version and rung that the person saw."""
    # Edits that are always accepted do not exist. Approving asks the same of a person.
    command = SPEC_OF_VERB[Verb.APPROVE if verb is Verb.APPROVE_WITH_EDITS else verb].command
    later = max(now, state.task.due_at) if verb is Verb.EXTEND else now
    values: dict[str, Any] = {**_WORDS, "until": later + timedelta(minutes=1)}
    values |= {"expected_package_version": version or state.version}
    if issubclass(command, SeenCommand):
        values |= {"expected_rung": state.task.rung if rung is None else rung}
    fields = {name: value for name, value in values.items() if name in command.model_fields}
    return command(command_id=command_id, decision_package_id=state.decision_package_id, **fields)
