"""Decides a command for a thread: the checks of its row, and the new state.

Threads work as packages do (`rules.verbs.decide`): a table of verbs, a pure function, one event for each command. The
packages of the thread follow by commands of their own (`rules.threads.following`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.authority.key_limits import beyond_scope
from rules.authority.parties import bars_of
from rules.package.takeover_reach import names_held_with_thread
from rules.people.directory import Actor, ActorKind, ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.state.service_commands import HandOverWithThread, RevokeWithHandoff
from rules.state.transition import Words
from rules.threads import handing_over
from rules.threads.changes import ThreadStateChanges, apply_thread_changes
from rules.threads.commands import (
    CancelThread,
    HandoffCommand,
    HoldThread,
    OfferHandoff,
    ReportCheckpoint,
    ResumeThread,
    ThreadCommand,
    ThreadVerb,
)
from rules.threads.events import ThreadEventType
from rules.threads.handing_over import change_handoffs
from rules.threads.handoff import Handoff
from rules.threads.model import CHECKPOINTS_KEPT, Checkpoint, ThreadState, ThreadStatus
from rules.threads.situation import ThreadSituation
from rules.threads.table import THREAD_VERBS, ThreadVerbSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadTransition:
    """One event of the thread's record. Its packages follow the state after it (`rules.threads.following`)."""

    before: ThreadState
    after: ThreadState
    event_id: str
    event_type: ThreadEventType
    actor: Actor
    authority: ReviewerAuthorization | None
    policy_version: str
    at: datetime
    words: Words | None
    handed_over: tuple[HandOverWithThread | RevokeWithHandoff, ...] = ()


def decide_thread(state: ThreadState, command: ThreadCommand, situation: ThreadSituation) -> ThreadTransition | Refusal:
    """Check the command against its row, then build its event and the state after it. Nothing is performed here."""
    spec = THREAD_VERBS[type(command)]
    if situation.actor.kind not in spec.by:
        return refuse(Reason.A_BOT if ActorKind.PERSON in spec.by else Reason.THREAD_UNKNOWN)
    authority = None if situation.actor.kind is ActorKind.AUTO else spec.requires(state, situation)
    if isinstance(authority, Refusal):
        return authority
    if refusal := _check_status(spec, state) or spec.check(state, command, situation):
        return refusal
    event_id = f"evt_{situation.fresh_id}"
    changes = _changes(spec, state, command, situation, event_id)
    if isinstance(changes, Refusal):
        return changes
    if spec.leads_to:
        changes["role"] = authority.role if authority else None
    after = apply_thread_changes(state, changes, situation.now)
    return ThreadTransition(
        before=state,
        after=after,
        event_id=event_id,
        event_type=spec.event_type,
        actor=situation.actor,
        authority=authority,
        policy_version=situation.policy.full_version,
        at=situation.now,
        words=_words(command),
        handed_over=tuple(_handed_over(state, situation, after, event_id)),
    )


_TRIALS: tuple[type[ThreadCommand], ...] = (HoldThread, ResumeThread, CancelThread)


def try_thread_verbs(state: ThreadState, situation: ThreadSituation) -> Mapping[ThreadVerb, Refusal | None]:
    """What people can do, and why the actor may not do it now. Each command is tried with words that are accepted."""
    results = {kind.verb: decide_thread(state, _trial(kind, state), situation) for kind in _TRIALS}
    return {verb: result if isinstance(result, Refusal) else None for verb, result in results.items()}


def _trial(kind: type[ThreadCommand], state: ThreadState) -> ThreadCommand:
    words = {} if kind is ResumeThread else {"reason": "?"}
    return kind.model_validate({"command_id": "trial", "thread_id": state.thread_id, **words})


def _check_status(spec: ThreadVerbSpec, state: ThreadState) -> Refusal | None:
    if state.status in spec.taken_in:
        return None
    match state.status:
        case ThreadStatus.CANCELLED:
            return refuse(Reason.THREAD_CANCELLED)
        case ThreadStatus.HELD:
            return refuse(Reason.THREAD_HELD)
        case _:
            return refuse(Reason.THREAD_NOT_HELD)


def _changes(
    spec: ThreadVerbSpec, state: ThreadState, command: ThreadCommand, situation: ThreadSituation, event_id: str
) -> ThreadStateChanges | Refusal:
    if isinstance(command, OfferHandoff | HandoffCommand):
        return change_handoffs(state, command, situation, event_id)
    if isinstance(command, ReportCheckpoint):
        return {"checkpoints": _with_checkpoint(state, command, situation, event_id)}
    return {
        "status": spec.leads_to or state.status,
        "by": situation.actor.actor_id,
        "since": situation.now,
        "event_id": event_id,
        "resume_checkpoint_id": command.checkpoint_id if isinstance(command, ResumeThread) else None,
        "rollback_requested": isinstance(command, CancelThread) and command.rollback,
        "has_new_plan": isinstance(command, ResumeThread) and command.modified_state is not None,
        "handoffs": _handoffs(state, command, situation),
        "stopped_names": () if isinstance(command, ResumeThread) else _stopped_names(state, situation),
    }


def _handoffs(state: ThreadState, command: ThreadCommand, situation: ThreadSituation) -> tuple[Handoff, ...]:
    """The end of a hold, or another hold, moves the ends of handoffs. A cancellation ends them."""
    if isinstance(command, CancelThread):
        return handing_over.cancelled(state)
    return handing_over.suspended(state, situation) if state.status is ThreadStatus.HELD else state.handoffs


def _with_checkpoint(
    state: ThreadState, command: ReportCheckpoint, situation: ThreadSituation, event_id: str
) -> tuple[Checkpoint, ...]:
    others = [point for point in state.checkpoints if point.checkpoint_id != command.checkpoint_id]
    new = Checkpoint(checkpoint_id=command.checkpoint_id, event_id=event_id, at=situation.now)
    return (*others, new)[-CHECKPOINTS_KEPT:]


def _stopped_names(state: ThreadState, situation: ThreadSituation) -> tuple[str, ...]:
    """The thread, and the parts of its runs: a package that leaves out the thread does not escape the hold."""
    return names_held_with_thread(state.thread_id, {package.run_id for package in situation.packages})


# The fields of commands that are no texts and no data of the agent: the event or the state holds them.
_NO_WORDS = {"command_id", "thread_id", "seen_event_id", "to_agent", "mode", "decision_package_id", "handoff_id"}


def _words(command: ThreadCommand) -> Words | None:
    texts = command.model_dump(mode="json", exclude=_NO_WORDS, exclude_none=True)
    return texts or None


def _handed_over(
    state: ThreadState, situation: ThreadSituation, after: ThreadState, event_id: str
) -> Iterator[HandOverWithThread | RevokeWithHandoff]:
    """After a delegation that ended by itself, only what the other agent's key covers goes back."""
    if after.owner_agent == state.owner_agent:
        return
    new, old = situation.agents[after.owner_agent], situation.agents.get(state.owner_agent)
    if old is None or not old.may_act:
        return  # what a paused agent asked for waits with it
    for package in handing_over.packages_of(state.owner_agent, situation)[: handing_over.MAX_HANDED_OVER]:
        consequence: dict[str, Any] = {
            "command_id": f"{event_id}:{package.decision_package_id}",
            "decision_package_id": package.decision_package_id,
            "thread_key": state.thread_key,
            "thread_event_id": event_id,
            "since": situation.now,
            "role": situation.actor.actor_id,
        }
        if handing_over.is_granted_without_people(package):
            yield RevokeWithHandoff(**consequence)
        elif beyond_scope(new.scope, package, situation.roster) is None:
            yield HandOverWithThread(
                **consequence, agent_id=after.owner_agent, owner=after.owner, bars=bars_of(after.lineage)
            )
