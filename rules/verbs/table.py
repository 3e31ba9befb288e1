"""The verbs: each has one row here, and the process does not start without it.

**How it works.** A package has a status. A row says in which statuses a command is taken and where it may lead, who may
give it, what it asks of a person, what the store has to read for it, and which rule carries it out. A status that is
missing is the refusal. Nothing leaves a terminal status, but for a permission that is revoked before it was claimed.
`rules.verbs.decide` holds each outcome to its row.

**What a command is for.** A *version* is what an agent proposed, or a reviewer's edit of it; votes count for one
version. A *rung* is the role that is asked now: it climbs when time runs out, when somebody escalates, or when nobody
is left. A *rendering* is what a person had before them, kept under its digest. A command names the version, and to
proceed also the rung, that its maker saw: what changed meanwhile refuses it.

**What can race with what.** Anything with anything: two reviewers, a click and the clock, a claim and a revocation.
Rules do not lock. Each works on the state that its transaction has read, and the state is replaced only if it is still
that one; who comes second reads again and is judged by the new state. The clock's commands are judged by what is due,
so that late, twice or on two machines changes nothing.
"""

from __future__ import annotations

from rules.authority.standards import Standard
from rules.package.model import DECISION_NAMES, Kind
from rules.people.directory import ActorKind
from rules.scales import HITLLevel
from rules.state import clock_commands, commands
from rules.state.commands import HumanDecisionCommand, HumanDecisionType, Verb
from rules.state.model import ExecutionState, PackageState, Status
from rules.verbs import absences, decisions, escalation, execution, tasks, timers, versions
from rules.verbs.spec import Needs, VerbSpec, build_table, concrete_commands
from rules.verbs.submission import Submit, submit

S = Status
_OPEN = (S.PENDING, S.REVISION_REQUESTED, S.EVIDENCE_REQUESTED, S.DEFERRED)
_GRANTED = (S.APPROVED, S.CONSENTED, S.OVERRIDDEN)
_PENDING, _ASKING, _ANY = (S.PENDING,), (S.PENDING, S.DEFERRED), tuple(S)
_PEOPLE, _AGENT, _SERVICE = (ActorKind.PERSON,), (ActorKind.AGENT,), (ActorKind.AUTO,)
_PROCEED, _STOP, _ROUTE, _OWN = Standard.PROCEED, Standard.STOP, Standard.ROUTE, Standard.OWN_RULE
_PROPOSAL = frozenset([Needs.AGENT_LOAD, Needs.THREAD, Needs.PROFILE, Needs.MEMORY, Needs.OPEN_ITEMS])
_OUTCOME = frozenset([Needs.AGENT_ALONE, Needs.PROFILE])
_HANDED_OUT = frozenset([Needs.OPEN_ITEMS])
_EDITABLE = frozenset([Kind.ACTION, Kind.TOOL_CALL, Kind.MEMORY, Kind.POLICY_EXCEPTION])  # what has parameters


def _grantable(state: PackageState) -> bool:
    return state.level is not HITLLevel.HUMAN_TAKEOVER and state.kind is not Kind.QUESTION


def _editable(state: PackageState) -> bool:
    return _grantable(state) and state.kind in _EDITABLE


def _revocable(state: PackageState) -> bool:
    return state.proceeds and state.execution.state is ExecutionState.NONE


def _always(_: PackageState) -> bool:
    return True


# fmt: off
VERBS = build_table([
    VerbSpec(command=Submit, by=_AGENT, requires=None, taken_in=(), begins=submit, needs=_PROPOSAL),
    VerbSpec(command=commands.Approve, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.APPROVED), rule=decisions.approve, offered=_grantable),
    VerbSpec(command=commands.ApproveWithEdits, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.APPROVED), rule=decisions.approve_with_edits, offered=_editable,
             needs=frozenset([Needs.CONTENT, Needs.PROFILE, Needs.MEMORY, Needs.OPEN_ITEMS])),
    VerbSpec(command=commands.Answer, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.APPROVED,), rule=decisions.answer, offered=lambda state: state.kind is Kind.QUESTION),
    VerbSpec(command=commands.HumanOverrideCommand, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             leads_to=(S.PENDING, S.OVERRIDDEN), rule=decisions.override, offered=_grantable,
             needs=frozenset([Needs.CONTENT])),
    VerbSpec(command=commands.Object, by=_PEOPLE, requires=_STOP, taken_in=_PENDING,
             leads_to=_PENDING, rule=escalation.object_, offered=lambda state: state.soft),
    VerbSpec(command=commands.Reject, by=_PEOPLE, requires=_STOP, taken_in=_OPEN,
             leads_to=(S.REJECTED,), rule=decisions.reject, offered=_always),
    VerbSpec(command=commands.Revise, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             leads_to=(S.REVISION_REQUESTED,), rule=decisions.revise, offered=_always),
    VerbSpec(command=commands.RequestMoreEvidence, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             leads_to=(S.EVIDENCE_REQUESTED,), rule=decisions.request_more_evidence, offered=_always),
    VerbSpec(command=commands.Escalate, by=_PEOPLE, requires=_ROUTE, taken_in=_PENDING,
             leads_to=_PENDING, rule=escalation.escalate, needs=_HANDED_OUT,
             offered=lambda state: state.task.rung < state.terms.top),
    VerbSpec(command=commands.Defer, by=_PEOPLE, requires=_ROUTE, taken_in=_PENDING,
             leads_to=(S.DEFERRED,), rule=decisions.defer, offered=_always),
    VerbSpec(command=commands.TakeOver, by=_PEOPLE, requires=Standard.TAKE_OVER, taken_in=_OPEN,
             leads_to=(S.TAKEN_OVER,), rule=decisions.take_over, offered=_always),
    # Given by who took over, by an admin, or, where nobody did, by who could have.
    VerbSpec(command=commands.HandBack, by=_PEOPLE, requires=_OWN, taken_in=(S.TAKEN_OVER, S.EXPIRED, S.CANCELLED),
             rule=tasks.hand_back, offered=lambda state: state.holds_thread),
    VerbSpec(command=commands.Recuse, by=_PEOPLE, requires=_ROUTE, taken_in=_OPEN,
             rule=tasks.recuse, offered=_always, needs=_HANDED_OUT),
    VerbSpec(command=commands.ClaimTask, by=_PEOPLE, requires=_ROUTE, taken_in=_ASKING,
             rule=tasks.claim_task, offered=lambda state: state.task.assigned_to is None),
    VerbSpec(command=commands.Assign, by=(ActorKind.PERSON, ActorKind.AUTO), requires=Standard.ADMIN, taken_in=_ASKING,
             rule=tasks.assign, needs=_HANDED_OUT),
    VerbSpec(command=commands.Extend, by=_PEOPLE, requires=_PROCEED, taken_in=_PENDING,
             rule=tasks.extend, offered=lambda state: not state.soft),
    VerbSpec(command=commands.Comment, by=_PEOPLE, requires=_ROUTE, taken_in=_ANY, rule=tasks.comment, offered=_always),
    VerbSpec(command=commands.Wake, by=_PEOPLE, requires=_ROUTE, taken_in=(S.DEFERRED,),
             leads_to=_PENDING, rule=tasks.wake, offered=_always, needs=_HANDED_OUT),
    VerbSpec(command=commands.Withdraw, by=(ActorKind.PERSON, ActorKind.AGENT), requires=Standard.PARTY,
             taken_in=(*_OPEN, S.CANCELLED), leads_to=(S.CANCELLED,), rule=tasks.withdraw,
             offered=lambda state: not state.status.terminal),
    VerbSpec(command=commands.Revoke, by=_PEOPLE, requires=_STOP, taken_in=_GRANTED,
             leads_to=(S.REVOKED,), rule=tasks.revoke, offered=_revocable),
    VerbSpec(command=commands.Judge, by=_PEOPLE, requires=_PROCEED, taken_in=_GRANTED, rule=tasks.judge, needs=_OUTCOME,
             offered=lambda state: state.sampled and state.verdict is None),
    VerbSpec(command=commands.Show, by=_SERVICE, requires=None, taken_in=_ANY,
             rule=tasks.show, needs=frozenset([Needs.CARDS])),
    # Anyone known may open these: it changes only what is recorded of their own reading.
    VerbSpec(command=commands.OpenDetails, by=_PEOPLE, requires=_OWN, taken_in=_ANY, rule=tasks.open_details),
    VerbSpec(command=commands.OpenForm, by=_PEOPLE, requires=_OWN, taken_in=_PENDING, rule=tasks.open_form),
    VerbSpec(command=commands.NewVersion, by=_AGENT, requires=None, taken_in=_OPEN,
             leads_to=_PENDING, rule=versions.new_version, needs=_PROPOSAL | {Needs.CONTENT}),
    VerbSpec(command=commands.ClaimExecution, by=_AGENT, requires=None, taken_in=_ANY, rule=execution.claim_execution,
             needs=frozenset([Needs.AGENT, Needs.THREAD, Needs.WORDS, Needs.PROFILE, Needs.MEMORY])),
    VerbSpec(command=commands.ReportExecution, by=_AGENT, requires=None, taken_in=_GRANTED,
             rule=execution.report_execution, needs=_OUTCOME),
    VerbSpec(command=clock_commands.Remind, by=_SERVICE, requires=None, taken_in=(S.PENDING, *_GRANTED),
             rule=timers.remind, due=timers.is_due),
    VerbSpec(command=clock_commands.Consent, by=_SERVICE, requires=None, taken_in=_PENDING,
             leads_to=(S.PENDING, S.CONSENTED, S.EXPIRED), rule=timers.consent, due=timers.is_due,
             needs=frozenset([Needs.AGENT, Needs.CARDS, Needs.MEMORY])),
    VerbSpec(command=clock_commands.Climb, by=_SERVICE, requires=None, taken_in=_PENDING,
             leads_to=(S.PENDING, S.EXPIRED), rule=timers.climb, due=timers.is_due, needs=_HANDED_OUT),
    VerbSpec(command=clock_commands.Relieve, by=_SERVICE, requires=None, taken_in=_ASKING,
             rule=absences.relieve, due=absences.relief_is_due, needs=_HANDED_OUT),
    VerbSpec(command=clock_commands.Harden, by=_SERVICE, requires=None, taken_in=_OPEN,
             rule=timers.lose_proof, due=lambda state, _, __: state.soft),
    VerbSpec(command=clock_commands.Expire, by=_SERVICE, requires=None, taken_in=_OPEN,
             leads_to=(S.EXPIRED, S.CANCELLED, S.DEFERRED), rule=timers.expire, due=timers.is_due),
    VerbSpec(command=clock_commands.WakeUp, by=_SERVICE, requires=None, taken_in=(S.DEFERRED,),
             leads_to=_PENDING, rule=timers.wake_up, due=timers.is_due, needs=_HANDED_OUT),
    VerbSpec(command=clock_commands.Lapse, by=_SERVICE, requires=None, taken_in=_GRANTED,
             rule=execution.lapse, due=timers.is_due),
    VerbSpec(command=clock_commands.LoseTrack, by=_SERVICE, requires=None, taken_in=_GRANTED,
             rule=execution.lose_track, due=timers.is_due, needs=_OUTCOME),
])
# fmt: on


def _of_verbs() -> dict[Verb, VerbSpec]:
    """Where a person and the clock give the same verb, it is taken in the same statuses and leads the same way."""
    rows: dict[Verb, VerbSpec] = {}
    for row in VERBS.values():
        rows.setdefault(row.verb, row)
    return rows


SPEC_OF_VERB = _of_verbs()
_DECISIONS = {each.verb.value for each in concrete_commands(HumanDecisionCommand)}

if not _DECISIONS == {*HumanDecisionType} == DECISION_NAMES:
    raise TypeError("the names of decisions are not those of the commands by which people decide")
