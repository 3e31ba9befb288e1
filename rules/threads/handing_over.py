"""The rules of handoffs: an agent offers its thread to another one, which accepts or declines it.

A peer gets the thread for good. A delegate gets it until it returns it with a result, and may lend it on. With the
thread go its packages that are open or have an unused approval, if the key of the new agent covers all of them.
Everyone who was barred stays barred, and so are the owners of all its agents.
"""

from __future__ import annotations

from hashlib import sha256

from rules.authority.key_limits import beyond_scope, check_open_packages
from rules.people.agent_keys import Load
from rules.people.directory import Agent, AgentStanding, reference
from rules.people.lineage import Lineage
from rules.reasons import Reason, Refusal, refuse
from rules.state.decisions import WITHOUT_PEOPLE
from rules.state.model import PackageState
from rules.threads.changes import ThreadStateChanges
from rules.threads.commands import (
    AcceptHandoff,
    DeclineHandoff,
    HandoffCommand,
    OfferHandoff,
    ReturnHandoff,
)
from rules.threads.handoff import Handoff, HandoffMode, HandoffStatus
from rules.threads.model import HANDOFFS_KEPT, ThreadState
from rules.threads.permits import HANDOFF_ACTION, check_allowed_by_people, not_allowed
from rules.threads.situation import ThreadSituation
from rules.values import Moment

MAX_HANDED_OVER = 200  # packages: all go over in one transaction


def change_handoffs(
    state: ThreadState, command: OfferHandoff | HandoffCommand, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    """What the command changes in the thread."""
    if isinstance(command, OfferHandoff):
        return _offer(state, command, situation, event_id)
    handoff = known_handoff(state, command.handoff_id)
    if handoff is None:
        return refuse(Reason.HANDOFF_UNKNOWN)
    match command:
        case AcceptHandoff():
            return _accept(state, handoff, situation, event_id)
        case DeclineHandoff():
            return _decline(state, handoff, situation, event_id)
        case ReturnHandoff():
            return _return(state, handoff, situation, event_id)
        case _:
            return _end(state, handoff, situation)


_NO_LINE = (
    "the policy does not let this agent hand it to {to_agent} as a {mode}. Only active agents can get a thread, and"
    " both must have the same owner, unless [handoffs] has a line for them"
)


def handoff_id_of(command: OfferHandoff) -> str:
    """The same for a repeated command, so that its answer names the same handoff."""
    return "hof_" + sha256(command.command_id.encode()).hexdigest()[:26]


def known_handoff(state: ThreadState, handoff_id: str) -> Handoff | None:
    return next((handoff for handoff in state.handoffs if handoff.handoff_id == handoff_id), None)


def _offer(
    state: ThreadState, command: OfferHandoff, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    target, handoff_id = situation.target, handoff_id_of(command)
    if refusal := _check_giver(state, situation):
        return refusal
    if target is None:  # refused like one that is not allowed, so that an agent does not learn of others
        return not_allowed(_NO_LINE.format(to_agent=command.to_agent, mode=command.mode))
    refusal = (
        _check_target(state, command, target, situation)
        or (not_allowed(f"it is already offered ({state.offered.handoff_id})") if state.offered else None)
        or check_allowed_by_people(
            state, command.mode, target, command.decision_package_id, handoff_id, situation=situation
        )
    )
    if refusal:
        return refusal
    handoff = Handoff(
        handoff_id=handoff_id,
        from_agent=state.owner_agent,
        to_agent=target.agent_id,
        mode=command.mode,
        offered_at=situation.now,
        due_at=situation.now + situation.policy.handoffs.answer_within,
        event_id=event_id,
        decision_package_id=command.decision_package_id,
    )
    return {"handoffs": _kept((*state.handoffs, handoff))}


def _kept(handoffs: tuple[Handoff, ...]) -> tuple[Handoff, ...]:
    """All but the oldest closed handoffs, of which the state keeps a limited number."""
    closed = [handoff.handoff_id for handoff in handoffs if not handoff.is_open]
    dropped = set(closed[: max(0, len(handoffs) - HANDOFFS_KEPT)])
    return tuple(handoff for handoff in handoffs if handoff.handoff_id not in dropped)


def _check_giver(state: ThreadState, situation: ThreadSituation) -> Refusal | None:
    giver = situation.agents.get(state.owner_agent)
    if giver is None or not giver.may_act:
        return refuse(Reason.AGENT_PAUSED)
    holder = next((package for package in situation.packages if package.holds_thread), None)
    return refuse(Reason.THREAD_TAKEN_OVER, package=holder.decision_package_id) if holder else None


def _check_target(
    state: ThreadState, command: OfferHandoff, target: Agent, situation: ThreadSituation
) -> Refusal | None:
    giver = situation.agents[state.owner_agent]
    if target.agent_id == giver.agent_id:
        return not_allowed("an agent cannot hand over to itself")
    if not _is_allowed(giver, target, command.mode, situation):
        return not_allowed(_NO_LINE.format(to_agent=command.to_agent, mode=command.mode))
    if state.lent and command.mode is HandoffMode.PEER:
        return not_allowed("it was lent to this agent, which can only return it or lend it on")
    if target.agent_id in {lent.from_agent for lent in state.lent}:
        return not_allowed(f"{target.name} waits for its return, so return it instead")
    return None


def _is_allowed(giver: Agent, target: Agent, mode: HandoffMode, situation: ThreadSituation) -> bool:
    lines = situation.policy.handoffs.lines(giver.name, target.name, mode)
    return target.may_act and (giver.owner == target.owner or bool(lines))


def _accept(
    state: ThreadState, handoff: Handoff, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    """Everything is proved again: since the offer, agents, keys and the policy may have changed."""
    if refusal := _check_answer(handoff, situation):
        return refusal
    giver, target = situation.agents.get(handoff.from_agent), situation.agents[handoff.to_agent]
    if not target.may_act:
        return refuse(Reason.AGENT_PAUSED)
    if giver is None or not giver.may_act:
        return not_allowed("the agent that offered it is paused or revoked")
    if not _is_allowed(giver, target, handoff.mode, situation):
        return not_allowed(_NO_LINE.format(to_agent=target.name, mode=handoff.mode))
    moving = packages_of(handoff.from_agent, situation)
    asking = sum(not package.status.terminal for package in moving)
    refusal = (
        _check_giver(state, situation)
        or check_allowed_by_people(
            state, handoff.mode, target, handoff.decision_package_id, handoff.handoff_id, situation=situation
        )
        or _check_keys(moving, target, situation)
        # The check asks whether one more has room, so that all but one count as open already.
        or check_open_packages(target.rates, Load(open=situation.open_packages + asking - 1 if asking else 0))
    )
    if refusal:
        return refusal
    lent = handoff.mode is HandoffMode.DELEGATE
    due_at = situation.now + situation.policy.handoffs.return_within if lent else None
    answered = _answered(handoff, HandoffStatus.ACCEPTED, event_id, due_at=due_at)
    return _owned_by(target, state, situation) | {"handoffs": _replace(state, answered)}


def _check_answer(handoff: Handoff, situation: ThreadSituation) -> Refusal | None:
    if situation.actor.actor_id != handoff.to_agent:
        return refuse(Reason.HANDOFF_UNKNOWN)
    if handoff.status is not HandoffStatus.OFFERED:
        return refuse(Reason.HANDOFF_NOT_OPEN, status=handoff.status)
    return None


def _check_keys(packages: tuple[PackageState, ...], target: Agent, situation: ThreadSituation) -> Refusal | None:
    """The packages become the target's, so its key must cover each of them, and the directory must be fresh."""
    if len(packages) > MAX_HANDED_OVER:
        return not_allowed(f"it has {len(packages)} open packages, and {MAX_HANDED_OVER} are the most")
    waiting = any(not package.status.terminal for package in packages)
    if waiting and not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    for package in packages:
        if is_granted_without_people(package):
            continue  # it ends
        if beyond := beyond_scope(target.scope, package, situation.roster):
            asked = f"package {package.decision_package_id} ({beyond.asked})"
            return refuse(Reason.BEYOND_KEY, asked=asked, allowed=beyond.allowed)
    return None


def packages_of(agent_id: str, situation: ThreadSituation) -> tuple[PackageState, ...]:
    """The agent's packages that go with the thread: what waits and what is permitted, but not what already runs.

    What allows this agent to hand over allows it to no other.
    """
    return tuple(
        package
        for package in situation.packages
        if package.agent_id == agent_id
        and package.action_type != HANDOFF_ACTION
        and (not package.status.terminal or package.is_unused)
    )


def is_granted_without_people(package: PackageState) -> bool:
    """Whether the policy or silence permits it, and no person: that permission is not handed over."""
    by_nobody = package.decision is not None and package.decision.basis in WITHOUT_PEOPLE
    return package.is_unused and by_nobody and not package.retry_open


def _decline(
    state: ThreadState, handoff: Handoff, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    if refusal := _check_answer(handoff, situation):
        return refusal
    return {"handoffs": _replace(state, _answered(handoff, HandoffStatus.DECLINED, event_id))}


def _return(
    state: ThreadState, handoff: Handoff, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    """Back to the agent that lent it, with the packages that are still open."""
    if situation.actor.actor_id != handoff.to_agent:
        return refuse(Reason.HANDOFF_UNKNOWN)
    if not state.lent or state.lent[-1] != handoff:
        return refuse(Reason.HANDOFF_NOT_OPEN, status=handoff.status)
    giver, delegate = situation.agents.get(handoff.from_agent), situation.agents[handoff.to_agent]
    if not delegate.may_act:
        return refuse(Reason.AGENT_PAUSED)
    if giver is None or not giver.may_act:
        return not_allowed("the agent that lent it is paused or revoked")
    if refusal := _check_keys(packages_of(handoff.to_agent, situation), giver, situation):
        return refusal
    returned = _answered(handoff, HandoffStatus.RETURNED, event_id)
    offers = [_answered(state.offered, HandoffStatus.CANCELLED)] if state.offered else []
    return _owned_by(giver, state, situation) | {"handoffs": _replace(state, returned, *offers)}


def _end(state: ThreadState, handoff: Handoff, situation: ThreadSituation) -> ThreadStateChanges | Refusal:
    """An offer that nobody answered, or a delegation that nobody returned: with it end those that follow from it."""
    if handoff.due_at is None or not handoff.is_open or situation.now < handoff.due_at:
        return refuse(Reason.HANDOFF_NOT_OPEN, status=handoff.status)
    if not handoff.is_lent:
        return {"handoffs": _replace(state, _answered(handoff, HandoffStatus.TIMED_OUT))}
    later = state.lent[state.lent.index(handoff) :]
    ended = [_answered(lent, HandoffStatus.TIMED_OUT) for lent in (*later, *([state.offered] if state.offered else []))]
    giver = situation.agents.get(handoff.from_agent)
    # If nobody is there to whom it could return, the delegate keeps the thread.
    returns = giver is not None and giver.standing is not AgentStanding.REVOKED
    owned: ThreadStateChanges = _owned_by(giver, state, situation) if giver and returns else {}
    return owned | {"handoffs": _replace(state, *ended)}


def _answered(
    handoff: Handoff, status: HandoffStatus, event_id: str | None = None, due_at: Moment | None = None
) -> Handoff:
    return handoff.model_copy(update={"status": status, "answer_event_id": event_id, "due_at": due_at})


def _replace(state: ThreadState, *changed: Handoff) -> tuple[Handoff, ...]:
    new = {handoff.handoff_id: handoff for handoff in changed}
    return tuple(new.get(handoff.handoff_id, handoff) for handoff in state.handoffs)


def _owned_by(agent: Agent, state: ThreadState, situation: ThreadSituation) -> ThreadStateChanges:
    return {"owner_agent": agent.agent_id, "owner": agent.owner, "lineage": _lineage(agent, state, situation)}


def _lineage(agent: Agent, state: ThreadState, situation: ThreadSituation) -> Lineage:
    """All agents that have had the thread, their owners, and the parties of their packages in it."""
    earlier = state.lineage or Lineage()
    owners = (situation.roster.user_of_reference(reference(owner)) for owner in (state.owner, agent.owner))
    return Lineage(
        agents=tuple(dict.fromkeys((*earlier.agents, state.owner_agent, agent.agent_id))),
        owners=tuple(dict.fromkeys((*earlier.owners, *owners))),
        parties=tuple(dict.fromkeys((*earlier.parties, *situation.parties))),
    )


def suspended(state: ThreadState, situation: ThreadSituation) -> tuple[Handoff, ...]:
    """After a hold, or a part of it: each handoff is due later by the time that the thread stood still."""
    held_for = situation.now - (state.since or situation.now)
    return tuple(
        handoff.model_copy(update={"due_at": handoff.due_at + held_for}) if handoff.due_at else handoff
        for handoff in state.handoffs
    )


def cancelled(state: ThreadState) -> tuple[Handoff, ...]:
    """With its thread, every open handoff ends."""
    open_ones = [_answered(handoff, HandoffStatus.CANCELLED) for handoff in state.handoffs if handoff.is_open]
    return _replace(state, *open_ones)
