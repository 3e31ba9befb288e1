"""What people must allow before a thread is handed over: an approved package that names exactly this handoff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.people.directory import Agent, reference
from rules.reasons import Reason, Refusal, refuse
from rules.state.decisions import Basis, ExecutionState
from rules.threads.handoff import HandoffMode
from rules.threads.model import ThreadState, thread_key
from rules.threads.situation import ThreadSituation

HANDOFF_ACTION = "hand_over_thread"  # the type of such a package


def not_allowed(because: str) -> Refusal:
    return refuse(Reason.HANDOFF_NOT_ALLOWED, because=because)


def check_allowed_by_people(
    state: ThreadState,
    mode: HandoffMode,
    target: Agent,
    package_id: str | None,
    handoff_id: str,
    *,
    situation: ThreadSituation,
) -> Refusal | None:
    """If the policy wants a person to allow it: whether this package is their approval of exactly this handoff."""
    giver = situation.agents[state.owner_agent]
    if not any(line.needs_person for line in situation.policy.handoffs.lines(giver.name, target.name, mode)):
        return None
    if package_id is None:
        return refuse(Reason.HANDOFF_NEEDS_PERSON, action_type=HANDOFF_ACTION)
    if because := _why_not_approved(state, mode, target, handoff_id, situation):
        return not_allowed(f"package {package_id} does not allow it, because {because}")
    return None


# A package is claimed for the offer, and its execution is reported once the thread is offered.
_USABLE = (ExecutionState.CLAIMED, ExecutionState.SUCCEEDED)
_BY_PEOPLE = (Basis.HUMAN, Basis.QUORUM)


def _why_not_approved(
    state: ThreadState, mode: HandoffMode, target: Agent, handoff_id: str, situation: ThreadSituation
) -> str | None:
    permit = situation.permit
    if permit is None or permit.state.agent_id != state.owner_agent:
        return "it is no package of this agent"
    package, owner = permit.state, situation.roster.user_of_reference(reference(target.owner))
    faults = {
        f"it must have the type {HANDOFF_ACTION} and just the parameters thread_id, to_agent and mode": (
            package.action_type != HANDOFF_ACTION or not _names_handoff(permit.parameters, state, mode, target)
        ),
        "it is not approved and claimed": not package.proceeds
        or not (package.execution.state in _USABLE or permit.used_by == handoff_id),
        "no person approved it": package.decision is None or package.decision.basis not in _BY_PEOPLE,
        "it allowed another handoff already": permit.used_by not in (None, handoff_id),
        "the other agent's owner approved it; someone independent must": (
            owner in {vote.reviewer_id for vote in package.votes}
        ),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def _names_handoff(parameters: Mapping[str, Any], state: ThreadState, mode: HandoffMode, target: Agent) -> bool:
    thread_id = parameters.get("thread_id")
    wanted = [{"thread_id": thread_id, "to_agent": name, "mode": mode.value} for name in (target.name, target.agent_id)]
    return isinstance(thread_id, str) and thread_key(thread_id) == state.thread_key and dict(parameters) in wanted
