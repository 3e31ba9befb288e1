"""What a command requires of the thread besides authority and status. The table of threads names these.

A check gets the thread, the command and the situation, and returns a refusal or None. It runs after authority and
status, and before anything changes.
"""

from __future__ import annotations

from rules.authority.key_limits import check_recent
from rules.reasons import Reason, Refusal, refuse
from rules.threads.authority import is_party
from rules.threads.commands import ResumeThread, ThreadCommand
from rules.threads.model import ThreadState, ThreadStatus
from rules.threads.situation import ThreadSituation

MAX_CHECKPOINTS, MAX_OFFERS = 60, 30  # of an agent, a minute


def check_nothing(_: ThreadState, __: ThreadCommand, ___: ThreadSituation) -> None:
    return None


def check_rate_of_checkpoints(_: ThreadState, __: ThreadCommand, situation: ThreadSituation) -> Refusal | None:
    limit = f"An agent may report {MAX_CHECKPOINTS} checkpoints a minute."
    return check_recent(situation.recent_checkpoints, MAX_CHECKPOINTS, limit, situation.now)


def check_rate_of_offers(_: ThreadState, __: ThreadCommand, situation: ThreadSituation) -> Refusal | None:
    limit = f"An agent may offer {MAX_OFFERS} threads a minute."
    return check_recent(situation.recent_offers, MAX_OFFERS, limit, situation.now)


def check_hold(state: ThreadState, _: ThreadCommand, situation: ThreadSituation) -> Refusal | None:
    """A held thread is held again only by an independent person, if a party holds it: the party cannot end that."""
    if state.status is not ThreadStatus.HELD:
        return None
    by_party, again_by_party = (is_party(state, situation, who) for who in (state.by, situation.actor.actor_id))
    return None if by_party and not again_by_party else refuse(Reason.THREAD_ALREADY_HELD, by=state.mention)


def check_resume(state: ThreadState, command: ResumeThread, _: ThreadSituation) -> Refusal | None:
    """A thread is resumed from the hold that its sender saw, and only from a checkpoint that is still known."""
    if command.seen_event_id not in (None, state.event_id):
        return refuse(Reason.THREAD_HELD_AGAIN, by=state.mention)
    known = [checkpoint.checkpoint_id for checkpoint in state.checkpoints]
    if command.checkpoint_id in (None, *known):
        return None
    return refuse(Reason.CHECKPOINT_UNKNOWN, checkpoint=command.checkpoint_id, known=", ".join(known) or "none")
