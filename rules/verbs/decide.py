"""The one place where anything is decided: what a command comes to, in this state and this situation.

People are checked first: identity, then status, version and rung, then authority, then what this package takes at its
level and tier. The verb's own rule comes last. It returns a transition or a refusal and performs nothing, and the
transition is held to the row of its verb.
"""

from __future__ import annotations

from rules.authority.authorization import authorize, identify, question_of
from rules.authority.standards import Standard
from rules.package.model import Kind
from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state import commands
from rules.state.commands import Command, HumanDecisionCommand, Verb
from rules.state.model import PackageState, Status
from rules.state.reading import form_renderings, has_read_details
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition
from rules.verbs.spec import VerbSpec
from rules.verbs.table import SPEC_OF_VERB, VERBS
from rules.wording import humanize


def decide(state: PackageState | None, command: Command, situation: Situation) -> Transition | Refusal:
    spec = VERBS[type(command)]
    if spec.begins:
        return spec.begins(command, situation)
    if state is None or spec.rule is None:
        return refuse(Reason.NOT_FOUND)
    for gate in (_not_theirs, _nobody_known, _wrong_state, _stale):
        if refusal := gate(spec, state, command, situation):
            return refusal
    authority = _authority(spec, state, situation)
    if isinstance(authority, Refusal):
        return authority
    if isinstance(command, HumanDecisionCommand) and (refusal := _in_the_way(spec, state, command, situation)):
        return refusal
    outcome = spec.rule(Move(state, command, situation, authority), command)
    return outcome if isinstance(outcome, Refusal) else _held_to_the_table(spec, state, outcome)


def _held_to_the_table(spec: VerbSpec, state: PackageState, outcome: Transition) -> Transition:
    # A claim that ends an approval instead of using it is held to the row of those who end one.
    row = SPEC_OF_VERB[Verb.REVOKE] if outcome.refusal else spec
    leads = row.leads_to or (state.status,)
    if outcome.occurrences and outcome.after.status not in leads:
        raise AssertionError(f"{spec.verb} led from {state.status} to {outcome.after.status}: not in the table")
    return outcome


def _not_theirs(spec: VerbSpec, state: PackageState, _: Command, situation: Situation) -> Refusal | None:
    """No agent and no clock can decide, whatever edge let it through; and an agent reaches only its own packages."""
    actor = situation.actor
    if actor.kind not in spec.by:
        return refuse(Reason.A_BOT if ActorKind.PERSON in spec.by else Reason.NOT_FOUND)
    others = actor.kind is ActorKind.AGENT and actor.actor_id != state.agent_id
    return refuse(Reason.NOT_FOUND) if others else None


def _nobody_known(_: VerbSpec, __: PackageState, ___: Command, situation: Situation) -> Refusal | None:
    """People are identified first; what agents and the clock may do is checked by their own rules."""
    actor = situation.actor
    if actor.kind is not ActorKind.PERSON:
        return None
    person = identify(situation.roster, actor.actor_id, situation.now)
    return person if isinstance(person, Refusal) else None


def _wrong_state(spec: VerbSpec, state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    taken = state.status in spec.taken_in
    if spec.due:
        return None if taken and spec.due(state, spec.verb, situation) else refuse(Reason.NOT_DUE)
    return None if taken else _too_late(state, command)


def _too_late(state: PackageState, command: Command) -> Refusal:
    status = humanize(state.status)
    if state.status.terminal:
        return refuse(Reason.ALREADY_DECIDED, status=status, by=state.decided_by())
    if state.status.awaits_agent:
        return refuse(Reason.AWAITS_AGENT, status=status)
    if state.status is Status.DEFERRED and state.wake_at:
        return refuse(Reason.IS_DEFERRED, until=state.wake_at.isoformat(timespec="minutes"))
    return refuse(Reason.NOT_IN_THIS_STATE, status=status, verb=humanize(command.verb))


def _stale(spec: VerbSpec, state: PackageState, command: Command, _: Situation) -> Refusal | None:
    """A command is for the version, and to proceed also for the rung, that its maker saw."""
    seen = getattr(command, "expected_package_version", None)
    if seen not in (None, state.version):
        return refuse(Reason.STALE_VERSION, seen=seen, current=state.version)
    proceeds = spec.requires is Standard.PROCEED
    rung = command.expected_rung if isinstance(command, HumanDecisionCommand) else state.task.rung
    return refuse(Reason.STALE_RUNG, role=state.task.required_role) if proceeds and rung != state.task.rung else None


def _authority(spec: VerbSpec, state: PackageState, situation: Situation) -> ReviewerAuthorization | Refusal | None:
    if situation.actor.kind is not ActorKind.PERSON or spec.requires is Standard.OWN_RULE:
        return None
    if spec.requires is None:
        raise AssertionError(f"{spec.verb} asks nothing of the person who gives it")
    question = question_of(state, so_far=spec.requires is Standard.STOP)
    return authorize(situation.roster, situation.actor.actor_id, spec.requires, question, situation.now)


def _in_the_way(
    spec: VerbSpec, state: PackageState, command: HumanDecisionCommand, situation: Situation
) -> Refusal | None:
    """What this package, at this level and tier, does not take, or not yet."""
    if refusal := _not_for_this_package(spec, state, command):
        return refusal
    return _unready(state, command, situation) if spec.lets_go_ahead and command.lets_go_ahead else None


def _unready(state: PackageState, command: HumanDecisionCommand, situation: Situation) -> Refusal | None:
    """What must come first before something goes ahead."""
    terms, who = terms_today(state, situation.policy), situation.actor.actor_id
    if state.ended(situation.now):
        return refuse(Reason.ALREADY_EXPIRED)
    if terms.details_first and not has_read_details(state, who):
        return refuse(Reason.DETAILS_FIRST)
    if not situation.trial and not (state.whole_on_card or form_renderings(state, who)):
        return refuse(Reason.NOT_SHOWN_WHOLE)
    return refuse(Reason.COMMENT_REQUIRED) if terms.comment_required and not command.grounds else None


def _not_for_this_package(spec: VerbSpec, state: PackageState, command: HumanDecisionCommand) -> Refusal | None:
    verb, question = command.verb, state.kind is Kind.QUESTION
    allowed = state.allowed_decisions
    if allowed is not None and verb is not Verb.OBJECT and verb.value not in allowed:
        return refuse(Reason.DECISION_NOT_ALLOWED, verb=humanize(verb), allowed=", ".join(allowed))
    if isinstance(command, commands.Answer):
        return None if question else refuse(Reason.NOT_A_QUESTION)
    if spec.lets_go_ahead and state.level is HITLLevel.HUMAN_TAKEOVER:
        return refuse(Reason.LEVEL_IS_TAKEOVER)
    if spec.lets_go_ahead and question:
        return refuse(Reason.A_QUESTION)
    return refuse(Reason.NOT_SOFT) if isinstance(command, commands.Object) and not state.soft else None
