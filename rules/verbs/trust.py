"""What an outcome does to an agent's earned autonomy."""

from __future__ import annotations

from rules.people.autonomy import AutonomyProfile
from rules.state.commands import Verdict
from rules.state.events import EventType, level_change
from rules.state.model import Basis, ExecutionState, PackageState
from rules.state.situation import Situation
from rules.state.transition import Move, Transition

_WENT_WRONG = (ExecutionState.FAILED, ExecutionState.ROLLED_BACK, ExecutionState.UNKNOWN)


def by_people(state: PackageState) -> bool:
    return state.decision is not None and state.decision.basis in (Basis.HUMAN, Basis.QUORUM)


def reviewed(state: PackageState) -> bool:
    """Whether a person looked: before, by approving it, or after, by judging it sound."""
    return by_people(state) or state.verdict is Verdict.SOUND


def blamed(state: PackageState) -> bool:
    """Whether this package has already cost its agent a failure: it costs one, by whatever it shows."""
    return state.execution.state in _WENT_WRONG or state.verdict is Verdict.UNSOUND


def trusted(move: Move, *, success: bool) -> Transition:
    """Ends the move with the profile as the outcome leaves it, and with an event where the level changed."""
    before = profile_of(move.state, move.situation)
    after = before.record_outcome(success=success, now=move.situation.now, settings=move.situation.policy.autonomy)
    if after.current_level is not before.current_level:
        move.happen(EventType.AUTONOMY_CHANGED, reason=level_change(before.current_level, after.current_level))
    return move.done(after)


def profile_of(state: PackageState, situation: Situation) -> AutonomyProfile:
    return situation.profile or AutonomyProfile(
        agent_id=state.agent_id, action_type=state.action_type, current_level=situation.policy.autonomy.start
    )
