"""Submission of a new package, and the checks and fields that it shares with later versions.

The only rule that begins without a state. It checks the agent, its key and limits, the form and content of the package
and whether anybody may decide it, and sets the level (`rules.state.level`) and the terms (`rules.state.terms`). A
package that needs nobody is settled in the same transition. `rules.verbs.versions` uses the same checks.
"""

from __future__ import annotations

from rules.authority.assignment import assign_task
from rules.authority.authorization import deciding_roles, iter_eligible, question_in
from rules.authority.exceptions import Candidate, exception_asked, rules_set_aside
from rules.authority.key_limits import check_action_type, check_open_packages, check_rate, check_requester, check_risk
from rules.authority.parties import Parties, harden_for_chain, has_outsider, parties_of
from rules.authority.quorum import fill_quorum
from rules.package.completeness import missing_fields, must_be_complete
from rules.package.exceptions import PolicyException
from rules.package.layout import FORM_CHARACTERS, fits_in_form
from rules.package.model import DECISION_NAMES, DecisionPackage, InterruptType, action_digest, subject_digest
from rules.package.takeover_reach import has_thread_or_run, refuse_stopped
from rules.people.directory import Agent
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel, RiskLevel
from rules.state.changes import StateChanges, apply_changes
from rules.state.commands import Command, HumanDecisionType, Verb
from rules.state.decisions import Basis
from rules.state.events import Cause, EventType
from rules.state.level import Assessment, assess
from rules.state.model import PackageState, ReviewTask, Status
from rules.state.noes import Similarity
from rules.state.situation import Situation
from rules.state.terms import asked_terms, priority_of, timing_for_role
from rules.state.transition import Move, Transition
from rules.values import write_duration
from rules.verbs.absences import cover_absences
from rules.verbs.settling import settle


class Submit(Command):
    verb = Verb.SUBMIT
    package: DecisionPackage


def submit(command: Submit, situation: Situation) -> Transition | Refusal:
    """Create a package: settled at once if the policy needs nobody, else pending, if there is someone to decide it."""
    agent, package = _submitting_agent(situation), command.package
    parties = _check_may_submit(agent, package, situation) or parties_of(package, agent.owner, situation)
    if isinstance(parties, Refusal):
        return parties
    state = propose(command, agent, parties, situation)
    if isinstance(state, Refusal):
        return state
    if refusal := _check_key(agent, package, state, situation):
        return refusal
    settled = state.level <= HITLLevel.NOTIFY_ONLY
    if not settled:
        if refusal := check_reviewers(state, situation):
            return refusal
        state = apply_changes(state, {"task": assign_task(state, situation), **harden_for_chain(state, situation)})
    move = Move.begin(state, command, situation)
    move.record(EventType.PACKAGE_SUBMITTED, words={"package": package.model_dump(mode="json", exclude_unset=True)})
    record_exception_uses(move)
    return (_settle_at_once(move) if settled else cover_absences(move)).build()


def record_exception_uses(move: Move) -> None:
    """Record an event for each exception that set a rule aside. The reason names the exception."""
    for use in move.state.exception_uses:
        move.record(EventType.EXCEPTION_USED, reason=Cause.EXCEPTION.of_event(use.exception_id))


def _settle_at_once(move: Move) -> Move:
    """Approve the package at once. The record says on what basis: the policy, or an exception that spares people."""
    spared_by = next((use.exception_id for use in move.state.exception_uses if use.asked > HITLLevel.NOTIFY_ONLY), None)
    basis = Basis.EXCEPTION if spared_by else Basis.POLICY
    return settle(move, Status.APPROVED, HumanDecisionType.APPROVE, basis, grant_id=spared_by)


def propose(command: Submit, agent: Agent, parties: Parties, situation: Situation) -> PackageState | Refusal:
    """The assessed state of a new package. The key's requesters and rates, and the reviewers, are not checked here.

    `rules.oversight.replay` asks the same of another policy.
    """
    package = command.package
    candidate = Candidate.of_package(package, agent.agent_id, agent.owner, parties.barred)
    set_aside = rules_set_aside(candidate, situation)
    outsider = has_outsider(parties.barred)
    background = situation.background(agent.agent_id, package, outsider=outsider, set_aside=set_aside)
    assessment = assess(package, background, situation.policy)
    exception = exception_asked(package, agent, assessment.risk, situation)
    if isinstance(exception, Refusal):
        return exception
    missing = missing_fields(package, assessment.risk, situation.policy)
    if refusal := check_content(package, assessment, assessment.risk, missing):
        return refusal
    state = _initial_state(command, agent, parties, assessment, situation, missing=missing, exception=exception)
    return check_risk(agent.scope, state.risk, state.reversibility, package) or state


def check_content(
    package: DecisionPackage, assessment: Assessment, risk: RiskLevel, missing: tuple[str, ...]
) -> Refusal | None:
    """Refuse a package that says too little for this risk, which no version lowers, or too much to be shown."""
    if missing and must_be_complete(risk):
        return refuse(Reason.QUALITY_GAPS, risk=risk, gaps=", ".join(missing))
    return _check_length(package, assessment)


def _check_key(agent: Agent, package: DecisionPackage, state: PackageState, situation: Situation) -> Refusal | None:
    """Refuse a requester or a rate that the agent's key does not allow."""
    scope, rates, load = agent.scope, agent.rates, situation.load
    settled = state.level <= HITLLevel.NOTIFY_ONLY
    return (
        check_requester(scope, state.requester, package, situation.roster)
        or check_rate(rates, load, situation.now, settled=settled)
        or (None if settled else check_open_packages(rates, load))
    )


def _submitting_agent(situation: Situation) -> Agent:
    if situation.agent is None:
        raise ValueError("a package is submitted by an agent: the situation must name it")
    return situation.agent


def _check_may_submit(agent: Agent, package: DecisionPackage, situation: Situation) -> Refusal | None:
    """Check what is known before the package is assessed: its agent, end and thread, and earlier Noes."""
    memory = situation.memory
    if not agent.may_act:
        return refuse(Reason.AGENT_PAUSED)
    if refusal := check_action_type(agent.scope, package):
        return refusal
    if package.expires_at is not None and package.expires_at <= situation.now:
        return refuse(Reason.ALREADY_EXPIRED)
    if refusal := refuse_stopped(memory.thread_stopped_by):
        return refusal
    return check_no_earlier_no(agent.agent_id, package, situation)


def check_no_earlier_no(agent_id: str, package: DecisionPackage, situation: Situation) -> Refusal | None:
    """Refuse an action that a person said no to, unless the agent declares a material change."""
    earlier = situation.earlier_no(agent_id, package)
    if earlier is None or earlier.similarity is not Similarity.SAME_ACTION or package.material_change:
        return None
    window = write_duration(situation.policy.windows.rejection)
    return refuse(Reason.ALREADY_REJECTED, package=earlier.no.decision_package_id, window=window)


def _initial_state(
    command: Submit,
    agent: Agent,
    parties: Parties,
    assessment: Assessment,
    situation: Situation,
    *,
    missing: tuple[str, ...],
    exception: PolicyException | None,
) -> PackageState:
    package, policy, now = command.package, situation.policy, situation.now
    terms = asked_terms(policy, package.action_type, exception, assessment.risk)
    fields = version_fields(package, assessment, exception)
    return PackageState.from_valid(
        tenant_id=situation.tenant_id,
        decision_package_id=command.decision_package_id,
        agent_id=agent.agent_id,
        owner=agent.owner,
        requester=parties.requester,
        version_event_id=f"evt_{situation.fresh_id}00",
        kind=package.kind,
        run_id=package.run_id,
        thread_id=package.thread_id,
        action_type=package.action_type,
        subject_digest=subject_digest(package),
        terms=terms,
        warnings=missing,
        policy_version=policy.full_version,
        barred=parties.barred,
        interrupt_id=f"int_{situation.fresh_id}",
        task=ReviewTask.from_valid(
            review_task_id=f"rt_{situation.fresh_id}",
            required_role=terms.role,
            priority=priority_of(assessment.risk),
            created_at=now,
            **timing_for_role(terms, terms.role, policy, now, fields["expires_at"]),
        ),
        created_at=now,
        updated_at=now,
        asked_at=now,
        **fields,
    )


def _check_length(package: DecisionPackage, assessment: Assessment) -> Refusal | None:
    """Refuse a package that people must approve and that not even a form can show whole."""
    needs_approval = assessment.level in (HITLLevel.SOFT_APPROVAL, HITLLevel.HARD_APPROVAL)
    if assessment.whole_on_card or not needs_approval or fits_in_form(package):
        return None
    return refuse(Reason.TOO_LONG_TO_SHOW, most=f"{FORM_CHARACTERS:,}", field="action_parameters")


def version_fields(package: DecisionPackage, assessment: Assessment, exception: PolicyException | None) -> StateChanges:
    """The fields of the state that each version sets. An exception can be asked for until it would end."""
    allowed = _allowed_decisions(package, exception)
    ends = (package.expires_at, exception.until if exception else None)
    return {
        "action_digest": action_digest(package),
        "risk": assessment.risk,
        "confidence": package.confidence,
        "reversibility": assessment.reversibility,
        "level": assessment.level,
        "why": assessment.why,
        "allowed_decisions": None if allowed is None else tuple(sorted(allowed)),
        "expires_at": min((end for end in ends if end), default=None),
        "exception": exception,
        "exception_uses": assessment.exception_uses,
        "earlier_no": assessment.earlier_no,
        "holds_thread": assessment.level is HITLLevel.HUMAN_TAKEOVER and has_thread_or_run(package),
        "whole_on_card": assessment.whole_on_card,
        "asks_recovery": package.interrupt_type is InterruptType.ERROR_RECOVERY,
    }


def _allowed_decisions(package: DecisionPackage, exception: PolicyException | None) -> frozenset[str] | None:
    """An exception is approved or not: overriding the agent's recommendation would grant nothing."""
    allowed = package.effective_decisions
    return allowed if exception is None else (allowed or DECISION_NAMES) - {Verb.OVERRIDE}


def check_reviewers(state: PackageState, situation: Situation) -> Refusal | None:
    """Refuse if nobody could decide now, or if the whole ladder has too few people for the quorum."""
    if not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    asked, ladder = deciding_roles(state, situation.policy), state.terms.ladder
    if _some_eligible(state, situation, 1, *asked) and _quorum_exists(state, situation, (*asked, *ladder)):
        return None
    return refuse(
        Reason.NO_ELIGIBLE_REVIEWER,
        role=state.task.required_role,
        action_type=", ".join(state.decided_types),
        risk=state.risk,
    )


def _quorum_exists(state: PackageState, situation: Situation, asked: tuple[str, ...]) -> bool:
    """Whether these roles have enough people to fill every part of the quorum, with one part for each person."""
    terms = state.terms
    able: dict[str, set[str]] = {user: set() for user in _some_eligible(state, situation, terms.quorum, *asked)}
    for role in terms.of_role:
        for user in _some_eligible(state, situation, terms.quorum, role):
            able.setdefault(user, set()).add(role)
    return fill_quorum(terms.of_role, terms.quorum, able)[0] >= terms.quorum


def _some_eligible(state: PackageState, situation: Situation, needed: int, *roles: str) -> set[str]:
    """Up to `needed` different people who could decide in any of these roles. The search stops there."""
    people = set[str]()
    for role in roles:
        for user in iter_eligible(situation.roster, question_in(state, role), situation.now):
            people.add(user)
            if len(people) >= needed:
                return people
    return people
