"""The life of a package, as a table: from which status a verb is taken, and to which it may lead.

1. A missing entry is the refusal.
2. Nothing leaves a terminal status, but for a permission that is revoked before it was claimed.
3. People are checked first (identity, version, rung, authority), the verb's own rule comes after.
4. A rule returns a transition or a refusal; it performs nothing, and `decide` holds it to the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.authority.authorization import authorize, identify, question_of
from rules.authority.standards import STANDARDS, Standard, concrete
from rules.package.model import Kind
from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state import commands
from rules.state.commands import ClockCommand, Command, HumanDecisionCommand, OverrideDecision, PersonCommand, Verb
from rules.state.model import PackageState, Status
from rules.state.reading import read_details, shown_in_form
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition
from rules.verbs import absences, decisions, escalation, execution, tasks, timers, versions
from rules.verbs.submission import Submit, submit
from rules.verbs.timers import is_due
from rules.wording import plainly

S, V = Status, Verb
_OPEN = (S.PENDING, S.REVISION_REQUESTED, S.EVIDENCE_REQUESTED, S.DEFERRED)
_GRANTED = (S.APPROVED, S.CONSENTED, S.OVERRIDDEN)
_SAME: tuple[Status, ...] = ()

# verb: (the statuses that take it, the statuses it may lead to; none: it stays what it was)
TABLE: Mapping[Verb, tuple[tuple[Status, ...], tuple[Status, ...]]] = {
    V.APPROVE: ((S.PENDING,), (S.PENDING, S.APPROVED)),
    V.APPROVE_WITH_EDITS: ((S.PENDING,), (S.PENDING, S.APPROVED)),
    V.ANSWER: ((S.PENDING,), (S.APPROVED,)),
    V.OVERRIDE: ((S.PENDING,), (S.PENDING, S.OVERRIDDEN)),
    V.OBJECT: ((S.PENDING,), (S.PENDING,)),
    V.REJECT: (_OPEN, (S.REJECTED,)),
    V.REVISE: ((S.PENDING, S.DEFERRED), (S.REVISION_REQUESTED,)),
    V.REQUEST_MORE_EVIDENCE: ((S.PENDING, S.DEFERRED), (S.EVIDENCE_REQUESTED,)),
    V.ESCALATE: ((S.PENDING,), (S.PENDING,)),
    V.DEFER: ((S.PENDING,), (S.DEFERRED,)),
    V.TAKE_OVER: (_OPEN, (S.TAKEN_OVER,)),
    V.HAND_BACK: ((S.TAKEN_OVER, S.EXPIRED, S.CANCELLED), _SAME),
    V.RECUSE: (_OPEN, _SAME),
    V.CLAIM_TASK: ((S.PENDING, S.DEFERRED), _SAME),
    V.ASSIGN: ((S.PENDING, S.DEFERRED), _SAME),
    V.EXTEND: ((S.PENDING,), _SAME),
    V.COMMENT: (tuple(S), _SAME),
    V.WAKE: ((S.DEFERRED,), (S.PENDING,)),
    V.WITHDRAW: ((*_OPEN, S.CANCELLED), (S.CANCELLED,)),
    V.REVOKE: (_GRANTED, (S.REVOKED,)),
    V.JUDGE: (_GRANTED, _SAME),
    V.SHOW: (tuple(S), _SAME),
    V.OPEN_DETAILS: (tuple(S), _SAME),
    V.OPEN_FORM: ((S.PENDING,), _SAME),
    V.NEW_VERSION: (_OPEN, (S.PENDING,)),
    V.CLAIM_EXECUTION: (tuple(S), _SAME),
    V.REPORT_EXECUTION: (_GRANTED, _SAME),
    V.REMIND: ((S.PENDING, *_GRANTED), _SAME),
    V.CONSENT: ((S.PENDING,), (S.PENDING, S.CONSENTED, S.EXPIRED)),
    V.CLIMB: ((S.PENDING,), (S.PENDING, S.EXPIRED)),
    V.RELIEVE: ((S.PENDING, S.DEFERRED), _SAME),
    V.HARDEN: (_OPEN, _SAME),
    V.EXPIRE: (_OPEN, (S.EXPIRED, S.CANCELLED, S.DEFERRED)),
    V.LAPSE: (_GRANTED, _SAME),
    V.LOSE_TRACK: (_GRANTED, _SAME),
}

Rule = Callable[[Move, Any], Transition | Refusal]

_RULES: Mapping[type[Command], Rule] = {
    commands.Approve: decisions.approve,
    commands.ApproveWithEdits: decisions.approve_with_edits,
    commands.Answer: decisions.answer,
    commands.HumanOverrideCommand: decisions.override,
    commands.Object: escalation.object_,
    commands.Reject: decisions.reject,
    commands.Revise: decisions.revise,
    commands.RequestMoreEvidence: decisions.request_more_evidence,
    commands.Escalate: escalation.escalate,
    commands.Defer: decisions.defer,
    commands.TakeOver: decisions.take_over,
    commands.HandBack: tasks.hand_back,
    commands.Recuse: tasks.recuse,
    commands.ClaimTask: tasks.claim_task,
    commands.Assign: tasks.assign,
    commands.Extend: tasks.extend,
    commands.Comment: tasks.comment,
    commands.Wake: tasks.wake,
    commands.Withdraw: tasks.withdraw,
    commands.Revoke: tasks.revoke,
    commands.Judge: tasks.judge,
    commands.Show: tasks.show,
    commands.OpenDetails: tasks.open_details,
    commands.OpenForm: tasks.open_form,
    commands.NewVersion: versions.new_version,
    commands.ClaimExecution: execution.claim_execution,
    commands.ReportExecution: execution.report_execution,
    commands.Remind: timers.remind,
    commands.Consent: timers.consent,
    commands.Climb: timers.climb,
    commands.Relieve: absences.relieve,
    commands.Harden: timers.lose_proof,
    commands.Expire: timers.expire,
    commands.WakeUp: timers.wake_up,
    commands.Lapse: execution.lapse,
    commands.LoseTrack: execution.lose_track,
}

if incomplete := concrete(Command) - {Submit} - {each for each in _RULES if each.verb in TABLE}:
    raise TypeError(f"no rule or no status takes: {', '.join(sorted(each.__name__ for each in incomplete))}")

_THEIRS: Mapping[ActorKind, tuple[type[Command], ...]] = {
    ActorKind.PERSON: (HumanDecisionCommand, PersonCommand),
    ActorKind.AGENT: (commands.NewVersion, commands.ClaimExecution, commands.ReportExecution, commands.Withdraw),
    ActorKind.AUTO: (ClockCommand, commands.Show, commands.Assign),
}


def decide(state: PackageState | None, command: Command, situation: Situation) -> Transition | Refusal:
    """What the command comes to, in this state and situation. Pure: the one place where anything is decided."""
    if isinstance(command, Submit):
        return submit(command, situation)
    if state is None:
        return refuse(Reason.NOT_FOUND)
    for gate in (_not_theirs, _nobody_known, _wrong_state, _stale):
        if refusal := gate(state, command, situation):
            return refusal
    authority = _authority(state, command, situation)
    if isinstance(authority, Refusal):
        return authority
    if isinstance(command, HumanDecisionCommand) and (refusal := _in_the_way(state, command, situation)):
        return refusal
    outcome = _RULES[type(command)](Move(state, command, situation, authority), command)
    return outcome if isinstance(outcome, Refusal) else _held_to_the_table(state, command, outcome)


def _held_to_the_table(state: PackageState, command: Command, outcome: Transition) -> Transition:
    # A claim that ends an approval instead of using it is held to the row of those who end one.
    verb = Verb.REVOKE if outcome.refusal else command.verb
    leads = TABLE[verb][1] or (state.status,)
    if outcome.occurrences and outcome.after.status not in leads:
        raise AssertionError(f"{command.verb} led from {state.status} to {outcome.after.status}: not in the table")
    return outcome


def _not_theirs(state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    """No agent and no clock can decide, whatever edge let it through; and an agent reaches only its own packages."""
    actor = situation.actor
    if not isinstance(command, _THEIRS[actor.kind]):
        human = isinstance(command, HumanDecisionCommand | PersonCommand)
        return refuse(Reason.A_BOT if human else Reason.NOT_FOUND)
    others = actor.kind is ActorKind.AGENT and actor.actor_id != state.agent_id
    return refuse(Reason.NOT_FOUND) if others else None


def _nobody_known(_: PackageState, __: Command, situation: Situation) -> Refusal | None:
    """People are identified first; what agents and the clock may do is checked by their own rules."""
    actor = situation.actor
    if actor.kind is not ActorKind.PERSON:
        return None
    person = identify(situation.roster, actor.actor_id, situation.now)
    return person if isinstance(person, Refusal) else None


def _wrong_state(state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    taken = state.status in TABLE[command.verb][0]
    if isinstance(command, ClockCommand):
        return None if taken and _is_time(state, command, situation) else refuse(Reason.NOT_DUE)
    return None if taken else _too_late(state, command)


def _is_time(state: PackageState, command: ClockCommand, situation: Situation) -> bool:
    """Most commands have a due time. Relieve is due while somebody is missing, Harden while silence still counts."""
    match command:
        case commands.Relieve():
            return absences.needed(state, situation.roster, situation.now)
        case commands.Harden():
            return state.soft
        case _:
            return is_due(state, command.verb, situation.now)


def _too_late(state: PackageState, command: Command) -> Refusal:
    status = plainly(state.status)
    if state.status.terminal:
        return refuse(Reason.ALREADY_DECIDED, status=status, by=state.decided_by())
    if state.status.awaits_agent:
        return refuse(Reason.AWAITS_AGENT, status=status)
    if state.status is Status.DEFERRED and state.wake_at:
        return refuse(Reason.IS_DEFERRED, until=state.wake_at.isoformat(timespec="minutes"))
    return refuse(Reason.NOT_IN_THIS_STATE, status=status, verb=plainly(command.verb))


def _stale(state: PackageState, command: Command, _: Situation) -> Refusal | None:
    """A command is for the version, and to proceed also for the rung, that its maker saw."""
    seen = getattr(command, "expected_package_version", None)
    if seen not in (None, state.version):
        return refuse(Reason.STALE_VERSION, seen=seen, current=state.version)
    proceeds = STANDARDS.get(command.verb) is Standard.PROCEED
    rung = command.expected_rung if isinstance(command, HumanDecisionCommand) else state.task.rung
    return refuse(Reason.STALE_RUNG, role=state.task.required_role) if proceeds and rung != state.task.rung else None


def _authority(state: PackageState, command: Command, situation: Situation) -> ReviewerAuthorization | Refusal | None:
    if situation.actor.kind is not ActorKind.PERSON:
        return None
    standard = STANDARDS[command.verb]
    if standard is Standard.OWN_RULE:
        return None
    question = question_of(state, so_far=standard is Standard.STOP)
    return authorize(situation.roster, situation.actor.actor_id, standard, question, situation.now)


def _in_the_way(state: PackageState, command: HumanDecisionCommand, situation: Situation) -> Refusal | None:
    """What this package, at this level and tier, does not take, or not yet."""
    if refusal := _not_for_this_package(state, command):
        return refusal
    proceeding = command.verb in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.ANSWER) or _proceeds(command)
    if proceeding and state.ended(situation.now):
        return refuse(Reason.ALREADY_EXPIRED)
    terms = terms_today(state, situation.policy)
    who = situation.actor.actor_id
    if proceeding and terms.details_first and not read_details(state, who):
        return refuse(Reason.DETAILS_FIRST)
    if proceeding and not situation.trial and not (state.whole_on_card or shown_in_form(state, who)):
        return refuse(Reason.NOT_SHOWN_WHOLE)
    if proceeding and terms.comment_required and not (command.comment or _says_why(command)):
        return refuse(Reason.COMMENT_REQUIRED)
    return None


def _not_for_this_package(state: PackageState, command: HumanDecisionCommand) -> Refusal | None:
    verb, question = command.verb, state.kind is Kind.QUESTION
    allowed = state.allowed_decisions
    if allowed is not None and verb is not Verb.OBJECT and verb.value not in allowed:
        return refuse(Reason.DECISION_NOT_ALLOWED, verb=plainly(verb), allowed=", ".join(allowed))
    granting = verb in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.OVERRIDE)
    if granting and state.level is HITLLevel.HUMAN_TAKEOVER:
        return refuse(Reason.LEVEL_IS_TAKEOVER)
    if granting and question:
        return refuse(Reason.A_QUESTION)
    if verb is Verb.ANSWER and not question:
        return refuse(Reason.NOT_A_QUESTION)
    return refuse(Reason.NOT_SOFT) if verb is Verb.OBJECT and not state.soft else None


def _says_why(command: HumanDecisionCommand) -> bool:
    """An override has its reason, and an answer is one."""
    return command.verb in (Verb.OVERRIDE, Verb.ANSWER)


def _proceeds(command: HumanDecisionCommand) -> bool:
    return getattr(command, "override_decision", None) is OverrideDecision.PROCEED


def takes(state: PackageState, verb: Verb) -> bool:
    """Whether a package in this status takes this verb at all: what a card offers starts from here."""
    return state.status in TABLE[verb][0]
