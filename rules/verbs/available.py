"""What a package can still be given by people: what is not offered here is on no card.

Whether the person who looks at it may do it is asked at the click, by `rules.verbs.table`, and again there alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rules.package.model import DECISION_NAMES, Kind
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import ExecutionState, PackageState
from rules.verbs.table import takes

_EDITABLE = frozenset([Kind.ACTION, Kind.TOOL_CALL, Kind.MEMORY, Kind.POLICY_EXCEPTION])  # what has parameters

# In the order in which they are offered; what the service, the agent or an admin does is not on a card.
_ORDER = (
    Verb.APPROVE,
    Verb.ANSWER,
    Verb.REJECT,
    Verb.REVISE,
    Verb.ESCALATE,
    Verb.OBJECT,
    Verb.REQUEST_MORE_EVIDENCE,
    Verb.DEFER,
    Verb.OVERRIDE,
    Verb.TAKE_OVER,
    Verb.RECUSE,
    Verb.CLAIM_TASK,
    Verb.APPROVE_WITH_EDITS,
    Verb.COMMENT,
    Verb.EXTEND,
    Verb.WAKE,
    Verb.WITHDRAW,
    Verb.REVOKE,
    Verb.HAND_BACK,
    Verb.JUDGE,
)


def offered(state: PackageState) -> tuple[Verb, ...]:
    """Every verb that somebody with the right authority could give this package now."""
    return tuple(verb for verb in _ORDER if takes(state, verb) and _allowed(state, verb) and _sensible(state, verb))


def _allowed(state: PackageState, verb: Verb) -> bool:
    allowed = state.allowed_decisions
    return allowed is None or verb is Verb.OBJECT or verb.value not in DECISION_NAMES or verb.value in allowed


def _sensible(state: PackageState, verb: Verb) -> bool:
    asks = _ASKS.get(verb)
    return asks is None or asks(state)


def _can_be_granted(state: PackageState) -> bool:
    return state.level is not HITLLevel.HUMAN_TAKEOVER and state.kind is not Kind.QUESTION


def _unclaimed(state: PackageState) -> bool:
    return state.execution.state is ExecutionState.NONE


_ASKS: Mapping[Verb, Callable[[PackageState], bool]] = {
    Verb.APPROVE: _can_be_granted,
    Verb.OVERRIDE: _can_be_granted,
    Verb.APPROVE_WITH_EDITS: lambda state: _can_be_granted(state) and state.kind in _EDITABLE,
    Verb.ANSWER: lambda state: state.kind is Kind.QUESTION,
    Verb.OBJECT: lambda state: state.soft,
    Verb.ESCALATE: lambda state: state.task.rung < state.terms.top,
    Verb.CLAIM_TASK: lambda state: state.task.assigned_to is None,
    Verb.EXTEND: lambda state: not state.soft,
    Verb.WITHDRAW: lambda state: not state.status.terminal,
    Verb.REVOKE: lambda state: state.proceeds and _unclaimed(state),
    Verb.HAND_BACK: lambda state: state.holds_thread,
    Verb.JUDGE: lambda state: state.sampled and state.verdict is None,
}
