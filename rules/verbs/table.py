"""The table of verbs: one row for each command. Without a complete table the process does not start.

**How it works.** A package has a status. A row says in which statuses a command is accepted and to which it may lead,
who may give it, what it requires of a person, what the store reads for it, and which rule carries it out. In all other
statuses the command is refused. Nothing leaves a terminal status, with one exception: a permission can be revoked until
it is claimed. `rules.verbs.decide` checks each transition against its row.

**What a command refers to.** A *version* is a proposal of the agent, or a reviewer's edit of it; votes count for one
version. A *rung* is a step of the escalation ladder: the role that is asked now. The package climbs to the next rung
when time runs out, when someone escalates, or when nobody is left to decide. A *rendering* is the card, form or page
that a person saw, stored under its digest. A command names the version that its sender saw, and a command to proceed
also the rung. If either has changed since, the command is refused.

**Races.** Any two commands can race: two reviewers, a click and the clock, a claim and a revocation. Rules take no
locks. A rule works on the state that its transaction read, and the new state is written only if the old one is still
current. Otherwise the command is decided again on the newer state. Commands of the clock check again whether they are
due, so a command that comes late, twice or from two machines changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules.authority.exceptions import ends_earlier
from rules.authority.standards import Standard
from rules.package.model import DECISION_NAMES, Kind
from rules.people.directory import ActorKind
from rules.scales import HITLLevel
from rules.state import agent_commands, commands, service_commands
from rules.state.commands import HumanDecisionCommand, HumanDecisionType, Verb
from rules.state.decisions import ExecutionState
from rules.state.model import PackageState, Status
from rules.verbs import absences, decisions, escalation, execution, recovery, tasks, threads, timers, versions
from rules.verbs.spec import Needs, VerbSpec, build_table, concrete_commands
from rules.verbs.submission import Submit, submit

S = Status
_OPEN = (S.PENDING, S.REVISION_REQUESTED, S.EVIDENCE_REQUESTED, S.DEFERRED)
_GRANTED = (S.APPROVED, S.CONSENTED, S.OVERRIDDEN)
_PENDING, _ASKING, _ANY = (S.PENDING,), (S.PENDING, S.DEFERRED), tuple(S)
_PEOPLE, _AGENT, _SERVICE = (ActorKind.PERSON,), (ActorKind.AGENT,), (ActorKind.AUTO,)
_PROCEED, _STOP, _ROUTE, _OWN = Standard.PROCEED, Standard.STOP, Standard.ROUTE, Standard.OWN_RULE
_PROPOSAL = frozenset([Needs.AGENT_LOAD, Needs.THREAD, Needs.PROFILE, Needs.MEMORY, Needs.OPEN_ITEMS, Needs.EXCEPTIONS])
_OUTCOME = frozenset([Needs.AGENT_ALONE, Needs.PROFILE])
_MAY_DRAW = frozenset([Needs.TRACES])  # the decision may be drawn for a blind second look
_MAY_ASSIGN = frozenset([Needs.OPEN_ITEMS])  # the task may be assigned to someone
_EDITABLE = frozenset(
    [Kind.ACTION, Kind.TOOL_CALL, Kind.MEMORY, Kind.POLICY_EXCEPTION]
)  # the kinds that have parameters


def _grantable(state: PackageState) -> bool:
    return state.level is not HITLLevel.HUMAN_TAKEOVER and state.kind is not Kind.QUESTION


def _editable(state: PackageState) -> bool:
    return _grantable(state) and state.kind in _EDITABLE


def _revocable(state: PackageState) -> bool:
    return state.is_granted_exception or (state.proceeds and state.execution.state is ExecutionState.NONE)


def _always(_: PackageState) -> bool:
    return True


# fmt: off
VERBS = build_table([
    VerbSpec(command=Submit, by=_AGENT, requires=None, taken_in=(), begins=submit, needs=_PROPOSAL),
    VerbSpec(command=commands.Approve, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.APPROVED), rule=decisions.approve, needs=_MAY_DRAW,
             offered=lambda state: _grantable(state) and not state.asks_recovery),
    VerbSpec(command=commands.ApproveWithEdits, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.APPROVED), rule=decisions.approve_with_edits, offered=_editable,
             needs=_MAY_DRAW | (_PROPOSAL - {Needs.AGENT_LOAD}) | {Needs.CONTENT, Needs.AGENT}),
    VerbSpec(command=commands.Answer, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.APPROVED,), rule=decisions.answer, offered=lambda state: state.kind is Kind.QUESTION,
             needs=frozenset([Needs.CONTENT])),
    VerbSpec(command=commands.HumanOverrideCommand, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.OVERRIDDEN), rule=decisions.override, offered=_grantable,
             needs=_MAY_DRAW | {Needs.CONTENT}),
    VerbSpec(command=commands.Object, by=_PEOPLE, requires=_STOP, taken_in=_PENDING,
             leads_to=_PENDING, rule=escalation.object_, offered=lambda state: state.soft),
    VerbSpec(command=commands.Reject, by=_PEOPLE, requires=_STOP, taken_in=_OPEN,
             leads_to=(S.REJECTED,), rule=decisions.reject, offered=_always),
    VerbSpec(command=commands.Revise, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             leads_to=(S.REVISION_REQUESTED,), rule=decisions.revise, offered=_always),
    VerbSpec(command=commands.RequestMoreEvidence, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             leads_to=(S.EVIDENCE_REQUESTED,), rule=decisions.request_more_evidence, offered=_always),
    VerbSpec(command=commands.Escalate, by=_PEOPLE, requires=_ROUTE, taken_in=_PENDING,
             leads_to=_PENDING, rule=escalation.escalate, needs=_MAY_ASSIGN,
             offered=lambda state: state.task.rung < state.terms.top),
    VerbSpec(command=commands.Defer, by=_PEOPLE, requires=_ROUTE, taken_in=_PENDING,
             leads_to=(S.DEFERRED,), rule=decisions.defer, offered=_always),
    VerbSpec(command=commands.TakeOver, by=_PEOPLE, requires=Standard.TAKE_OVER, taken_in=_OPEN,
             leads_to=(S.TAKEN_OVER,), rule=decisions.take_over, offered=_always),
    # By the person who took over, or by an admin. If nobody took over: by anyone who could have.
    VerbSpec(command=commands.HandBack, by=_PEOPLE, requires=_OWN, taken_in=(S.TAKEN_OVER, S.EXPIRED, S.CANCELLED),
             rule=tasks.hand_back, offered=lambda state: state.holds_thread),
    VerbSpec(command=commands.Recuse, by=_PEOPLE, requires=_ROUTE, taken_in=_OPEN,
             rule=tasks.recuse, offered=_always, needs=_MAY_ASSIGN),
    VerbSpec(command=commands.ClaimTask, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             rule=tasks.claim_task, offered=lambda state: state.task.assigned_to is None),
    VerbSpec(command=commands.Assign, by=(ActorKind.PERSON, ActorKind.AUTO), requires=Standard.ADMIN, taken_in=_ASKING,
             rule=tasks.assign, needs=_MAY_ASSIGN),
    VerbSpec(command=commands.Extend, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             rule=tasks.extend, offered=lambda state: not state.soft),
    VerbSpec(command=commands.Comment, by=_PEOPLE, requires=_ROUTE, taken_in=_ANY,
             rule=tasks.comment, offered=_always),
    VerbSpec(command=agent_commands.Say, by=_AGENT, requires=None, taken_in=_ANY,
             rule=tasks.say, needs=frozenset([Needs.AGENT, Needs.MESSAGES])),
    VerbSpec(command=commands.Wake, by=_PEOPLE, requires=_ROUTE, taken_in=(S.DEFERRED,),
             leads_to=_PENDING, rule=tasks.wake, offered=_always, needs=_MAY_ASSIGN),
    VerbSpec(command=commands.Withdraw, by=(ActorKind.PERSON, ActorKind.AGENT), requires=Standard.PARTY,
             taken_in=(*_OPEN, S.CANCELLED), leads_to=(S.CANCELLED,), rule=tasks.withdraw,
             offered=lambda state: not state.status.terminal),
    # Operators revoke exceptions alone, from the command line.
    VerbSpec(command=commands.Revoke, by=(ActorKind.PERSON, ActorKind.AUTO), requires=_STOP, taken_in=_GRANTED,
             leads_to=(S.REVOKED,), rule=tasks.revoke, offered=_revocable),
    # After a failure, or if the package itself asks what to do after one.
    VerbSpec(command=commands.AllowRetry, by=_PEOPLE, requires=_PROCEED, taken_in=(S.PENDING, *_GRANTED),
             moves_from=_PENDING, leads_to=(S.PENDING, S.APPROVED), rule=recovery.allow_retry, needs=_MAY_DRAW,
             offered=lambda state: recovery.retry_obstacle(state) is None),
    VerbSpec(command=commands.AskRollback, by=_PEOPLE, requires=_STOP, taken_in=(S.PENDING, *_GRANTED),
             moves_from=_PENDING, leads_to=(S.REJECTED,), rule=recovery.ask_rollback,
             offered=lambda state: recovery.rollback_obstacle(state) is None),
    VerbSpec(command=commands.Close, by=_PEOPLE, requires=_STOP, taken_in=(S.PENDING, *_GRANTED),
             moves_from=_PENDING, leads_to=(S.REJECTED,), rule=recovery.close,
             offered=lambda state: recovery.close_obstacle(state) is None),
    VerbSpec(command=commands.Judge, by=_PEOPLE, requires=_PROCEED, taken_in=_GRANTED, rule=tasks.judge, needs=_OUTCOME,
             offered=lambda state: state.sampled and state.verdict is None),
    VerbSpec(command=service_commands.Show, by=_SERVICE, requires=None, taken_in=_ANY,
             rule=tasks.show, needs=frozenset([Needs.CARDS])),
    # Any identified person may open these: they only record what this person has read.
    VerbSpec(command=commands.OpenDetails, by=_PEOPLE, requires=_OWN, taken_in=_ANY, rule=tasks.open_details),
    VerbSpec(command=commands.OpenForm, by=_PEOPLE, requires=_OWN, taken_in=(S.PENDING, *_GRANTED),
             rule=tasks.open_form),
    VerbSpec(command=agent_commands.NewVersion, by=_AGENT, requires=None, taken_in=_OPEN,
             leads_to=_PENDING, rule=versions.new_version, needs=_PROPOSAL | {Needs.CONTENT}),
    VerbSpec(command=agent_commands.ClaimExecution, by=_AGENT, requires=None, taken_in=_ANY,
             rule=execution.claim_execution,
             needs=frozenset(
                 [Needs.AGENT, Needs.THREAD, Needs.WORDS, Needs.PROFILE, Needs.MEMORY, Needs.EXCEPTIONS])),
    VerbSpec(command=agent_commands.ReportExecution, by=_AGENT, requires=None, taken_in=_GRANTED,
             rule=execution.report_execution, needs=_OUTCOME),
    VerbSpec(command=service_commands.HoldWithThread, by=_SERVICE, requires=None, taken_in=(*_OPEN, *_GRANTED),
             rule=threads.hold_with_thread),
    VerbSpec(command=service_commands.HandOverWithThread, by=_SERVICE, requires=None, taken_in=(*_OPEN, *_GRANTED),
             rule=threads.hand_over_with_thread, needs=_MAY_ASSIGN | {Needs.AGENT}),
    VerbSpec(command=service_commands.RevokeWithHandoff, by=_SERVICE, requires=None, taken_in=_GRANTED,
             leads_to=(S.REVOKED,), rule=threads.revoke_with_handoff),
    VerbSpec(command=service_commands.ResumeWithThread, by=_SERVICE, requires=None, taken_in=_ANY,
             rule=threads.resume_with_thread, needs=_MAY_ASSIGN),
    VerbSpec(command=service_commands.CancelWithThread, by=_SERVICE, requires=None, taken_in=(*_OPEN, *_GRANTED),
             moves_from=_OPEN, leads_to=(S.CANCELLED,), rule=threads.cancel_with_thread),
    VerbSpec(command=service_commands.RevokeWithThread, by=_SERVICE, requires=None, taken_in=_GRANTED,
             leads_to=(S.REVOKED,), rule=threads.revoke_with_thread),
    VerbSpec(command=service_commands.Remind, by=_SERVICE, requires=None, taken_in=(S.PENDING, *_GRANTED),
             rule=timers.remind, due=timers.is_due),
    VerbSpec(command=service_commands.Consent, by=_SERVICE, requires=None, taken_in=_PENDING,
             leads_to=(S.PENDING, S.CONSENTED, S.EXPIRED), rule=timers.consent, due=timers.is_due,
             needs=frozenset([Needs.AGENT, Needs.THREAD, Needs.CARDS, Needs.MEMORY, Needs.EXCEPTIONS])),
    VerbSpec(command=service_commands.Climb, by=_SERVICE, requires=None, taken_in=_PENDING,
             leads_to=(S.PENDING, S.EXPIRED), rule=timers.climb, due=timers.is_due, needs=_MAY_ASSIGN),
    VerbSpec(command=service_commands.Relieve, by=_SERVICE, requires=None, taken_in=_ASKING,
             rule=absences.relieve, due=absences.relief_is_due, needs=_MAY_ASSIGN),
    VerbSpec(command=service_commands.Harden, by=_SERVICE, requires=None, taken_in=_OPEN,
             rule=timers.lose_proof, due=lambda state, _, __: state.soft),
    VerbSpec(command=service_commands.Expire, by=_SERVICE, requires=None, taken_in=_OPEN,
             leads_to=(S.EXPIRED, S.CANCELLED, S.DEFERRED), rule=timers.expire, due=timers.is_due),
    VerbSpec(command=service_commands.WakeUp, by=_SERVICE, requires=None, taken_in=(S.DEFERRED,),
             leads_to=_PENDING, rule=timers.wake_up, due=timers.is_due, needs=_MAY_ASSIGN),
    VerbSpec(command=service_commands.Lapse, by=_SERVICE, requires=None, taken_in=_GRANTED,
             rule=execution.lapse, due=timers.is_due),
    VerbSpec(command=service_commands.LoseTrack, by=_SERVICE, requires=None, taken_in=_GRANTED,
             rule=execution.lose_track, due=timers.is_due, needs=_OUTCOME),
    VerbSpec(command=service_commands.EndLook, by=_SERVICE, requires=None, taken_in=_GRANTED,
             rule=timers.end_look, due=timers.look_is_over),
    VerbSpec(command=service_commands.AnnounceEnd, by=_SERVICE, requires=None, taken_in=(S.APPROVED,),
             rule=timers.announce_end, due=timers.is_due),
    VerbSpec(command=service_commands.ShortenException, by=_SERVICE, requires=None, taken_in=(S.APPROVED,),
             rule=timers.shorten_exception, due=lambda state, _, situation: ends_earlier(state, situation.policy)),
    VerbSpec(command=service_commands.EndException, by=_SERVICE, requires=None, taken_in=(S.APPROVED,),
             rule=timers.end_exception, due=timers.is_due),
    VerbSpec(command=service_commands.RecordMails, by=_SERVICE, requires=None, taken_in=_ANY,
             rule=tasks.record_mails, due=lambda _, __, ___: True, needs=frozenset([Needs.MAILS])),
])
# fmt: on


def _specs_of_verbs() -> dict[Verb, VerbSpec]:
    """The first row of each verb. A verb of a person and of the clock has the same statuses in both of its rows."""
    rows: dict[Verb, VerbSpec] = {}
    for row in VERBS.values():
        rows.setdefault(row.verb, row)
    return rows


SPEC_OF_VERB = _specs_of_verbs()
# The command by which the clock gives a verb.
CLOCK_COMMANDS: Mapping[Verb, type[service_commands.ClockCommand]] = {
    command.verb: command for command in VERBS if issubclass(command, service_commands.ClockCommand)
}
_DECISIONS = {command.verb.value for command in concrete_commands(HumanDecisionCommand)}

if not _DECISIONS == {*HumanDecisionType} == DECISION_NAMES:
    raise TypeError("the names of decisions differ from the verbs of the decision commands")
