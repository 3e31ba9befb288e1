"""The next version of a package: sent by the agent, or made by a reviewer who edits the parameters.

From one version to the next, level, risk and rung never fall and nobody barred is admitted. Earlier votes no longer
count.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.exceptions import Candidate, changed_exception, exception_asked, rules_set_aside
from rules.authority.key_limits import check_action_type, check_rate, check_requester, check_risk
from rules.authority.parties import harden_for_chain, has_outsider, parties_of
from rules.package.completeness import missing_fields
from rules.package.model import DecisionPackage, changed_identity
from rules.package.takeover_reach import has_thread_or_run, refuse_stopped
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel, RiskLevel
from rules.state.agent_commands import NewVersion
from rules.state.changes import StateChanges, apply_changes
from rules.state.events import EventType
from rules.state.level import assess
from rules.state.model import Bar, PackageState, Status
from rules.state.situation import Situation
from rules.state.terms import asked_terms, priority_of, restart_task, tighten
from rules.state.transition import Move, Transition, Words
from rules.verbs.absences import cover_absences
from rules.verbs.submission import (
    check_content,
    check_no_earlier_no,
    check_reviewers,
    record_exception_uses,
    version_fields,
)

# The decision on a version, and everything that led to it, ends with the version.
_UNDECIDED: StateChanges = {
    "status": Status.PENDING,
    "decision": None,
    "votes": (),
    "shown": None,
    "forms": (),
    "answer_by": None,
    "wake_at": None,
}


def new_version(move: Move, command: NewVersion) -> Transition | Refusal:
    """Add a version by the agent: its answer to a reviewer's request, or its own better proposal."""
    situation = move.situation
    if refusal := _check_new_version(move.state, command, situation):
        return refusal
    parties = parties_of(command.package, move.state.owner, situation)
    if isinstance(parties, Refusal):
        return parties
    if refusal := add_version(move, command.package, barred=parties.barred):
        return refusal
    refusal = _check_key_again(move.state, command.package, parties.requester, situation)
    return refusal or check_reviewers(move.state, situation) or cover_absences(move).build()


def _check_new_version(state: PackageState, command: NewVersion, situation: Situation) -> Refusal | None:
    if situation.agent is None or not situation.agent.may_act:
        return refuse(Reason.AGENT_PAUSED)
    ends = (command.package.expires_at, state.expires_at)  # no version may end later than an earlier one would
    if any(end is not None and end <= situation.now for end in ends):
        return refuse(Reason.ALREADY_EXPIRED)
    if refusal := refuse_stopped(situation.memory.thread_stopped_by, state.decision_package_id):
        return refusal
    if refusal := check_no_earlier_no(state.agent_id, command.package, situation):
        return refusal
    changed = changed_identity(situation.package, command.package) if situation.package else []
    return refuse(Reason.KEEPS_ITS_SUBJECT, fields=", ".join(changed)) if changed else None


def _check_key_again(
    state: PackageState, package: DecisionPackage, requester: str, situation: Situation
) -> Refusal | None:
    """A new version asks people again, so the limits of the key apply as for a new package."""
    agent = situation.agent
    if agent is None:
        return refuse(Reason.AGENT_PAUSED)
    return (
        check_action_type(agent.scope, package)
        or check_requester(agent.scope, requester, package, situation.roster)
        or check_risk(agent.scope, state.risk, state.reversibility, package)
        or check_rate(agent.rates, situation.load, situation.now, settled=False)
    )


def add_version(
    move: Move, package: DecisionPackage, *, barred: dict[str, Bar], words: Words | None = None
) -> Refusal | None:
    """Replace version n by version n+1, which is assessed again and is never milder."""
    state, situation = move.state, move.situation
    barred = barred | state.barred
    set_aside = rules_set_aside(Candidate.of_package(package, state.agent_id, state.owner, barred), situation)
    outsider = has_outsider(barred)
    background = situation.background(
        state.agent_id, package, earlier=state.level, outsider=outsider, set_aside=set_aside
    )
    assessment = assess(package, background, situation.policy)
    risk = max(assessment.risk, state.risk)
    exception = exception_asked(package, situation.agent, risk, situation) if situation.agent else None
    if isinstance(exception, Refusal):
        return exception
    if changed := changed_exception(state.exception, exception):
        return refuse(Reason.KEEPS_ITS_SUBJECT, fields=", ".join(changed))
    missing = missing_fields(package, risk, situation.policy)
    if refusal := check_content(package, assessment, risk, missing):
        return refusal
    fields = version_fields(package, assessment, exception)
    changes: StateChanges = {
        **fields,
        **_UNDECIDED,
        "version": state.version + 1,
        "version_event_id": move.event_id,
        "risk": risk,
        "reversibility": max(assessment.reversibility, state.reversibility),
        "expires_at": min((end for end in (fields["expires_at"], state.expires_at) if end), default=None),
        "barred": barred,
        "warnings": missing,
        "holds_thread": has_thread_or_run(state) and assessment.level is HITLLevel.HUMAN_TAKEOVER,
    }
    changes |= _renewed_terms(apply_changes(state, {"exception": exception}), risk, situation, changes["expires_at"])
    changes |= harden_for_chain(apply_changes(state, changes), situation)
    content: Words = {"package": package.model_dump(mode="json", exclude_unset=True), **(words or {})}
    move.record(EventType.PACKAGE_VERSION_ADDED, changes, words=content)
    record_exception_uses(move)
    return None


def _renewed_terms(
    state: PackageState, risk: RiskLevel, situation: Situation, own_end: datetime | None
) -> StateChanges:
    """The stricter terms of both, with full time again only if the package was not pending.

    If the new version would first be asked of another role, earlier roles may no longer decide.
    """
    new = asked_terms(situation.policy, state.action_type, state.exception, risk)
    terms = tighten(state.terms, new, state.task.rung, situation.policy)
    task = state.task.model_copy(
        update={
            "required_role": terms.role_at(state.task.rung),
            "priority": priority_of(risk),
            "kept_from": state.task.kept_from if new.role == state.terms.role and terms.ladder_keeps else None,
        }
    )
    if state.status is Status.PENDING:
        return {"terms": terms, "task": task}
    task = restart_task(task, terms, situation.policy, situation.now, own_end)
    return {"terms": terms, "task": task, "asked_at": situation.now}
