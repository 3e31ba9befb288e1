"""How a failed action is described, and what people decided about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.kit.elements import Run, moment
from blocks.kit.text import pluralize
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.sentences import agent_name, person_name
from rules.state.decisions import ExecutionState, RecoveryDecision
from rules.state.events import EventType
from rules.state.model import PackageState
from rules.wording import humanize

_RECOVERED: Mapping[RecoveryDecision, str] = {
    RecoveryDecision.RETRY: "Retry allowed",
    RecoveryDecision.ROLLBACK: "Rollback requested",
    RecoveryDecision.ABANDON: "Closed",
}


def recovery_facts(state: PackageState) -> Iterator[list[Run]]:
    if state.retry_open and state.lapses_at and not state.hold:
        yield ["Retry allowed, until ", moment(state.lapses_at)]
    elif state.recovery:
        yield [f"{_RECOVERED[state.recovery.decision]} ", moment(state.recovery.at)]
    elif state.retry_votes:
        yield [f"{pluralize(len(state.retry_votes), 'vote')} for a retry; {state.terms.quorum} needed"]


def recovery_sentence(dossier: Dossier) -> str:
    """Who decided what after a failure; empty if nobody has."""
    recovery = dossier.state.recovery
    return _decided(dossier, recovery.decision, recovery.by.reviewer_id) if recovery else ""


def _decided(dossier: Dossier, decision: RecoveryDecision, user_id: str) -> str:
    name, agent = person_name(dossier, user_id), agent_name(dossier)
    match decision:
        case RecoveryDecision.RETRY:
            return f"{name} allowed {agent} to try once more."
        case RecoveryDecision.ROLLBACK:
            return f"{name} asked {agent} to undo it."
        case RecoveryDecision.ABANDON:
            return f"{name} closed it: it stays as it is."


def answer_sentence(dossier: Dossier, event: HistoryEvent) -> str:
    """What came after a failure: the decision of a person, or another report of the agent."""
    if decision := _DECISION_OF_EVENT.get(event.event_type):
        return _decided(dossier, decision, event.actor)
    outcome = humanize(event.event_type.removeprefix("execution."))
    return f"{agent_name(dossier)} reported another outcome later: {outcome}."


_DECISION_OF_EVENT: Mapping[str, RecoveryDecision] = {
    EventType.PACKAGE_RETRY_ALLOWED: RecoveryDecision.RETRY,
    EventType.PACKAGE_ROLLBACK_REQUESTED: RecoveryDecision.ROLLBACK,
    EventType.PACKAGE_CLOSED: RecoveryDecision.ABANDON,
}


def failure_sentence(dossier: Dossier, state: ExecutionState) -> str:
    """How an action that was approved failed."""
    return _FAILED[state].format(agent=agent_name(dossier))


_FAILED: Mapping[ExecutionState, str] = {
    ExecutionState.FAILED: "{agent} reports that this failed.",
    ExecutionState.ROLLED_BACK: "{agent} reports that this was rolled back.",
    ExecutionState.UNKNOWN: "{agent} claimed this and reported no outcome in time. It may have happened.",
}
