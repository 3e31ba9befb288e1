"""The only place where a decision is made: `decide` applies a command to a package's state in a situation.

The checks run in this order: actor, identity, blindness, status, version and rung, authority, and then what this
package accepts at its level and tier. The rule of the verb runs last. The result is a transition or a refusal; nothing
is performed here. A transition must end in a status that the row of its verb allows.
"""

from __future__ import annotations

from rules.authority.authorization import authorize, authorize_to_proceed, identify, question_of
from rules.authority.ladder import deciding_rungs
from rules.authority.looks import check_blindness
from rules.authority.standards import Standard
from rules.package.model import Kind
from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state import commands
from rules.state.commands import Command, HumanDecisionCommand, SeenCommand, Verb
from rules.state.model import PackageState, Status
from rules.state.reading import form_renderings, has_read_details
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition
from rules.verbs.spec import VerbSpec
from rules.verbs.table import SPEC_OF_VERB, VERBS


def decide(state: PackageState | None, command: Command, situation: Situation) -> Transition | Refusal:
    """Apply a command to the present state. `state` is None for a command that creates the package."""
    spec = VERBS[type(command)]
    if spec.begins:
        return spec.begins(command, situation)
    if state is None or spec.rule is None:
        return refuse(Reason.NOT_FOUND)
    for check in (_check_actor, _check_identity, _check_blindness, _check_status, _check_version_and_rung):
        if refusal := check(spec, state, command, situation):
            return refusal
    authority = _authorize(spec, state, situation)
    if isinstance(authority, Refusal):
        return authority
    if isinstance(command, SeenCommand) and (refusal := _check_package(spec, state, command, situation)):
        return refusal
    outcome = spec.rule(Move(state, command, situation, authority), command)
    return outcome if isinstance(outcome, Refusal) else _verify_target_status(spec, state, outcome)


def _verify_target_status(spec: VerbSpec, state: PackageState, outcome: Transition) -> Transition:
    # A claim that finds its approval invalid revokes it (`rules.verbs.validity`): then the row of `revoke` applies.
    row = SPEC_OF_VERB[Verb.REVOKE] if outcome.refusal else spec
    if outcome.occurrences and not row.may_lead(state.status, outcome.after.status):
        raise AssertionError(f"{spec.verb} led from {state.status} to {outcome.after.status}: not in the table")
    return outcome


def _check_actor(spec: VerbSpec, state: PackageState, _: Command, situation: Situation) -> Refusal | None:
    """Only the kinds of actor in the row may give the verb, and an agent reaches only its own packages."""
    actor = situation.actor
    if actor.kind not in spec.by:
        return refuse(Reason.A_BOT if ActorKind.PERSON in spec.by else Reason.NOT_FOUND)
    foreign = actor.kind is ActorKind.AGENT and actor.actor_id != state.agent_id
    return refuse(Reason.NOT_FOUND) if foreign else None


def _check_identity(_: VerbSpec, __: PackageState, ___: Command, situation: Situation) -> Refusal | None:
    """Identify people. The rules of the verbs check agents and the clock."""
    actor = situation.actor
    if actor.kind is not ActorKind.PERSON:
        return None
    person = identify(situation.roster, actor.actor_id, situation.now)
    return person if isinstance(person, Refusal) else None


def _check_blindness(_: VerbSpec, state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    return check_blindness(state, command, situation)


def _check_status(spec: VerbSpec, state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    accepted = state.status in spec.taken_in
    if spec.due:
        return None if accepted and spec.due(state, spec.verb, situation) else refuse(Reason.NOT_DUE)
    return None if accepted else _status_refusal(state, command)


def _status_refusal(state: PackageState, command: Command) -> Refusal:
    if state.status.terminal:
        return refuse(Reason.ALREADY_DECIDED, status=state.status, by=state.decided_by())
    if state.status.awaits_agent:
        return refuse(Reason.AWAITS_AGENT, status=state.status)
    if state.status is Status.DEFERRED and state.wake_at:
        return refuse(Reason.IS_DEFERRED, until=state.wake_at.isoformat(timespec="minutes"))
    return refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb=command.verb)


def _check_version_and_rung(
    spec: VerbSpec, state: PackageState, command: Command, situation: Situation
) -> Refusal | None:
    """Refuse a command for another version than the present one, or, to proceed, for a rung that may not decide."""
    seen = getattr(command, "expected_package_version", None)
    if seen not in (None, state.version):
        return refuse(Reason.STALE_VERSION, seen=seen, current=state.version)
    proceeds = spec.requires is Standard.PROCEED
    rung = command.expected_rung if isinstance(command, SeenCommand) else state.task.rung
    stale = proceeds and rung not in deciding_rungs(state, terms_today(state, situation.policy))
    return refuse(Reason.STALE_RUNG, role=state.task.required_role) if stale else None


def _authorize(spec: VerbSpec, state: PackageState, situation: Situation) -> ReviewerAuthorization | Refusal | None:
    if situation.actor.kind is not ActorKind.PERSON or spec.requires is Standard.OWN_RULE:
        return None
    if spec.requires is None:
        raise AssertionError(f"{spec.verb} asks nothing of the person who gives it")
    roster, user_id = situation.roster, situation.actor.actor_id
    if spec.requires is Standard.PROCEED:
        return authorize_to_proceed(roster, user_id, state, situation.now)
    question = question_of(state, situation.policy, so_far=spec.requires is Standard.STOP)
    return authorize(roster, user_id, spec.requires, question, situation.now)


def _check_package(spec: VerbSpec, state: PackageState, command: SeenCommand, situation: Situation) -> Refusal | None:
    """Refuse what this package does not accept at its level and tier, or not yet."""
    if isinstance(command, HumanDecisionCommand) and (refusal := _check_decision_allowed(spec, state, command)):
        return refusal
    return _check_prerequisites(state, command, situation) if spec.lets_go_ahead and command.lets_go_ahead else None


def _check_prerequisites(state: PackageState, command: SeenCommand, situation: Situation) -> Refusal | None:
    """Check what must have happened before the action may go ahead."""
    terms, user_id = terms_today(state, situation.policy), situation.actor.actor_id
    if state.is_past_expiry(situation.now):
        return refuse(Reason.ALREADY_EXPIRED)
    if terms.details_first and not has_read_details(state, user_id):
        return refuse(Reason.DETAILS_FIRST)
    # The card of a decided package does not show the action any more.
    whole_card_seen = state.whole_on_card and state.status is Status.PENDING and command.rendering_id is not None
    if not situation.trial and not (whole_card_seen or form_renderings(state, user_id)):
        return refuse(Reason.NOT_SHOWN_WHOLE)
    return refuse(Reason.COMMENT_REQUIRED) if terms.comment_required and not command.grounds else None


def _check_decision_allowed(spec: VerbSpec, state: PackageState, command: HumanDecisionCommand) -> Refusal | None:
    verb, question = command.verb, state.kind is Kind.QUESTION
    allowed = state.allowed_decisions
    if allowed is not None and verb is not Verb.OBJECT and verb.value not in allowed:
        return refuse(Reason.DECISION_NOT_ALLOWED, verb=verb, decisions=", ".join(allowed))
    if isinstance(command, commands.Answer):
        return None if question else refuse(Reason.NOT_A_QUESTION)
    if spec.lets_go_ahead and state.level is HITLLevel.HUMAN_TAKEOVER:
        return refuse(Reason.LEVEL_IS_TAKEOVER)
    if spec.lets_go_ahead and question:
        return refuse(Reason.A_QUESTION)
    return refuse(Reason.NOT_SOFT) if isinstance(command, commands.Object) and not state.soft else None
